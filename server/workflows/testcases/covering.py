"""Rows in which the levels of factors are combined, made by covertable in a process that can be ended.

As a program (`python covering.py`) it reads one question as JSON and writes the rows. What it gives is a proposal:
whoever asks checks what is covered, as impossible input and a single factor give no rows and no word about it.
"""

import json
import sys
from typing import Any, TypeAlias

import anyio

SECONDS = 20.0
"""After this the process is ended, and there is no proposal."""
LARGE = 60
"""With more levels than this in all, rows are made in the quicker way, which takes a few more of them."""

Forbidden: TypeAlias = list[dict[int, int]]
"""Levels, by factor, that must not stand together."""


async def propose(sizes: list[int], strength: int, forbidden: Forbidden, seconds: float = SECONDS) -> list[list[int]]:
    """Rows of levels, one for each factor; no rows where that took too long or went wrong.

    :param sizes: how many levels each factor has.
    """
    asked = {"sizes": sizes, "strength": strength, "forbidden": [list(each.items()) for each in forbidden]}
    with anyio.move_on_after(seconds):
        ended = await anyio.run_process(
            [sys.executable, "-I", __file__], input=json.dumps(asked).encode(), check=False, env={}
        )
        if ended.returncode == 0:
            rows: list[list[int]] = json.loads(ended.stdout)
            return rows
    return []


def rows_for(sizes: list[int], strength: int, forbidden: list[list[tuple[int, int]]]) -> list[list[int]]:
    """What the process does."""
    from covertable import criteria, make

    names = [f"f{number}" for number in range(len(sizes))]

    def apart(pairs: list[tuple[int, int]]) -> dict[str, Any]:
        fields = [names[factor] for factor, _ in pairs]
        return {
            "operator": "fn",
            "requires": fields,
            "evaluate": lambda row: any(row[names[factor]] != level for factor, level in pairs),
        }

    made = make(
        {name: list(range(size)) for name, size in zip(names, sizes, strict=True)},
        strength=strength,
        criterion=criteria.simple if sum(sizes) > LARGE else criteria.greedy,
        constraints=[apart(pairs) for pairs in forbidden],
    )
    return [[row[name] for name in names] for row in made]


if __name__ == "__main__":
    question = json.loads(sys.stdin.buffer.read())
    told = [[(factor, level) for factor, level in pairs] for pairs in question["forbidden"]]
    sys.stdout.write(json.dumps(rows_for(question["sizes"], question["strength"], told)))
