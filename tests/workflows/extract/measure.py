"""What extract does over the texts of many people, at its size, and what kills do to it; each run prints its figures.

    python -m tests.workflows.extract.measure debian [USERS]
    python -m tests.workflows.extract.measure kills [USERS] [KILLS]
    python -m tests.workflows.extract.measure model [USERS]
    python -m tests.workflows.extract.measure many [USERS]

Debian's changelogs are the texts, their maintainers the users. What is found is compared with a parser of its own.
The model is one of a script, which takes between a fifth of a second and a whole one for each reply.
"""

import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import orjson

from server.llm.scripted import Rule
from tests.serving import ServerProcess
from tests.workflows.extract.asking import Reader, Reply, serving_reader, users
from tests.workflows.extract.changelogs import Entry, by_maintainer, truth_in

ENTRIES, LONGEST = 12, 3000
MOST_BYTES = 3_900_000
KINDS = ("time", "mail", "id", "version", "url")
QUICK: dict[str, Any] = {"HEARTBEAT_SECONDS": "0.2", "SCAN_SECONDS": "0.1", "LEASE_SECONDS": "2"}
SEED = 8


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def request(number: int) -> tuple[dict[str, Any], dict[str, list[Entry]]]:
    """The parameters, and the entries that they are made of: as many for each as a request can hold."""
    for each in range(ENTRIES, 0, -1):
        found = by_maintainer(number, each, LONGEST)
        asked = [
            {"user_id": who, "texts": [{"text": one.text, "written_at": one.written_at} for one in own]}
            for who, own in found.items()
        ]
        params = {"users": asked, "engine": "embedded"}
        if len(orjson.dumps({"kind": "extract", "params": params})) < MOST_BYTES:
            return params, found
    raise ValueError("too many users")


class Client:
    """A client of one server after the other, on the same folder."""

    def __init__(self, folder: Path, **environment: Any) -> None:
        self.folder = folder
        self.server = ServerProcess(folder, **QUICK, **environment)
        self.http = httpx2.Client(timeout=120)

    def restart(self) -> None:
        self.server.kill()
        self.server = ServerProcess(self.folder, **QUICK)

    def close(self) -> None:
        self.http.close()
        self.server.kill()

    def start(self, params: dict[str, Any]) -> str:
        answer = self.http.post(f"{self.server.url}/api/v1/events/extract/start", json=params)
        assert answer.json().get("code") == 0, answer.text
        return str(answer.json()["data"]["task_id"])

    def progress(self) -> dict[str, Any]:
        told: dict[str, Any] = self.http.get(f"{self.server.url}/api/v1/events/extract/progress").json()["data"]
        return told

    def file(self, task_id: str, name: str) -> bytes:
        answer = self.http.get(f"{self.server.url}/api/tasks/{task_id}/{name}")
        assert answer.status_code == 200, answer.text
        return answer.content


def debian(number: int) -> None:
    params, entries = request(number)
    texts = [one for own in entries.values() for one in own]
    characters = sum(len(one.text) for one in texts)
    say(f"{len(entries)} users, {len(texts)} texts, {characters} characters")
    with tempfile.TemporaryDirectory() as folder:
        client = Client(Path(folder))
        try:
            began = time.monotonic()
            task_id = client.start(params)
            looks = list(watch(client, began))
            took = time.monotonic() - began
            say(f"{took:.1f} s by the first look that saw it completed, {len(looks)} looks")
            told_eta(looks, took)
            whole = orjson.loads(client.file(task_id, "artifacts/extracted.json"))
            result = orjson.loads(client.file(task_id, "result"))
            say(f"counts {result['counts']}; most frequent types {dict(list(result['by_type'].items())[:6])}")
            told_quotes(whole)
            told_entries(whole)
            told_facts(whole)
            for ending in ("jsonl", "csv", "xlsx", "quotes.html", "ics", "failed.txt"):
                asked = time.monotonic()
                size = len(client.file(task_id, f"report.{ending}"))
                say(f"report.{ending}: {size} bytes in {time.monotonic() - asked:.2f} s")
        finally:
            client.close()


def watch(client: Client, began: float) -> Iterator[tuple[float, dict[str, Any]]]:
    """Looks at the progress until it has ended: the time since it began, and the figures."""
    processed = 0
    while True:
        told = client.progress()
        assert told["processed_users"] >= processed, "a figure went back"
        processed = told["processed_users"]
        yield time.monotonic() - began, told
        if told["status"] != "running":
            assert told["status"] == "completed", told
            return
        time.sleep(0.05)


def told_eta(looks: list[tuple[float, dict[str, Any]]], took: float) -> None:
    """How far the time that was told to remain was off, from a quarter of the work on, with a second or more to go."""
    off = []
    for at, told in looks:
        said, left = told["estimated_remaining_seconds"], took - at
        if said is not None and told["progress_percent"] >= 25 and left >= 1:
            off.append(abs(said - left) / left)
    off.sort()
    if off:
        within = sum(one <= 0.25 for one in off)
        median = off[len(off) // 2]
        say(f"ETA from a quarter on: {within} of {len(off)} within 25 %; median off {median:.0%}, most {off[-1]:.0%}")


def told_quotes(whole: dict[str, Any]) -> None:
    events = wrong = 0
    for user in whole["users"]:
        texts = {text["id"]: text["text"] for text in user["texts"]}
        for event in user["events"]:
            events += 1
            wrong += texts[event["text_id"]][event["start"] : event["end"]] != event["quote"]
    say(f"{events} events, {wrong} whose quote does not stand at its place")


def told_entries(whole: dict[str, Any]) -> None:
    """Whether the day and minute of each entry, as the other parser has it, is that of an event."""
    entries = met = 0
    for user in whole["users"]:
        for text in user["texts"]:
            moments = {value for _, value in truth_in(text["text"]).found.get("time", set()) if "T" in value}
            own = {
                event["time"]["from"] for event in user["events"] if event["text_id"] == text["id"] and event["time"]
            }
            entries, met = entries + len(moments), met + len(moments & own)
    say(f"{met} of {entries} entries have an event at their moment")


def told_facts(whole: dict[str, Any]) -> None:
    """Against the other parser, by place and value; what it has no rule for is not judged."""
    met, found, wanted, aside = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    examples: dict[str, list[str]] = {}
    for user in whole["users"]:
        for text in user["texts"]:
            truth = truth_in(text["text"]).found
            own = [fact for fact in user["facts"] if fact["text_id"] == text["id"]]
            for kind in KINDS:
                there = truth.get(kind, set())
                seen: set[tuple[int, str]] = set()
                for fact in own:
                    if fact["kind"] == kind:
                        if judged(fact, text["text"]):
                            seen.add((fact["start"], value_of(fact)))
                        else:
                            aside[kind] += 1
                met[kind] += len(there & seen)
                found[kind] += len(seen)
                wanted[kind] += len(there)
                for mark, ones in (("+", seen - there), ("-", there - seen)):
                    known = examples.setdefault(f"{kind}{mark}", [])
                    places = [at for at, _ in sorted(ones)][: 6 - len(known)]
                    known += [repr(text["text"][max(0, at - 20) : at + 60]) for at in places]
    say("| kind | in the texts | found | met | precision | recall | not judged |")
    for kind in KINDS:
        precision, recall = met[kind] / max(1, found[kind]), met[kind] / max(1, wanted[kind])
        figures = (wanted[kind], found[kind], met[kind], f"{precision:.4f}", f"{recall:.4f}", aside[kind])
        say(f"| {kind} | {' | '.join(map(str, figures))} |")
    for which, shown in examples.items():
        for one in shown:
            say(f"   {which} {one}")


def judged(fact: dict[str, Any], text: str) -> bool:
    """Whether the other parser has a rule for such a fact."""
    start: int = fact["start"]
    match fact["kind"]:
        case "time":
            said = fact["text"]
            whole_date = said[:4].isdecimal() and said[4:5] == "-" and len(said) == 10
            return whole_date or text.rfind("\n -- ", 0, start) == text.rfind("\n", 0, start)
        case "id":
            return str(fact["text"]).startswith(("#", "CVE-"))
        case "version":
            return start < text.find(")")
    return True


def value_of(fact: dict[str, Any]) -> str:
    value = fact["value"]
    return str(value["from"]) if fact["kind"] == "time" else str(value)


def kills(number: int, times: int) -> None:
    """Killed at random moments, each time with another server after it: what comes is what a quiet run gives."""
    params, _ = request(number)
    chance = random.Random(SEED)  # noqa: S311 - moments, no secrets
    with tempfile.TemporaryDirectory() as quiet, tempfile.TemporaryDirectory() as harmed:
        wanted = _quiet(Path(quiet), params)
        client = Client(Path(harmed))
        try:
            task_id = client.start(params)
            done = 0
            for _ in range(times):
                at = client.progress()["processed_users"] + chance.randint(0, max(1, 2 * number // times))
                while (told := client.progress())["status"] == "running" and told["processed_users"] < at:
                    time.sleep(0.005)
                if told["status"] != "running":
                    break
                before = told["processed_users"]
                client.restart()
                done += 1
                assert client.progress()["processed_users"] >= before, "a user who was done is done no longer"
            for _ in watch(client, time.monotonic()):
                pass
            found = orjson.loads(client.file(task_id, "artifacts/extracted.json"))
            records = (line for path in Path(harmed).rglob("*.jsonl") for line in path.read_bytes().splitlines())
            steps = Counter(_step_of(line) for line in records)
            twice = [key for key, number in steps.items() if key.startswith("user:") and number > 1]
            same = found["users"] == wanted["users"]
            say(f"{done} kills of {number} users: {len(twice)} users recorded twice; the same as a quiet run: {same}")
        finally:
            client.close()


class Unsteady(Reader):
    """A model whose replies take now more, now less."""

    def __init__(self, reply: Reply, *faulty: Rule) -> None:
        super().__init__(reply, *faulty)
        self._chance = random.Random(SEED)  # noqa: S311 - no secrets

    def _rule_for(self, body: dict[str, Any]) -> Rule | None:
        rule = super()._rule_for(body)
        return None if rule is None else replace(rule, piece=len(rule.reply), pause=self._chance.uniform(0.2, 1.0))


def model(number: int) -> None:
    """How well the time that remains is told where a model takes most of it."""
    with tempfile.TemporaryDirectory() as folder, serving_reader(kind=Unsteady) as served:
        client = Client(Path(folder), OPENAI_BASE_URL=served.url, OPENAI_MODEL="scripted")
        try:
            began = time.monotonic()
            client.start({"users": users(number)})
            looks = list(watch(client, began))
            took = time.monotonic() - began
            say(f"{number} users in {took:.1f} s, four at a time, {len(served.asked)} calls")
            told_eta(looks, took)
        finally:
            client.close()


def many(number: int) -> None:
    """Users with a sentence each: what a step costs, and what a server needs that has them all."""
    with tempfile.TemporaryDirectory() as folder:
        client = Client(Path(folder))
        try:
            began = time.monotonic()
            task_id = client.start({"users": users(number), "engine": "embedded"})
            looks = list(watch(client, began))
            took = time.monotonic() - began
            say(f"{number} users in {took:.1f} s")
            told_eta(looks, took)
            asked = time.monotonic()
            size = len(client.file(task_id, "report.xlsx"))
            say(f"report.xlsx: {size} bytes in {time.monotonic() - asked:.1f} s")
            status = Path(f"/proc/{client.server.pid}/status").read_text(encoding="utf-8")
            say(next(line for line in status.splitlines() if line.startswith("VmHWM")))
        finally:
            client.close()


def _quiet(folder: Path, params: dict[str, Any]) -> dict[str, Any]:
    client = Client(folder)
    try:
        task_id = client.start(params)
        for _ in watch(client, time.monotonic()):
            pass
        found: dict[str, Any] = orjson.loads(client.file(task_id, "artifacts/extracted.json"))
        return found
    finally:
        client.close()


def _step_of(line: bytes) -> str:
    record = orjson.loads(line) if line.startswith(b"{") else {}
    return str(record["data"]["key"]) if record.get("type") == "step" else ""


def main() -> None:
    what, *numbers = sys.argv[1:] or ["debian"]
    number, *more = [int(each) for each in numbers] or [450]
    if what == "kills":
        kills(number, *(more or [20]))
    elif what == "model":
        model(number)
    elif what == "many":
        many(number)
    else:
        debian(number)


if __name__ == "__main__":
    main()
