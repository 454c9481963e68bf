"""What a workflow is, and all that it may touch: its Context.

A workflow is an async function over a Context. It runs from the top each time an owner takes the task up;
what is done in a step is recorded, so a finished step returns its recorded result at once and emits nothing
again. Everything that takes time, costs money, can come out differently or emits output belongs in a step.
Between steps a workflow only computes, and the same inputs must lead it to the same steps.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, WithJsonSchema

from server.errors import UnknownKind
from server.models import Json

UPLOAD_ID = re.compile(r"[0-9a-f]{64}", re.ASCII)


def _upload_id(text: str) -> str:
    if UPLOAD_ID.fullmatch(text) is None:
        raise ValueError("The id of an upload is 64 hex digits, as POST /api/uploads has answered it")
    return text


UploadId: TypeAlias = Annotated[
    str,
    AfterValidator(_upload_id),
    WithJsonSchema({"type": "string", "pattern": "^[0-9a-f]{64}$", "format": "upload"}),
]
"""A parameter that names an upload. Its kind says in `Workflow.uploads` that it reads it."""


class Params(BaseModel):
    """Base of each kind's parameter schema: the one source for validation, forms and docs."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Step(Protocol):
    """What a step's function may do while it runs. All of it is taken back if the step does not finish."""

    key: str
    idempotency_key: str
    """``{task id}:{generation}:{step}``, for effects outside."""

    async def output(self, part: str, text: str, **more: Json) -> None:
        """Write a piece of the report (Markdown). A part belongs to one open step at a time.

        ``more`` is put into the event beside ``part`` and ``text``.
        """

    async def reasoning(self, part: str, text: str) -> None:
        """Write a piece of what a model thinks aloud."""

    async def item(self, data: Mapping[str, Any], *, outcome: str = "completed") -> None:
        """Tell the outcome of one item of a batch: ``completed``, ``failed`` or ``skipped``, which is counted."""

    async def artifact(self, name: str, content: bytes, media_type: str) -> str:
        """Keep a file made by the task under ``name`` (``[A-Za-z0-9._-]``, 1 to 120); returns its SHA-256."""

    async def progress(self, message: str, percentage: float | None = None) -> None:
        """Say what this step is at; ``percentage`` (0 to 100) is of this step alone."""


class Ledger(Protocol):
    """What the tasks of a kind of one user keep together: numbered entries, each written once and for ever.

    It outlasts the tasks that wrote in it, and is the same on every node.
    """

    async def entries(self, after: int = 0) -> list[Json]:
        """The entries above this number, in order. What is read once is read the same again, or blanked."""

    async def enter(self, number: int, content: Json) -> bool:
        """Write the entry after the last one. False: another has this number already.

        Whoever dies over it may have written it: an entry should hold what its writer knows it by.
        """

    async def blank(self, below: int) -> None:
        """Take the content out of the entries below this one, for good: each is None from then on. Idempotent."""


class Context(Protocol):
    """A workflow's only way to the world."""

    task_id: str
    generation: str

    def expect(self, weight: float, *, items: int = 0, at_once: int = 1) -> None:
        """Say how much work there is by what is known now: the sum of the steps' weights, and how many items.

        ``at_once``: how many steps run side by side, so that those that end together don't look quick.
        """

    async def step(
        self,
        key: str,
        run: Callable[[Step], Awaitable[Any]],
        inputs: Json = None,
        *,
        weight: float = 1.0,
        label: str = "",
    ) -> Any:
        """Do a unit of work once, however often the task is taken up.

        :param key: unique in this task, as ``search:q3``.
        :param run: does the work; what it returns must be JSON.
        :param inputs: all that the result depends on, as JSON.
        :param weight: its share of the work said by ``expect``.
        :param label: what people read while it runs, in the task's language.
        :return: the result, from this run or from the journal; always as JSON gives it back (lists, no tuples).
        :raises JournalMismatch: the journal has this step with other inputs.
        """

    async def heard(self, key: str) -> list[dict[str, Any]]:
        """What users have told this task since it was asked last, oldest first, each as the workflow's ``steering``.

        It is a step, so a run that starts again hears the same at the same place.
        """

    async def result_of(self, task_id: str) -> Json:
        """The result of another task of the same user, to be asked for inside a step; None: there is none."""

    def ledger(self, name: str) -> Ledger:
        """What the tasks of this kind and user keep together under this name. It is written in inside steps only."""

    async def params_of(self, task_id: str) -> dict[str, Any] | None:
        """Those of another task of the same user and kind, to be asked for inside a step; None: there is none."""

    async def upload(self, upload_id: str) -> bytes:
        """The content of a file that the same user has sent, of which the id is the SHA-256; only inside a step.

        It goes after a while: what the task needs of it later belongs into the step's result or an artifact.

        :raises UploadNotFound, UploadDamaged: it has to be sent again.
        """


Run: TypeAlias = Callable[[Context, Any], Awaitable[Json]]


@dataclass(frozen=True, slots=True)
class Workflow:
    """The program of a kind.

    ``version`` changes when a journal of the older program could not be gone on with. ``model`` and ``search``
    are what the server would use for it now, without credentials: they are part of the fingerprint. ``asks_model`` says
    of parameters (as JSON) whether a model has any part in what comes of them; of others the model is no part.
    ``search`` is given them too, or None for what could be used at all.
    ``uploads`` names those that a task with these parameters (as JSON) reads: they must be there when it begins.
    ``title`` makes the line by which people find a task again. ``check`` refuses parameters that are well-formed but
    can't be carried out here, by raising the error that says why, before a task is made of them.
    ``admit`` does so by what stands in ledgers; it is asked when a life is about to be made, not where there is one.
    ``project`` is the label by which tasks that belong together are found, where a kind has its own.
    ``shown`` is what one of its ledgers adds up to; None: nobody has written in it, or it was removed.
    ``removed`` makes one of them so, and is to be called again by whoever died over it; it says whether there was
    anything to remove.
    ``formats`` are those of its result beside what every kind has: media type, and what makes the file of the result,
    or of the artifact that is called ``whole``, as JSON, where the result is only an outline of what was found.
    ``formats_when``: of a format that not every result can be had as, the parameters and their values for which it can.
    ``steering`` is what a running task can be told, if it listens at all.
    ``running`` is what all of its tasks share, for as long as the server runs: a browser, say.
    """

    kind: str
    version: int
    params: type[Params]
    run: Run
    title: Callable[[Any], str]
    label: Mapping[str, str] = field(default_factory=dict)
    model: Json = None
    asks_model: Callable[[Mapping[str, Any]], bool] = lambda params: True
    search: Callable[[Mapping[str, Any] | None], Json] = lambda params: None
    uploads: Callable[[Mapping[str, Any]], Iterable[str]] = lambda params: ()
    check: Callable[[Any], None] | None = None
    admit: Callable[[Any, Callable[[str], Ledger]], Awaitable[None]] | None = None
    project: Callable[[Any], str] | None = None
    shown: Callable[[Ledger], Awaitable[Json]] | None = None
    removed: Callable[[Ledger], Awaitable[bool]] | None = None
    formats: Mapping[str, tuple[str, Callable[[Any], bytes]]] = field(default_factory=dict)
    formats_when: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    whole: str | None = None
    steering: type[Params] | None = None
    running: Callable[[], AbstractAsyncContextManager[None]] | None = None

    def model_for(self, params: Mapping[str, Any]) -> Json:
        """The model that a task with these parameters depends on, if any."""
        return self.model if self.asks_model(params) else None


class Registry:
    """The workflows that this server offers, by kind."""

    def __init__(self, workflows: list[Workflow]) -> None:
        self._by_kind = {workflow.kind: workflow for workflow in workflows}

    def __iter__(self) -> Iterator[Workflow]:
        return iter(self._by_kind.values())

    def get(self, kind: str) -> Workflow:
        """:raises UnknownKind: with the kinds that there are."""
        workflow = self._by_kind.get(kind)
        if workflow is None:
            known = ", ".join(sorted(self._by_kind))
            raise UnknownKind(f"There is no kind {kind[:60]!r} here; this server offers: {known}.")
        return workflow

    def formats(self, kind: str) -> Mapping[str, tuple[str, Callable[[Any], bytes]]]:
        """What a kind's results can be had as, beside what every kind has; nothing of a kind that is not offered."""
        return self._by_kind[kind].formats if kind in self._by_kind else {}

    def whole(self, kind: str) -> str | None:
        """The artifact that these formats are made of; None: the result."""
        return self._by_kind[kind].whole if kind in self._by_kind else None

    def versions(self) -> dict[str, int]:
        return {workflow.kind: workflow.version for workflow in self}
