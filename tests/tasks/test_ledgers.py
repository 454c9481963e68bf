"""Whose ledger it is: names are those of one kind of one user."""

from server.stores.memory import MemoryStore
from server.tasks.ledgers import StoredLedger


async def test_the_same_name_is_another_ledger_for_another_user_and_another_kind() -> None:
    """Nobody reads or writes in somebody else's by its name."""
    store = MemoryStore()
    mine = StoredLedger(store, "me", "novel", "night")
    assert await mine.enter(1, {"mine": True})
    for scope, kind, name in (("you", "novel", "night"), ("me", "extract", "night"), ("me", "novel", "day")):
        other = StoredLedger(store, scope, kind, name)
        assert await other.entries() == []
        assert await other.enter(1, "other")
    assert await mine.entries() == [{"mine": True}]
    assert await StoredLedger(store, "me", "novel", "night").entries() == [{"mine": True}]
