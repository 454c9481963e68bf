"""When foreshadowings are planted, reinforced and paid off: after what is fixed, spread over the chapters.

A pay-off comes after its plant, and what reinforces it lies between the two.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from server.workflows.novel.entities import Foreshadowing, Slot

SPANS = {"short": (0.02, 0.08), "medium": (0.1, 0.3), "long": (0.4, 0.8)}
"""How much of the novel lies between plant and pay-off, from and to."""
REINFORCEMENTS = {"short": 0, "medium": 1, "long": 3}

Standing = Literal["dropped", "paid", "overdue", "due", "waiting"]


@dataclass(frozen=True, slots=True)
class Window:
    """The chapters in which something is to pay off."""

    first: int
    last: int


def schedule(foreshadowings: Sequence[Foreshadowing], chapters: int, fixed: Iterable[Slot] = ()) -> list[Slot]:
    """A slot for each that can have one: none for what is dropped, or has no room for a pay-off after its plant.

    :param fixed: slots that stay as they are.
    """
    load: Counter[int] = Counter()
    slots = {slot.id: slot for slot in fixed}
    for slot in slots.values():
        load.update((slot.plant, *slot.reinforce, slot.pay_off))
    wanted = [one for one in foreshadowings if one.id not in slots and one.status != "dropped"]
    # What leaves least choice comes first.
    for one in sorted(
        wanted, key=lambda each: (each.planted is None, each.target_to is None, -REINFORCEMENTS[each.tier])
    ):
        made = _slot(one, chapters, load)
        if made is not None:
            slots[one.id] = made
            load.update((made.plant, *made.reinforce, made.pay_off))
    return [slots[one.id] for one in foreshadowings if one.id in slots]


def _slot(one: Foreshadowing, chapters: int, load: Counter[int]) -> Slot | None:
    shortest, longest = (max(1, round(chapters * share)) for share in SPANS[one.tier])
    latest_pay = min(chapters, one.paid or one.target_to or chapters)
    plant = one.planted or _lightest(range(1, max(1, latest_pay - shortest) + 1), load, near=_first_third(latest_pay))
    first = one.paid or max(plant + 1, one.target_from or min(plant + shortest, latest_pay))
    last = one.paid or min(latest_pay, one.target_to or max(plant + longest, first))
    if plant >= last or first > last or plant > chapters or last > chapters:
        return None
    pay = _lightest(range(max(first, plant + 1), last + 1), load, near=last)
    return Slot(id=one.id, plant=plant, reinforce=_between(one, plant, pay), pay_off=pay)


def _first_third(latest: int) -> int:
    return max(1, latest // 3)


def _lightest(candidates: Iterable[int], load: Counter[int], *, near: int) -> int:
    """The chapter that has least to do, of those the nearest."""
    return min(candidates, key=lambda chapter: (load[chapter], abs(chapter - near), chapter))


def _between(one: Foreshadowing, plant: int, pay: int) -> tuple[int, ...]:
    if one.reinforced:
        return tuple(sorted({chapter for chapter in one.reinforced if plant < chapter < pay}))
    count = min(REINFORCEMENTS[one.tier], pay - plant - 1)
    return tuple(
        sorted({plant + round((pay - plant) * step / (count + 1)) for step in range(1, count + 1)} - {plant, pay})
    )


def window(one: Foreshadowing, slot: Slot | None) -> Window | None:
    """When it is to pay off: as it says itself, or as it is scheduled."""
    if one.target_to is not None:
        return Window(one.target_from or (one.planted or 0) + 1, one.target_to)
    return Window(slot.pay_off, slot.pay_off) if slot is not None else None


def standing(one: Foreshadowing, slot: Slot | None, written_to: int, *, paid: bool) -> Standing:
    """How it stands when chapters up to ``written_to`` are written; ``paid``: one of them pays it off."""
    if one.status == "dropped":
        return "dropped"
    if paid or one.status == "paid":
        return "paid"
    target = window(one, slot)
    if target is None or written_to + 1 < target.first:
        return "waiting"
    return "overdue" if written_to >= target.last else "due"
