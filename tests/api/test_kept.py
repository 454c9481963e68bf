"""What is kept in memory is found again, and never more of it than so much."""

from server.api.kept import Kept


def test_what_was_asked_for_longest_ago_goes_first() -> None:
    """Asking counts, not only keeping."""
    kept = Kept[str](most=20, longest=10)
    kept.keep("a", "A", 10)
    kept.keep("b", "B", 10)
    assert kept.get("a") == "A"
    kept.keep("c", "C", 10)
    assert [kept.get(key) for key in "abc"] == ["A", None, "C"]


def test_what_is_too_long_is_not_kept() -> None:
    """One long thing must not push all others out."""
    kept = Kept[str](most=20, longest=10)
    kept.keep("a", "A", 10)
    kept.keep("b", "B", 11)
    assert (kept.get("a"), kept.get("b")) == ("A", None)


def test_keeping_a_thing_twice_counts_it_once() -> None:
    """Two who read the same at once both keep it."""
    kept = Kept[str](most=20, longest=10)
    for key in "aab":
        kept.keep(key, key, 10)
    assert (kept.get("a"), kept.get("b")) == ("a", "b")
