"""How many of the contradictions that are planted in four bibles are found, and what is found where there is none.

    python -m tests.workflows.novel.planted

prints one JSON object.
"""

import sys
from typing import Any

import anyio
import orjson

from tests.workflows.novel.planted.bibles import NAMES, changed, findings, hits, load


async def measured(name: str) -> dict[str, Any]:
    content = load(name)
    missed = []
    for planted in content["planted"]:
        found = await findings(content["novel"], changed(content["bible"], planted["change"]))
        if not hits(planted, found):
            missed.append(planted["what"])
    planted, clean = len(content["planted"]), await findings(content["novel"], content["bible"])
    return {"planted": planted, "found": planted - len(missed), "missed": missed, "false_alarms": len(clean)}


async def main() -> None:
    told = {name: await measured(name) for name in NAMES}
    sys.stdout.write(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode() + "\n")


if __name__ == "__main__":
    anyio.run(main)
