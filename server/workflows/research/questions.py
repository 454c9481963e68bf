"""The plan without a model: the question itself, then angles on it that sentences can be searched for.

An angle is the same subject plus cue words (*however*, *必须*, …). It asks only for what its cues can find; apart from
limits and criticism, which every subject has, it is planned only if the first search saw it answered somewhere.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

from server.sources.query import content_runs, content_words


@dataclass(frozen=True, slots=True)
class Angle:
    """``cues``: patterns in both languages; a sentence that has none of them says nothing on this angle."""

    name: str
    text: dict[str, str]
    goal: dict[str, str]
    words: tuple[str, ...]
    characters: tuple[str, ...]

    def pattern(self) -> re.Pattern[str]:
        words = "|".join(re.escape(word) for word in self.words)
        return re.compile(rf"\b(?:{words})\b|{'|'.join(map(re.escape, self.characters))}", re.I)


@dataclass(frozen=True, slots=True)
class Question:
    """One question of the plan. ``search`` is what is looked for; ``angle`` names the cues, empty for none."""

    id: str
    text: str
    goal: str
    search: str
    angle: str = ""


LIMITS = Angle(
    "limits",
    {"en": "What limits, exceptions or warnings do the sources name?", "zh": "资料指出了哪些限制、例外或警告？"},
    {"en": "criticism and limits", "zh": "批评与限制"},
    tuple(
        "however|cannot|can't|can not|must not|should not|shouldn't|never|unless|except|limit|limits|limited|limitation|limitations|"
        "warning|warnings|caution|careful|danger|dangerous|beware|drawback|drawbacks|disadvantage|risk|risks|fails|failure|"
        "deprecated|unsupported|not supported|not recommended|discouraged|avoid|not possible|impossible|does not|do not|is not|"
        "are not|only if|only when".split("|")
    ),
    tuple(
        "但是 然而 不过 不能 无法 不要 不应 不可 不会 不支持 不建议 不推荐 限制 警告 注意 小心 谨慎 危险 风险 失败 缺点 弃用 "
        "废弃 除非 除了 只能 仅当 避免 切勿 请勿 无效 尚未 并不".split()
    ),
)
CONDITIONS = Angle(
    "conditions",
    {"en": "What has to be in place, and which settings matter?", "zh": "需要满足哪些前提，哪些设置有影响？"},
    {"en": "prerequisites and settings", "zh": "前提与设置"},
    tuple(
        "must|requires|require|required|requirement|needs|need to|has to|have to|before|first|prerequisite|depends on|option|options|"
        "setting|settings|configure|configured|configuration|default|by default|permission|permissions|enabled|install".split("|")
    ),
    tuple("必须 需要 首先 之前 前提 取决于 依赖 选项 设置 配置 默认 缺省 权限 启用 安装 要求 应当".split()),
)
PURPOSE = Angle(
    "purpose",
    {"en": "What is it for, and when is it used?", "zh": "它有什么用途，什么时候使用？"},
    {"en": "purpose and use", "zh": "用途与场合"},
    tuple("used for|used to|used by|useful|allows|allow|lets|enables|purpose|in order to|intended|suitable|helps|provides|designed".split("|")),
    tuple("用于 用来 用以 允许 使得 目的 提供 适合 适用 可用 帮助 有助于 旨在 作用".split()),
)
REASONS = Angle(
    "reasons",
    {"en": "Which reasons do the sources give?", "zh": "资料给出了哪些理由？"},
    {"en": "causes and reasons", "zh": "原因与理由"},
    tuple("because|since|therefore|due to|reason|reasons|so that|thus|hence|in order to|as a result|consequently|leads to|causes".split("|")),
    tuple("因为 由于 因此 所以 原因 理由 为了 以便 导致 造成 从而 以免 以防".split()),
)
EXAMPLES = Angle(
    "examples",
    {"en": "Which examples do the sources give?", "zh": "资料举了哪些例子？"},
    {"en": "examples", "zh": "举例"},
    tuple("for example|for instance|e.g.|such as|example|examples".split("|")),
    tuple("例如 比如 譬如 示例 举例 范例 例子".split()),
)
ALTERNATIVES = Angle(
    "alternatives",
    {"en": "Which alternatives do the sources name?", "zh": "资料提到了哪些替代做法？"},
    {"en": "alternatives", "zh": "替代做法"},
    tuple("instead|alternative|alternatives|alternatively|rather than|unlike|prefer|preferred|replaces|replacement|another way".split("|")),
    tuple("代替 替代 取代 另外 也可以 也可 而不是 或者 另一种 其他方法 更好".split()),
)
ANGLES = {angle.name: angle for angle in (LIMITS, CONDITIONS, PURPOSE, REASONS, EXAMPLES, ALTERNATIVES)}

_BY_TYPE = {
    "howto": (CONDITIONS, ALTERNATIVES, EXAMPLES),
    "how": (REASONS, CONDITIONS, EXAMPLES),
    "definition": (PURPOSE, EXAMPLES, CONDITIONS),
    "why": (REASONS, ALTERNATIVES, EXAMPLES),
    "comparison": (PURPOSE, ALTERNATIVES),
    "yesno": (CONDITIONS, REASONS, ALTERNATIVES),
    "fact": (REASONS, CONDITIONS),
    "topic": (PURPOSE, CONDITIONS, EXAMPLES),
}

_ENGLISH_TYPES = (
    ("comparison", re.compile(r"\b(?:differences?|differs?|compared?|comparison|versus|vs\.?)\b", re.I)),
    ("why", re.compile(r"^\s*why\b", re.I)),
    ("howto", re.compile(r"^\s*how (?:do|can|could|should|shall|may|might|would) (?:i|you|we|one|somebody|someone)\b|^\s*how to\b", re.I)),
    ("fact", re.compile(r"^\s*(?:when|where|who|whom|whose|which|how (?:many|much|long|often|far|big|old))\b", re.I)),
    ("how", re.compile(r"^\s*how\b", re.I)),
    ("definition", re.compile(r"^\s*what(?:'s| is| are| was| were| does)\b|^\s*define\b|\bmeaning of\b", re.I)),
    ("fact", re.compile(r"^\s*what\b", re.I)),
    ("yesno", re.compile(r"^\s*(?:is|are|was|were|can|could|does|do|did|should|will|would|has|have|may|must)\b", re.I)),
)
_CHINESE_TYPES = (
    ("comparison", re.compile(r"区别|差异|差别|不同|比较|对比|相比|哪个更")),
    ("why", re.compile(r"为什么|为何|原因|何以")),
    ("yesno", re.compile(r"是否|能否|可否|能不能|可不可以|是不是|有没有|吗\s*[？?]?\s*$")),
    ("definition", re.compile(r"什么是|是什么|什么叫|是指|指什么|含义|定义|什么意思")),
    ("howto", re.compile(r"如何|怎么|怎样|怎麼|怎麽")),
    ("fact", re.compile(r"何时|什么时候|哪里|哪儿|谁|多少|几|哪个|哪些|哪种|哪一|什么")),
)
_SIDES = (
    re.compile(r"\bdifferences? between (?P<a>.+?) and (?P<b>.+?)\s*[?.]*\s*$", re.I),
    re.compile(r"\bhow (?:does|do|is|are) (?P<a>.+?) (?:differ|different) from (?P<b>.+?)\s*[?.]*\s*$", re.I),
    re.compile(r"^(?:compare )?(?P<a>.+?)\s+(?:versus|vs\.?|compared (?:to|with))\s+(?P<b>.+?)\s*[?.]*\s*$", re.I),
    re.compile(r"^\s*(?P<a>.+?)\s*(?:和|与|跟|同|及)\s*(?P<b>.+?)\s*(?:之间)?(?:的|有什么|有何|有哪些)*(?:区别|差异|差别|不同)"),
)
_ABOUT = {"en": "What do the sources say about {side}?", "zh": "关于 {side}，资料怎么说？"}
_ABOUT_GOAL = {"en": "one side of the comparison", "zh": "比较的一方"}
_MAIN_GOAL = {"en": "a direct answer", "zh": "直接的回答"}
_SIDE_CHARS = 80


def type_of(question: str, language: str) -> str:
    """``comparison``, ``why``, ``howto``, ``how``, ``definition``, ``yesno``, ``fact`` or ``topic``."""
    types = _CHINESE_TYPES if language == "zh" else _ENGLISH_TYPES
    return next((name for name, pattern in types if pattern.search(question)), "topic")


def sides(question: str) -> tuple[str, str] | None:
    """The two things that a comparison names, if it names them in a way that is known here."""
    for pattern in _SIDES:
        if found := pattern.search(question):
            a, b = found["a"].strip(), found["b"].strip()
            if all(len(side) <= _SIDE_CHARS and (content_words(side) or content_runs(side)) for side in (a, b)):
                return a, b
    return None


def plan(question: str, language: str, breadth: int, hinted: Collection[str]) -> list[Question]:
    """The main question and up to ``breadth - 1`` more.

    :param hinted: names of the angles that the first search saw answered somewhere.
    """
    kind = type_of(question, language)
    found = [Question("q1", question, _MAIN_GOAL[language], question)]
    if kind == "comparison" and (pair := sides(question)):
        for side in pair:
            found.append(Question("", _ABOUT[language].format(side=side), _ABOUT_GOAL[language], side))
    angles = [angle for angle in _BY_TYPE[kind] if angle.name in hinted]
    chosen = [*angles[: max(0, breadth - len(found) - 1)], LIMITS]
    for angle in chosen:
        found.append(Question("", angle.text[language], angle.goal[language], question, angle.name))
    return [
        Question(f"q{number}", one.text, one.goal, one.search, one.angle) for number, one in enumerate(found[:breadth], 1)
    ]
