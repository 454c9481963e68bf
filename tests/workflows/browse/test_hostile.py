"""Pages that mean harm: each has a result that says what it did, and those beside it are done."""

import os
import signal
import socket
import ssl
import subprocess
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio import create_task_group, fail_after

from server.sources.chromium.pool import Chromium
from server.workflows.browse.workflow import browse_workflow
from server.workflows.rehearsal import RehearsalContext
from tests.workflows.browse.processes import below
from tests.workflows.browse.site import Site

pytestmark = [pytest.mark.browser, pytest.mark.anyio]

FAILING = {
    "status/401": "http_401",
    "status/407": "http_407",
    "status/500": "http_500",
    "status/204": "http_204",
    "large": "too_large",
    "chunked": "too_large",
    "packed": "too_large",
    "refresh": "page_left",
    "silent": "timeout",
    "endless": "timeout",
    "alerts": "timeout",
}
GOOD = 3
SHORT = frozenset({"silent", "endless", "alerts"})
NOTED = {"dialogs": "dialog", "popups": "popup", "leaving": "dialog", "wide": "screenshot_cut", "blank": "empty"}


async def browse(pool: Chromium, tasks: list[dict[str, Any]], **more: Any) -> list[Any]:
    workflow = browse_workflow(pool)
    params = workflow.params.model_validate({"tasks": tasks, **more})
    with fail_after(110):
        result: Any = await workflow.run(RehearsalContext(), params)
    assert pool.in_use == 0
    items: list[Any] = result["items"]
    return items


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


async def test_each_bad_page_says_what_is_wrong_with_it_and_the_good_ones_are_done(
    pool: Chromium, odd_site: Site
) -> None:
    """All in one batch, four at once."""
    wanted = {f"{odd_site.url}/hostile/{name}": code for name, code in FAILING.items()}
    wanted |= {
        f"http://127.0.0.1:{closed_port()}/": "unreachable",
        f"https://127.0.0.1:{closed_port()}/": "unreachable",
        "http://no-such-host.invalid/": "unknown_host",
    }
    tasks: list[dict[str, Any]] = []
    for url in wanted:
        seconds = 2 if url.rpartition("/")[2] in SHORT else 30
        tasks.append({"url": url, "retries": 0, "timeout_s": seconds})
    tasks += [{"url": f"{odd_site.url}/page/{number}"} for number in range(GOOD)]
    items = await browse(pool, tasks, parallelism=4)
    bad, good = items[:-GOOD], items[-GOOD:]
    assert {item["url"]: item["error"]["code"] for item in bad} == wanted
    assert all(item["error"]["message"].endswith(".") and item["attempts"] == 1 for item in bad)
    assert [f"/page/{number}" in item["text"] for number, item in enumerate(good)] == [True] * GOOD


async def test_what_bad_pages_tried_is_noted(pool: Chromium, odd_site: Site) -> None:
    """A page that wants to be stayed on is left all the same."""
    press = [{"type": "click", "selectors": ["button"]}]
    away = {"type": "navigate", "url": odd_site.url + "/second"}
    opened = {"type": "navigate", "url": odd_site.url + "/hostile/leaving"}
    steps = {"leaving": [opened, *press, away]}
    tasks = [
        {"url": f"{odd_site.url}/hostile/{name}", "steps": steps.get(name, []), "captures": ["text", "screenshot"]}
        for name in NOTED
    ]
    items = await browse(pool, tasks, parallelism=4)
    assert [item["error"] for item in items] == [None] * len(NOTED)
    for item, note in zip(items, NOTED.values(), strict=True):
        assert note in [one["code"] for one in item["notes"]], item
    assert items[2]["final_url"] == away["url"]


async def test_chinese_in_an_old_encoding_is_chinese(pool: Chromium, odd_site: Site) -> None:
    (item,) = await browse(pool, [{"url": odd_site.url + "/hostile/gbk"}])
    assert "茶叶要密封保存，放在阴凉干燥的地方。" in item["text"]


async def test_a_page_whose_process_ends_is_tried_once_more_and_named(pool: Chromium, odd_site: Site) -> None:
    """The page takes memory until its process ends; the browser and the other pages go on."""
    tasks = [{"url": odd_site.url + "/hostile/memory"}, {"url": odd_site.url + "/"}]
    bad, good = await browse(pool, tasks)
    assert (bad["error"]["code"], bad["attempts"], good["status"]) == ("page_crashed", 2, "completed")


async def test_a_killed_page_costs_one_try_more(pool: Chromium, odd_site: Site) -> None:
    async def kill() -> None:
        await odd_site.wanted.wait()
        pages = [one for one in below(pool.pid or 0) if one.is_renderer]
        assert pages
        for one in pages:
            os.kill(one.pid, signal.SIGKILL)

    items: list[Any] = []
    async with create_task_group() as tg:
        tg.start_soon(kill)
        items = await browse(pool, [{"url": odd_site.url + "/hanging", "captures": ["text"]}])
    assert (items[0]["status"], items[0]["attempts"]) == ("completed", 2)


async def test_a_certificate_that_nobody_vouches_for_is_not_accepted(pool: Chromium, tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1", "-days", "2"]
    await anyio.run_process([*made, "-keyout", str(key), "-out", str(certificate)], stderr=subprocess.DEVNULL)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def answer(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            try:
                await anyio.streams.tls.TLSStream.wrap(stream, server_side=True, ssl_context=context)
            except (anyio.BrokenResourceError, anyio.EndOfStream, ssl.SSLError):
                return

    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, create_task_group() as tg:
        tg.start_soon(listener.serve, answer)
        port = listener.extra(anyio.abc.SocketAttribute.local_port)  # noqa: S610 - a listener, not a query
        (item,) = await browse(pool, [{"url": f"https://127.0.0.1:{port}/"}])
        tg.cancel_scope.cancel()
    assert item["error"]["code"] == "bad_certificate"
