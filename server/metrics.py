"""The figures of one node, as Prometheus reads them. None bears a task's id or anything that a client has written."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

from server.models import Record, Status, now_ms

DISK_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""Seconds: from a fast disk's write to a volume that is about to be given up."""
LAG_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Figures:
    """What a node is doing at this moment. Ages are in seconds; ``counted_at`` is in seconds since 1970."""

    running: int
    capacity: int
    queued: int
    oldest_wait_seconds: float
    subscribers: int
    nodes_alive: int
    heartbeat_age_seconds: float
    tasks: Mapping[Status, int]
    counted_at: float | None
    webhooks_waiting: int = 0


class Metrics:
    """Counts what it is told, and asks ``figures`` for the rest whenever it is read."""

    def __init__(self, node: str, version: str, figures: Callable[[], Figures]) -> None:
        # Else each counter has a second series, which only says when this process has made it.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the package types all but this
        self._registry = CollectorRegistry()
        self._registry.register(_Now(node, version, figures))
        ProcessCollector(registry=self._registry)
        self._created = self._counter("tasks_created", "Lives of tasks that requests to this node began.", ("kind",))
        self._statuses = self._counter(
            "status_changes", "Changes of status that this node has written, by the new status.", ("status",)
        )
        for status in Status:  # what has not happened yet is 0: an alarm needs that to compare with
            self._statuses.labels(status)
        self._claims = self._counter("claims", "Claims by which this node took a task up to run it.")
        self._takeovers = self._counter("takeovers", "Claims by which this node took up a task whose owner had died.")
        self._handovers = self._counter("handovers", "Tasks that this node let go for another node to go on with.")
        self._quarantines = self._counter(
            "quarantines", "How often a task was found with a damaged log, by its owner to be or by a reader."
        )
        self._webhooks = self._counter(
            "webhook_attempts",
            "Attempts to tell a receiver of a task's end: taken, failed and to be tried again, or given_up.",
            ("outcome",),
        )
        for outcome in ("taken", "failed", "given_up"):
            self._webhooks.labels(outcome)
        published = self._published = self._counter(
            "events_published",
            "Events shown to the readers of this node, by whether it owned the task or followed another node's log.",
            ("by",),
        )
        self._published_by_owner = published.labels("owner")
        self._published_by_follower = published.labels("follower")
        self._requests = self._counter(
            "http_requests", "Requests that were answered, counted as the answer begins.", ("method", "route", "status")
        )
        # There are only so many, and finding one among the labels takes longer than counting.
        self._answers = cache(self._requests.labels)
        self._appends = self._histogram(
            "append_seconds", "Time to make a group of events durable, from handing it to the store.", DISK_BUCKETS
        )
        self._syncs = self._histogram(
            "fsync_seconds", "Time of the calls that make things durable.", DISK_BUCKETS, ("call",)
        )
        self._lag = self._histogram(
            "follower_lag_seconds",
            "Time from when another node wrote an event to its being shown here. It is the difference of two wall "
            "clocks: what the clocks of the nodes differ by enters it; below zero counts as zero.",
            LAG_BUCKETS,
        )

    def _counter(self, name: str, meaning: str, labels: Sequence[str] = ()) -> Counter:
        return Counter(f"holdfast_{name}", meaning, labels, registry=self._registry)

    def _histogram(self, name: str, meaning: str, buckets: Sequence[float], labels: Sequence[str] = ()) -> Histogram:
        return Histogram(f"holdfast_{name}", meaning, labels, buckets=buckets, registry=self._registry)

    def created(self, kind: str) -> None:
        self._created.labels(kind).inc()

    def claimed(self, *, taken_over: bool) -> None:
        self._claims.inc()
        if taken_over:
            self._takeovers.inc()

    def status_changed(self, status: Status) -> None:
        self._statuses.labels(status).inc()

    def handed_over(self) -> None:
        self._handovers.inc()

    def quarantined(self) -> None:
        self._quarantines.inc()

    def told(self, outcome: str) -> None:
        """A receiver was to be told of a task's end."""
        self._webhooks.labels(outcome).inc()

    def appended(self, seconds: float) -> None:
        self._appends.observe(seconds)

    def synced(self, call: str, seconds: float) -> None:
        """From any thread."""
        self._syncs.labels(call).observe(seconds)

    def published(self, events: int) -> None:
        """This node, the owner, has shown so many events to its readers."""
        self._published_by_owner.inc(events)

    def followed(self, records: Sequence[Record]) -> None:
        """A follower of another node's log has shown these records to this node's readers."""
        now = now_ms()
        events = [record for record in records if record.seq is not None]
        self._published_by_follower.inc(len(events))
        for event in events:
            self._lag.observe(max(0, now - event.at) / 1000)

    def answered(self, method: str, route: str, status: int) -> None:
        """``route`` is a route's template, never an address."""
        self._answers(method if method in METHODS else "other", route, status).inc()

    def counted(self) -> dict[str, int]:
        """What people are shown of the counters, since this process began."""
        shown = {
            "claims": self._claims,
            "takeovers": self._takeovers,
            "handovers": self._handovers,
            "quarantines": self._quarantines,
            "events_published": self._published,
        }
        return {name: int(sum(_values(counter))) for name, counter in shown.items()}

    def exposition(self) -> bytes:
        """The text format, version 0.0.4."""
        return generate_latest(self._registry)


def _values(counter: Counter) -> Iterable[float]:
    return (sample.value for metric in counter.collect() for sample in metric.samples)


class _Now(Collector):
    """What is not counted but looked at."""

    def __init__(self, node: str, version: str, figures: Callable[[], Figures]) -> None:
        self._node, self._version, self._figures = node, version, figures

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing: a registry that is told no names does not ask for the figures before there are any."""
        return ()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        now = self._figures()
        node = GaugeMetricFamily(
            "holdfast_node_info", "This node and its version; always 1.", labels=("node", "version")
        )
        node.add_metric((self._node, self._version), 1)
        yield node
        if now.counted_at is not None:
            tasks = GaugeMetricFamily(
                "holdfast_tasks",
                "Tasks in the store by status, as of the last count.",
                labels=("status",),
            )
            for status in Status:
                tasks.add_metric((status,), now.tasks.get(status, 0))
            yield tasks
            yield _gauge("tasks_counted_timestamp_seconds", "When the tasks were last counted.", now.counted_at)
        yield _gauge("running_tasks", "Tasks that run on this node.", now.running)
        yield _gauge("running_tasks_limit", "Tasks that may run at once on this node.", now.capacity)
        yield _gauge("queued_tasks", "Tasks that wait for a place, as this node knows.", now.queued)
        yield _gauge(
            "oldest_queued_task_seconds",
            "How long the task that has waited longest is known to this node to wait; 0 when none waits.",
            now.oldest_wait_seconds,
        )
        yield _gauge("subscribers", "Readers that follow a task on this node.", now.subscribers)
        yield _gauge("webhooks_waiting", "Messages that this node has yet to tell a receiver.", now.webhooks_waiting)
        yield _gauge("nodes_alive", "Nodes on this store that are alive, this one included.", now.nodes_alive)
        yield _gauge(
            "heartbeat_age_seconds",
            "How old this node's last written heartbeat is. At two thirds of LEASE_SECONDS it lets its tasks go.",
            now.heartbeat_age_seconds,
        )


def _gauge(name: str, meaning: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"holdfast_{name}", meaning, value)
