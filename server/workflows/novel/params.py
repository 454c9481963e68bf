"""What can be asked about a novel."""

import hashlib
import re
from collections import Counter
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from server.errors import FieldError, InvalidParameters, WrongField
from server.workflows.base import Params, UploadId
from server.workflows.chinese import titled, zh
from server.workflows.engines import Asked
from server.workflows.novel.bible import KINDS, LISTS, chapters_in, key_of
from server.workflows.novel.entities import (
    CHINESE_TITLES,
    MOST_CHAPTERS,
    MOST_OF_A_KIND,
    Beat,
    Book,
    ChapterPlan,
    ChapterSummary,
    ChapterText,
    Character,
    Entity,
    Foreshadowing,
    Line,
    Name,
    Paragraph,
    Structure,
    TimelineEvent,
    Volume,
    WorldEntry,
)
from server.workflows.spending import ModelBudget

TaskType = Literal[
    "outline",
    "volumes",
    "characters",
    "world",
    "timeline",
    "foreshadowing",
    "chapter",
    "review",
    "import",
    "export",
]
LONGEST_MANUSCRIPT = 4_000_000
NOVEL_ID = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
_RANGE = re.compile(r"[0-9]{1,4}(-[0-9]{1,4})?([,，][0-9]{1,4}(-[0-9]{1,4})?)*", re.ASCII)


def _as_range(text: str) -> str:
    """:raises ValueError: these are no chapters."""
    compact = text.replace(" ", "")
    if _RANGE.fullmatch(compact) is None:
        raise ValueError("Name chapters as `3`, `1-10` or `1-3,7`.")
    for part in re.split("[,，]", compact):
        first, _, last = part.partition("-")
        if not 1 <= int(first) <= int(last or first) <= MOST_CHAPTERS:
            raise ValueError(f"Chapters are numbered from 1 to {MOST_CHAPTERS}, and a range goes upwards.")
    return compact.replace("，", ",")


class _Group(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra=titled(CHINESE_TITLES))


class NovelSpec(_Group):
    """The frame of a novel. What is left out is as its bible has it, or else by default."""

    id: Annotated[str, StringConstraints(strip_whitespace=True, pattern=NOVEL_ID)] | None = Field(
        None,
        title="Novel",
        description="What the novel is known by; made of its title if left out.",
        json_schema_extra=zh("小说编号", "小说的编号；留空则由书名得出。"),
    )
    title: Name | None = Field(
        None,
        title="Title",
        description="Needed for a new novel.",
        json_schema_extra=zh("书名", "新小说必须给出。"),
    )
    genre: Line | None = Field(
        None, title="Genre", description="Its genre.", json_schema_extra=zh("类型", "小说类型。")
    )
    synopsis: Paragraph | None = Field(
        None, title="Synopsis", description="What happens, in short.", json_schema_extra=zh("简介", "故事梗概。")
    )
    language: Literal["en", "zh"] | None = Field(
        None,
        title="Language",
        description="Language of the novel; that of title and synopsis if left out.",
        json_schema_extra=zh("语言", "小说的语言；留空则取书名与简介的语言。"),
    )
    chapters: int | None = Field(
        None,
        ge=1,
        le=MOST_CHAPTERS,
        title="Chapters",
        description="How many; 30 for a new novel.",
        json_schema_extra=zh("章数", "共有多少章；新小说默认 30。"),
    )
    words_per_chapter: int | None = Field(
        None,
        ge=50,
        le=50_000,
        title="Words per chapter",
        description="On average, in words or Chinese characters; 2500 for a new novel.",
        json_schema_extra=zh("每章字数", "平均每章的字数；新小说默认 2500。"),
    )
    volumes: int | None = Field(
        None,
        ge=1,
        le=200,
        title="Volumes",
        description="How many; one for each 50 chapters of a new novel.",
        json_schema_extra=zh("卷数", "共分几卷；新小说默认每 50 章一卷。"),
    )
    structure: Structure | None = Field(
        None,
        title="Structure",
        description="The frame of the plot; one's own needs `beats`.",
        json_schema_extra=zh("结构", "情节的骨架；自定义时须给出 beats。"),
    )
    beats: tuple[Beat, ...] = Field(
        (),
        max_length=100,
        title="Beats",
        description="The turns of a structure of one's own, in order.",
        json_schema_extra=zh("节拍", "自定义结构的各个转折，按顺序。"),
    )

    @model_validator(mode="after")
    def _named(self) -> "NovelSpec":
        if self.id is None and self.title is None:
            raise WrongField("title", "missing", "Name the novel: `id`, or `title` for a new one")
        if self.beats and self.structure != "custom":
            raise ValueError("`beats` go with `structure: custom`.")
        if self.structure == "custom" and not self.beats:
            raise ValueError("A `custom` structure needs `beats`.")
        if self.volumes is not None and self.chapters is not None and self.volumes > self.chapters:
            raise ValueError("There are more volumes than chapters.")
        return self

    @property
    def name(self) -> str:
        return self.id or f"n-{hashlib.sha256((self.title or '').encode()).hexdigest()[:16]}"

    @property
    def given(self) -> dict[str, Any]:
        """What is said of the book."""
        said = self.model_dump(exclude={"id"}, exclude_none=True)
        return said if self.beats else {name: value for name, value in said.items() if name != "beats"}


class BibleInput(_Group):
    """What a person writes into the bible. ``drop`` takes entities out, by key: `character:lin`."""

    book: Book | None = None
    volumes: tuple[Volume, ...] = Field((), max_length=200)
    chapters: tuple[ChapterPlan, ...] = Field((), max_length=MOST_CHAPTERS)
    characters: tuple[Character, ...] = Field((), max_length=MOST_OF_A_KIND)
    world: tuple[WorldEntry, ...] = Field((), max_length=MOST_OF_A_KIND)
    timeline: tuple[TimelineEvent, ...] = Field((), max_length=MOST_OF_A_KIND)
    foreshadowing: tuple[Foreshadowing, ...] = Field((), max_length=MOST_OF_A_KIND)
    texts: tuple[ChapterText, ...] = Field((), max_length=MOST_CHAPTERS)
    summaries: tuple[ChapterSummary, ...] = Field((), max_length=MOST_CHAPTERS)
    drop: tuple[Annotated[str, StringConstraints(max_length=100)], ...] = Field((), max_length=MOST_OF_A_KIND)

    @model_validator(mode="after")
    def _each_once(self) -> "BibleInput":
        keys = [*map(key_of, self.entities), *self.drop]
        twice = next((key for key, times in Counter(keys).items() if times > 1), None)
        if twice is not None:
            raise ValueError(f"`{twice}` stands there twice; give each entity once.")
        unknown = [key for key in self.drop if key.partition(":")[0] not in KINDS or ":" not in key]
        if unknown:
            raise ValueError(f"`drop` takes keys as `character:lin` or `chapter:12`; this is none: {unknown[0]}")
        return self

    @property
    def entities(self) -> list[Entity]:
        lists = (getattr(self, name) for name in LISTS if name in type(self).model_fields)
        found: list[Entity] = [entity for entities in lists for entity in entities]
        return [self.book, *found] if self.book is not None else found


class NovelParams(Params):
    """A novel, and what is to be done about it."""

    novel: NovelSpec = Field(
        title="Novel",
        description="Which novel.",
        json_schema_extra=zh("小说", "哪一部小说。"),
    )
    task_type: TaskType = Field(
        "outline",
        title="What to do",
        description="What of the novel is planned, written, checked, taken in or given out.",
        json_schema_extra=zh("任务类型", "规划、撰写、检查、导入或导出小说的哪一部分。"),
    )
    range: (
        Annotated[str, StringConstraints(strip_whitespace=True, max_length=500), AfterValidator(_as_range)] | None
    ) = Field(
        None,
        title="Chapters",
        description="Which chapters, as `1-3,7`; all if left out.",
        json_schema_extra=zh("章节范围", "哪些章节，如 1-3,7；留空表示全部。"),
    )
    guidance: Paragraph = Field(
        "",
        title="Guidance",
        description="What else the model is told.",
        json_schema_extra=zh("指导", "另外告诉模型什么。"),
    )
    overwrite: bool = Field(
        False,
        title="Write over",
        description="Make anew what is there; what a person wrote only with `base_revision`.",
        json_schema_extra=zh("覆盖", "重做已有的内容；人写的内容须同时给出 base_revision。"),
    )
    base_revision: int | None = Field(
        None,
        ge=0,
        title="Seen revision",
        description="The revision of the bible that whoever asks has seen; what a person changed later stays.",
        json_schema_extra=zh("所见修订号", "请求者所见到的设定修订号；此后由人改过的内容保持不变。"),
    )
    bible: BibleInput | None = Field(
        None,
        title="Bible",
        description="For an import: entities that a person wrote, and keys of those to drop.",
        json_schema_extra=zh("设定", "用于导入：人写的条目，以及要去掉的键。"),
    )
    manuscript: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_MANUSCRIPT)] | None = Field(
        None,
        title="Manuscript",
        description="For an import: a text, whose headings (`Chapter 3`, `第三章`) say which chapters it has.",
        json_schema_extra=zh("书稿", "用于导入：一份文本，其中的标题（第三章、Chapter 3）说明各章从哪里开始。"),
    )
    upload: UploadId | None = Field(
        None,
        title="Upload",
        description="For an import: a file (text, Markdown, Word or PDF), instead of `manuscript`.",
        json_schema_extra=zh("上传的书稿", "用于导入：书稿文件（文本、Word、PDF 等），代替 manuscript。"),
    )
    engine: Asked = Field(
        "auto",
        title="Engine",
        description="`embedded` plans and checks; `llm` writes as well; `auto` takes the model where there is one.",
        json_schema_extra=zh("引擎", "embedded 只规划和检查；llm 还会写作；auto 在有模型时使用模型。"),
    )
    model: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)] | None = Field(
        None,
        title="Model",
        description="Another model than the server's usual one.",
        json_schema_extra=zh("模型", "不用服务器默认的模型时，用哪一个。"),
    )
    context_tokens: int = Field(
        6000,
        ge=1000,
        le=200_000,
        title="Context",
        description="Most tokens of a prompt: brief, summaries, cast and foreshadowings of a chapter.",
        json_schema_extra=zh("上下文", "每次提示最多多少词元：章节任务书、前情、人物和伏笔。"),
    )
    budget: ModelBudget = Field(
        ModelBudget(),
        title="Budget",
        description="What the model may cost.",
        json_schema_extra=zh("预算", "模型最多可以花费多少。"),
    )

    @property
    def chapters(self) -> list[int] | None:
        """The chapters that are named; None: all."""
        return None if self.range is None else list(chapters_in(self.range))


def refuse(params: NovelParams) -> None:
    """:raises InvalidParameters: what the fields say does not fit together."""
    faults = []
    brings = {"bible": params.bible, "manuscript": params.manuscript, "upload": params.upload}
    has_texts = params.manuscript is not None or params.upload is not None
    if params.task_type != "import":
        faults += [
            FieldError(name, "import_only", f"`{name}` goes with `task_type: import`.")
            for name, given in brings.items()
            if given is not None
        ]
    elif params.manuscript is not None and params.upload is not None:
        faults.append(FieldError("upload", "both_given", "Send a `manuscript` or an `upload`, not both."))
    elif not has_texts and (params.bible is None or not (params.bible.entities or params.bible.drop)):
        told = "An import brings entities, keys to `drop`, a `manuscript` or an `upload`."
        faults.append(FieldError("bible", "missing", told))
    elif has_texts and params.bible is not None and params.bible.texts:
        told = "Send texts here, or as a `manuscript` or an `upload`."
        faults.append(FieldError("bible.texts", "beside_manuscript", told))
    if params.task_type == "import" and params.bible is not None and params.bible.book is not None:
        said = [name for name in params.novel.given if name != "title"]
        faults += [
            FieldError(f"novel.{name}", "beside_book", "Say it in `bible.book`, where that is given.") for name in said
        ]
    if faults:
        raise InvalidParameters(errors=faults)
