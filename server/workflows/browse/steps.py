"""The verbs of a plan: those of the Chrome DevTools Recorder, and a few of our own. None of them runs JavaScript."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, TypeAdapter

from server.sources.failures import SourceFailed
from server.sources.urls import LONGEST_URL, canonical
from server.workflows.browse.wording import OF_STEPS, worded

MOST_STEPS = 200
MOST_TIMEOUT_MS = 120_000
REFUSED = {
    "customStep": "what such a step does is known to the program that wrote it alone",
    "waitForExpression": "JavaScript from a request is never run",
}
ACTING = frozenset({"click", "doubleClick", "change", "select", "fill", "keyDown", "keyUp"})
"""Verbs that may change something at the site."""


def checked_url(url: str) -> str:
    """An address that may be opened; its fragment is kept, since pages of one document differ by it."""
    try:
        before, mark, fragment = url.strip().partition("#")
        return canonical(before) + mark + fragment
    except SourceFailed as error:
        raise ValueError(error.message) from None


Url = Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST_URL), AfterValidator(checked_url)]
Selector = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Way = Selector | Annotated[list[Selector], Field(min_length=1, max_length=10)]
"""One way to an element; of a list, each is looked for inside what the one before it has found."""
Attribute = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_:-]{1,60}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,40}$")]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra=worded(OF_STEPS))


class AssertedEvent(Strict):
    """The Recorder's word that a step leads to another page. Where it leads is not compared: pages move."""

    type: Literal["navigation"]
    url: str | None = None
    title: str | None = None


class _Step(Strict):
    timeout: int | None = Field(None, ge=0, le=MOST_TIMEOUT_MS)
    # `main` or nothing: the page itself; an address: the pop-up, or the frame, that has it.
    target: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_URL)] | None = None
    asserted_events: tuple[AssertedEvent, ...] = Field((), alias="assertedEvents", max_length=5)
    frame: tuple[Annotated[int, Field(ge=0, le=50)], ...] = Field((), max_length=8)


class _OnElement(_Step):
    selectors: tuple[Way, ...] = Field(min_length=1, max_length=20)


class _WithPointer(_OnElement):
    # Where on the element, in CSS pixels from its corner; what lies beside it in this window is its middle.
    offset_x: float | None = Field(None, alias="offsetX")
    offset_y: float | None = Field(None, alias="offsetY")
    button: Literal["primary", "auxiliary", "secondary", "back", "forward"] = "primary"
    device_type: Literal["mouse", "pen", "touch"] | None = Field(None, alias="deviceType")
    duration: float | None = Field(None, ge=0)


def elsewhere(step: "_Step") -> bool:
    """Whether a step is played in a pop-up, or in a frame that it names by its address."""
    return step.target not in (None, "main")


class Navigate(_Step):
    type: Literal["navigate"]
    url: Url


class Click(_WithPointer):
    type: Literal["click"]


class DoubleClick(_WithPointer):
    type: Literal["doubleClick"]


class Hover(_OnElement):
    type: Literal["hover"]


class Change(_OnElement):
    """Fills a field, or chooses: an option by its value or label, a box by ``true`` and ``false``."""

    type: Literal["change"]
    value: Annotated[str, StringConstraints(max_length=20_000)]


class Select(_OnElement):
    type: Literal["select"]
    values: tuple[Annotated[str, StringConstraints(max_length=2000)], ...] = Field(min_length=1, max_length=100)


class Fill(_Step):
    """Fills in the field that a label names: a text, an option or a choice by its visible text, a box by ``true``."""

    type: Literal["fill"]
    label: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
    value: Annotated[str, StringConstraints(max_length=20_000)]


class KeyDown(_Step):
    type: Literal["keyDown"]
    key: Annotated[str, StringConstraints(min_length=1, max_length=30)]


class KeyUp(_Step):
    type: Literal["keyUp"]
    key: Annotated[str, StringConstraints(min_length=1, max_length=30)]


class Scroll(_Step):
    """To a place, into an element's view, or ``to_end``: down until nothing is added, at most ``most`` times."""

    type: Literal["scroll"]
    selectors: tuple[Way, ...] = Field((), max_length=20)
    x: float = 0
    y: float = 0
    to_end: bool = False
    most: int = Field(20, ge=1, le=100)


class SetViewport(_Step):
    type: Literal["setViewport"]
    width: int = Field(ge=100, le=4000)
    height: int = Field(ge=100, le=4000)
    device_scale_factor: float | None = Field(None, alias="deviceScaleFactor")
    is_mobile: bool | None = Field(None, alias="isMobile")
    has_touch: bool | None = Field(None, alias="hasTouch")
    is_landscape: bool | None = Field(None, alias="isLandscape")


class WaitForElement(_OnElement):
    type: Literal["waitForElement"]
    operator: Literal[">=", "==", "<="] = ">="
    count: int = Field(1, ge=0, le=10_000)
    visible: bool | None = None
    properties: dict[Attribute, Any] = Field({}, max_length=20)
    attributes: dict[Attribute, str] = Field({}, max_length=20)


class EmulateNetworkConditions(_Step):
    """A slower network, for what follows: bytes a second, and milliseconds. Without any bytes the page is offline."""

    type: Literal["emulateNetworkConditions"]
    download: float = Field(ge=0)
    upload: float = Field(ge=0)
    latency: float = Field(ge=0, le=MOST_TIMEOUT_MS)


class WaitForText(_Step):
    type: Literal["waitForText"]
    text: Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class AssertText(_Step):
    type: Literal["assertText"]
    text: Annotated[str, StringConstraints(min_length=1, max_length=2000)]
    selectors: tuple[Way, ...] = Field((), max_length=20)


class Extract(_OnElement):
    type: Literal["extract"]
    name: Name
    attr: Attribute | None = None
    all: bool = False


class Screenshot(_Step):
    type: Literal["screenshot"]
    name: Name = "shot"


class Pdf(_Step):
    type: Literal["pdf"]
    name: Name = "print"


class Close(_Step):
    """Closes a pop-up. The page itself is closed at the end anyway."""

    type: Literal["close"]


Step = Annotated[
    Navigate
    | Click
    | DoubleClick
    | Hover
    | Change
    | Select
    | Fill
    | KeyDown
    | KeyUp
    | Scroll
    | SetViewport
    | WaitForElement
    | EmulateNetworkConditions
    | WaitForText
    | AssertText
    | Extract
    | Screenshot
    | Pdf
    | Close,
    Field(discriminator="type"),
]

VERBS = frozenset(get_args(one.model_fields["type"].annotation)[0] for one in get_args(get_args(Step)[0]))


def refuse_scripts(steps: Any) -> Any:
    """Say clearly what is not played, and why, before the schema says that it does not know it."""
    for number, step in enumerate(steps if isinstance(steps, list | tuple) else ()):
        kind = step.get("type") if isinstance(step, dict) else None
        if isinstance(kind, str) and kind in REFUSED:
            raise ValueError(f"Step {number} is a `{kind}`, which is not played: {REFUSED[kind]}.")
    return steps


Steps = Annotated[tuple[Step, ...], BeforeValidator(refuse_scripts), Field(max_length=MOST_STEPS)]
_STEPS: TypeAdapter[tuple[Step, ...]] = TypeAdapter(Steps)


def steps_from(written: list[dict[str, Any]]) -> list[Step]:
    """:raises ValidationError: these are no steps."""
    return list(_STEPS.validate_python(written))


def to_json(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """As they can be asked for again."""
    return [step.model_dump(mode="json", by_alias=True, exclude_defaults=True) for step in steps]


class Recording(Strict):
    """An export of the Chrome DevTools Recorder ("JSON"), as it is."""

    title: str = Field("", max_length=500)
    timeout: int | None = Field(None, ge=0, le=MOST_TIMEOUT_MS)
    selector_attribute: str | None = Field(None, alias="selectorAttribute", max_length=100)
    steps: Steps
