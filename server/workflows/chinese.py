"""Chinese titles and descriptions for parameters, so that a form in Chinese has no English in it."""

from collections.abc import Callable, Mapping
from typing import Any


def zh(title: str, description: str) -> dict[str, Any]:
    """For `json_schema_extra` of a field: its title and description in Chinese."""
    return {"zh": {"title": title, "description": description}}


def titled(titles: Mapping[str, str | tuple[str, str]]) -> Callable[[dict[str, Any]], None]:
    """
    For `json_schema_extra` of a model's configuration.

    :param titles: of properties, by name; or title and description. A property that says its own Chinese keeps it.
    """

    def add(schema: dict[str, Any]) -> None:
        for name, each in schema.get("properties", {}).items():
            if name in titles:
                told = titles[name]
                title, description = (told, "") if isinstance(told, str) else told
                each.setdefault("zh", {"title": title, "description": description})

    return add
