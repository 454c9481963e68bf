"""What can be asked of a batch of pages."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from server.errors import FieldError, InvalidParameters, WrongField
from server.workflows.base import Params
from server.workflows.browse.steps import ACTING, Name, Recording, Selector, Steps, Strict, Url
from server.workflows.browse.wording import OF_PAGES, worded
from server.workflows.chinese import zh
from server.workflows.sent_times import as_iso
from server.workflows.spending import ModelBudget

MOST_TASKS = 500

Capture = Literal["text", "screenshot", "pdf", "html", "links", "tables", "trace"]
Moment = Annotated[AwareDatetime, BeforeValidator(as_iso)]
Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class ExtractRule(Strict):
    """What to take out of the page at the end: an element's text, or its attribute ``attr``; of one, or of all."""

    selector: Selector
    attr: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_:-]{1,60}$")] | None = None
    all: bool = False


class PageTask(Strict):
    """One page, and what to do on it. Of ``steps``, ``recording``, ``fill`` and ``goal`` one at most is given."""

    model_config = ConfigDict(json_schema_extra=worded(OF_PAGES))

    key: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)] | None = None
    title: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)] = ""
    url: Url | None = None
    steps: Steps | None = None
    recording: Recording | None = Field(None, json_schema_extra={"paste": True})
    fill: dict[Label, Annotated[str, StringConstraints(max_length=20_000)]] | None = Field(None, max_length=100)
    submit: Label | None = None
    goal: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)] | None = None
    captures: tuple[Capture, ...] = ("text",)
    extract: dict[Name, ExtractRule] = Field({}, max_length=100)
    accept_status: tuple[Annotated[int, Field(ge=100, le=599)], ...] = Field((), max_length=50)
    not_before: Moment | None = None
    expires_at: Moment | None = None
    priority: int = Field(5, ge=0, le=9)
    retries: int = Field(1, ge=0, le=5)
    timeout_s: float = Field(60, gt=0, le=600)
    side_effects: bool | None = None

    @model_validator(mode="after")
    def _one_plan(self) -> "PageTask":
        given = [name for name in ("steps", "recording", "fill", "goal") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} are both given; give one of them.")
        if self.submit is not None and self.fill is None:
            raise ValueError("`submit` goes with `fill`.")
        opens = self.recorded is not None and any(step.type == "navigate" for step in self.recorded)
        if self.url is None and not opens:
            raise WrongField("url", "missing", "Name the page: `url`, or a `navigate` step")
        return self

    @property
    def recorded(self) -> Steps | None:
        return self.recording.steps if self.recording is not None else self.steps

    @property
    def may_change_things(self) -> bool:
        """Whether doing it twice may do harm: as the request says, or else as its steps look."""
        if self.side_effects is not None:
            return self.side_effects
        return self.fill is not None or self.goal is not None or any(one.type in ACTING for one in self.recorded or ())

    def not_now(self, now: datetime) -> str | None:
        """``not_due`` or ``expired``, if it is one of them."""
        if self.expires_at is not None and now >= self.expires_at:
            return "expired"
        if self.not_before is not None and now < self.not_before:
            return "not_due"
        return None


class BrowseParams(Params):
    """Pages, what to do on them, and how to go through them."""

    tasks: tuple[PageTask, ...] = Field(
        min_length=1,
        max_length=MOST_TASKS,
        title="Pages",
        description="The pages, and what to do on each.",
        json_schema_extra=zh("网页", "要打开的网页，以及在每个网页上做什么。"),
    )
    task_indices: tuple[Annotated[int, Field(ge=0, lt=MOST_TASKS)], ...] | None = Field(
        None,
        min_length=1,
        max_length=MOST_TASKS,
        title="Which of them",
        description="Positions of pages, from 0; all if left out.",
        json_schema_extra=zh("其中哪些", "网页的位置，从 0 开始；省略表示全部。"),
    )
    completed: tuple[str, ...] = Field(
        (),
        max_length=MOST_TASKS,
        title="Completed before",
        description="Keys of pages that are done already, and are skipped.",
        json_schema_extra=zh("此前已完成", "已经完成的网页的标识，这些网页将跳过。"),
    )
    ignore_completed: bool = Field(
        False,
        title="Run completed ones again",
        description="Do those named in `completed` too.",
        json_schema_extra=zh("忽略已完成状态", "在 completed 中列出的也重新执行。"),
    )
    auto_generate: bool = Field(
        True,
        title="Make plans",
        description="Make a plan for pages that have none; without it they are skipped.",
        json_schema_extra=zh("自动生成路径", "为没有步骤的网页生成计划；否则跳过它们。"),
    )
    parallelism: int = Field(
        1,
        ge=1,
        le=4,
        title="At once",
        description="How many pages are open at once; 1 keeps their order.",
        json_schema_extra=zh("并行数", "同时打开多少个网页；1 表示按顺序。"),
    )
    on_failure: Literal["continue", "stop"] = Field(
        "continue",
        title="After a failure",
        description="Whether the batch goes on with the next page, or skips the rest.",
        json_schema_extra=zh("失败之后", "继续下一个网页，还是跳过其余网页。"),
    )
    share_session: bool = Field(
        False,
        title="Share a session",
        description="Later pages get the cookies and local storage of earlier ones; needs `parallelism` 1.",
        json_schema_extra=zh("共用会话", "后面的网页沿用前面网页的 cookie 和本地存储；要求并行数为 1。"),
    )
    batch: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)] | None = Field(
        None,
        title="Name of the batch",
        description="The same pages under another name are another task; a session's batch bears the session's id.",
        json_schema_extra=zh("批次名称", "名称不同，网页相同也是另一个任务；会话的批次以会话编号为名。"),
    )

    budget: ModelBudget = Field(
        ModelBudget(),
        title="Budget for plans",
        description="The most that plans for goals may cost together.",
        json_schema_extra=zh("计划的预算", "为目标制定计划总共最多可以用多少。"),
    )

    @property
    def chosen(self) -> list[int]:
        """Positions of the pages to do, in the order in which they are taken up."""
        wanted = dict.fromkeys(self.task_indices if self.task_indices is not None else range(len(self.tasks)))
        there = [index for index in wanted if index < len(self.tasks)]  # `refuse` tells of the others
        return sorted(there, key=lambda index: -self.tasks[index].priority)

    def key_of(self, index: int) -> str:
        return self.tasks[index].key or f"task-{index}"


def refuse(params: BrowseParams) -> None:
    """:raises InvalidParameters: what the fields say does not fit together."""
    faults = [
        FieldError("task_indices", "out_of_range", f"There is no task {index}; there are {len(params.tasks)}, from 0.")
        for index in params.task_indices or ()
        if index >= len(params.tasks)
    ]
    keys = [params.key_of(index) for index in range(len(params.tasks))]
    faults += [
        FieldError(f"tasks.{index}.key", "duplicate", f"The key {key[:80]!r} is given twice.")
        for index, key in enumerate(keys)
        if keys.index(key) != index
    ]
    if params.share_session and params.parallelism > 1:
        faults.append(FieldError("share_session", "in_order_only", "A session is shared with `parallelism` 1 only."))
    if faults:
        raise InvalidParameters(errors=faults[:20])
