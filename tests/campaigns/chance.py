"""Dice that fall the same again for the same seed."""

from random import Random


def dice(seed: int, what: str) -> Random:
    """One set for each thing that is decided, so that how often one is thrown does not change another."""
    return Random(f"{seed} {what}")  # noqa: S311 - nothing secret
