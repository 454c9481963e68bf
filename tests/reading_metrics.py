"""A node's figures, read as Prometheus reads them."""

import httpx2
from prometheus_client.parser import text_string_to_metric_families


def figures_in(text: str) -> dict[str, float]:
    """Each series of an exposition by its name, with its labels in the order of their names: ``name{a=1,b=2}``."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def figures_of(url: str) -> dict[str, float]:
    return figures_in(httpx2.get(f"{url}/metrics", timeout=10).text)
