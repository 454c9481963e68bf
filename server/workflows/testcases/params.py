"""What can be asked of a task that makes test cases."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from server.errors import FieldError, InvalidParameters
from server.llm.base import Model
from server.workflows.base import Params, UploadId
from server.workflows.chinese import zh
from server.workflows.engines import Asked, engine_for
from server.workflows.spending import ModelBudget, refuse_unpriced
from server.workflows.testcases.cases import TECHNIQUES, Technique
from server.workflows.testcases.spec import Spec

LONGEST_TEXT = 200_000


class CasesParams(Params):
    """Requirements as prose or as a specification, and which cases are wanted of them."""

    title: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = Field(
        "",
        title="Title",
        description="What is tested; it names the module of requirements that stand under no heading.",
        json_schema_extra=zh("标题", "被测对象；不在任何标题下的需求归入以此命名的模块。"),
    )
    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_TEXT)] | None = (
        Field(
            None,
            title="Requirements",
            description="Requirements in prose, Chinese or English; Markdown headings and tables are understood.",
            json_schema_extra=zh("需求", "需求正文，中文或英文；可用 Markdown 标题和表格。"),
        )
    )
    upload: UploadId | None = Field(
        None,
        title="Document",
        description="Requirements as a file (text, Markdown, Word or PDF), instead of `text`.",
        json_schema_extra=zh("文档", "需求文件：文本、Markdown、Word 或 PDF；代替正文。"),
    )
    spec: Spec | None = Field(
        None,
        title="Specification",
        description="Modules with fields, rules, constraints and states, instead of prose or beside it.",
        json_schema_extra=zh("规格", "模块及其字段、规则、约束和状态，可代替或补充正文。"),
    )
    techniques: Annotated[tuple[Technique, ...], Field(min_length=1, max_length=5)] = Field(
        TECHNIQUES,
        title="Techniques",
        description="Equivalence partitioning, boundary values, decision tables, combinations, state transitions.",
        json_schema_extra=zh("方法", "等价类、边界值、判定表、组合、状态转换。"),
    )
    strength: Literal[2, 3] = Field(
        2,
        title="Strength",
        description="How many fields' values are combined with each other.",
        json_schema_extra=zh("组合强度", "几个字段的取值两两（或三三）组合。"),
    )
    max_cases: int = Field(
        500,
        ge=1,
        le=5000,
        title="Most cases",
        description="With more, those that cover most are kept, and what is lost is counted.",
        json_schema_extra=zh("用例上限", "超出时保留覆盖最多的用例，并说明失去了多少。"),
    )
    language: Literal["auto", "en", "zh"] = Field(
        "auto",
        title="Language",
        description="Language of the cases; `auto` takes the requirements'.",
        json_schema_extra=zh("语言", "用例的语言；auto 表示与需求相同。"),
    )
    engine: Asked = Field(
        "auto",
        title="Engine",
        description="`embedded` needs no key and no network; `llm` a model; `auto` takes the model where there is one.",
        json_schema_extra=zh("引擎", "embedded 不需要密钥和网络；llm 需要模型；auto 在有模型时使用模型。"),
    )
    budget: ModelBudget = Field(
        ModelBudget(),
        title="Budget",
        description="What the model may cost.",
        json_schema_extra=zh("预算", "模型最多可以用多少。"),
    )


def refuse(params: CasesParams, *, model: Model | None = None) -> None:
    """Refuse what is well-formed but can't be done.

    :param model: the server's, where it has one.
    :raises ModelRequired: the engine is to be a model, and there is none.
    :raises InvalidParameters: there is nothing to make cases of, or money is bounded and the model has no price.
    """
    engine = engine_for(params.engine, model)
    if params.text is not None and params.upload is not None:
        reason = "Give the requirements in `text` or as an `upload`, not both."
        raise InvalidParameters(reason, errors=[FieldError("upload", "both_given", reason)])
    if params.text is None and params.upload is None and params.spec is None:
        reason = "Give requirements in `text` or as an `upload`, or a specification in `spec`."
        raise InvalidParameters(reason, errors=[FieldError("text", "missing", reason)])
    prose = params.text is not None or params.upload is not None
    if model is not None and engine == "llm" and prose:
        refuse_unpriced(params.budget, model)
