"""Which addresses a model may have opened."""

import pytest

from server.sources.offered import LONGEST_CHOSEN_URL, may_open

OFFERED = ["https://a.example/page?x=1", "http://b.example", "javascript:alert(1)"]


@pytest.mark.parametrize(
    "url", ["https://a.example/page?x=1", "https://A.example:443/page?x=1#part", "http://b.example/"]
)
def test_what_was_offered_may_be_opened_in_any_spelling(url: str) -> None:
    """A fragment never leaves the machine, and case of the host means nothing."""
    assert may_open(url, OFFERED)


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/page?x=secret",
        "https://a.example/page?x=1&y=secret",
        "https://secret.a.example/page?x=1",
        "http://a.example/page?x=1",
        "https://u:p@a.example/page?x=1",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "",
    ],
)
def test_what_the_model_changed_may_not(url: str) -> None:
    """One character of its own would be enough to carry something out, bit by bit."""
    assert not may_open(url, OFFERED)


def test_a_long_address_may_not_though_it_was_offered() -> None:
    """A hostile page can offer addresses with room for anything."""
    url = f"https://a.example/{'x' * LONGEST_CHOSEN_URL}"
    assert not may_open(url, [url])
