"""The commands as a user runs them: real processes, real pipes and sockets, scripted and real servers."""

import os
import re
import signal
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import orjson
import pytest
from anyio.abc import Process
from anyio.streams.text import TextReceiveStream

from server.cli import _with_pairs
from server.command.listening import url_within
from server.command.telling import CHINESE
from server.command.terminal import Voice, columns_of
from tests.scripted import TASK_ID, answer, cut, event, scripted, stream, task_event

pytestmark = pytest.mark.anyio
ROOT = Path(__file__).resolve().parents[2]
LIMIT_SECONDS = 30


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what it wrote."""

    status: int
    out: str
    err: str


def command(*words: str, **settings: str) -> tuple[list[str], dict[str, str]]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8", **settings}
    return [sys.executable, "-m", "server", *words], environment


async def run(*words: str, **settings: str) -> Ran:
    """Run a command to its end; both its outputs are pipes."""
    line, environment = command(*words, **settings)
    with anyio.fail_after(LIMIT_SECONDS):
        done = await anyio.run_process(line, env=environment, cwd=ROOT, check=False)
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


@asynccontextmanager
async def running(*words: str, **settings: str) -> AsyncGenerator[Process, None]:
    """A command that goes on while the block lasts."""
    line, environment = command(*words, **settings)
    async with await anyio.open_process(line, env=environment, cwd=ROOT) as process:
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()


async def said(process: Process, text: str, *, on_stderr: bool = False) -> str:
    """Wait until the process has written this; returns all that it wrote until then."""
    pipe = process.stderr if on_stderr else process.stdout
    assert pipe is not None
    written = ""
    with anyio.fail_after(LIMIT_SECONDS):
        async for piece in TextReceiveStream(pipe):
            written += piece
            if text in written:
                return written
    raise AssertionError(f"it ended without saying {text!r}; it said {written!r}")


async def ended(process: Process) -> int:
    with anyio.fail_after(LIMIT_SECONDS):
        return await process.wait()


def report(*texts: str, status: str = "completed") -> list[bytes]:
    """The events of a short task."""
    events = [event(1, "progress", '{"step":"read","percentage":50,"message":"Reading","eta_seconds":3}')]
    for text in texts:
        data = orjson.dumps({"part": "r", "text": text}).decode()
        events.append(event(len(events) + 1, "output", data))
    return [*events, event(len(events) + 1, "done", f'{{"status":"{status}"}}')]


async def test_ask_writes_the_report_to_stdout_and_the_rest_to_stderr() -> None:
    """A redirected report holds the text byte for byte; progress and state do not get into it."""
    async with scripted([stream(task_event(), *report("# 标题\n", "text\x1b[0m without end"))]) as server:
        ran = await run("ask", "why", "--server", server.url, LANG="C")
    assert (ran.status, ran.out) == (0, "# 标题\ntext\x1b[0m without end")
    assert f"{TASK_ID} research “why”: new task" in ran.err
    assert " 50%  Reading  3 s left\n" in ran.err
    assert ran.err.endswith("completed\n")
    assert orjson.loads(server.requests[0].body) == {"kind": "research", "params": {"query": "why"}}


@pytest.mark.parametrize(("status", "exit_status"), [("completed", 0), ("failed", 1), ("stopped", 3)])
async def test_the_exit_status_tells_how_the_task_ended(status: str, exit_status: int) -> None:
    """A script can tell a completed task from a failed or a stopped one."""
    async with scripted([stream(task_event(), *report("x", status=status))]) as server:
        assert (await run("watch", TASK_ID, "--server", server.url)).status == exit_status


async def test_a_failure_is_told_with_its_code_and_message() -> None:
    """Whoever reads the log of a script sees why, and whether asking again helps."""
    failure = event(1, "failure", '{"code":"crash_loop","message":"It crashed.","retryable":true,"step":"read:1"}')
    async with scripted([stream(task_event(), failure, event(2, "done", '{"status":"failed"}'))]) as server:
        ran = await run("ask", "why", "--server", server.url)
    assert "failed: crash_loop: It crashed. [read:1]\n" in ran.err
    assert "Asking the same again" in ran.err


async def test_a_lost_connection_is_told_and_the_text_has_no_seam() -> None:
    """Two connections, one report, and a line for the loss and one for the return."""
    events = report("one ", "two ", "three")
    async with scripted([cut(task_event(), *events[:2]), stream(task_event(), *events[2:])]) as server:
        ran = await run("ask", "why", "--server", server.url)
    assert (ran.status, ran.out) == (0, "one two three")
    assert "No connection: the connection was cut" in ran.err
    assert "nothing is missing" in ran.err


async def test_json_writes_each_event_as_it_came() -> None:
    """Every event is a line; its data are those bytes that the server sent."""
    data = '{"z":1,"a":1.50,"text":"中"}'
    async with scripted(
        [stream(task_event(), event(1, "output", data), event(2, "done", '{"status":"completed"}'))]
    ) as server:
        ran = await run("ask", "why", "--json", "--server", server.url)
    lines = ran.out.splitlines()
    assert [orjson.loads(line)["event"] for line in lines] == ["task", "output", "done"]
    assert lines[1] == f'{{"id":"aaaaaa-000000000001","event":"output","data":{data}}}'
    assert orjson.loads(lines[0])["id"] is None


async def test_text_that_is_taken_back_is_told() -> None:
    """The pipe has what was taken back, so the user is told so and where the clean text is."""
    events = [
        event(1, "output", '{"part":"r","text":"old"}'),
        event(2, "rollback", '{"part":"r","to_seq":0}'),
        event(3, "output", '{"part":"r","text":"new"}'),
        event(4, "done", '{"status":"completed"}'),
    ]
    async with scripted([stream(task_event(), *events)]) as server:
        ran = await run("ask", "why", "--server", server.url)
    assert ran.out == "oldnew"
    assert "Taken back: what was written in part 'r' after event 0" in ran.err
    assert f"{server.url}/api/tasks/{TASK_ID}/output" in ran.err


async def test_the_parameters_arrive_as_given() -> None:
    """Pairs, dotted names, repeated names, JSON, and a fresh key that is made up when none is given."""
    async with scripted([stream(task_event(), *report())]) as server:
        ran = await run(
            "ask", "why", "--kind", "browse", "--param", "a.b=1", "--param", "c=x", "--param", "c=y",
            "--param-json", '{"a":{"k":true},"n":1.5}', "--fresh", "--server", server.url,
        )  # fmt: skip
    assert ran.status == 0, ran.err
    body = orjson.loads(server.requests[0].body)
    assert body["kind"] == "browse"
    assert body["params"] == {"a": {"k": True, "b": "1"}, "n": 1.5, "c": ["x", "y"], "query": "why"}
    assert len(body["fresh"]) == 16


def test_pairs_that_contradict_each_other_are_refused() -> None:
    """A name can't be a value and hold others."""
    with pytest.raises(ValueError, match="a has a value already"):
        _with_pairs({}, [("a", "1"), ("a.b", "2")], Voice())
    assert _with_pairs({}, [("urls", '["x"]'), ("q", "[no json")], Voice()) == {"urls": ["x"], "q": "[no json"}


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("fly",),
        ("ask",),
        ("ask", "--fresh", "why"),
        ("ask", "why", "--param", "novalue"),
        ("ask", "why", "--param-json", "[1]"),
        ("ask", "why", "--param-json", "{"),
        ("ask", "why", "--server", "localhost:8000"),
        ("watch",),
        ("tasks", "--status", "asleep"),
        ("serve", "--port", "70000"),
        ("serve", "--host", "0.0.0.0"),  # noqa: S104 - it is refused
    ],
)
async def test_wrong_usage_is_told_in_a_sentence_with_status_2(words: tuple[str, ...]) -> None:
    """Never a traceback."""
    ran = await run(*words)
    assert ran.status == 2
    assert ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"PORT": "eighty"},
            "PORT can't be 'eighty': it has to be a whole number, at least 0 and at most 65535. Left out, it is 8000.",
        ),
        (
            {"PORT": "eighty", "LANG": "zh_CN.UTF-8"},
            "PORT 不能是 'eighty'：应为整数，不小于 0，不大于 65535。不设置时为 8000。",
        ),
        ({"DEMO_KIND": "perhaps"}, "DEMO_KIND can't be 'perhaps': it has to be 1 or 0. Left out, it is 0."),
        (
            {"HEARTBEAT_SECONDS": "90"},
            "HEARTBEAT_SECONDS can't be '90': it has to be a number, above 0 and at most 60. Left out, it is 1.",
        ),
    ],
)
async def test_a_setting_that_can_not_be_is_named_with_what_would_be_right(
    settings: dict[str, str], sentence: str
) -> None:
    """A typing error in the environment is one sentence in the user's language, which names the variable."""
    ran = await run("serve", **settings)
    assert (ran.status, ran.err) == (2, f"holdfast: {sentence}\n")


async def test_a_wrong_option_is_named_as_it_was_given() -> None:
    """Whoever typed --port is told about --port; what the environment says does not count then."""
    ran = await run("serve", "--port", "70000", PORT="eighty")
    assert (ran.status, ran.err.split()[1]) == (2, "--port")


async def test_a_refused_request_names_each_wrong_field() -> None:
    """The server's problem document reads like a message to a person, and it is wrong usage."""
    fields = [{"path": "events", "code": "int_type", "message": "a whole number"}]
    problem = orjson.dumps({"code": "invalid_parameters", "detail": "Some are wrong.", "errors": fields})
    async with scripted([answer("422 Unprocessable", problem, "application/problem+json")]) as server:
        ran = await run("ask", "why", "--server", server.url)
    assert ran.status == 2
    assert ran.err == "Some are wrong. (invalid_parameters)\n  events: a whole number\n"


async def test_ctrl_c_tells_how_to_come_back() -> None:
    """The task goes on; its id is in the sentence."""
    async with (
        scripted([cut(task_event(), *report("begun")[:2])]) as server,
        running("ask", "why", "--server", server.url) as process,
    ):
        await said(process, "begun")
        process.send_signal(signal.SIGINT)
        told = await said(process, "To come back", on_stderr=True)
        assert await ended(process) == 130
    assert f"holdfast watch {TASK_ID} --server {server.url}" in told
    assert "Traceback" not in told


async def test_a_reader_that_goes_away_ends_the_command_quietly() -> None:
    """`holdfast ask … | head` leaves no traceback."""
    events = report(*(["line\n" * 1000] * 50))
    reading, writing = os.pipe()
    async with scripted([stream(task_event(), *events)]) as server:
        line, environment = command("ask", "why", "--server", server.url)
        async with await anyio.open_process(line, env=environment, cwd=ROOT, stdout=writing) as process:
            os.close(writing)
            assert await anyio.to_thread.run_sync(os.read, reading, 4) == b"line"
            os.close(reading)
            assert process.stderr is not None
            told = b"".join([piece async for piece in process.stderr])
            assert await ended(process) == 141
    assert b"Traceback" not in told


async def test_tasks_are_listed_one_to_a_line() -> None:
    """For people in columns, for programs as JSON."""
    task = {
        "id": TASK_ID,
        "kind": "demo",
        "status": "running",
        "title": "为什么\n？",
        "created_at": "2026-11-23T12:44:53Z",
    }
    content = orjson.dumps({"tasks": [{**task, "progress": {"percentage": 12}}], "next_cursor": None})
    async with scripted([answer("200 OK", content)]) as server:
        people = await run("tasks", HOLDFAST_URL=server.url)
        program = await run("tasks", "--json", "--status", "running", "--server", server.url)
    assert people.out == f"{TASK_ID}  demo      running    12%  2026-11-23 12:44  为什么 ？\n"
    assert orjson.loads(program.out)["status"] == "running"
    assert server.requests[1].path == "/api/tasks?status=running"


async def test_no_server_is_told_with_what_to_do() -> None:
    """The sentence says how to start one."""
    ran = await run("tasks", "--server", "http://127.0.0.1:1")
    assert ran.status == 1
    assert "nothing answers at http://127.0.0.1:1. Start a server" in ran.err


CHINESE_LOCALE = {"LANG": "zh_CN.UTF-8"}


async def test_the_commands_speak_chinese_where_the_locale_does() -> None:
    """LANG decides, LC_ALL goes before it."""
    async with scripted([stream(task_event(), *report("x"))]) as server:
        chinese = await run("ask", "why", "--server", server.url, **CHINESE_LOCALE)
        english = await run("ask", "why", "--server", server.url, LC_ALL="C.UTF-8", **CHINESE_LOCALE)
    assert chinese.err.endswith("已完成\n")
    assert english.err.endswith("completed\n")


@pytest.mark.parametrize("words", [("--help",), *((name, "--help") for name in ("serve", "ask", "watch", "tasks"))])
async def test_help_is_in_chinese_where_the_locale_is(words: tuple[str, ...]) -> None:
    """Not a line of English prose: what is left in Latin letters are names and options."""
    ran = await run(*words, **CHINESE_LOCALE, COLUMNS="80")
    assert ran.status == 0
    assert ran.out.startswith("用法：holdfast")
    assert re.search(r"\b[a-z]+ [a-z]+ [a-z]+\b", ran.out) is None
    assert max(map(columns_of, ran.out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("fly",), "命令 不能是 'fly'，可选："),
        (("watch",), "缺少参数：TASK_ID"),
        (("watch", "x", "--loud"), "无法识别的参数：--loud"),
        (("ask", "why", "--kind"), "--kind 需要一个值"),
        (("ask", "why", "--param", "novalue"), "--param：'novalue' 不是 KEY=VALUE"),
        (("ask", "why", "--param", "a=1", "--param", "a.b=1"), "a.b：a 已经有值"),
        (("ask", "--fresh", "why"), "请把问题写在 --fresh 之前"),
        (("ask", "why", "--server", "x"), "'x' 不是服务器的地址"),
    ],
)
async def test_wrong_usage_is_told_in_chinese_where_the_locale_is(words: tuple[str, ...], sentence: str) -> None:
    """argparse's own sentences included."""
    ran = await run(*words, **CHINESE_LOCALE)
    assert ran.status == 2
    assert sentence in ran.err


async def test_an_error_of_the_server_has_a_chinese_sentence_by_its_code() -> None:
    """The server's own detail, which names the field, stands below it."""
    fields = [{"path": "report.style", "code": "enum", "message": "brief or full"}]
    problem = orjson.dumps({"code": "invalid_parameters", "detail": "`report.style`: brief or full.", "errors": fields})
    refusal = answer("422 Unprocessable", problem, "application/problem+json")
    async with scripted([refusal]) as server:
        ran = await run("ask", "why", "--server", server.url, **CHINESE_LOCALE)
    assert ran.err == f"{CHINESE['invalid_parameters']}（invalid_parameters）\n  `report.style`: brief or full.\n"
    failure = event(1, "failure", '{"code":"corrupt","message":"It is damaged.","retryable":false,"step":null}')
    async with scripted([stream(task_event(), failure, event(2, "done", '{"status":"failed"}'))]) as server:
        ran = await run("watch", TASK_ID, "--server", server.url, **CHINESE_LOCALE)
    assert f"失败：corrupt：{CHINESE['corrupt']}\n  It is damaged.\n" in ran.err


async def test_a_connection_that_is_lost_is_told_in_chinese() -> None:
    """The client's own sentences have both languages."""
    events = report("one ", "two")
    async with scripted([cut(task_event(), *events[:2]), stream(task_event(), *events[2:])]) as server:
        ran = await run("ask", "why", "--server", server.url, **CHINESE_LOCALE)
    assert "没有连接：连接中断；" in ran.err
    ran = await run("tasks", "--server", "http://127.0.0.1:1", **CHINESE_LOCALE)
    assert "http://127.0.0.1:1 没有响应。请用" in ran.err


@asynccontextmanager
async def serving(folder: Path, **settings: str) -> AsyncGenerator[tuple[Process, str], None]:
    """`holdfast serve` on a free port, and its address."""
    async with running("serve", "--port", "0", TASK_STORAGE_DIR=str(folder), DEMO_KIND="1", **settings) as process:
        told = await said(process, "http://127.0.0.1:")
        while not told.partition("http://")[2].partition("\n")[1]:
            told += await said(process, "\n")
        yield process, "http://" + told.partition("http://")[2].split()[0]


async def test_serve_tells_its_address_and_sigterm_ends_it_well_with_a_stream_open(tmp_path: Path) -> None:
    """Whoever watches comes back to the next server; the process ends with 0 inside ten seconds."""
    async with serving(tmp_path) as (process, url):
        slow = ("--param", "events=10000", "--param", "rate=50", "--server", url)
        async with running("ask", "--kind", "demo", *slow) as watching:
            await said(watching, "000003")
            with anyio.fail_after(10):
                process.terminate()
                assert await process.wait() == 0
            await said(watching, "No connection", on_stderr=True)
    segments = list(tmp_path.glob("*/0001-*/000001.jsonl"))
    assert len(segments) == 1
    assert b'"type":"release"' in segments[0].read_bytes()


async def test_ctrl_c_ends_the_server_well(tmp_path: Path) -> None:
    """The first one is a clean stop, without a traceback."""
    async with serving(tmp_path) as (process, _):
        process.send_signal(signal.SIGINT)
        assert await ended(process) == 0
        assert process.stderr is not None
        assert b"Traceback" not in b"".join([piece async for piece in process.stderr])


async def test_a_second_ctrl_c_does_not_wait_for_running_steps(tmp_path: Path) -> None:
    """Who is in a hurry gets out at once; the task goes on from its journal at the next start."""
    async with serving(tmp_path, SHUTDOWN_GRACE_SECONDS="60") as (process, url):
        slow = ("--param", "events=10000", "--param", "rate=50", "--server", url)
        async with running("ask", "--kind", "demo", *slow) as watching:
            await said(watching, "000003")
            process.send_signal(signal.SIGINT)
            await refused(url)
            process.send_signal(signal.SIGINT)
            with anyio.fail_after(5):
                assert await process.wait() == 130


async def refused(url: str) -> None:
    """Wait until nothing can connect to this address any more."""
    host, _, port = url.removeprefix("http://").partition(":")
    with anyio.fail_after(LIMIT_SECONDS):
        while True:
            try:
                await (await anyio.connect_tcp(host, int(port))).aclose()
            except OSError:
                return


async def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    """No traceback, and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ran = await run("serve", "--port", str(port), TASK_STORAGE_DIR=str(tmp_path))
    assert ran.status == 1
    assert ran.err.startswith(f"holdfast: Port {port} on 127.0.0.1 is in use; stop what uses it")
    assert len(ran.err.splitlines()) == 1


async def test_a_folder_that_can_not_be_used_is_told(tmp_path: Path) -> None:
    """One sentence in the place of a traceback."""
    (tmp_path / "file").touch()
    ran = await run("serve", "--port", "0", TASK_STORAGE_DIR=str(tmp_path / "file"))
    assert ran.status == 1
    assert ran.err.startswith("holdfast: ")
    assert len(ran.err.splitlines()) == 1


async def test_serve_warns_where_the_library_that_was_named_is_not_there(tmp_path: Path) -> None:
    """A typing error in LIBRARY_DIR does not quietly lead to answers about Holdfast itself."""
    missing, empty, full = tmp_path / "missing", tmp_path / "empty", tmp_path / "full"
    empty.mkdir()
    full.mkdir()
    for name in ("a.md", "b.md"):
        (full / name).write_text(f"# {name}\n\nBees sleep at night in {name}.\n")
    (full / "copy.md").write_text((full / "a.md").read_text())
    for folder, words in (
        (missing, f"WARNING: {missing}, which LIBRARY_DIR names, does not exist."),
        (empty, f"WARNING: {empty}, which LIBRARY_DIR names, holds no documents."),
        (full, f"Library: 2 documents in {full}"),
    ):
        settings = {"TASK_STORAGE_DIR": str(tmp_path / "tasks"), "LIBRARY_DIR": str(folder)}
        async with running("serve", "--port", "0", **settings) as process:
            assert words in await said(process, "Browser:")


async def test_doctor_finds_nothing_wrong_in_a_good_place(tmp_path: Path) -> None:
    """Everything that is needed is there, and the settings in force are shown."""
    ran = await run("doctor", TASK_STORAGE_DIR=str(tmp_path), PORT="0")
    assert ran.status == 0, ran.out
    assert f"* TASK_STORAGE_DIR              {tmp_path}\n" in ran.out
    assert "WARNING" not in ran.out


async def test_doctor_speaks_chinese_where_the_locale_does(tmp_path: Path) -> None:
    """What it found, what the store found, and the end: all in Chinese."""
    ran = await run("doctor", TASK_STORAGE_DIR=str(tmp_path), PORT="0", **CHINESE_LOCALE)
    assert ran.status == 0, ran.out
    found, _, settings = ran.out.partition("本命令的设置")
    assert settings.endswith("所需的一切都已具备。\n")
    told = dict(re.split(r"\s{2,}", line.strip())[1:3] for line in found.splitlines()[1:] if line.strip())
    exempt = {"Python", "软件包", "加速组件", "浏览器", "任务：文件夹"}
    assert [name for name, detail in told.items() if name not in exempt and not cjk(detail)] == []
    assert len(told) >= 11


def cjk(text: str) -> bool:
    return any("\u4e00" <= character <= "\u9fff" for character in text)


async def test_doctor_makes_nothing(tmp_path: Path) -> None:
    """To look at a place is not to furnish it: what was missing is missing afterwards, and nothing is left over."""
    wanted = tmp_path / "a" / "tasks"
    ran = await run("doctor", TASK_STORAGE_DIR=str(wanted), LIBRARY_DIR=str(tmp_path / "library"), PORT="0")
    assert ran.status == 0, ran.out
    assert f"{wanted} (will be made)\n" in ran.out
    assert f"WARNING: {tmp_path / 'library'}, which LIBRARY_DIR names, does not exist." in ran.out
    assert list(tmp_path.iterdir()) == []


async def test_doctor_tells_what_is_wrong(tmp_path: Path) -> None:
    """A port that something else uses and a folder that can't be made are both named at the end."""
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "tasks"):
        with socket.create_server(("127.0.0.1", 0)) as other:
            ran = await run("doctor", TASK_STORAGE_DIR=str(folder), PORT=str(other.getsockname()[1]))
        assert ran.status == 1
        assert "To be put right: tasks: folder, port.\n" in ran.out


async def test_doctor_knows_a_holdfast_that_runs_already(tmp_path: Path) -> None:
    """A port that is taken by the server itself is nothing wrong; where it keeps its tasks is told."""
    async with serving(tmp_path / "tasks") as (_, url):
        port = url.rpartition(":")[2]
        same = await run("doctor", TASK_STORAGE_DIR=str(tmp_path / "tasks"), PORT=port)
        other = await run("doctor", TASK_STORAGE_DIR=str(tmp_path / "other"), PORT="0", HOLDFAST_URL=url)
    assert (same.status, other.status) == (0, 0)
    assert f"a Holdfast is listening at {url} already" in same.out
    assert f"runs at {url} and keeps its tasks in the folder above" in same.out
    assert f"runs at {url} and keeps its tasks elsewhere" in other.out


async def test_doctor_asks_a_server_that_listens_everywhere_at_loopback(tmp_path: Path) -> None:
    """As in a container, where only the names of ALLOWED_HOSTS and loopback are answered: 0.0.0.0 is neither."""
    async with serving(tmp_path / "tasks") as (_, url):
        everywhere = {"HOST": "0.0.0.0", "ALLOW_ANONYMOUS": "1", "PORT": url.rpartition(":")[2]}  # noqa: S104
        ran = await run("doctor", TASK_STORAGE_DIR=str(tmp_path / "tasks"), **everywhere)
    assert ran.status == 0, ran.out
    assert f"a Holdfast is listening at {url} already" in ran.out
    assert f"runs at {url} and keeps its tasks in the folder above" in ran.out


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:80"),  # noqa: S104 - nothing is bound here
        ("::", "http://[::1]:80"),
        ("[::]", "http://[::1]:80"),
        ("10.1.2.3", "http://10.1.2.3:80"),
        ("holdfast.example", "http://holdfast.example:80"),
    ],
)
def test_a_wildcard_address_is_asked_at_loopback(host: str, url: str) -> None:
    """Every other address is asked as it is."""
    assert url_within(host, 80) == url


async def script(*words: str) -> Ran:
    line = [sys.executable, str(ROOT / "scripts" / "test_background_tasks.py"), *words]
    with anyio.fail_after(120):
        done = await anyio.run_process(line, cwd=ROOT, check=False)
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


async def test_the_demonstration_holds_on_a_server_of_its_own() -> None:
    """`scripts/test_background_tasks.py` shows all that it has to show, the killed server included."""
    ran = await script()
    assert ran.status == 0, ran.out
    assert ran.out.count("✓") == 7


async def test_the_demonstration_notices_every_fault_that_it_is_shown() -> None:
    """Its checks are proven on transcripts and logs with one fault each."""
    ran = await script("--prove")
    assert ran.status == 0, ran.out
    assert ran.out.endswith("16 of 16 faults were noticed.\n")


async def test_a_password_in_a_setting_is_not_told_again(tmp_path: Path) -> None:
    """An address that holds one is refused, in a sentence that says what would be right and not what was given."""
    languages: list[tuple[dict[str, str], str]] = [({}, "without user, password"), (CHINESE_LOCALE, "不含用户名")]
    for locale, right in languages:
        ran = await run("doctor", OPENAI_BASE_URL="https://me:hunter2@host.example/v1", **locale)
        assert ran.status == 2
        assert "OPENAI_BASE_URL" in ran.err
        assert right in ran.err
        assert "hunter2" not in ran.err + ran.out


async def test_doctor_asks_the_model_only_when_told_to(tmp_path: Path) -> None:
    place = {"TASK_STORAGE_DIR": str(tmp_path), "PORT": "0"}
    model = {"OPENAI_MODEL": "m", "OPENAI_BASE_URL": "http://127.0.0.1:1/v1", "OPENAI_API_KEY": "sk-canary-1234567"}
    ran = await run("doctor", **place, **model)
    asked = await run("doctor", "--ask-model", **place, **model)
    assert "m at http://127.0.0.1:1/v1" in ran.out
    assert "does not answer" not in ran.out
    assert "does not answer: No connection" in asked.out
    assert "canary" not in ran.out + asked.out


async def test_doctor_says_which_providers_are_searched_and_what_others_need(tmp_path: Path) -> None:
    """Nobody is asked, no key is told; one that the settings name and that can't be asked is worth a note."""
    place = {"TASK_STORAGE_DIR": str(tmp_path), "PORT": "0"}
    plain = await run("doctor", **place)
    given = {"SEARCH_PROVIDERS": "tavily,exa,arxiv", "TAVILY_API_KEY": "tvly-canary-1234567"}
    named = await run("doctor", **place, **given, LANG="zh_CN.UTF-8")
    assert "web: wikipedia; academic: openalex, arxiv, crossref" in plain.out
    assert "searxng (SEARXNG_URL)" in plain.out
    assert "网络：tavily；学术：arxiv。exa: 未配置：没有设置 EXA_API_KEY" in named.out
    assert "canary" not in named.out + named.err


async def test_a_provider_that_does_not_exist_is_told_with_those_that_do(tmp_path: Path) -> None:
    """And an address with a password in it is not told again."""
    wrong = await run("doctor", SEARCH_PROVIDERS="gogle", SEARXNG_URL="http://me:hunter2@searx.example")
    assert wrong.status == 2
    assert "SEARCH_PROVIDERS can't be 'gogle': it has to be some of tavily, brave, exa, searxng" in wrong.err
    assert "SEARXNG_URL can't be '…'" in wrong.err
    assert "hunter2" not in wrong.err
