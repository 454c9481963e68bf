"""The commands: `holdfast serve | ask | watch | tasks | doctor`, also as `python -m server …`.

Exit status: 0 well (for a task: completed), 1 failed, 2 wrong usage, 3 the task was stopped, 130 interrupted,
141 the reader of a pipe went away (as if SIGPIPE had ended it).
"""

import argparse
import os
import secrets
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from functools import partial
from io import TextIOWrapper
from typing import Any, TextIO, TypeAlias

import anyio
import orjson
from pydantic import ValidationError

from server import __version__
from server.command import client
from server.command.arguments import Parser, explain_settings
from server.command.sse_parser import Event
from server.command.telling import Telling, explain
from server.command.terminal import Voice, display, task_line
from server.models import Status
from server.settings import Settings

OK, FAILED, USAGE, STOPPED, INTERRUPTED, PIPE_CLOSED = 0, 1, 2, 3, 130, 141
EXITS = {Status.COMPLETED: OK, Status.FAILED: FAILED, Status.STOPPED: STOPPED}
BAD_REQUEST_STATUSES = (400, 413, 415, 422)
EventsOf: TypeAlias = Callable[[str, Callable[[client.Notice], None]], AsyncGenerator[Event, None]]
LISTED_TASKS = 50
TICK_SECONDS = 1.0


def main(argv: Sequence[str] | None = None) -> int:
    for stream in (sys.stdout, sys.stderr):
        _accept_all_text(stream)
    voice = _voice()
    args = _arguments(voice).parse_args(argv)
    given = {name: value for name in ("host", "port") if (value := getattr(args, name, None)) is not None}
    try:
        settings = Settings(**given)
    except ValidationError as error:
        for sentence in explain_settings(error, voice, {name: f"--{name}" for name in given}):
            _complain(sentence)
        return USAGE
    try:
        return int(args.run(settings, args))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED


def _voice() -> Voice:
    """The user's language, also where other settings are wrong."""
    try:
        settings = Settings()
    except ValidationError as error:
        wrong = {str(problem["loc"][0]) for problem in error.errors() if problem["loc"]}
        settings = Settings(**{name: Settings.model_fields[name].default for name in wrong})
    return Voice(settings.speaks_chinese)


def _arguments(voice: Voice) -> argparse.ArgumentParser:
    exits = voice(
        "Exit status: 0 well (for a task: completed), 1 failed, 2 wrong usage, 3 the task was stopped, "
        "130 interrupted, 141 the reader of a pipe went away.",
        "退出状态：0 正常（对任务而言是已完成），1 失败，2 用法有误，3 任务被停止，130 被中断，"
        "141 管道的读取方已离开。",
    )
    parser = Parser(
        voice=voice,
        prog="holdfast",
        description=voice(
            "A server for long research-style tasks: ask, watch, leave, come back.",
            "用来运行长时间研究类任务的服务器：提问，观看，离开，再回来。",
        ),
        epilog=exits,
    )
    parser.add_argument(
        "--version", action="version", version=f"holdfast {__version__}", help=voice("show the version", "显示版本")
    )
    commands = parser.add_subparsers(
        required=True,
        title=voice("commands", "命令"),
        metavar=voice("COMMAND", "命令"),
    )

    def command(name: str, run: Callable[[Settings, argparse.Namespace], int], words: str) -> argparse.ArgumentParser:
        description = voice(f"{words[0].upper()}{words[1:]}.", f"{words}。")
        added = commands.add_parser(name, help=words, description=description, epilog=exits, voice=voice)
        added.set_defaults(run=run)
        return added

    serve = command("serve", _serve, voice("run the server", "启动服务器"))
    serve.add_argument("--host", help=voice("address to listen on (HOST, 127.0.0.1)", "监听地址（HOST，127.0.0.1）"))
    serve.add_argument(
        "--port",
        help=voice(
            "port to listen on; 0 takes any free one (PORT, 8000)", "监听端口；0 表示任选一个空闲端口（PORT，8000）"
        ),
    )

    ask = command("ask", _ask, voice("ask a question and watch the answer being written", "提出问题，看着回答写出来"))
    ask.add_argument(
        "question",
        nargs="?",
        metavar=voice("QUESTION", "问题"),
        help=voice("what to ask; sent as the parameter `query`", "要问的问题，作为参数 `query` 发送"),
    )
    ask.add_argument(
        "--kind", default="research", help=voice("the kind of the task (research)", "任务的类型（research）")
    )
    ask.add_argument(
        "--param",
        action="append",
        default=[],
        type=partial(_pair, voice),
        metavar="KEY=VALUE",
        help=voice("one parameter; may be repeated", "一个参数；可以重复"),
    )
    ask.add_argument(
        "--param-json",
        default={},
        type=partial(_object, voice),
        metavar="JSON",
        help=voice("parameters as one JSON object", "以一个 JSON 对象给出的参数"),
    )
    ask.add_argument(
        "--fresh",
        nargs="?",
        const="",
        metavar="KEY",
        help=voice(
            "do it anew, even if the same was asked before; once for each KEY (made up when not given). "
            "It stands after the question, whose first word would be taken for KEY",
            "即使问过同样的问题也重新回答；每个 KEY 一次（不给出时自动生成）。请写在问题之后，否则问题会被当作 KEY",
        ),
    )

    watch = command(
        "watch", _watch, voice("watch a task from its beginning on, and to its end", "从头到尾观看一个任务")
    )
    watch.add_argument("task_id", metavar="TASK_ID", help=voice("the id of the task", "任务的编号"))

    tasks = command("tasks", _tasks, voice("list the tasks, newest first", "列出任务，最新的在前"))
    tasks.add_argument(
        "--status",
        choices=[str(status) for status in Status],
        help=voice("only tasks with this status", "只列出处于该状态的任务"),
    )
    tasks.add_argument("--kind", help=voice("only tasks of this kind", "只列出该类型的任务"))
    for taking_server in (ask, watch, tasks):
        taking_server.add_argument(
            "--server",
            metavar="URL",
            help=voice(
                "where the server is (HOLDFAST_URL, http://127.0.0.1:8000)",
                "服务器的地址（HOLDFAST_URL，http://127.0.0.1:8000）",
            ),
        )
        taking_server.add_argument(
            "--json",
            action="store_true",
            help=voice("write JSON, one line for each event or task", "输出 JSON，每个事件或任务一行"),
        )

    about = voice("check what this server needs, and say what would be right", "检查服务器所需的一切，并说明应如何改正")
    doctor = command("doctor", _doctor, about)
    doctor.add_argument(
        "--ask-model",
        action="store_true",
        help=voice("ask the model for one word, too; that costs a few tokens", "并请模型回答一个词，会用去少量词元"),
    )
    return parser


def _pair(voice: Voice, text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(
            voice(f"{text!r} is not KEY=VALUE", f"{text!r} 不是 KEY=VALUE（名称=值）的形式")
        )
    return key, value


def _object(voice: Voice, text: str) -> dict[str, Any]:
    try:
        value = orjson.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(voice(f"this is not JSON: {error}", f"这不是 JSON：{error}")) from None
    if not isinstance(value, dict):
        example = '{"max_results": 3}'
        raise argparse.ArgumentTypeError(
            voice(f"this is not a JSON object; one looks like {example}", f"这不是 JSON 对象，JSON 对象形如 {example}")
        )
    return value


def _serve(settings: Settings, args: argparse.Namespace) -> int:
    from server.command.serve import serve  # the commands that only talk to a server need none of it

    return serve(settings)


def _doctor(settings: Settings, args: argparse.Namespace) -> int:
    from server.command.doctor import doctor

    return anyio.run(partial(doctor, settings, ask=args.ask_model))


def _ask(settings: Settings, args: argparse.Namespace) -> int:
    voice = Voice(settings.speaks_chinese)
    try:
        params = _with_pairs(args.param_json, args.param, voice)
    except ValueError as error:
        _complain(str(error))
        return USAGE
    if args.question is not None:
        params["query"] = args.question
    elif args.kind == "research" and "query" not in params:
        complaint = voice('say what to ask: holdfast ask "question"', '请给出问题：holdfast ask "问题"')
        if args.fresh:
            complaint += voice(
                f" ({args.fresh!r} was taken to be the KEY of --fresh; put the question before --fresh)",
                f"（{args.fresh!r} 被当作 --fresh 的 KEY，请把问题写在 --fresh 之前）",
            )
        _complain(complaint)
        return USAGE
    request: dict[str, Any] = {"kind": args.kind, "params": params}
    if args.fresh is not None:
        request["fresh"] = args.fresh or secrets.token_hex(8)
    return _tell(settings, args, lambda server, notify: client.ask(server, request, notify=notify))


def _with_pairs(params: dict[str, Any], pairs: list[tuple[str, str]], voice: Voice) -> dict[str, Any]:
    """The parameters with each KEY=VALUE put in, as in a query string: dots lead inwards, a repeated key is a list.

    :raises ValueError: a key is said to be both an object and a value.
    """
    result: dict[str, Any] = orjson.loads(orjson.dumps(params))
    given: set[str] = set()
    for key, value in pairs:
        *outer, last = key.split(".")
        place = result
        for name in outer:
            place = place.setdefault(name, {})
            if not isinstance(place, dict):
                raise ValueError(
                    voice(
                        f"{key}: {name} has a value already, so nothing can be put into it",
                        f"{key}：{name} 已经有值，不能再往里放",
                    )
                )
        if key not in given:
            given.add(key)
            place[last] = _json_or_text(value)
        elif isinstance(place[last], list):
            place[last].append(value)
        else:
            place[last] = [place[last], value]
    return result


def _json_or_text(value: str) -> Any:
    """A list or an object where the text is one in JSON; all else stays text, and the kind's schema reads it."""
    if not value.startswith(("[", "{")):
        return value
    try:
        return orjson.loads(value)
    except ValueError:
        return value


def _watch(settings: Settings, args: argparse.Namespace) -> int:
    return _tell(settings, args, lambda server, notify: client.follow(server, args.task_id, notify=notify))


def _tell(settings: Settings, args: argparse.Namespace, events_of: EventsOf) -> int:
    server, voice = args.server or settings.holdfast_url, Voice(settings.speaks_chinese)
    telling = Telling(display(sys.stdout, sys.stderr, voice), voice, server, raw=args.json)
    try:
        anyio.run(_follow, telling, events_of(server, telling.notice))
    except KeyboardInterrupt:
        telling.interrupted()
        return INTERRUPTED
    except client.ClientError as error:
        telling.broken(error)
        return _exit_of(error)
    finally:
        telling.close()
    return FAILED if telling.status is None else EXITS.get(telling.status, FAILED)


async def _follow(telling: Telling, events: AsyncGenerator[Event, None]) -> None:
    broken: Exception | None = None
    async with anyio.create_task_group() as tg:
        tg.start_soon(_tick, telling)
        try:
            async with aclosing(events):
                async for event in events:
                    telling.take(event)
        except (client.ClientError, OSError) as error:  # out of the group, so that it stays one error
            broken = error
        tg.cancel_scope.cancel()
    if broken is not None:
        raise broken


async def _tick(telling: Telling) -> None:
    while True:
        await anyio.sleep(TICK_SECONDS)
        telling.tick()


def _tasks(settings: Settings, args: argparse.Namespace) -> int:
    filters = {name: value for name in ("status", "kind") if (value := getattr(args, name))}
    voice = Voice(settings.speaks_chinese)
    list_them = _list_as_json if args.json else _list_for_people
    try:
        anyio.run(list_them, client.list_tasks(args.server or settings.holdfast_url, **filters), voice)
    except client.ClientError as error:
        _complain("\n".join(explain(error, voice)))
        return _exit_of(error)
    return OK


async def _list_as_json(tasks: AsyncGenerator[dict[str, Any], None], _: Voice) -> None:
    async with aclosing(tasks):
        async for task in tasks:
            sys.stdout.write(orjson.dumps(task, option=orjson.OPT_APPEND_NEWLINE).decode())


async def _list_for_people(tasks: AsyncGenerator[dict[str, Any], None], voice: Voice) -> None:
    listed = 0
    async with aclosing(tasks):
        async for task in tasks:
            if listed == LISTED_TASKS:
                more = voice(f"The newest {listed}; all of them: --json", f"最新的 {listed} 个；全部列出：--json")
                sys.stderr.write(f"{more}\n")
                return
            sys.stdout.write(f"{task_line(task, sys.stdout)}\n")
            listed += 1
    if not listed:
        sys.stderr.write(voice("There are no such tasks.\n", "没有这样的任务。\n"))


def _exit_of(error: client.ClientError) -> int:
    bad = isinstance(error, client.BadAddress) or (
        isinstance(error, client.Refused) and error.status in BAD_REQUEST_STATUSES
    )
    return USAGE if bad else FAILED


def _complain(sentence: str) -> None:
    sys.stderr.write(f"holdfast: {sentence}\n")


def _accept_all_text(stream: TextIO) -> None:
    """UTF-8 for pipes and files, whatever the locale; on a terminal, a character that it lacks is no reason to stop."""
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="replace")
