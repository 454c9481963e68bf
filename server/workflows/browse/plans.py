"""From what is asked of a page to the steps that do it. A model's plan is held to the same schema as a person's."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import TypeAdapter, ValidationError

from server.sources.chromium.failures import BrowserFailed
from server.workflows.browse.params import PageTask
from server.workflows.browse.steps import Change, Click, Navigate, Step, Steps

_STEPS: TypeAdapter[tuple[Step, ...]] = TypeAdapter(Steps)


@dataclass(frozen=True, slots=True)
class Outline:
    """What a planner gets to see of a page. All of it was written by others: data, and never an instruction."""

    url: str
    title: str
    controls: list[dict[str, str]]
    """Each: ``role``, ``name``, ``value``."""
    links: list[dict[str, str]]
    """Each: ``text``, ``url``. Only these may be opened."""


class Planner(Protocol):
    """Makes steps of a goal, as a model does."""

    async def plan(self, goal: str, outline: Outline) -> Sequence[dict[str, Any]]:
        """Steps as JSON, by the schema of `server.workflows.browse.steps`. They are checked by who asks."""


@dataclass
class ScriptedPlanner:
    """A planner that gives what it was told to, for each goal; ``asked`` keeps what it was asked."""

    plans: dict[str, list[dict[str, Any]]]
    asked: list[tuple[str, Outline]] = field(default_factory=list)

    async def plan(self, goal: str, outline: Outline) -> Sequence[dict[str, Any]]:
        self.asked.append((goal, outline))
        return self.plans[goal]


def steps_of(task: PageTask) -> list[Step]:
    """The steps of a task whose plan needs no model: the recorded ones, or what its address and ``fill`` say."""
    recorded = list(task.recorded or ())
    if task.recording is not None and task.recording.timeout is not None:
        longer = task.recording.timeout
        recorded = [one if one.timeout is not None else one.model_copy(update={"timeout": longer}) for one in recorded]
    opens = any(step.type == "navigate" for step in recorded[:2])  # a recording sets the viewport first
    steps: list[Step] = [] if opens or task.url is None else [Navigate(type="navigate", url=task.url)]
    steps += recorded
    steps += [
        Change(type="change", selectors=(f"aria/{label}",), value=value) for label, value in (task.fill or {}).items()
    ]
    if task.submit is not None:
        steps.append(Click(type="click", selectors=(f'aria/{task.submit}[role="button"]', f"text/{task.submit}")))
    return steps


def checked(planned: Sequence[dict[str, Any]], outline: Outline) -> list[Step]:
    """A planner's steps, held to the schema and to the addresses that the page itself has.

    :raises BrowserFailed: (``bad_plan``) with what is wrong.
    """
    try:
        steps = list(_STEPS.validate_python(list(planned)))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BrowserFailed(
            "bad_plan", f"The model's plan breaks the schema at {where}: {first['msg'][:200]}"
        ) from None
    known = {outline.url, *(link["url"] for link in outline.links)}
    for step in steps:
        if isinstance(step, Navigate) and step.url not in known:
            raise BrowserFailed("bad_plan", "The model's plan opens an address that the page does not link.")
    return steps


def to_json(steps: Sequence[Step]) -> list[dict[str, Any]]:
    return [step.model_dump(mode="json", by_alias=True, exclude_defaults=True) for step in steps]


def from_json(steps: list[dict[str, Any]]) -> list[Step]:
    return list(_STEPS.validate_python(steps))
