"""What can be asked of a batch of texts."""

import re
from datetime import UTC, datetime, tzinfo
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from server.errors import FieldError, InvalidParameters
from server.workflows.base import Params, UploadId
from server.workflows.chinese import titled, zh
from server.workflows.engines import Asked
from server.workflows.extract.calendar import FIRST_YEAR, LAST_YEAR
from server.workflows.sent_times import as_iso
from server.workflows.spending import ModelBudget

MOST_USERS = 10_000
MOST_TEXTS = 1000
MOST_TEXT_CHARS = 200_000
LONGEST_RULE = 500
_TASK_ID = r"^[0-9a-f]{32}$"

Id = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
_UNSEEN = r"\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069"
"""Controls, and what turns the direction of the text after it."""
TypeName = Annotated[str, StringConstraints(strip_whitespace=True, pattern=rf"^[^\s,{_UNSEEN}]{{1,60}}$")]
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,39}$")]


def _within_calendar(moment: datetime) -> datetime:
    if not FIRST_YEAR < moment.year < LAST_YEAR:
        raise ValueError(f"This is no time between {FIRST_YEAR + 1} and {LAST_YEAR - 1}.")
    return moment


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        raise ValueError("This is no time zone; name one as Asia/Shanghai, Europe/Berlin or UTC.") from None
    return name


def _readable(regex: str) -> str:
    try:
        re.compile(regex)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"This is no regular expression of Python's: {error}.") from None
    return regex


_CHINESE_TITLES = {
    "users": "用户",
    "user_id": "用户编号",
    "texts": "文本",
    "id": "编号",
    "text": "文本",
    "written_at": "写作时间",
    "name": "名称",
    "regex": "正则表达式",
    "fields": "各分组",
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra=titled(_CHINESE_TITLES))


class Text(_Strict):
    """One text of a user. ``written_at``: what 明天 and "last Friday" in it are counted from."""

    id: Id | None = None
    text: Annotated[str, StringConstraints(max_length=MOST_TEXT_CHARS)]
    written_at: Annotated[datetime, BeforeValidator(as_iso), AfterValidator(_within_calendar)] | None = None


class User(_Strict):
    """Whose texts they are. A text without an ``id`` is known by its position: ``0``, ``1`` and so on."""

    user_id: Id
    texts: tuple[Text, ...] = Field(max_length=MOST_TEXTS)


class Rule(_Strict):
    """A pattern of one's own: each match is an event of the type ``name``.

    ``fields``: members of the event, each by the group of the pattern that holds it.
    """

    name: TypeName
    regex: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_RULE), AfterValidator(_readable)]
    fields: dict[Literal["trigger", "time", "place", "amount", "participants"], Name] = Field({}, max_length=5)


class ExtractParams(Params):
    """Whose texts, and what is looked for in them."""

    users: tuple[User, ...] | None = Field(
        None,
        min_length=1,
        max_length=MOST_USERS,
        title="Users",
        description="Whose texts they are, and the texts.",
        json_schema_extra=zh("用户", "用户及其文本。"),
    )
    upload: UploadId | None = Field(
        None,
        title="Upload",
        description="Instead of `users`: a file with them, as JSON lines, CSV or a ZIP of TXT files.",
        json_schema_extra=zh("上传文件", "代替 users：包含用户及其文本的文件，可为 JSON 行、CSV 或 TXT 的 ZIP。"),
    )
    retry_failed_of: Annotated[str, StringConstraints(pattern=_TASK_ID)] | None = Field(
        None,
        title="Retry the failed ones of",
        description="Id of a completed task of this kind: those of its users that failed are read again.",
        json_schema_extra=zh("重试失败用户", "本类型一个已完成任务的编号：只重新处理其中失败的用户。"),
    )
    batch_size: int = Field(
        10,
        ge=1,
        le=1000,
        title="Batch size",
        description="How many users make a batch; one batch is done before the next begins.",
        json_schema_extra=zh("批大小", "每批多少个用户；一批处理完才开始下一批。"),
    )
    types: tuple[TypeName, ...] = Field(
        (),
        max_length=100,
        title="Types",
        description="Types of events that are wanted; all if left out.",
        json_schema_extra=zh("事件类型", "需要哪些类型的事件；省略表示全部。"),
    )
    lexicon: dict[TypeName, Annotated[tuple[Word, ...], Field(min_length=1, max_length=200)]] = Field(
        {},
        max_length=100,
        title="Lexicon",
        description="Words of your own that tell of an event, by its type; they go before the built-in ones.",
        json_schema_extra=zh("触发词", "自定义的触发词，按事件类型列出；优先于内置的词。"),
    )
    rules: tuple[Rule, ...] = Field(
        (),
        max_length=20,
        title="Rules",
        description="Regular expressions of your own, each with a name, and what its groups hold.",
        json_schema_extra=zh("规则", "自定义正则表达式：名称、表达式，以及由各分组给出的内容。"),
    )
    timezone: Annotated[str, StringConstraints(max_length=60), AfterValidator(_known_zone)] | None = Field(
        None,
        title="Time zone",
        description="Of times that name none, and of the day on which a text was written; "
        "if left out, the offset of when it was written, or UTC where that has none.",
        json_schema_extra=zh(
            "时区",
            "没有写明时区的时间所属的时区，也用来确定文本写于哪一天；省略则取写作时间的偏移，没有偏移的按 UTC。",
        ),
    )
    min_confidence: float = Field(
        0.0,
        ge=0,
        le=1,
        title="Least confidence",
        description="Events with less are left out.",
        json_schema_extra=zh("最低置信度", "低于它的事件不计入。"),
    )
    engine: Asked = Field(
        "auto",
        title="Engine",
        description="`embedded` needs no model; `llm` asks one; `auto` takes a model where there is one.",
        json_schema_extra=zh("引擎", "embedded 不需要模型；llm 使用模型；auto 有模型时使用模型。"),
    )
    budget: ModelBudget = Field(
        ModelBudget(),
        title="Budget",
        description="The most that a model may cost for all users together.",
        json_schema_extra=zh("预算", "全部用户总共最多可以用模型多少。"),
    )

    def zone_of(self, text: Text) -> tzinfo:
        """Of the times in this text; its days begin there, too."""
        if self.timezone is not None:
            return ZoneInfo(self.timezone)
        return (text.written_at and text.written_at.tzinfo) or UTC


def refuse(params: ExtractParams) -> None:
    """:raises InvalidParameters: what the fields say does not fit together."""
    faults: list[FieldError] = []
    if sum(given is not None for given in (params.users, params.upload, params.retry_failed_of)) != 1:
        said = "Send `users` with their texts, an `upload` of them, or `retry_failed_of` with a task's id; one of them."
        faults.append(FieldError("users", "one_of_them", said))
    seen: set[str] = set()
    for number, user in enumerate(params.users or ()):
        if user.user_id in seen:
            faults.append(FieldError(f"users.{number}.user_id", "duplicate", f"{user.user_id[:80]!r} is given twice."))
        seen.add(user.user_id)
        ids = [text.id or str(place) for place, text in enumerate(user.texts)]
        if len(set(ids)) < len(ids):
            faults.append(FieldError(f"users.{number}.texts", "duplicate", "Two texts of this user have the same id."))
    names = [rule.name for rule in params.rules]
    for number, rule in enumerate(params.rules):
        groups = re.compile(rule.regex).groupindex
        if names.index(rule.name) != number:
            faults.append(FieldError(f"rules.{number}.name", "duplicate", f"{rule.name!r} is given twice."))
        for member, group in rule.fields.items():
            if group not in groups:
                said = f"The pattern has no group (?P<{group}>…)."
                faults.append(FieldError(f"rules.{number}.fields.{member}", "no_such_group", said))
    if faults:
        raise InvalidParameters(errors=faults[:20])
