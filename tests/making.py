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


def pdf(text: str) -> bytes:
    """A PDF of one line, written by hand as the format has it."""
    stream = f"BT /F1 12 Tf 50 700 Td ({text}) Tj ET".encode()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    out = b"%PDF-1.4\n"
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj" % number + content + b"endobj\n"
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return (
        out
        + b"xref\n0 6\n0000000000 65535 f \n"
        + table
        + b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % len(out)
    )
