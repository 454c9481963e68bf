"""Small makers that many tests share."""

from pathlib import Path
from typing import Any

import orjson

from server.models import EventType, Life, Record, new_generation, now_ms

TASK = "0123456789abcdef0123456789abcdef"


def life(task_id: str = TASK, number: int = 1, **more: Any) -> Life:
    """A birth record of the demo kind."""
    fields: dict[str, Any] = {
        "task_id": task_id,
        "number": number,
        "kind": "demo",
        "workflow_version": 1,
        "params": {},
        "generation": new_generation(),
        "created_at": now_ms(),
        "scope": "local",
    }
    return Life(**{**fields, **more})


def life_folder(root: Path, task_id: str = TASK, number: int = 1) -> Path:
    """The folder of the life that has this number; its name ends with the generation."""
    record = orjson.loads((root / task_id / f"{number:04d}.task").read_bytes())
    return root / task_id / f"{number:04d}-{record['generation']}"


def output(seq: int, text: str = "text", *, part: str = "p", step: str | None = "s") -> Record:
    return Record(seq, now_ms(), EventType.OUTPUT, orjson.dumps({"part": part, "text": text}), step)


def outputs(first: int, last: int) -> list[Record]:
    """The records of the seqs from first to last, both included."""
    return [output(seq, f"text {seq}") for seq in range(first, last + 1)]


def step_record(key: str, inputs: str = "", result: Any = None) -> Record:
    return Record(None, now_ms(), EventType.STEP, orjson.dumps({"key": key, "inputs": inputs, "result": result}), key)


def release() -> Record:
    return Record(None, now_ms(), EventType.RELEASE, b"{}")
