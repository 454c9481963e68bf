"""The plan without a model: the question itself, then angles on it that sentences can be searched for.

An angle is the same subject plus cue words (*however*, *必须*, …). It asks only for what its cues can find; apart from
limits and criticism, which every subject has, it is planned only if the first search saw it answered somewhere.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

from server.sources.query import content_runs, content_words
from server.workflows.research.angles import ALTERNATIVES, CONDITIONS, EXAMPLES, LIMITS, PURPOSE, REASONS


@dataclass(frozen=True, slots=True)
class Question:
    """One question of the plan. ``search`` is what is looked for; ``angle`` names the cues, empty for none."""

    id: str
    text: str
    goal: str
    search: str
    angle: str = ""


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
    (
        "howto",
        re.compile(
            r"^\s*how (?:do|can|could|should|shall|may|might|would) (?:i|you|we|one|somebody|someone)\b|^\s*how to\b",
            re.I,
        ),
    ),
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
    re.compile(
        r"^\s*(?P<a>.+?)\s*(?:和|与|跟|同|及)\s*(?P<b>.+?)\s*(?:之间)?(?:的|有什么|有何|有哪些)*(?:区别|差异|差别|不同)"
    ),
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
        found += [Question("", _ABOUT[language].format(side=side), _ABOUT_GOAL[language], side) for side in pair]
    angles = [angle for angle in _BY_TYPE[kind] if angle.name in hinted]
    chosen = [*angles[: max(0, breadth - len(found) - 1)], LIMITS]
    found += [Question("", angle.text[language], angle.goal[language], question, angle.name) for angle in chosen]
    return [
        Question(f"q{number}", one.text, one.goal, one.search, one.angle)
        for number, one in enumerate(found[:breadth], 1)
    ]
