"""The request that somebody has made before, again and again, beside a route that only says hello."""

import json
from functools import partial
from pathlib import Path
from typing import Any

from scripts.benching.bench import HELLO, Bench, busiest
from scripts.benching.holdfast import BLOCKING, holdfast, stream_of
from scripts.benching.load import Plan
from scripts.benching.peers import peers_app
from scripts.benching.processes import carried_out
from scripts.benching.table import HOLDFAST, Outcome
from scripts.judging import Failed

CONNECTIONS = 16
SHORT = {"events": 10, "size": 20, "seed": 1}
SLOW = {**BLOCKING, "seed": 2}
ASKED: dict[str, tuple[str, dict[str, Any]]] = {
    "POST /api/tasks, running": ("POST", SLOW),
    "POST /api/tasks, finished": ("POST", SHORT),
    "GET /api/stream, finished, to its end": ("GET", SHORT),
}
FIRST_EVENT = "GET /api/stream, running, to its first event, a connection each"
SHARE = 0.4
HELLO_MORE = 5
"""It is asked so many times more often, so that its time is no shorter than what else happens meanwhile."""


def measure(bench: Bench) -> Outcome:
    folder, count = bench.room("attach"), bench.sizes.requests
    outcome = Outcome()
    with holdfast(folder) as own, peers_app(folder) as (app, _):
        own.finished(**SHORT)
        slow = own.begin(**SLOW)
        own.wait_for(slow, "running")
        plans = {what: _plan(own.port, method, params, count) for what, (method, params) in ASKED.items()}
        hello = Plan("ask", app, [("/hello", 1)], count=count * HELLO_MORE, connections=CONNECTIONS)
        found = bench.rounds(
            {what: partial(carried_out, plan, folder) for what, plan in {**plans, HELLO: hello}.items()}
        )
        singly = bench.rounds(_singly(own.port, app, max(CONNECTIONS, count // 3), folder))
        own.stop(slow)
    rates = {what: [_rate(each) for each in rounds] for what, rounds in found.items()}
    for what in plans:
        outcome.add(what, "requests/s", {HOLDFAST: rates[what], HELLO: rates[HELLO]})
    outcome.add(FIRST_EVENT, "requests/s", {who: [_rate(each) for each in rounds] for who, rounds in singly.items()})
    for what in (*plans, FIRST_EVENT):
        outcome.want_ratio(what, HELLO, SHARE, at_least=True)
    outcome.notes.append(busiest({**found, **singly}))
    return outcome


def _plan(port: int, method: str, params: dict[str, Any], count: int) -> Plan:
    target, body = stream_of(**params), ""
    if method == "POST":
        target, body = "/api/tasks", json.dumps({"kind": "demo", "params": params})
    return Plan("ask", port, [(target, 1)], method=method, body=body, count=count, connections=CONNECTIONS)


def _singly(own: int, app: int, count: int, folder: Path) -> "dict[str, partial[dict[str, Any]]]":
    """A stream that does not end takes a connection each; so does hello beside it."""
    asked = {HOLDFAST: (own, stream_of(**SLOW), "event: task"), HELLO: (app, "/hello", "Hello")}
    return {
        who: partial(
            carried_out,
            Plan("ask", port, [(target, 1)], mark=mark, reconnect=True, count=count, connections=CONNECTIONS),
            folder,
        )
        for who, (port, target, mark) in asked.items()
    }


def _rate(found: dict[str, Any]) -> float:
    """:raises Failed: some request was refused."""
    statuses: dict[str, int] = found["statuses"]
    if statuses.keys() != {"200"}:
        raise Failed(f"requests were answered {statuses}")
    return statuses["200"] / float(found["seconds"])
