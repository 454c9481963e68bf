"""What can be asked of a research task."""

import unicodedata
from collections.abc import Collection
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from server.errors import FieldError, InvalidParameters, ModelRequired
from server.llm.base import Model
from server.sources.failures import SourceFailed
from server.sources.providers.base import Capability
from server.sources.urls import LONGEST_URL, canonical
from server.workflows.base import Params
from server.workflows.chinese import zh
from server.workflows.engines import Asked, engine_for
from server.workflows.spending import ModelBudget, refuse_unpriced

_CONTROLS = {code: None for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}
_WITHOUT_TEXT = frozenset({"C", "Z"})


def _canonical_url(url: str) -> str:
    try:
        return canonical(url)
    except SourceFailed as error:
        raise ValueError(error.message) from None


def _without_controls(text: str) -> str:
    """The text without control characters other than line feeds and tabs; what is left must show something."""
    kept = text.translate(_CONTROLS).strip()
    if all(unicodedata.category(character)[0] in _WITHOUT_TEXT for character in kept):
        raise ValueError("The question has no character that can be seen.")
    return kept


Url = Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST_URL), AfterValidator(_canonical_url)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class _Group(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Sources(_Group):
    web: bool = Field(
        True,
        title="Web search",
        description="Search the web, with whatever search provider this server has.",
        json_schema_extra=zh("网络搜索", "用本服务器现有的搜索服务检索网络。"),
    )
    library: bool = Field(
        True,
        title="Library",
        description="Search the local library of documents.",
        json_schema_extra=zh("资料库", "检索本地资料库中的文档。"),
    )
    urls: Annotated[
        tuple[Url, ...],
        AfterValidator(lambda urls: tuple(dict.fromkeys(urls))),
    ] = Field(
        (),
        max_length=50,
        title="Pages",
        description="Addresses (http or https) of pages to read.",
        json_schema_extra=zh("网页", "要阅读的网页地址（http 或 https）。"),
    )
    academic: bool = Field(
        False,
        title="Academic search",
        description="Search academic indexes, where this server has a provider for them.",
        json_schema_extra=zh("学术检索", "检索学术索引（若本服务器有相应服务）。"),
    )


class Report(_Group):
    style: Literal["brief", "standard", "long"] = Field(
        "standard",
        title="Length",
        description="How much the report quotes and says.",
        json_schema_extra=zh("篇幅", "报告引用与叙述的多少。"),
    )
    format: Literal["md", "html", "pdf", "docx", "json"] = Field(
        "md",
        title="Format",
        description="The format that is offered for download first; the others can be had too.",
        json_schema_extra=zh("格式", "优先提供下载的格式；其他格式同样可得。"),
    )


class Budget(ModelBudget):
    """What the task may use up; a model's part of it, and the time for searching and reading."""

    seconds: float | None = Field(
        None,
        gt=0,
        le=1_000_000,
        title="Seconds",
        description="Working time after which no further source is searched or read; the report is still written.",
        json_schema_extra=zh("秒数", "用完后不再检索或阅读新的来源；报告仍会写出。"),
    )


class Planned(_Group):
    question: Annotated[Text, StringConstraints(max_length=500)] = Field(
        title="Question",
        description="One question of the plan.",
        json_schema_extra=zh("问题", "计划中的一个问题。"),
    )
    goal: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)] = Field(
        "",
        title="Goal",
        description="What its answer is needed for.",
        json_schema_extra=zh("目的", "需要这一答案做什么。"),
    )
    queries: tuple[Annotated[Text, StringConstraints(max_length=300)], ...] = Field(
        (),
        max_length=3,
        title="Searches",
        description="What is searched for; the question itself where nothing is given.",
        json_schema_extra=zh("检索词", "检索什么；留空则检索问题本身。"),
    )


Words = Annotated[Text, StringConstraints(max_length=8000)]


class Prompts(_Group):
    scope: Words | None = Field(
        None,
        title="Scope",
        description="What else the model is told when it says what is wanted; needs a model.",
        json_schema_extra=zh("界定", "模型界定所求时另外要告诉它什么；需要模型。"),
    )
    plan: Words | None = Field(
        None,
        title="Plan",
        description="What else it is told when it plans; needs a model.",
        json_schema_extra=zh("规划", "规划时另外要告诉它什么；需要模型。"),
    )
    learn: Words | None = Field(
        None,
        title="Reading",
        description="What else it is told when it reads sources; needs a model.",
        json_schema_extra=zh("阅读", "阅读来源时另外要告诉它什么；需要模型。"),
    )
    gaps: Words | None = Field(
        None,
        title="Gaps",
        description="What else it is told when it looks for gaps; needs a model.",
        json_schema_extra=zh("缺口", "查找缺口时另外要告诉它什么；需要模型。"),
    )
    write: Words | None = Field(
        None,
        title="Writing",
        description="What else it is told when it outlines and writes; needs a model.",
        json_schema_extra=zh("写作", "拟提纲与写作时另外要告诉它什么；需要模型。"),
    )


class ResearchParams(Params):
    """A question, where to look for answers, and how the report should be."""

    query: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000), AfterValidator(_without_controls)
    ] = Field(
        title="Question",
        description="What is to be found out, in English or Chinese.",
        json_schema_extra=zh("问题", "要研究的问题，中文或英文。"),
    )
    language: Literal["auto", "en", "zh"] = Field(
        "auto",
        title="Language",
        description="Language of the report; `auto` takes the question's.",
        json_schema_extra=zh("语言", "报告的语言；auto 表示与问题相同。"),
    )
    sources: Sources = Field(
        Sources(),
        title="Sources",
        description="Where to look.",
        json_schema_extra=zh("来源", "到哪里去找。"),
    )
    max_results: int = Field(
        5,
        ge=1,
        le=20,
        title="Results per search",
        description="How many documents each search brings.",
        json_schema_extra=zh("每次检索的结果数", "每次检索取回多少篇文档。"),
    )
    breadth: int = Field(
        4,
        ge=1,
        le=10,
        title="Breadth",
        description="How many questions the plan has at most, the main one included.",
        json_schema_extra=zh("广度", "计划中最多有几个问题（含主问题）。"),
    )
    depth: int = Field(
        2,
        ge=1,
        le=5,
        title="Depth",
        description="How many rounds of searching there are at most; later ones look for what is still unanswered.",
        json_schema_extra=zh("深度", "最多检索几轮；后几轮寻找尚未回答的内容。"),
    )
    max_sources: int = Field(
        40,
        ge=1,
        le=200,
        title="Most sources",
        description="How many sources the report draws on at most.",
        json_schema_extra=zh("来源上限", "报告最多使用多少个来源。"),
    )
    report: Report = Field(
        Report(),
        title="Report",
        description="How the report should be.",
        json_schema_extra=zh("报告", "报告的样式。"),
    )
    instructions: Annotated[Text, StringConstraints(max_length=8000)] | None = Field(
        None,
        title="Instructions",
        description="What else to mind when writing; needs a model.",
        json_schema_extra=zh("附加要求", "写作时还要注意什么；需要模型。"),
    )
    references: bool = Field(
        True,
        title="Source list",
        description="Put the list of sources at the end of the report.",
        json_schema_extra=zh("来源列表", "在报告末尾列出来源。"),
    )
    images: bool = Field(
        False,
        title="Images",
        description="Taken and told to have no effect: images of the sources are not kept.",
        json_schema_extra=zh("图片", "可以给出，但不起作用：不保留来源中的图片。"),
    )
    plan_only: bool = Field(
        False,
        title="Plan only",
        description="End with the plan as the result, to be edited and sent again as `plan`; needs a model.",
        json_schema_extra=zh("只做计划", "以计划作为结果结束，编辑后可作为 plan 再次提交；需要模型。"),
    )
    plan: tuple[Planned, ...] = Field(
        (),
        max_length=20,
        title="Plan",
        description="The questions to look into, instead of a plan of the model's own; needs a model.",
        json_schema_extra=zh("计划", "要研究的问题，代替模型自己的计划；需要模型。"),
    )
    follows: Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[0-9a-f]{32}$")] | None = Field(
        None,
        title="Follows",
        description="Id of a finished research task, whose evidence is used as well; needs a model.",
        json_schema_extra=zh("承接", "一个已完成研究任务的编号，其证据一并使用；需要模型。"),
    )
    prompts: Prompts = Field(
        Prompts(),
        title="Own prompts",
        description="What the model is told beside its own prompts, by stage.",
        json_schema_extra=zh("自定义提示", "在各阶段除内置提示外另外告诉模型什么。"),
    )
    engine: Asked = Field(
        "auto",
        title="Engine",
        description="`embedded` needs no key and no network; `llm` a model; `auto` takes the model where there is one.",
        json_schema_extra=zh("引擎", "embedded 不需要密钥和网络；llm 需要模型；auto 在有模型时使用模型。"),
    )
    model: Annotated[Text, StringConstraints(max_length=200)] | None = Field(
        None,
        title="Model",
        description="Model for most of the work, where the engine is a model.",
        json_schema_extra=zh("模型", "引擎为模型时，承担大部分工作的模型。"),
    )
    thinking_model: Annotated[Text, StringConstraints(max_length=200)] | None = Field(
        None,
        title="Thinking model",
        description="Model for planning and for writing, where the engine is a model.",
        json_schema_extra=zh("思考模型", "引擎为模型时，用于规划和写作的模型。"),
    )
    budget: Budget = Field(
        Budget(),
        title="Budget",
        description="What the task may use up.",
        json_schema_extra=zh("预算", "任务可以消耗多少。"),
    )


def capabilities(sources: Sources) -> set[Capability]:
    """What kinds of search providers these sources mean."""
    wanted: set[Capability] = set()
    if sources.web:
        wanted.add("web")
    if sources.academic:
        wanted.add("academic")
    return wanted


def needs_model(params: ResearchParams) -> list[str]:
    """The parameters that only a model can fulfil."""
    wanted = {"plan_only": params.plan_only, "plan": bool(params.plan), "follows": params.follows is not None}
    return [name for name, asked in wanted.items() if asked]


def refuse(params: ResearchParams, providers: Collection[str] = (), *, model: Model | None = None) -> None:
    """Refuse what is well-formed but can't be done here.

    :param providers: names of the search providers that would be asked.
    :param model: the server's, where it has one.
    :raises ModelRequired: the engine is to be a model, or something is asked that needs one, and there is none.
    :raises InvalidParameters: nothing is left to look in, the embedded engine is asked for what it can't do, or what a
        model may cost is bounded and nobody has said what it costs.
    """
    if params.engine == "llm" and model is None:
        raise ModelRequired
    needed = needs_model(params)
    if needed and (params.engine == "embedded" or model is None):
        if params.engine != "embedded":
            raise ModelRequired(f"`{needed[0]}` needs a model. {ModelRequired.sentence()}")
        told = "The embedded engine plans by itself: leave this out, or ask for `engine: llm`."
        raise InvalidParameters(errors=[FieldError(name, "needs_model", told) for name in needed])
    if model is not None and engine_for(params.engine, model) == "llm":
        thinking = params.thinking_model or params.model
        refuse_unpriced(params.budget, model, [(params.model, False), (thinking, True)])
    if not params.sources.library and not params.sources.urls and not providers and not params.follows:
        reason = "This server has no search provider: leave `library` on, or name pages in `urls`."
        raise InvalidParameters(reason, errors=[FieldError("sources", "nothing_to_search", reason)])
