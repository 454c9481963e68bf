"""One spelling per address."""

import pytest

from server.sources.failures import SourceFailed
from server.sources.urls import canonical


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("HTTP://Example.ORG", "http://example.org/"),
        ("http://example.org:80/a#part", "http://example.org/a"),
        ("https://example.org:443/?q=1", "https://example.org/?q=1"),
        ("http://example.org:8080/a b", "http://example.org:8080/a%20b"),
        ("http://例子.测试/路径", "http://xn--fsqu00a.xn--0zwm56d/%E8%B7%AF%E5%BE%84"),
        ("http://[::1]:8000/x", "http://[::1]:8000/x"),
    ],
)
def test_spellings_of_one_address_become_one(url: str, expected: str) -> None:
    """Case of the host, default ports, fragments and raw characters make no difference."""
    assert canonical(url) == expected
    assert canonical(expected) == expected


@pytest.mark.parametrize(
    "url",
    ["", "example.org", "ftp://example.org/", "javascript:alert(1)", "http://", "http://a:b@example.org/", "http://[::1/",
     "http://example.org:99999/", "http://" + "a" * 3000, "http://a..b/"],
)  # fmt: skip
def test_what_can_not_be_fetched_is_refused(url: str) -> None:
    """Other schemes, no host, credentials, impossible ports, endless addresses."""
    with pytest.raises(SourceFailed) as caught:
        canonical(url)
    assert caught.value.code == "invalid_url"
