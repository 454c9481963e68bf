"""`holdfast serve`: uvicorn around the app, with a start that explains itself and an end that loses nothing."""

import errno
import gc
import logging
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from threading import Thread, Timer

import anyio
import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.app import create_app
from server.command import logs
from server.command.connection import Connection
from server.command.doctor import what_works
from server.command.listening import BACKLOG, listen, url_of
from server.command.memory import give_large_blocks_back
from server.command.scratch import own_temporary_folder
from server.command.telling import CHINESE
from server.command.terminal import Voice
from server.errors import HoldfastError
from server.settings import Settings

OK, FAILED, USAGE, FORCED = 0, 1, 2, 130
OPEN_FILES = 65_536
GRACEFUL_SECONDS = 8
LAST_RESORT_SECONDS = 9.5
FORCE_LOOK_SECONDS = 0.1
COLLECT_AFTER = (20_000, 20, 20)
"""Objects made since the last collection, and how many collections of one age make one of the next; see `gc`."""


def serve(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT. Returns the exit status."""
    voice = Voice(settings.speaks_chinese)
    if not (settings.loopback_only or settings.allow_anonymous):
        return _refuse(
            voice(
                f"{settings.host} can be reached by others and there are no users here, so whoever reaches it could do "
                "everything. Set ALLOW_ANONYMOUS=1 if that is meant, or listen on 127.0.0.1.",
                f"{settings.host} 可以被其他机器访问，而这里没有配置用户，任何人都能做任何事。"
                "若确实如此，请设置 ALLOW_ANONYMOUS=1；否则请监听 127.0.0.1。",
            ),
            USAGE,
        )
    try:
        sockets = listen(settings.host, settings.port)
    except OSError as error:
        return _refuse(_why_not(error, settings, voice), FAILED)
    settings = settings.model_copy(update={"port": sockets[0].getsockname()[1]})
    _allow_many_files()
    give_large_blocks_back()
    with own_temporary_folder():
        return _run(settings, sockets, voice)


def _run(settings: Settings, sockets: list[socket.socket], voice: Voice) -> int:
    app = create_app(settings)
    _collect_less_often()
    logs.configure(settings, app.state.holdfast.node)
    entrance = _Entrance(app)
    config = uvicorn.Config(
        entrance,
        http=Connection,
        lifespan="on",
        ws="none",
        access_log=False,
        log_config=None,
        log_level="warning",
        backlog=BACKLOG,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
    )
    server = _Server(config, app.state.holdfast.begin_shutdown, partial(_announce, settings, voice))
    logging.getLogger("uvicorn.error").addFilter(lambda _: entrance.error is None)  # its sentence is enough
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _already_handled)
    try:
        server.run(sockets)
    except SystemExit:
        if entrance.error is not None:
            detail = entrance.error.detail
            return _refuse(voice(detail, f"{CHINESE.get(entrance.error.code, '')}\n  {detail}"), FAILED)
        return FAILED
    finally:
        for listener in sockets:
            listener.close()
    return FORCED if server.force_exit else OK


class _Server(uvicorn.Server):
    """Tells that it listens, and lets the tasks go in good order before it waits for the connections."""

    def __init__(
        self, config: uvicorn.Config, begin_shutdown: Callable[[], Awaitable[None]], announce: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._begin_shutdown = begin_shutdown
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._announce()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Refusing connections comes first: a browser tries again after that, but gives up for good after a 503.
        for server in self.servers:
            server.close()
        began = time.monotonic()
        # What can't be ended in time is left as after a kill, which is what the log is made for. It is never called
        # off: a thread that a step has left running would keep the process even after all else has ended.
        last_resort = Timer(LAST_RESORT_SECONDS, os._exit, (OK,))
        last_resort.daemon = True
        last_resort.start()
        try:
            with anyio.move_on_after(GRACEFUL_SECONDS):
                async with anyio.create_task_group() as tg:
                    tg.start_soon(self._give_up_when_forced, tg.cancel_scope)
                    await self._begin_shutdown()
                    tg.cancel_scope.cancel()
        finally:
            left = GRACEFUL_SECONDS - (time.monotonic() - began)
            self.config.timeout_graceful_shutdown = max(1, round(left))
            await super().shutdown(sockets)

    async def _give_up_when_forced(self, scope: anyio.CancelScope) -> None:
        while not self.force_exit:  # noqa: ASYNC110 - a signal handler sets it, which can't set an event of the loop
            await anyio.sleep(FORCE_LOOK_SECONDS)
        scope.cancel()


class _Entrance:
    """The app, and why it did not start: one sentence in the place of a traceback."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.error: HoldfastError | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        held: list[Message] = []

        async def hold_failures(message: Message) -> None:
            if message["type"].endswith(".failed"):
                held.append(message)
            else:
                await send(message)

        try:
            await self._app(scope, receive, hold_failures)
        except HoldfastError as error:
            self.error = error
            held = [{**message, "message": ""} for message in held]
            raise
        finally:
            for message in held:
                await send(message)


def _announce(settings: Settings, voice: Voice) -> None:
    address = url_of(settings.host, settings.port)
    _say(voice(f"Holdfast listens on {address}", f"Holdfast 正在监听 {address}"))
    # Looking for a browser means starting it; nobody needs to wait for that.
    Thread(target=lambda: _say(*(f"  {line}" for line in what_works(settings, voice))), daemon=True).start()


def _say(*lines: str) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()


def _why_not(error: OSError, settings: Settings, voice: Voice) -> str:
    host, port = settings.host, settings.port
    if error.errno == errno.EADDRINUSE:
        return voice(
            f"Port {port} on {host} is in use; stop what uses it, or take another: --port 0 finds a free one.",
            f"{host} 的端口 {port} 已被占用；请停止占用它的程序，或换一个端口：--port 0 会自动选择空闲端口。",
        )
    if error.errno == errno.EACCES:
        return voice(
            f"This user may not listen on port {port}; take one above 1023.",
            f"当前用户不能监听端口 {port}；请使用 1023 以上的端口。",
        )
    if isinstance(error, socket.gaierror):
        return voice(f"There is no address for host {host!r}.", f"找不到主机 {host!r} 的地址。")
    return voice(
        f"Can't listen on {host}, port {port}: {error.strerror}.", f"无法监听 {host} 端口 {port}：{error.strerror}。"
    )


def _refuse(sentence: str, status: int) -> int:
    sys.stderr.write(f"holdfast: {sentence}\n")
    return status


def _collect_less_often() -> None:
    """A collection looks at all that is alive, and a task that writes makes an object or two for each event.

    What the start has made stays and is not looked at again; what is garbage without a cycle goes at once anyhow.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


def _allow_many_files() -> None:
    """A thousand readers are a thousand open files; the usual soft limit is 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _already_handled(number: int, frame: object) -> None:
    """uvicorn raises the signals that it got again when it has ended; by then there is nothing left to do."""
