"""What the program itself says about a novel, in both languages."""

from typing import Any

from server.reports.markdown import literal
from server.workflows.novel.entities import Language

_PHRASES: dict[str, tuple[str, str]] = {
    "by_embedded": (
        "*Planned and checked by Holdfast's embedded engine: it counts, spreads and compares, and writes no prose.*",
        "*由 Holdfast 内置引擎规划和检查：它只做计算、分配和比对，不写正文。*",
    ),
    "by_model": (
        "*Written with the model {model}; code planned and checked.*",
        "*由模型 {model} 撰写，由程序规划和检查。*",
    ),
    "outline": ("Outline", "大纲"),
    "volumes": ("Volumes", "分卷"),
    "characters": ("Characters", "角色"),
    "world": ("World", "世界观"),
    "timeline": ("Timeline", "时间线"),
    "foreshadowing": ("Foreshadowing", "伏笔"),
    "chapter": ("Chapters", "章节"),
    "review": ("Review", "审阅"),
    "import": ("Import", "导入"),
    "export": ("Book", "全书"),
    "findings": ("What was found", "检查结果"),
    "no_findings": ("Nothing was found.", "没有发现问题。"),
    "contradiction": ("contradiction", "矛盾"),
    "warning": ("warning", "警告"),
    "note": ("note", "提示"),
    "kept_part": ("What stays as it is", "保持不变的内容"),
    "kept": (
        "There already, and not written over: {keys}.",
        "已经存在，没有覆盖：{keys}。",
    ),
    "needs_model": (
        "A model would have to write this: {names}. None did.",
        "以下内容需要模型撰写，本次没有使用模型：{names}。",
    ),
    "left_out": ("Left out, for lack of room: {names}.", "因篇幅所限略去：{names}。"),
    "nothing_yet": ("There is nothing of this in the bible yet.", "设定中还没有这方面的内容。"),
    "no_text": ("No chapter is written yet.", "还没有写出任何章节。"),
    "chapter_n": ("Chapter {number}", "第 {number} 章"),
    "chapter_title": ("Chapter {number}: {title}", "第 {number} 章 {title}"),
    "volume_n": ("Volume {number}", "第 {number} 卷"),
    "volume_title": ("Volume {number}: {title}", "第 {number} 卷 {title}"),
    "words": ("{words} words", "{words} 字"),
    "words_budget": ("about {words} words", "约 {words} 字"),
    "imported": (
        "{count} entities were taken in; the bible is at revision {revision}.",
        "导入了 {count} 条；设定现为第 {revision} 次修订。",
    ),
    "unplaced": (
        "{count} pieces of the manuscript belong to no chapter; they stand in the result as `unplaced`.",
        "书稿中有 {count} 段不属于任何一章，见结果中的 `unplaced`。",
    ),
    "dropped": ("{count} were taken out.", "去掉了 {count} 条。"),
    "unchanged": ("All of it was there already.", "全部内容此前都已存在。"),
    "there_already": ("Its text is there already.", "正文已经存在。"),
    "failed": ("It could not be written (`{code}`): {message}", "没有写成（`{code}`）：{message}"),
    "skipped_budget": ("It was not begun: the budget is spent.", "没有开始：预算已用完。"),
    "col_chapter": ("chapter", "章"),
    "col_volume": ("volume", "卷"),
    "col_beats": ("beats", "节拍"),
    "col_words": ("words", "字数"),
    "col_title": ("title", "标题"),
    "col_summary": ("summary", "内容"),
    "col_name": ("name", "名称"),
    "col_role": ("role", "身份"),
    "col_planned": ("planned in", "计划出场"),
    "col_mentioned": ("mentioned in (times)", "正文提及（次数）"),
    "col_day": ("day", "日期"),
    "col_place": ("place", "地点"),
    "col_who": ("who", "人物"),
    "col_plant": ("plant", "埋下"),
    "col_reinforce": ("reinforce", "强化"),
    "col_pay": ("pay off", "回收"),
    "col_state": ("state", "状态"),
    "state_waiting": ("waiting", "未到"),
    "state_due": ("due", "该回收"),
    "state_overdue": ("overdue", "逾期"),
    "state_paid": ("paid off", "已回收"),
    "state_dropped": ("dropped", "已放弃"),
    "brief_book": ("The book", "全书"),
    "brief_plan": ("This chapter", "本章"),
    "brief_hints": ("Foreshadowing in this chapter", "本章的伏笔"),
    "brief_cast": ("Who is in it", "出场人物"),
    "brief_events": ("What happens", "本章事件"),
    "brief_before": ("What happened before", "前情"),
    "brief_tail": ("How the chapter before ends", "上一章的结尾"),
    "brief_world": ("Places and things", "地点与事物"),
    "brief_next": ("What comes after it, and must not happen yet", "下一章才发生、本章不能写的事"),
    "hint_plant": ("plant: {title}. {description}", "埋下：{title}。{description}"),
    "hint_reinforce": ("reinforce: {title}. {description}", "强化：{title}。{description}"),
    "hint_pay_off": ("pay off: {title}. {description}", "回收：{title}。{description}"),
    "hint_overdue": (
        "overdue since chapter {last}, pay off: {title}. {description}",
        "第 {last} 章起逾期，应回收：{title}。{description}",
    ),
    "dead_since": ("dead since day {day}", "已于第 {day} 天死亡"),
    "goal": ("goal", "目标"),
    "arc": ("arc", "变化"),
    "now": ("now", "现状"),
    "aliases": ("also called", "又名"),
    "pov": ("told by {name}", "由 {name} 的视角叙述"),
    "day": ("day {day}", "第 {day} 天"),
    "flashback": ("a flashback", "回忆"),
    "step_look": ("Reading the bible", "读取设定"),
    "step_plan": ("Planning", "规划"),
    "step_write": ("Writing chapter {number}", "撰写第 {number} 章"),
    "step_summary": ("Summing up chapter {number}", "概括第 {number} 章"),
    "step_keep": ("Keeping it in the bible", "写入设定"),
    "step_ask": ("Asking the model", "询问模型"),
    "step_check": ("Checking", "检查"),
    "contents": ("Contents", "目录"),
}


def say(language: Language, phrase: str, **values: Any) -> str:
    return _PHRASES[phrase][language == "zh"].format(**values)


def heading(language: Language, number: int, title: str, what: str = "chapter") -> str:
    """``Chapter 3: The letter``, ``第 3 章 来信``; a title that says its number itself is left as it is."""
    plain = say(language, f"{what}_n", number=number)
    if not title:
        return plain
    if title.replace(" ", "").casefold().startswith(plain.replace(" ", "").casefold()):
        return title
    return say(language, f"{what}_title", number=number, title=title)


def listed(language: Language, names: list[str], most: int = 20) -> str:
    """A few of them, and how many more there are."""
    comma = "、" if language == "zh" else ", "
    more = len(names) - most
    told = comma.join(names[:most])
    if more <= 0:
        return told
    return f"{told} 等 {len(names)} 项" if language == "zh" else f"{told} and {more} more"


def clip(text: str, most: int) -> str:
    """At most so many characters, with a sign where it was cut."""
    return text if len(text) <= most else text[: max(0, most - 1)].rstrip() + "…"


def spans(numbers: list[int]) -> str:
    """``1, 2, 3, 7`` → ``1-3, 7``."""
    told: list[str] = []
    start = last = None
    for number in [*sorted(set(numbers)), None]:
        if start is None or last is None:
            start = number
        elif number != last + 1:
            told.append(str(start) if start == last else f"{start}-{last}")
            start = number
        last = number
    return ", ".join(told)


def cell(text: str, most: int = 200) -> str:
    """Text for a table's cell, as Markdown that shows just this."""
    return literal(" ".join(clip(text, most).split())) if text else ""


def table(headings: list[str], rows: list[list[str]]) -> str:
    """Markdown; cells are Markdown already."""
    lines = [f"| {' | '.join(headings)} |", f"|{'---|' * len(headings)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)]) + "\n"
