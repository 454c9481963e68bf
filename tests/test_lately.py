"""The things that were used last are kept, and no more of them than so many."""

from server.lately import Lately


def test_what_was_asked_for_longest_ago_goes_first() -> None:
    """Asking counts, not only keeping."""
    lately = Lately[str, int](most=2)
    lately.keep("a", 1)
    lately.keep("b", 2)
    assert lately.get("a") == 1
    lately.keep("c", 3)
    assert [lately.get(name) for name in "abc"] == [1, None, 3]


def test_what_is_kept_again_takes_the_place_of_the_older_one() -> None:
    """A name has one thing."""
    lately = Lately[str, int](most=2)
    lately.keep("a", 1)
    lately.keep("a", 2)
    assert lately.get("a") == 2
