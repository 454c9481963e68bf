"""The one place where the parts are put together: concrete store, library, fetcher, workflows."""

import contextlib
import logging
import secrets
import socket
import time
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path

import anyio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from server import __version__
from server.api.directory import Directory
from server.api.documents import Documents
from server.api.guard import Guard
from server.api.intake import Intake
from server.api.problems import on_any_error, on_holdfast_error, on_http_exception
from server.api.routes import routes
from server.api.services import Services
from server.chronicle import Chronicle
from server.errors import BrowserMissing, HoldfastError, StoreFull
from server.llm.base import Model
from server.llm.configured import configured_model
from server.metrics import Figures, Metrics
from server.models import Node
from server.resources import docs_dir
from server.settings import Settings
from server.sources.browser import RememberedBrowser, find_browser
from server.sources.chromium.pool import Chromium
from server.sources.chromium.printing import PagePrinter
from server.sources.chromium.rendering import ChromiumRenderer
from server.sources.egress import Judge
from server.sources.fetch import Fetcher
from server.sources.guard import EgressGuard
from server.sources.library import Library
from server.sources.providers.configured import configured_providers
from server.sources.providers.roster import Providers
from server.sources.providers.words import told
from server.sources.webhooks import Webhooks
from server.stores.base import Store
from server.stores.files import FileStore
from server.stores.timed_disk import TimedDisk
from server.streaming.audience import Audience
from server.streaming.hub import Hub
from server.streaming.replay import Replays
from server.tasks.announcer import Announcer
from server.tasks.batches import Batches
from server.tasks.catalogue import Catalogue
from server.tasks.claims import Claims
from server.tasks.items import Items
from server.tasks.listing import Listing
from server.tasks.liveness import Liveness
from server.tasks.manager import BackgroundTaskManager
from server.tasks.messenger import Messenger
from server.tasks.notifications import Notifications
from server.tasks.outlook import Outlook
from server.tasks.readiness import Readiness
from server.tasks.requests import Requests
from server.tasks.retention import Retention
from server.tasks.scheduler import Scheduler, node_name
from server.tasks.steering import Steering
from server.tasks.succession import Succession
from server.workflows.base import Registry, Workflow
from server.workflows.browse.workflow import browse_workflow
from server.workflows.demo import demo_workflow
from server.workflows.extract.workflow import extract_workflow
from server.workflows.model_demo import model_demo_workflow
from server.workflows.novel.workflow import novel_workflow
from server.workflows.research.workflow import research_workflow
from server.workflows.testcases.workflow import cases_workflow

CATALOGUE_SECONDS = 1.0
"""How long a node that starts waits for the lists of its tasks, so that they are there at once."""
EXPOSED_HEADERS = ("X-Task-ID", "X-Request-ID", "X-Model-Name", "X-Task-Status", "Location", "ETag", "Retry-After")

logger = logging.getLogger(__name__)


class Holdfast:
    """One node: its parts, and how they start and end."""

    def __init__(
        self,
        settings: Settings,
        store: Store | None,
        workflows: list[Workflow],
        model: Model | None = None,
        printer: PagePrinter | None = None,
        providers: Providers | None = None,
    ) -> None:
        self._printer = printer
        self.node = node_name(socket.gethostname(), secrets.token_hex(3))
        registry = Registry(workflows)

        def figures() -> Figures:
            return Figures(
                running=len(scheduler.runs),
                capacity=settings.max_concurrent_tasks,
                queued=len(scheduler.queue),
                oldest_wait_seconds=scheduler.oldest_wait_seconds,
                subscribers=hub.readers,
                nodes_alive=liveness.alive,
                heartbeat_age_seconds=liveness.heartbeat_age,
                tasks=catalogue.all_counts,
                counted_at=catalogue.counted_at,
                webhooks_waiting=messenger.waiting,
            )

        def describe(counter: int) -> Node:
            url = f"http://{settings.host}:{settings.port}"
            running, capacity = len(scheduler.runs), 0 if self._shut_down else settings.max_concurrent_tasks
            return Node(self.node, counter, url, running, capacity, __version__, registry.versions())

        metrics = Metrics(self.node, __version__, figures)
        if store is None:
            store = FileStore(settings.task_storage_dir, TimedDisk(metrics.synced))
        hub = Hub(store, metrics.followed)
        liveness = Liveness(store, settings, describe, on_loss=lambda: scheduler.look_now())
        chronicle = Chronicle(hub, metrics, self.node)
        webhooks = configured_webhooks(settings)
        announcer = Announcer(store, self.node, webhooks.names)
        messenger = self._messenger = Messenger(store, liveness, self.node, webhooks, metrics)
        claims = Claims(store, liveness, chronicle, chronicle, self.node, announcer.announce)
        requests = self._requests = Requests(store)
        catalogue = Catalogue(store)
        scheduler = Scheduler(
            store,
            registry,
            liveness,
            claims,
            catalogue,
            chronicle,
            settings,
            on_older=lambda older: succession.see_to(older),
            requests=requests,
        )
        outlook = Outlook(store, scheduler, chronicle)
        steering = Steering(store, scheduler, claims, outlook)
        succession = self.succession = Succession(steering)
        listing = Listing(store, catalogue, scheduler, outlook.rebuild)
        manager = BackgroundTaskManager(store, registry, scheduler, outlook, steering, succession, claims, chronicle)
        readiness = Readiness(store, liveness, lambda: self._shut_down)
        self._retention = Retention(store, outlook, manager, succession, settings)
        self.services = Services(
            settings=settings,
            store=store,
            registry=registry,
            manager=manager,
            listing=listing,
            batches=Batches(registry, catalogue, outlook, steering, manager, Items(store)),
            notifications=Notifications(store, catalogue),
            outlook=outlook,
            steering=steering,
            scheduler=scheduler,
            liveness=liveness,
            hub=hub,
            replays=Replays(store, hub),
            audience=Audience(settings),
            readiness=readiness,
            catalogue=catalogue,
            metrics=metrics,
            model=model,
            documents=Documents(printer),
            intake=Intake(),
            providers=lambda: [] if providers is None else [told(state) for state in providers.states()],
            browser=RememberedBrowser(settings.browser_path),
            node=self.node,
        )
        self._shut_down = False

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """:raises StoreFailed: the task folder can't be used, with what would be right."""
        parts = self.services
        await parts.store.open()
        with contextlib.suppress(StoreFull):  # it serves what is there, and takes tasks up when there is room
            await parts.liveness.beat()
        await parts.liveness.observe()
        async with self._shared_by_tasks(), anyio.create_task_group() as tg:
            await tg.start(parts.hub.run)
            await tg.start(parts.audience.run)
            tg.start_soon(parts.replays.run)
            tg.start_soon(parts.liveness.run)
            tg.start_soon(self._requests.run)
            tg.start_soon(parts.catalogue.run)
            tg.start_soon(parts.scheduler.run)
            tg.start_soon(self.succession.run)
            tg.start_soon(self._retention.run)
            tg.start_soon(self._messenger.run)
            tg.start_soon(parts.readiness.run)
            await parts.catalogue.completed_within(CATALOGUE_SECONDS)
            logger.info("this node takes part, with version %s", __version__)
            try:
                yield
            finally:
                with anyio.CancelScope(shield=True):
                    await self.begin_shutdown()
                    tg.cancel_scope.cancel()
        with anyio.CancelScope(shield=True):
            with contextlib.suppress(HoldfastError):
                await parts.store.leave(self.node)
            await parts.store.close()

    @contextlib.asynccontextmanager
    async def _shared_by_tasks(self) -> AsyncIterator[None]:
        """What the workflows keep for all of their tasks, and what prints. It outlasts whatever runs them."""
        async with contextlib.AsyncExitStack() as shared:
            if self._printer is not None:
                await shared.enter_async_context(self._printer.running())
            for workflow in self.services.registry:
                if workflow.running is not None:
                    await shared.enter_async_context(workflow.running())
            yield

    async def begin_shutdown(self) -> None:
        """Take up nothing more, hand running tasks over, and end all streams. Idempotent.

        It belongs on the signal: the lifespan's end comes only after all connections have closed, and a stream
        closes only when it is told to.
        """
        if self._shut_down:
            return
        self._shut_down = True
        parts = self.services
        logger.info("this node is shutting down; it hands %d running tasks over", len(parts.scheduler.runs))
        parts.hub.drain()
        with contextlib.suppress(HoldfastError):
            await parts.liveness.beat()  # the others look out for what is handed over
        try:
            await parts.scheduler.close(parts.settings.shutdown_grace_seconds)
        finally:
            parts.hub.close()


def default_workflows(
    settings: Settings, model: Model | None, library: Library, chromium: Chromium, providers: Providers
) -> list[Workflow]:
    """The kinds that these settings offer, with this model where they can use one, and this browser."""
    fetcher = Fetcher(settings.private_hosts, ports=settings.ports_fetched, renderer=ChromiumRenderer(chromium))
    workflows = [
        research_workflow(library, fetcher, providers, model=model),
        browse_workflow(chromium, model),
        extract_workflow(model),
        cases_workflow(model),
        novel_workflow(model),
    ]
    if settings.demo_kind:
        workflows.append(demo_workflow())
        if model is not None:
            workflows.append(model_demo_workflow(model))
    return workflows


def configured_webhooks(settings: Settings) -> Webhooks:
    """The receivers that the operator has named, behind the judge of all that goes out."""
    judge = Judge(settings.private_hosts, settings.ports_fetched)
    return Webhooks(settings.webhook_urls, judge, settings.webhook_key)


def _browser_path(settings: Settings) -> Path:
    """:raises BrowserMissing: with what was found instead of one."""
    found = find_browser(settings.browser_path)
    if found.browser is None:
        raise BrowserMissing(f"{' '.join(found.problems)} {BrowserMissing.sentence()}".strip())
    return found.browser.path


def create_app(
    settings: Settings | None = None,
    *,
    store: Store | None = None,
    workflows: list[Workflow] | None = None,
    model: Model | None = None,
    providers: Providers | None = None,
) -> Starlette:
    """The application. What is not given is made as the settings say; ``app.state.holdfast`` is the node."""
    settings = settings or Settings()
    model = model or configured_model(settings)
    guard = EgressGuard(Judge(settings.private_hosts, settings.ports_fetched))
    chromium = Chromium(partial(_browser_path, settings), guard)
    if workflows is None:
        library = Library(settings.library_dir, docs_dir())
        providers = providers or configured_providers(settings, library, ChromiumRenderer(chromium))
        workflows = default_workflows(settings, model, library, chromium, providers)
    node = Holdfast(settings, store, workflows, model, PagePrinter(chromium), providers)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with node.running():
            yield

    table = routes()
    app = Starlette(
        routes=table,
        lifespan=lifespan,
        middleware=[
            *_middleware_for(settings.cors_origins),
            Middleware(Guard, settings=settings, answered=node.services.metrics.answered),
            Middleware(Directory, routes=table),
        ],
        exception_handlers={
            HoldfastError: on_holdfast_error,
            HTTPException: on_http_exception,
            Exception: on_any_error,
        },
    )
    app.state.holdfast = node
    app.state.services = node.services
    app.state.started = time.monotonic()
    return app


def _middleware_for(origins: Sequence[str]) -> list[Middleware]:
    """What lets pages of these origins read the answers; nothing where there are none, as every request passes it."""
    if not origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Content-Type", "Last-Event-ID", "Authorization", "X-Request-ID"],
            expose_headers=list(EXPOSED_HEADERS),
        )
    ]
