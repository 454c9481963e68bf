"""The tool that measures: what it makes of answers and logs, its table, and each of its measures in a tiny form."""

import re
import subprocess
from pathlib import Path

import pytest

from scripts.benching.answers import Answer, quantile
from scripts.benching.appends import groups_of
from scripts.benching.table import HOLDFAST, Outcome, shown, told, width
from server.models import EventType, Record
from server.stores import lines

ROOT = Path(__file__).resolve().parent.parent.parent
MARK = b'"t":'
BODY = b'event: output\ndata: {"t":1}\n\nevent: output\ndata: {"t":22}\n\n'
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
MEASURES = {
    "fanout": ("as fast as they take it, deliveries/s", "naive"),
    "idle": ("an idle reader, KiB", "naive"),
    "replay": ("a finished task from disk, ms", "naive"),
    "attach": ("POST /api/tasks, finished, requests/s", "hello route"),
    "appends": ("durable and at a reader, records/s", "SQLite"),
    "start": ("first list page, ms", HOLDFAST),
    "soak": ("a reader behind, at most, s", HOLDFAST),
}
PEERS = {"fanout": "Nchan", "replay": "nginx static", "appends": "Redis Streams"}


def in_chunks(*pieces: bytes) -> bytes:
    return CHUNKED + b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (*pieces, b""))


def test_an_answer_in_chunks_is_read_wherever_it_is_cut() -> None:
    """A chunk may end in the middle of the mark, and the network may cut anywhere."""
    for seam in range(1, len(BODY)):
        raw = in_chunks(BODY[:seam], BODY[seam:])
        for cut in range(1, len(raw), 3):
            answer = Answer(MARK)
            body = answer.feed(raw[:cut]) + answer.feed(raw[cut:])
            assert (answer.status, body, answer.found, answer.over) == (200, BODY, 2, True)


def test_an_answer_with_a_length_is_over_at_its_end_and_not_before() -> None:
    raw = b"HTTP/1.1 201 Created\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
    answer = Answer(MARK)
    assert answer.feed(raw[:-1]) == BODY[:-1]
    assert not answer.over
    answer.feed(raw[-1:])
    assert (answer.status, answer.over, answer.found) == (201, True, 2)


def test_an_answer_without_a_length_goes_on() -> None:
    answer = Answer(MARK)
    answer.feed(b"HTTP/1.1 200 OK\r\n\r\n" + BODY)
    assert (answer.over, answer.found) == (False, 2)


def test_an_answer_may_follow_another_one_on_the_same_connection() -> None:
    """What is left of the last chunk's end comes before the next head."""
    answer = Answer()
    answer.feed(b"\r\n" + in_chunks(BODY))
    assert (answer.status, answer.over) == (200, True)


def test_quantiles_are_values_that_were_measured() -> None:
    assert quantile([], 0.5) == 0
    assert [quantile([1.0, 2.0, 3.0, 4.0], share) for share in (0, 0.5, 0.99, 1)] == [1.0, 3.0, 4.0, 4.0]


def test_a_log_falls_into_the_groups_in_which_it_was_written() -> None:
    records = [Record(seq, 1, EventType.OUTPUT, b"{}") for seq in range(1, 6)]
    written = [lines.encode(record, synced=record.seq in (3, 5)) for record in records]
    assert groups_of(b"".join(written)) == [written[:2], written[2:4], written[4:]]


def outcome() -> Outcome:
    found = Outcome()
    found.add("speed", "events/s", {HOLDFAST: [90_000.0, 120_000.0, 100_000.0], "naive": [25_000.0], "Nchan": []})
    return found


def test_the_table_has_medians_and_ratios() -> None:
    text = told([("fanout", outcome())])
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()[2:]]
    assert rows == [
        ["speed, events/s", "Holdfast", "100,000", "90,000 … 120,000", "—"],
        ["speed, events/s", "naive", "25,000", "—", "4 ×"],
    ]


def test_a_table_has_its_columns_in_line() -> None:
    lines_of_table = told([("fanout", outcome())]).splitlines()
    assert len({width(line) for line in lines_of_table}) == 1


def test_what_was_wanted_is_judged_by_the_medians() -> None:
    found = outcome()
    found.want_ratio("speed", "naive", 3, at_least=True)
    found.want_ratio("speed", "naive", 5, at_least=True)
    found.want("delay, ms", 30, 25, at_least=False)
    assert [each.holds for each in found.wanted] == [True, False, False]
    assert str(found.wanted[1]) == "✗ speed, Holdfast ÷ naive: 4, wanted ≥ 5"


def test_nothing_is_said_about_a_peer_that_is_not_there() -> None:
    found = outcome()
    found.want_ratio("speed", "Nchan", 1.5, at_least=True)
    found.want("delay, ms", found.median("delay", HOLDFAST), 25, at_least=False)
    assert found.wanted == []


@pytest.mark.parametrize(
    ("value", "text"), [(88_012.4, "88,012"), (3.14159, "3.14"), (0.0071234, "0.00712"), (99.96, "100")]
)
def test_figures_are_shown_with_three_digits_that_count(value: float, text: str) -> None:
    assert shown(value) == text


@pytest.mark.parametrize("name", MEASURES)
def test_each_measure_runs_in_a_tiny_form_and_cleans_up(name: str, tmp_path: Path) -> None:
    """With whatever peers are installed here; the others are named."""
    folder = tmp_path / "on disk"
    done = subprocess.run(
        [ROOT / "scripts" / "bench", "--size", "tiny", "--folder", folder, name],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    what, peer = MEASURES[name]
    for who in (HOLDFAST, peer):
        assert re.search(rf"^\| .*{re.escape(what)} +\| {re.escape(who)} +\| [\d,.]+ ", done.stdout, re.MULTILINE)
    optional = PEERS.get(name, HOLDFAST)
    assert re.search(rf"\| {optional} +\||^left out: {optional}", done.stdout, re.MULTILINE)
    assert list(folder.iterdir()) == []


def test_a_measure_that_does_not_exist_is_refused() -> None:
    done = subprocess.run(
        [ROOT / "scripts" / "bench", "fan-out"], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 2
    assert "fanout, " in done.stderr or "'fanout'" in done.stderr
