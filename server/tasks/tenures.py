"""Who owned a task one after the other, and how each ownership ended: read out of its log."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import orjson

from server.models import EventType, Record


@dataclass(slots=True)
class Tenure:
    """One ownership. ``released``: its owner said that it was done; ``progressed``: it recorded a finished step."""

    node: str
    released: bool = False
    progressed: bool = False


def tenures(records: Iterable[Record], node: str) -> list[Tenure]:
    """All ownerships of a whole log, oldest first; the last one is that of ``node``, who reads it now.

    Whose records they were is told by the seals that follow them: the first seal of a run is that of the owner who
    wrote what stands before it, the others are those of owners who never wrote anything.
    """
    found: list[Tenure] = []
    current = Tenure(node)
    in_seals = False
    for record in records:
        if record.type == EventType.SEAL:
            sealed = orjson.loads(record.data)["node"]
            if in_seals:
                found.append(Tenure(sealed))
            else:
                current.node = sealed
                found.append(current)
                current = Tenure(node)
        else:
            current.released = record.type == EventType.RELEASE
            current.progressed = current.progressed or record.type == EventType.STEP
        in_seals = record.type == EventType.SEAL
    return [*found, current]


def deaths_in_a_row(found: list[Tenure]) -> int:
    """How many owners before the last one have died over the task since it last got on or was let go.

    An owner that gave a task up, as when the volume refused it, and took it again has not died.
    """
    count = 0
    for tenure, successor in pairwise(found):
        if tenure.progressed or tenure.released:
            count = 0
        if not tenure.released and tenure.node != successor.node:
            count += 1
    return count
