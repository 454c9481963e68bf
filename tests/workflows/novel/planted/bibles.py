"""Four bibles as people write them, in Chinese and English, and what contradictions can be put into each.

A change names, for each list of the bible, the entities that are written anew (`put`), added (`add`) and taken out
(`drop`). `expect` are words of which a finding must have all, in its sentence or in the keys that it is about.
`needs_reader` are those that only somebody who understands the text could find.
"""

import copy
from pathlib import Path
from typing import Any

import orjson

from server.errors import HoldfastError
from tests.workflows.novel.running import Shelf

FOLDER = Path(__file__).parent
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))
Found = list[dict[str, Any]]


def load(name: str) -> dict[str, Any]:
    content: dict[str, Any] = orjson.loads((FOLDER / f"{name}.json").read_bytes())
    return content


def changed(bible: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    found = copy.deepcopy(bible)
    for name, lists in change.items():
        put = {_name(entity): entity for entity in lists.get("put", [])}
        kept = [put.get(_name(one), one) for one in found[name] if _name(one) not in lists.get("drop", [])]
        found[name] = kept + lists.get("add", [])
    return found


def _name(entity: dict[str, Any]) -> Any:
    return entity.get("id", entity.get("number"))


async def findings(novel: dict[str, Any], bible: dict[str, Any]) -> Found:
    """What an import and a review of it say; a refusal is a finding, too."""
    shelf = Shelf()
    try:
        await shelf.run(task_type="import", frame=novel, bible=bible)
        found: Found = (await shelf.run(task_type="review"))["findings"]
    except (HoldfastError, ValueError) as refusal:
        found = [{"code": "refused", "severity": "contradiction", "about": [], "message": str(refusal)}]
    return found


def hits(planted: dict[str, Any], found: Found) -> Found:
    """Those that tell of what was planted."""
    return [
        one
        for one in found
        if all(
            any(word.lower() in text.lower() for text in (one["message"], *one["about"])) for word in planted["expect"]
        )
    ]
