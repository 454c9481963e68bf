"""What the routes need, put together by app.py and carried in the application's state."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel
from starlette.requests import Request

from server.api.documents import Documents
from server.api.intake import Intake
from server.api.kept import Kept
from server.lately import Lately
from server.llm.base import Model
from server.metrics import Metrics
from server.settings import Settings
from server.stores.base import Store
from server.streaming.audience import Audience
from server.streaming.hub import Hub
from server.streaming.replay import Replays
from server.tasks.batches import Batches
from server.tasks.catalogue import Catalogue
from server.tasks.listing import Listing
from server.tasks.liveness import Liveness
from server.tasks.manager import BackgroundTaskManager, TaskRequest
from server.tasks.notifications import Notifications
from server.tasks.outlook import Outlook
from server.tasks.readiness import Readiness
from server.tasks.scheduler import Scheduler
from server.tasks.state import Outline
from server.tasks.steering import Steering
from server.workflows.base import Registry

LONGEST_REPLAY = 64 * 1024


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of one node."""

    settings: Settings
    store: Store
    registry: Registry
    manager: BackgroundTaskManager
    listing: Listing
    batches: Batches
    notifications: Notifications
    outlook: Outlook
    steering: Steering
    scheduler: Scheduler
    liveness: Liveness
    hub: Hub
    replays: Replays
    audience: Audience
    readiness: Readiness
    catalogue: Catalogue
    metrics: Metrics
    model: Model | None
    documents: Documents
    intake: Intake
    providers: Callable[[], list[dict[str, Any]]]
    """How each search provider fares, as JSON with words for people."""
    browser: Callable[[], str | None]
    """What browser there is, as it says itself; to be called in a thread."""
    node: str
    known_requests: Kept[tuple[TaskRequest, BaseModel]] = field(default_factory=lambda: Kept(1024 * 1024, 4096))
    """Requests as they were read, with their parameters; sizes are those of how they were written."""
    told: Lately[str, tuple[Outline, bytes]] = field(default_factory=lambda: Lately(256))
    """Views as they were sent, by generation, each with the outline that it shows."""
    recordings: Kept[bytes] = field(default_factory=lambda: Kept(16 * 1024 * 1024, LONGEST_REPLAY))
    """All events of ended tasks, as they were sent, by generation and last event."""


def services(request: Request) -> Services:
    found: Services = request.app.state.services
    return found
