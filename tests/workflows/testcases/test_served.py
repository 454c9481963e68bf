"""A real server killed in the middle: the cases are those of a quiet run, and no call is paid for twice."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import orjson

from server.llm.scripted import Rule
from server.workflows.testcases.model.reading import parts_of
from tests.llm.endpoint import KEY, Served, serving_model
from tests.serving import ServerProcess, server_process, wait_until
from tests.test_recovery import journal_keys

WAIT_SECONDS = 120.0
QUICK: dict[str, Any] = {"HEARTBEAT_SECONDS": "0.2", "SCAN_SECONDS": "0.1", "LEASE_SECONDS": "2"}
FIELDS = "".join(
    f"字段{number}长度为2-{number + 9}个字符，必填。\n级别{number}只能为A{number}、B、C、D、E之一。\n"
    for number in range(4)
)
MANY = "".join(f"# 模块{number}\n{FIELDS}" for number in range(12))
CLAUSES = [
    f"Clause {number}: parcels above {number + 40} stone want a second pair of hands.\n" for number in range(240)
]
PROSE = "# Parcels\nThe weight must be between 1 and 500.\n" + "".join(CLAUSES)
RULED = [10, 130, 230]
"""The clauses that the model makes a rule of, one in each part of the prose."""


def rule_of(number: int) -> str:
    when = [{"name": "weight", "operator": ">", "value": number + 40}]
    rule = {"when": when, "then": "a second pair of hands"}
    return orjson.dumps({"said": [{"quote": CLAUSES[number].strip(), "module": "Parcels", "rule": rule}]}).decode()


def rules(pause: float = 0.0) -> list[Rule]:
    return [Rule(reply=rule_of(number), match=CLAUSES[number].strip(), pause=pause) for number in RULED]


@contextmanager
def served_by(folder: Path, model: Served | None) -> Iterator[ServerProcess]:
    of_model: dict[str, Any] = (
        {} if model is None else {"OPENAI_BASE_URL": model.url, "OPENAI_MODEL": "scripted", "OPENAI_API_KEY": KEY}
    )
    with server_process(folder, **QUICK, **of_model) as process:
        yield process


def ask(process: ServerProcess, text: str) -> str:
    """The address of the task."""
    made = httpx2.post(f"{process.url}/api/tasks", json={"kind": "testcases", "params": {"text": text}}, timeout=30)
    assert made.status_code in (200, 201), made.text
    return f"{process.url}/api/tasks/{made.json()['id']}"


def done(at: str) -> tuple[dict[str, Any], str]:
    """Result and report, when the task has completed."""
    wait_until(lambda: httpx2.get(at, timeout=30).json()["status"] not in ("pending", "running"), WAIT_SECONDS)
    shown = httpx2.get(at, timeout=30).json()
    assert shown["status"] == "completed", shown
    result: dict[str, Any] = httpx2.get(f"{at}/result", timeout=30).json()
    return result, httpx2.get(f"{at}/output", timeout=30).text


def test_killed_between_two_modules_it_goes_on_to_the_same_cases(tmp_path: Path) -> None:
    """Without a model. What was designed before is not designed again."""
    with served_by(tmp_path / "quiet", None) as process:
        quiet = done(ask(process, MANY))
    killed = tmp_path / "killed"
    with served_by(killed, None) as process:
        ask(process, MANY)
        wait_until(lambda: "design:1" in journal_keys(killed), WAIT_SECONDS)
        process.kill()
    before = journal_keys(killed)
    assert "design:11" not in before, "it was killed in the middle"
    with served_by(killed, None) as process:
        again = done(ask(process, MANY))
    keys = journal_keys(killed)
    assert keys[: len(before)] == before
    assert len(keys) == len(set(keys)), "each step was recorded once"
    assert again == quiet
    assert quiet[0]["counts"]["unparsed"] == 0
    assert {case["module"] for case in quiet[0]["cases"]} == {f"模块{number}" for number in range(12)}


def test_killed_while_the_model_reads_no_finished_call_is_made_again(tmp_path: Path) -> None:
    """With one, at its second of three parts."""
    assert len(list(parts_of(PROSE))) == len(RULED)
    with serving_model(*rules()) as model:
        with served_by(tmp_path / "quiet", model) as process:
            quiet = done(ask(process, PROSE))
        assert len(model.asked) == len(RULED)
    killed = tmp_path / "killed"
    with serving_model(rules()[0], *rules(pause=0.2)[1:]) as model:
        with served_by(killed, model) as process:
            ask(process, PROSE)
            wait_until(lambda: len(journal_keys(killed)) >= 2 and len(model.asked) == 2, WAIT_SECONDS)
            process.kill()
        before = journal_keys(killed)
        with served_by(killed, model) as process:
            again = done(ask(process, PROSE))
        assert len(model.asked) == len(RULED) + 1, "what was under way, and nothing else"
    keys = journal_keys(killed)
    assert keys[: len(before)] == before
    assert len(keys) == len(set(keys)), "each step was recorded once"
    assert {**again[0], "spent": None} == {**quiet[0], "spent": None}
    assert again[1] == quiet[1]
    assert [rule["then"] for rule in again[0]["spec"]["modules"][0]["rules"]] == ["a second pair of hands"] * 3
