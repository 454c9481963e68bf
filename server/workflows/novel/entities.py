"""What a novel's bible is made of. Every entity has a key, as `character:lin` or `chapter:12`, and stands by itself."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from server.workflows.chinese import titled

MOST_CHAPTERS = 2000
MOST_OF_A_KIND = 2000

Id = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[^\s:,，][^:\n,，]{0,79}$")]
"""What an entity is referred to by, in any language; it has no colon and no comma."""
Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=300)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
Paragraph = Annotated[str, StringConstraints(strip_whitespace=True, max_length=8000)]
Chapter = Annotated[int, Field(ge=1, le=MOST_CHAPTERS)]
Day = Annotated[int, Field(ge=-1_000_000, le=1_000_000)]
Ids = Annotated[tuple[Id, ...], Field(max_length=200)]

Structure = Literal["three_act", "save_the_cat", "hero_journey", "custom"]
Language = Literal["en", "zh"]
PartOfDay = Literal["dawn", "morning", "noon", "afternoon", "evening", "night"]
Tier = Literal["short", "medium", "long"]

CHINESE_TITLES = {
    "number": "序号",
    "title": "标题",
    "name": "名称",
    "id": "编号",
    "summary": "梗概",
    "words": "字数",
    "first": "首章",
    "last": "末章",
    "beats": "转折",
    "pov": "视角人物",
    "cast": "出场人物",
    "place": "地点",
    "day": "第几天",
    "flashback": "倒叙",
    "aliases": "别名",
    "role": "身份",
    "goal": "目标",
    "arc": "弧光",
    "description": "说明",
    "state": "状态",
    "born": "出生日",
    "died": "死亡日",
    "kind": "种类",
    "inside": "位于",
    "order": "次序",
    "until": "到第几天",
    "part": "时段",
    "participants": "参与者",
    "requires": "前提事件",
    "chapter": "章",
    "deaths": "死者",
    "tier": "长短",
    "planted": "埋设章",
    "reinforced": "强化章",
    "target_from": "最早回收章",
    "target_to": "最迟回收章",
    "paid": "回收章",
    "status": "状态",
    "evidence": "依据",
    "quote": "引文",
    "text": "正文",
    "states": "人物状态",
    "touched": "涉及的伏笔",
    "action": "动作",
    "purpose": "作用",
    "share": "占比",
    "genre": "类型",
    "synopsis": "简介",
    "language": "语言",
    "chapters": "章",
    "words_per_chapter": "每章字数",
    "volumes": "卷",
    "structure": "结构",
    "book": "全书",
    "characters": "人物",
    "world": "世界观",
    "timeline": "时间线",
    "foreshadowing": "伏笔",
    "texts": "正文",
    "summaries": "各章梗概",
    "drop": "要去掉的键",
}


class Entity(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra=titled(CHINESE_TITLES))


class Beat(Entity):
    """A turn of a structure of one's own, and the share of the novel that it takes."""

    name: Name
    purpose: Line = ""
    share: float = Field(1.0, gt=0, le=1000)


class Book(Entity):
    """The frame of the novel."""

    title: Name
    genre: Line = ""
    synopsis: Paragraph = ""
    language: Language = "zh"
    chapters: int = Field(30, ge=1, le=MOST_CHAPTERS)
    words_per_chapter: int = Field(2500, ge=50, le=50_000)
    volumes: int = Field(1, ge=1, le=200)
    structure: Structure = "three_act"
    beats: tuple[Beat, ...] = Field((), max_length=100)

    @property
    def words(self) -> int:
        return self.chapters * self.words_per_chapter


class Volume(Entity):
    """Chapters from ``first`` to ``last``; ``words`` is the sum of theirs."""

    number: int = Field(ge=1, le=200)
    title: Line = ""
    summary: Paragraph = ""
    first: Chapter
    last: Chapter
    words: int = Field(0, ge=0)


class ChapterPlan(Entity):
    """What a chapter is to do. ``beats`` name the turns of the structure that fall into it."""

    number: Chapter
    title: Line = ""
    summary: Paragraph = ""
    beats: tuple[Line, ...] = Field((), max_length=100)
    words: int = Field(0, ge=0, le=100_000)
    pov: Id | None = None
    cast: Ids = ()
    place: Id | None = None
    day: Day | None = None
    flashback: bool = False


class Character(Entity):
    """A person. Days are days of the story; nobody acts before ``born`` or after ``died``, but in flashbacks."""

    id: Id
    name: Name
    aliases: tuple[Name, ...] = Field((), max_length=50)
    role: Line = ""
    goal: Paragraph = ""
    arc: Paragraph = ""
    description: Paragraph = ""
    state: Paragraph = ""
    born: Day | None = None
    died: Day | None = None


class WorldEntry(Entity):
    """A place, a thing, a rule. ``inside`` names the place that a place is a part of."""

    id: Id
    name: Name
    kind: Line = ""
    description: Paragraph = ""
    aliases: tuple[Name, ...] = Field((), max_length=50)
    inside: Id | None = None


class TimelineEvent(Entity):
    """Something that happens. ``order`` is its place in the story's own time; ``day`` to ``until`` when that is."""

    id: Id
    title: Line
    order: int | None = Field(None, ge=0, le=1_000_000)
    day: Day | None = None
    until: Day | None = None
    part: PartOfDay | None = None
    place: Id | None = None
    participants: Ids = ()
    requires: Ids = ()
    chapter: Chapter | None = None
    deaths: Ids = ()
    flashback: bool = False
    description: Paragraph = ""


class HintEvidence(Entity):
    """Where a text does something about a foreshadowing: ``quote`` stands there word for word."""

    chapter: Chapter
    quote: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class Foreshadowing(Entity):
    """Something that is planted and pays off later. What is not said is scheduled, by ``tier``."""

    id: Id
    title: Line
    description: Paragraph = ""
    tier: Tier = "medium"
    planted: Chapter | None = None
    reinforced: tuple[Chapter, ...] = Field((), max_length=50)
    target_from: Chapter | None = None
    target_to: Chapter | None = None
    paid: Chapter | None = None
    status: Literal["open", "planted", "paid", "dropped"] = "open"
    evidence: tuple[HintEvidence, ...] = Field((), max_length=50)


class ChapterText(Entity):
    """What is written of a chapter, as paragraphs with an empty line between them."""

    number: Chapter
    title: Line = ""
    text: Annotated[str, StringConstraints(min_length=1, max_length=400_000)]


class Touched(Entity):
    """What a chapter's text does about a foreshadowing."""

    id: Id
    action: Literal["planted", "reinforced", "paid"]
    quote: Annotated[str, StringConstraints(max_length=500)] = ""


class ChapterSummary(Entity):
    """What a later chapter must know of a written one."""

    number: Chapter
    summary: Paragraph
    states: dict[Id, Line] = Field({}, max_length=200)
    touched: tuple[Touched, ...] = Field((), max_length=200)


class Slot(Entity):
    """When a foreshadowing is planted, reinforced and paid off, as scheduled."""

    id: Id
    plant: Chapter
    reinforce: tuple[Chapter, ...] = ()
    pay_off: Chapter
