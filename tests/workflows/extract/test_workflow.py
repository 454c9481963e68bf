"""A batch of users: nobody is read twice, one who fails takes no other along, and everything can be had."""

import csv
import io
import time
from contextlib import suppress
from datetime import date, datetime
from typing import Any

import openpyxl
import orjson
import pytest

from server.errors import BatchBlocked, InvalidParameters
from server.workflows.extract import downloads
from server.workflows.extract.events import UNNAMED
from server.workflows.extract.icalendar import LINE_BYTES, calendar_of
from server.workflows.extract.lexicon import LEXICON
from server.workflows.extract.wording import TYPES_IN_CHINESE
from server.workflows.rehearsal import Killed, RehearsalContext
from server.workflows.streak import SAME_FAILURES
from tests.workflows.extract.asking import extract, user, users, whole

pytestmark = pytest.mark.anyio

CLINIC = "下周三下午3点在人民医院复诊，挂号费花了50元。王医生说没事。"
SLOW = {"name": "slow", "regex": r"(?:\w+ ?)+$"}
HARD = "word " * 40 + "!"


async def test_an_event_has_its_time_sum_place_and_people_with_their_places() -> None:
    result, context = await extract([user("u1", CLINIC)])
    event = result["events"][0]
    assert (event["type"], event["trigger"], event["place"]) == ("appointment", "复诊", "人民医院")
    assert event["time"]["from"] == event["time"]["to"] == "2024-05-22T15:00:00+08:00"
    assert event["time"]["resolved_by"] == "written_at"
    assert event["amount"]["value"] == {"number": 50, "currency": "CNY"}
    assert event["quote"] == CLINIC[event["start"] : event["end"]] == CLINIC.partition("。")[0] + "。"
    assert (result["engine"], result["status"], result["language"]) == ("embedded", "complete", "zh")
    assert result["needs_model"]
    assert "## u1" in context.report
    assert "- 预约 · 2024-05-22T15:00:00+08:00: " in context.report.replace("\\", "")
    assert "| 预约 | 1 |" in context.report


def test_every_type_of_the_lexicon_has_a_name_in_chinese() -> None:
    assert set(TYPES_IN_CHINESE) == {*LEXICON, UNNAMED}


@pytest.mark.parametrize(
    ("zone", "written_at", "begins"),
    [
        (None, "2026-11-27T10:00:00+08:00", "2026-11-26T15:00:00+08:00"),
        (None, "2026-11-27T02:00:00+08:00", "2026-11-26T15:00:00+08:00"),
        (None, "2026-11-27", "2026-11-26T15:00:00+00:00"),
        ("Europe/Berlin", "2026-11-27T02:00:00+08:00", "2026-11-25T15:00:00+01:00"),
    ],
)
async def test_times_are_of_the_offset_of_the_writing_where_no_zone_is_asked_for(
    zone: str | None, written_at: str, begins: str
) -> None:
    asked = [{"user_id": "u", "texts": [{"text": "昨天下午三点开会。", "written_at": written_at}]}]
    result, _ = await extract(asked, timezone=zone)
    assert result["events"][0]["time"]["from"] == begins
    assert result["timezone"] == zone


async def test_types_words_and_confidence_choose_among_events() -> None:
    text = "We met on 3 May 2024. The frobnicator arrived. On 5 May 2024 it rained."
    result, _ = await extract([user("u", text)], lexicon={"gadget": ["frobnicator"]})
    assert set(result["by_type"]) == {"meeting", "gadget", "delivery", "other"}
    result, _ = await extract([user("u", text)], lexicon={"gadget": ["frobnicator"]}, types=["gadget", "meeting"])
    assert set(result["by_type"]) == {"gadget", "meeting"}
    result, _ = await extract([user("u", text)], min_confidence=0.9)
    assert set(result["by_type"]) == {"meeting"}


async def test_a_rule_makes_events_of_its_groups() -> None:
    rule = {
        "name": "ticket",
        "regex": r"(?P<who>\w+) opened (?P<ticket>T-\d+) on (?P<day>[^.]+) for (?P<sum>\S+)\.",
        "fields": {"trigger": "ticket", "participants": "who", "time": "day", "amount": "sum"},
    }
    text = "Note: Ann opened T-7 on 3 May 2024 for $20. Bob opened T-8 on no day for $30."
    result, _ = await extract([user("u", text)], rules=[rule], types=["ticket"])
    first, second = result["events"]
    assert (first["trigger"], first["participants"], first["method"]) == ("T-7", ["Ann"], "rule:ticket")
    assert first["time"]["from"] == "2024-05-03"
    assert text[first["time"]["start"] : first["time"]["end"]] == first["time"]["text"] == "3 May 2024"
    assert first["amount"]["value"] == {"number": 20, "currency": "USD"}
    assert (second["time"]["text"], second["time"]["from"]) == ("no day", None)
    assert all(text[event["start"] : event["end"]] == event["quote"] for event in result["events"])


async def test_a_pattern_that_never_ends_fails_its_user_and_no_other() -> None:
    """So does one that wants all memory; the next user's match has a new process."""
    began = time.monotonic()
    greedy = {"name": "greedy", "regex": r"(?:(?:(?:a{0,9999}){0,9999}){0,9999}){0,9999}b"}
    result, _ = await extract(
        [user("bad", HARD), user("good", "plain"), user("also", "a" * 30)], rules=[SLOW, greedy], batch_size=1
    )
    assert result["failed"][0]["user_id"] == "bad"
    assert result["failed"][0]["code"] == "rule_too_slow"
    assert "'slow'" in result["failed"][0]["message"]
    assert result["by_type"]["slow"] >= 1
    assert result["status"] == "partial"
    assert time.monotonic() - began < 30


async def test_killed_after_any_user_it_goes_on_there() -> None:
    """Nobody who is done is read again, and what comes of it is what a quiet run gives."""
    asked = users(6)
    wanted, quiet = await extract(asked, batch_size=2)
    for kill in range(len(quiet.ran)):
        killed = RehearsalContext(steps_until_kill=kill)
        with suppress(Killed):
            await extract(asked, batch_size=2, context=killed)
        second = RehearsalContext(killed.journal)
        result, _ = await extract(asked, batch_size=2, context=second)
        assert result == wanted
        assert set(killed.ran).isdisjoint(second.ran)
        assert sorted(killed.ran + second.ran) == sorted(quiet.ran)
        assert second.report == quiet.report


async def test_failed_users_are_read_again_by_themselves() -> None:
    """With their texts as they were sent, also when the retry is retried; anybody else's task is none."""
    asked = [user("bad", HARD), user("good", "We met on 3 May 2024.")]
    first, _ = await extract(asked, rules=[SLOW])
    task, retry = "a" * 32, "b" * 32
    context = RehearsalContext(results={task: first}, params={task: {"users": asked}})
    result, _ = await extract(None, retry_failed_of=task, rules=[SLOW], context=context)
    assert (result["counts"]["users"], [one["user_id"] for one in result["failed"]]) == (1, ["bad"])
    assert orjson.loads(context.artifacts["users.json"]) == ["bad"]
    params: dict[str, dict[str, Any]] = {task: {"users": asked}, retry: {"retry_failed_of": task}}
    context = RehearsalContext(results={retry: result}, params=params)
    last, _ = await extract(None, retry_failed_of=retry, context=context)
    assert (last["counts"]["users"], last["status"]) == (1, "complete")
    with pytest.raises(InvalidParameters, match="no completed task"):
        await extract(None, retry_failed_of="c" * 32)


async def test_one_cause_over_and_over_pauses_the_batch_and_names_it() -> None:
    """Resumed, those users are tried again, and what is done is not done again."""
    asked = [user("first", "plain"), *(user(f"u{number}", HARD) for number in range(SAME_FAILURES + 1))]
    first = RehearsalContext()
    with pytest.raises(BatchBlocked, match=r"10 users in a row failed with `rule_too_slow`.*'slow'") as blocked:
        await extract(asked, rules=[SLOW], batch_size=1, context=first)
    assert blocked.value.again == tuple(f"user:{number}" for number in range(1, SAME_FAILURES + 1))
    assert f"user:{SAME_FAILURES + 1}" not in first.journal


async def test_every_file_says_the_same_to_another_reader() -> None:
    """JSON lines, CSV, a spreadsheet, a page, a calendar and the ids that failed."""
    odd = '=1+1 "We met" on 3 May 2024,\n到医院付款100元; next line'
    result, context = await extract([user("u,1", odd, CLINIC), user("bad", HARD)], rules=[SLOW])
    found = whole(context)
    events = [orjson.loads(line) for line in downloads.jsonl_of(found).splitlines()]
    assert events == result["events"]
    rows = list(csv.DictReader(io.StringIO(downloads.csv_of(found).decode("utf-8-sig"), newline="")))
    assert [row["quote"].removeprefix("'") for row in rows] == [event["quote"] for event in events]
    assert [int(row["start"]) for row in rows] == [event["start"] for event in events]
    book = openpyxl.load_workbook(io.BytesIO(downloads.xlsx_of(found)))
    assert book.sheetnames == ["Events", "Facts", "Users"]
    head, *lines = book["Events"].iter_rows(values_only=True)
    assert head == downloads.COLUMNS
    assert [str(line[head.index("quote")]).removeprefix("'") for line in lines] == [event["quote"] for event in events]
    assert {cell.data_type for row in book["Events"].iter_rows() for cell in row} <= {"s", "n"}, "no formulas"
    assert [line[:3] for line in list(book["Users"].iter_rows(values_only=True))[1:]] == [
        ("u,1", "completed", len(events)),
        ("bad", "failed", 0),
    ]
    assert downloads.failed_of(found) == b"bad\n"
    page = downloads.page_of(found).decode()
    assert page.count("<h2>") == 1
    assert "<mark" in page


async def test_the_calendar_has_the_events_whose_time_is_known() -> None:
    """Whole days end on the day after; moments are in UTC; lines are short and are put together again."""
    text = CLINIC + "5月20日至22日出差，逗号,分号;反斜杠\\都在。某天开会。Trip from 9:30 to 11:00 on 3 May 2024."
    result, context = await extract([user("u", text)])
    written = calendar_of(whole(context))
    assert all(len(line) <= LINE_BYTES for line in written.split(b"\r\n"))
    lines = written.decode().replace("\r\n ", "").split("\r\n")
    assert (lines[0], lines[-2:]) == ("BEGIN:VCALENDAR", ["END:VCALENDAR", ""])
    known = [event for event in result["events"] if event["time"] and event["time"]["from"]]
    assert lines.count("BEGIN:VEVENT") == len(known) < len(result["events"])
    begins = [line.partition(":")[2] for line in lines if line.startswith("DTSTART")]
    assert begins == [_begin(event["time"]["from"]) for event in known]
    assert "DTSTART;VALUE=DATE:20240520" in lines
    assert "DTEND;VALUE=DATE:20240523" in lines
    assert "DTEND:20240503T030000Z" in lines
    assert "DESCRIPTION:5月20日至22日出差，逗号\\,分号\\;反斜杠\\\\都在。" in lines
    assert len({line for line in lines if line.startswith("UID:")}) == len(known)


def _begin(moment: str) -> str:
    if len(moment) == 10:
        return f"{date.fromisoformat(moment):%Y%m%d}"
    found = datetime.fromisoformat(moment)
    shift = found.utcoffset()
    assert shift is not None
    return f"{found.replace(tzinfo=None) - shift:%Y%m%dT%H%M%SZ}"


async def test_thousands_of_events_are_in_the_files_and_not_in_the_result() -> None:
    asked = [user("many", "We met on 3 May 2024. " * 1200)]
    result, context = await extract(asked)
    assert (len(result["events"]), result["events_left_out"], result["counts"]["events"]) == (1000, 200, 1200)
    assert downloads.jsonl_of(whole(context)).count(b"\n") == 1200
    assert len(context.report) < 3000


async def test_texts_without_anything_have_no_events() -> None:
    asked: list[dict[str, Any]] = [{"user_id": "none", "texts": []}, user("empty", ""), user("spaces", " \n\n ")]
    result, context = await extract(asked)
    assert result["counts"] == {"users": 3, "completed": 3, "failed": 0, "events": 0, "facts": 0, "ungrounded": 0}
    for make in (downloads.jsonl_of, downloads.csv_of, downloads.xlsx_of, downloads.page_of, calendar_of):
        assert isinstance(make(whole(context)), bytes)
