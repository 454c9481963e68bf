"""What a model may plan for a page: a few verbs over what it was shown there, and nothing else.

A plan names elements by their numbers and addresses that it was offered. It becomes steps of the schema that people
write in, so that what a model has planned once can be played again without it.
"""

import re
from collections.abc import Collection, Sequence
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from server.llm.base import Prompt, prompt
from server.llm.fencing import GUARD, fence
from server.sources.offered import may_open
from server.workflows.browse.outline import Outline
from server.workflows.browse.steps import Step, steps_from

MOST_ACTIONS = 15
MOST_ROUNDS = 5
OUTLINE_CHARS = 16_000
NEEDS = {
    "open": "url",
    "click": "element",
    "hover": "element",
    "fill": "element",
    "press": "key",
    "scroll": None,
    "wait": "value",
    "extract": "element",
    "screenshot": None,
}
FILLED = frozenset("text search email tel url number password date time month week datetime-local color range "
                   "checkbox radio select textarea textbox combobox switch".split())  # fmt: skip
Key = Literal["Enter", "Tab", "Escape", "Backspace", "ArrowDown", "ArrowUp", "ArrowLeft", "ArrowRight", "PageDown"]
_URL = re.compile(r"https?://[^\s<>\"'，。；、）)\]】》]+", re.IGNORECASE)

SYSTEM = f"""You plan what a browser does on a page to reach a goal. You are shown the page as numbered elements, and \
reply with JSON by the given schema.
Actions: open (url), click (element), hover (element), fill (element, value; for a checkbox or a radio button "true" \
or "false", for a select the visible text of the option), press (key), scroll (to the end of the page), wait (until \
the text `value` is shown), extract (element, name: keep the element's text under that name), screenshot (name).
Name elements by their numbers. Open only addresses that stand in the list of elements or in the goal.
outcome: "done" when these actions reach the goal, or it is reached already; "more" when you have to see the page \
again after them; "impossible" when the goal can't be reached here, with the reason.
When the goal asks for something that stands on the page, extract it. Make no action that the goal does not need.
{GUARD}"""


class Action(BaseModel):
    """One action. Which members it needs depends on ``do``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    do: Literal["open", "click", "hover", "fill", "press", "scroll", "wait", "extract", "screenshot"]
    element: int | None = Field(None, ge=0, description="The element's number.")
    value: Annotated[str, Field(max_length=4000)] | None = None
    url: Annotated[str, Field(max_length=1024)] | None = None
    key: Key | None = None
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")] | None = None


class Plan(BaseModel):
    """The actions of one round, and how it stands after them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    actions: tuple[Action, ...] = Field(max_length=MOST_ACTIONS)
    outcome: Literal["done", "more", "impossible"]
    reason: Annotated[str, Field(max_length=500)] = ""


def plan_for(outline: Outline, offered: Collection[str]) -> Any:
    """The type of a plan for this page: one that names what is not there does not fit, and the model is told so."""
    return Annotated[Plan, AfterValidator(partial(_fitting, outline, offered))]


def addresses_in(text: str) -> list[str]:
    """Those that a user has named in a goal."""
    return [found.rstrip(".,;:!?") for found in _URL.findall(text)]


def question(goal: str, outline: Outline, done: Sequence[Step], trouble: str | None, rounds_left: int) -> Prompt:
    """What the model is asked in a round. ``trouble``: why the last round's actions did not all work."""
    lines = [f"The goal: {goal}", ""]
    if done:
        lines += ["Done so far: " + "; ".join(map(_told, done)) + ".", ""]
    if trouble is not None:
        lines += ["Your last plan broke off:", fence("trouble", trouble), ""]
    lines += [f"You may look at the page {rounds_left} more times.", "The page as it is now:"]
    return prompt(
        "\n".join([*lines, fence("page", outline.shown(), longest=OUTLINE_CHARS)]), system=SYSTEM, thinking=True
    )


def steps_for(plan: Plan, outline: Outline) -> list[Step]:
    """The plan as steps. It has to fit the page."""
    written: list[dict[str, Any]] = []
    for number, action in enumerate(plan.actions):
        written += _steps(action, outline, number)
    return steps_from(written)


def _steps(action: Action, outline: Outline, number: int) -> list[dict[str, Any]]:
    element = outline.elements[action.element] if action.element is not None else {}
    on = {"selectors": [element.get("way", [])]} | ({"frame": element["frame"]} if "frame" in element else {})
    name = action.name or f"{action.do}-{number}"
    match action.do:
        case "open":
            return [{"type": "navigate", "url": action.url}]
        case "click" | "hover":
            return [{"type": action.do, **on}]
        case "fill":
            return [{"type": "change", "value": action.value or "", **on}]
        case "press":
            return [{"type": "keyDown", "key": action.key}, {"type": "keyUp", "key": action.key}]
        case "scroll":
            return [{"type": "scroll", "to_end": True, "most": 5}]
        case "wait":
            return [{"type": "waitForText", "text": action.value}]
        case "extract":
            return [{"type": "extract", "name": name, **on}]
        case "screenshot":
            return [{"type": "screenshot", "name": name}]


def _fitting(outline: Outline, offered: Collection[str], plan: Plan) -> Plan:
    for number, action in enumerate(plan.actions):
        if fault := _fault(action, outline, offered):
            raise ValueError(f"actions.{number}: {fault}")
    if plan.outcome == "more" and not plan.actions:
        raise ValueError("outcome is `more`, and there are no actions; act, or say `done` or `impossible`")
    try:
        steps_for(plan, outline)
    except ValidationError as error:
        raise ValueError(error.errors()[0]["msg"]) from None
    return plan


def _fault(action: Action, outline: Outline, offered: Collection[str]) -> str | None:
    need = NEEDS[action.do]
    if need is not None and getattr(action, need) in (None, ""):
        return f"`{action.do}` needs `{need}`"
    if need == "element" and action.element is not None:
        if action.element >= len(outline.elements):
            return f"there is no element {action.element}; there are {len(outline.elements)}, from 0"
        kind = outline.elements[action.element]["kind"]
        if action.do == "fill" and kind not in FILLED:
            return f"element {action.element} is a {kind[:30]}, which can't be filled in"
    if action.do == "open" and not may_open(action.url or "", offered):
        return "that address stands neither on the page nor in the goal, so it is not opened"
    return None


def _told(step: Step) -> str:
    told = step.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return " ".join(
        str(told[name])[:200] for name in ("type", "url", "selectors", "value", "text", "key") if name in told
    )
