"""What a check has found: a code, how bad it is, what it is about, and a sentence in the novel's language."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from server.workflows.novel.entities import Language

Severity = Literal["contradiction", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """``about``: keys of the entities concerned, the first one is where to look. ``values`` fill in the sentence."""

    code: str
    severity: Severity
    about: tuple[str, ...]
    values: dict[str, Any]

    def to_json(self, language: Language) -> dict[str, Any]:
        found = asdict(self)
        del found["values"]
        return {
            **found,
            "about": list(self.about),
            "message": _SENTENCES[self.code][language == "zh"].format(**self.values),
        }


def contradiction(code: str, *about: str, **values: Any) -> Finding:
    return Finding(code, "contradiction", about, values)


def warning(code: str, *about: str, **values: Any) -> Finding:
    return Finding(code, "warning", about, values)


def note(code: str, *about: str, **values: Any) -> Finding:
    return Finding(code, "note", about, values)


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """The worst first, each once."""
    rank = {"contradiction": 0, "warning": 1, "note": 2}
    kept = {(one.code, frozenset(one.about)): one for one in reversed(list(findings))}
    return sorted(kept.values(), key=lambda one: (rank[one.severity], one.code, one.about))


CODES: frozenset[str]
_SENTENCES: dict[str, tuple[str, str]] = {
    "unknown_reference": ("{name} names {target}, which is not in the bible.", "{name} 提到的 {target} 不在设定中。"),
    "duplicate_name": (
        "{name} and {other} both go by “{shared}”.",
        "{name} 与 {other} 都叫“{shared}”。",
    ),
    "cycle": ("These events each need another of them first: {path}.", "这些事件互为前提：{path}。"),
    "prerequisite_later": (
        "{event} needs {needed}, which happens later ({when} against {then}).",
        "{event} 以 {needed} 为前提，而后者发生得更晚（{when} 对 {then}）。",
    ),
    "order_against_day": (
        "{event} comes before {other} in the order ({order} < {other_order}), but on a later day ({day}, {other_day}).",
        "{event} 的次序在 {other} 之前（{order} < {other_order}），日期却更晚（{day} > {other_day}）。",
    ),
    "two_places": (
        "{person} is in two places at once: {place} ({event}) and {other_place} ({other}), on day {day}.",
        "{person} 同时在两地：第 {day} 天，{place}（{event}）与 {other_place}（{other}）。",
    ),
    "dead_acting": (
        "{person} acts in {where} on day {day}, but died on day {died}.",
        "{person} 在第 {day} 天的 {where} 中行动，但已于第 {died} 天死亡。",
    ),
    "dead_in_order": (
        "{person} acts in {where}, which comes after {death}, where this person died.",
        "{person} 在 {where} 中行动，而此前已死于 {death}。",
    ),
    "dies_twice": ("{person} dies in {event} and in {other}.", "{person} 在 {event} 和 {other} 中两次死亡。"),
    "death_days_differ": (
        "{person} died on day {died}, but the death in {event} is on day {day}.",
        "{person} 死于第 {died} 天，而 {event} 中的死亡在第 {day} 天。",
    ),
    "before_birth": (
        "{person} acts in {where} on day {day}, but was born on day {born}.",
        "{person} 在第 {day} 天的 {where} 中行动，但第 {born} 天才出生。",
    ),
    "died_before_birth": (
        "{person} died on day {died}, before being born on day {born}.",
        "{person} 死于第 {died} 天，早于出生的第 {born} 天。",
    ),
    "span_backwards": (
        "{event} ends on day {until}, before it begins on day {day}.",
        "{event} 结束于第 {until} 天，早于开始的第 {day} 天。",
    ),
    "chapter_day_differs": (
        "{event} is told in chapter {chapter}, which is set on day {chapter_day}, not on day {day}.",
        "{event} 写在第 {chapter} 章，该章在第 {chapter_day} 天，而事件在第 {day} 天。",
    ),
    "chapters_go_back": (
        "Chapter {chapter} is set on day {day}, before chapter {before} on day {day_before}, and is no flashback.",
        "第 {chapter} 章在第 {day} 天，早于第 {before} 章的第 {day_before} 天，又不是回忆。",
    ),
    "outside_chapters": (
        "{name} names chapter {chapter}, but the novel has {chapters}.",
        "{name} 提到第 {chapter} 章，但全书只有 {chapters} 章。",
    ),
    "place_inside_itself": ("These places lie in one another: {path}.", "这些地点互相包含：{path}。"),
    "paid_before_planted": (
        "{name} pays off in chapter {paid}, but is planted in chapter {planted}.",
        "{name} 在第 {paid} 章回收，却在第 {planted} 章才埋下。",
    ),
    "paid_unplanted": (
        "{name} pays off in chapter {paid}, but is planted nowhere.",
        "{name} 在第 {paid} 章回收，却从未埋下。",
    ),
    "reinforced_outside": (
        "{name} is reinforced in chapter {chapter}, which does not lie between its plant and its pay-off.",
        "{name} 在第 {chapter} 章强化，不在埋下与回收之间。",
    ),
    "window_backwards": (
        "{name} is to pay off from chapter {first} to chapter {last}.",
        "{name} 的回收窗口从第 {first} 章到第 {last} 章。",
    ),
    "evidence_missing": (
        "{name} cites chapter {chapter}, whose text does not have “{quote}”.",
        "{name} 引用第 {chapter} 章的“{quote}”，该章正文中没有这句话。",
    ),
    "overdue": (
        "{name} was to pay off by chapter {last}; chapter {written} is written, and it has not.",
        "{name} 应在第 {last} 章前回收；已写到第 {written} 章，仍未回收。",
    ),
    "not_planted": (
        "{name} was to be planted in chapter {chapter}; that is written, and no text is known to do it.",
        "{name} 应在第 {chapter} 章埋下；该章已写，未见埋下的依据。",
    ),
    "no_room": (
        "{name} can't be scheduled: no chapter is left for its pay-off.",
        "{name} 无法排期：没有可供回收的章节。",
    ),
    "chapter_in_two_volumes": ("Chapter {chapter} is in two volumes.", "第 {chapter} 章同时属于两卷。"),
    "chapter_in_no_volume": ("Chapter {chapter} is in no volume.", "第 {chapter} 章不属于任何一卷。"),
    "volume_backwards": (
        "Volume {volume} begins with chapter {first} and ends with {last}.",
        "第 {volume} 卷从第 {first} 章到第 {last} 章。",
    ),
    "words_differ": (
        "Volume {volume} is planned with {words} words, its chapters with {sum}.",
        "第 {volume} 卷计划 {words} 字，其各章合计 {sum} 字。",
    ),
    "chapter_unplanned": ("Chapter {chapter} has no plan.", "第 {chapter} 章没有计划。"),
    "name_variant": (
        "“{variant}” in chapter {chapter} may be {name}, misspelt.",
        "第 {chapter} 章的“{variant}”可能是“{name}”的误写。",
    ),
    "never_mentioned": (
        "{name} is in the plan of chapter {chapter}, whose text does not name {name}.",
        "第 {chapter} 章的计划有 {name}，正文却没有提到。",
    ),
    "unplanned_cast": (
        "{name} acts in chapter {chapter}, whose plan does not have {name}.",
        "{name} 出现在第 {chapter} 章正文，计划中却没有。",
    ),
    "text_older_than_plan": (
        "The plan of chapter {chapter} was edited after its text was written.",
        "第 {chapter} 章的计划在正文写成之后被改过。",
    ),
    "too_short": ("Chapter {chapter} has {words} words of {budget}.", "第 {chapter} 章 {words} 字，计划 {budget} 字。"),
    "too_long": (
        "Chapter {chapter} has {words} words, planned {budget}.",
        "第 {chapter} 章 {words} 字，超出计划的 {budget} 字。",
    ),
    "placeholder": ("Chapter {chapter} has a placeholder: “{quote}”.", "第 {chapter} 章有占位文字：“{quote}”。"),
    "assistant_speaks": (
        "Chapter {chapter} has words of an assistant: “{quote}”.",
        "第 {chapter} 章混入了助手的话：“{quote}”。",
    ),
    "breaks_off": ("Chapter {chapter} breaks off: “{quote}”.", "第 {chapter} 章没有写完：“{quote}”。"),
    "broken_characters": ("Chapter {chapter} has characters that were lost.", "第 {chapter} 章有损坏的字符。"),
    "open_quote": (
        "Chapter {chapter} has a quotation that is not closed: “{quote}”.",
        "第 {chapter} 章有未闭合的引号：“{quote}”。",
    ),
    "repeated_paragraph": (
        "Chapter {chapter} repeats a paragraph of chapter {other}: “{quote}”.",
        "第 {chapter} 章与第 {other} 章有相同的段落：“{quote}”。",
    ),
    "repeated_sentence": (
        "Chapter {chapter} says {times} times: “{quote}”.",
        "第 {chapter} 章重复了 {times} 次：“{quote}”。",
    ),
    "wrong_heading": ("The text of chapter {chapter} is headed “{quote}”.", "第 {chapter} 章的正文标题是“{quote}”。"),
    "other_language": ("Chapter {chapter} is not in the novel's language.", "第 {chapter} 章与全书语言不同。"),
    "dead_in_text": (
        "{person} is dead by chapter {chapter}, and acts there: “{quote}”",
        "{person} 在第 {chapter} 章之前已死，却在其中行动：“{quote}”",
    ),
    "age_against_birth": (
        "{person} is said to be {age} and born in {born}; the story goes on in {year}.",
        "{person} 写作 {age} 岁、{born} 年出生，而故事发生在 {year} 年。",
    ),
    "age_differs": (
        "{person} is {age} years old in chapter {chapter}, but {known} elsewhere.",
        "{person} 在第 {chapter} 章为 {age} 岁，别处为 {known} 岁。",
    ),
    "eyes_differ": (
        "Chapter {chapter} says “{quote}” of {person}, whose eyes are {known} elsewhere.",
        "第 {chapter} 章写 {person} “{quote}”，别处的眼睛是{known}色。",
    ),
    "hair_differ": (
        "Chapter {chapter} says “{quote}” of {person}, whose hair is {known} elsewhere.",
        "第 {chapter} 章写 {person} “{quote}”，别处的头发是{known}色。",
    ),
    "before_entrance": (
        "{person} is in chapter {chapter}, but comes in only in chapter {first}.",
        "{person} 出现在第 {chapter} 章，而设定是第 {first} 章才登场。",
    ),
    "weekday_differs": (
        "“{quote}”: that day is a {right}.",
        "“{quote}”：那天是星期{weekday}。",
    ),
    "no_such_date": ("“{quote}”: there is no such date.", "“{quote}”：没有这一天。"),
    "season_differs": (
        "“{quote}” does not go with month {month}.",
        "季节“{quote}”与 {month} 月不符。",
    ),
    "rule_broken": (
        "Chapter {chapter} may be against what is said of {name} (“{rule}”): “{quote}”",
        "第 {chapter} 章可能违反“{name}”的设定（{rule}）：“{quote}”",
    ),
    "held_twice": ("{name} and {other} both have {thing}.", "{thing} 同时在 {name} 与 {other} 手中。"),
    "too_fast": (
        "{person} is at {event} on day {day} and at {other} on day {other_day}; the way takes {days} days.",
        "{person} 第 {day} 天在{event}，第 {other_day} 天在{other}，而路上需要 {days} 天。",
    ),
    "title_differs": (
        "Chapter {chapter} is called “{title}”, in the plan “{planned}”.",
        "第 {chapter} 章题为“{title}”，计划中是“{planned}”。",
    ),
    "text_missing": (
        "Chapter {chapter} has no text; chapter {written} has one.",
        "第 {chapter} 章没有正文，而已写到第 {written} 章。",
    ),
    "pov_not_in_cast": (
        "Chapter {chapter} is told by {name}, who is not in its cast.",
        "第 {chapter} 章以 {name} 的视角叙述，而出场人物中没有 {name}。",
    ),
    "by_model": ("Chapter {chapter}: {problem} “{quote}”", "第 {chapter} 章：{problem}“{quote}”"),
}
CODES = frozenset(_SENTENCES)
