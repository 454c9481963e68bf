"""The extract workflow as the server offers it: every user is one recorded step, so nobody is read twice."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from functools import partial
from typing import Any

import orjson
from anyio import to_thread

from server.errors import FieldError, HoldfastError, InvalidParameters, ModelRequired, WorkflowFailed
from server.llm.base import Model
from server.llm.failures import OF_SETTINGS
from server.sources.text import language_of
from server.workflows.base import Context, Step, Workflow
from server.workflows.engines import Engine, engine_for, needs_model
from server.workflows.extract import downloads
from server.workflows.extract.asking import Asking, Read
from server.workflows.extract.events import Origin, Reading, facts_of, read
from server.workflows.extract.facts import facts
from server.workflows.extract.icalendar import calendar_of
from server.workflows.extract.lexicon import Lexicon
from server.workflows.extract.moments import moments
from server.workflows.extract.outcome import everything, outcome
from server.workflows.extract.params import ExtractParams, User, refuse
from server.workflows.extract.reading import users_in
from server.workflows.extract.rules import MATCH_SECONDS, Matcher, RuleTooSlow, events_by_rules, matching
from server.workflows.extract.spans import without
from server.workflows.extract.telling import head, rest, section, summary
from server.workflows.parallel import gather
from server.workflows.spending import refuse_unpriced
from server.workflows.streak import BLOCKING, Streak

VERSION = 3
AT_ONCE = 4
"""Users of a batch that a model reads side by side."""
EVERY_USER = 200
"""What a user's step weighs beside its characters."""
KEEPING = 25
"""Without a model, reading takes so many times as long as keeping what was found."""
USERS_SHOWN = 200
MOST_RETRIES = 20
WHOLE = "extracted.json"
USERS = "users.json"
_BLOCKING = BLOCKING | {"model_reply_invalid", "model_empty", "rule_too_slow"}
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Batch:
    """One run of the workflow."""

    def __init__(self, ctx: Context, params: ExtractParams, model: Model | None, match_seconds: float) -> None:
        self._ctx, self._params, self._match_seconds = ctx, params, match_seconds
        self._engine = engine_for(params.engine, model)
        self._model = model if self._engine == "llm" else None
        self._lexicon = Lexicon(params.lexicon)
        self._budget = params.budget.opened(model)
        self._streak = Streak(items="users", blocking=_BLOCKING)
        self._blocked: HoldfastError | None = None
        self._language = "en"

    async def run(self) -> dict[str, Any]:
        users = await self._users()
        self._language = language_of(" ".join(text.text[:200] for user in users[:20] for text in user.texts[:3]) or "a")
        await self._begin()
        at_once = AT_ONCE if self._model is not None else 1
        weights = [EVERY_USER + sum(len(text.text) for text in user.texts) for user in users]
        keeping = sum(weights) / KEEPING if self._model is None else 0.0
        # Towards its end a batch has less than four users under way, so the pace is that of whole batches.
        beside = 1 if self._model is None else self._params.batch_size
        self._ctx.expect(sum(weights) + keeping, items=len(users), at_once=beside)
        found: list[dict[str, Any]] = []
        async with matching(self._match_seconds) as matcher:
            for first in range(0, len(users), self._params.batch_size):
                batch = range(first, min(first + self._params.batch_size, len(users)))
                calls = [partial(self._user, index, users[index], weights[index], matcher) for index in batch]
                found += [one for one in await gather(calls, at_once=at_once) if one is not None]
                if self._blocked is not None:
                    raise self._blocked
        if (blocked := self._streak.end(len(users))) is not None:
            raise blocked
        result = self._result(found)
        await self._ctx.step("keep", partial(self._keep, users, found, result), weight=keeping)
        return result

    async def _users(self) -> Sequence[User]:
        if self._params.users is not None:
            return self._params.users
        asked = self._params.upload or self._params.retry_failed_of
        found = await self._ctx.step("users", self._found_users, asked, weight=0)
        return [User.model_validate(user) for user in found]

    async def _found_users(self, step: Step) -> list[dict[str, Any]]:
        """From an upload or an earlier task, with their texts: neither may be there later.

        :raises UploadNotFound, InvalidParameters: they are not there, or are none.
        """
        if self._params.upload is not None:
            found = await self._uploaded(self._params.upload)
        else:
            found = await self._failed_before(self._params.retry_failed_of or "")
        await step.artifact(USERS, orjson.dumps([user["user_id"] for user in found]), "application/json")
        return found

    async def _uploaded(self, upload_id: str) -> list[dict[str, Any]]:
        users = await to_thread.run_sync(users_in, await self._ctx.upload(upload_id))
        return [user.model_dump(mode="json") for user in users]

    async def _failed_before(self, task_id: str) -> list[dict[str, Any]]:
        """The users that failed in the task that is named, with their texts.

        :raises InvalidParameters: there is no such task.
        """
        result: Any = await self._ctx.result_of(task_id)
        earlier = await self._ctx.params_of(task_id)
        if not isinstance(result, dict) or earlier is None:
            said = "There is no completed task of this kind with this id; a failed one goes on by `retry`."
            raise InvalidParameters(errors=[FieldError("retry_failed_of", "no_such_task", said)])
        wanted = {user["user_id"] for user in result["failed"]}
        for _ in range(MOST_RETRIES):
            if earlier is None or "retry_failed_of" not in earlier:
                break
            earlier = await self._ctx.params_of(earlier["retry_failed_of"])
        given = earlier or {}
        known = await self._uploaded(given["upload"]) if "upload" in given else given.get("users", ())
        users = [user for user in known if user["user_id"] in wanted]
        if len(users) < len(wanted):
            raise WorkflowFailed("The task that had the texts of these users is no longer there; send them again.")
        return users

    async def _begin(self) -> None:
        """The engine stays the one that the task was begun with, whatever another server has.

        :raises ModelRequired: it was begun with a model, and there is none here.
        """

        async def begin(step: Step) -> Engine:
            await step.output("head", head(self._language))
            return self._engine

        self._engine = await self._ctx.step("start", begin, weight=0)
        if self._engine == "llm" and self._model is None:
            raise ModelRequired
        if self._engine == "embedded":
            self._model = None

    async def _user(self, index: int, user: User, weight: float, matcher: Matcher) -> dict[str, Any] | None:
        """Read one user's texts; None where the batch is about to pause or fail, which begins no further ones."""
        if self._blocked is not None:
            return None
        params = self._params
        origins = [
            Origin(
                user.user_id,
                text.id or str(number),
                text.text,
                text.written_at and _aware(text.written_at, zone),
                zone,
            )
            for number, text in enumerate(user.texts)
            for zone in (params.zone_of(text),)
        ]
        label = user.user_id[:120]
        told = Read()
        if self._model is not None:
            asking = Asking(self._ctx, self._model, self._budget, params.types, self._lexicon)
            written = [text.written_at.isoformat() if text.written_at else None for text in user.texts]
            try:
                told = await asking.read(index, origins, written, label)
            except OF_SETTINGS as failure:
                self._blocked = self._blocked or failure
                return None

        async def work(step: Step) -> dict[str, Any]:
            result = await self._read(user, origins, told, matcher)
            again = [f"user:{index}", *told.steps]
            self._blocked = self._blocked or self._streak.add({**result, "url": ""}, again)
            await self._tell(index, step, result)
            return result

        wanted = params.model_dump(mode="json", include={"types", "lexicon", "rules", "timezone", "min_confidence"})
        inputs = {"user": user.model_dump(mode="json"), "wanted": wanted}
        found: dict[str, Any] = await self._ctx.step(f"user:{index}", work, inputs, weight=weight, label=label)
        return found

    async def _read(self, user: User, origins: list[Origin], told: Read, matcher: Matcher) -> dict[str, Any]:
        events, error = list(told.events), told.error
        readings = await to_thread.run_sync(self._read_all, origins)
        if self._model is None:
            events += [event for reading in readings for event in reading.events]
        try:
            for origin in origins:
                events += await events_by_rules(origin, self._params.rules, matcher)
        except RuleTooSlow as slow:
            said = f"The rule {slow.rule!r} took too long over a text; make its pattern simpler."
            error = error or {"code": "rule_too_slow", "message": said}
        places = {origin.text_id: number for number, origin in enumerate(origins)}
        kept = [event for event in events if event["confidence"] >= self._params.min_confidence]
        wanted = self._params.types
        kept = [event for event in kept if not wanted or event["type"] in wanted]
        return {
            "user_id": user.user_id,
            "status": "completed" if error is None else "failed",
            "error": error,
            "events": sorted(kept, key=lambda event: (places[event["text_id"]], event["start"], event["end"])),
            "facts": [
                {"text_id": origin.text_id, **fact}
                for origin, reading in zip(origins, readings, strict=True)
                for fact in reading.facts
            ],
            "ungrounded": told.ungrounded,
        }

    def _read_all(self, origins: list[Origin]) -> list[Reading]:
        """In a thread: a long text takes its time, and others wait on the event loop."""
        if self._model is None:
            return [read(origin, self._lexicon, self._params.types) for origin in origins]
        return [Reading([], _facts(origin)) for origin in origins]

    async def _tell(self, index: int, step: Step, result: dict[str, Any]) -> None:
        by_type = Counter(event["type"] for event in result["events"])
        told = {name: result[name] for name in ("user_id", "status", "error", "ungrounded")}
        counts = {"events": len(result["events"]), "facts": len(result["facts"]), "by_type": dict(by_type)}
        await step.item({"key": result["user_id"], "index": index, **told, **counts}, outcome=result["status"])
        if index < USERS_SHOWN:
            await step.output(f"user-{index}", section(result, self._language))
        elif index == USERS_SHOWN:
            await step.output("rest", rest(self._language))

    def _result(self, found: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "engine": self._engine,
            "model": self._model.name if self._model is not None else None,
            "spent": self._budget.spent.to_json() if self._model is not None else None,
            "needs_model": needs_model(self._engine, {"events_without_trigger_words": True}),
            "language": self._language,
            "timezone": self._params.timezone,
            **outcome(found),
        }

    async def _keep(
        self, users: Sequence[User], found: list[dict[str, Any]], result: dict[str, Any], step: Step
    ) -> None:
        """Everything in one file, which the downloads are made of, and the sum of it in the report."""
        whole = everything(users, found, self._params.timezone, datetime.now(UTC))
        await step.artifact(WHOLE, await to_thread.run_sync(orjson.dumps, whole), "application/json")
        await step.output("summary", summary(result["counts"], result["by_type"], self._language))


def _aware(moment: datetime, zone: tzinfo) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)


def _facts(origin: Origin) -> list[dict[str, Any]]:
    known = facts(origin.text)
    return facts_of(origin.text, known, without(moments(origin.text, origin.written_at, origin.zone), known))


def extract_workflow(model: Model | None = None, *, match_seconds: float = MATCH_SECONDS) -> Workflow:
    """
    :param model: reads the texts where it is asked for, or where nothing else is; code holds it to their words.
    :param match_seconds: of the processor, that a user's pattern may take for one text.
    """

    async def run(ctx: Context, params: ExtractParams) -> Any:
        return await Batch(ctx, params, model, match_seconds).run()

    def check(params: ExtractParams) -> None:
        refuse(params)
        engine = engine_for(params.engine, model)
        if model is not None and engine == "llm":
            refuse_unpriced(params.budget, model)

    def asks_model(params: Mapping[str, Any]) -> bool:
        return bool(params.get("engine") != "embedded")

    return Workflow(
        kind="extract",
        version=VERSION,
        params=ExtractParams,
        run=run,
        title=_title,
        label={"en": "Extract events", "zh": "事件抽取"},
        model=None if model is None else model.identity,
        asks_model=asks_model,
        uploads=lambda params: [params["upload"]] if params.get("upload") else [],
        check=check,
        formats={
            "jsonl": ("application/x-ndjson", downloads.jsonl_of),
            "csv": ("text/csv; charset=utf-8", downloads.csv_of),
            "xlsx": (_XLSX, downloads.xlsx_of),
            "quotes.html": ("text/html; charset=utf-8", downloads.page_of),
            "ics": ("text/calendar; charset=utf-8", calendar_of),
            "failed.txt": ("text/plain; charset=utf-8", downloads.failed_of),
        },
        whole=WHOLE,
    )


def _title(params: ExtractParams) -> str:
    if params.users is None:
        return f"↻ {params.retry_failed_of}" if params.upload is None else f"↑ {params.upload[:12]}"
    first = next((text.text for user in params.users for text in user.texts if text.text), params.users[0].user_id)
    more = len(params.users) - 1
    return f"{' '.join(first[:80].split())}{f' +{more}' if more else ''}"
