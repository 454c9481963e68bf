"""Names: what refers to nothing, who shares a name, who is mentioned where, and what looks like a name misspelt."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from server.workflows.novel.bible import Bible
from server.workflows.novel.entities import (
    ChapterPlan,
    ChapterSummary,
    ChapterText,
    Character,
    Foreshadowing,
    TimelineEvent,
    WorldEntry,
)
from server.workflows.novel.findings import Finding, contradiction, note, warning

LEAST_LATIN = 5
"""Shorter Latin names are too like ordinary words, …"""
LEAST_WIDE = 3
"""… and so are Chinese ones of two characters: any word that begins with the surname would do."""
MOST_VARIANTS = 200
MOST_SLIPS = 2
"""A name of two characters that stands there more often is somebody's whom the bible does not have."""
_LATIN_WORD = re.compile(r"[A-Z][^\W\d_]+(?:['’][^\W\d_]+)?")
_WIDE = re.compile("[\u3400-\u9fff]")
_FUNCTION = frozenset(
    "的了是在有和与说道问答笑看走来去也都就还又不没会能要把被让给对从向往着过得地这那他她它我你们上下里外中前后"
)
"""Characters that follow a name cut short, and make no name of it."""
_AFTER_SURNAMES = frozenset("家先小太爷叔伯哥姐妹弟婆公氏姓老师医总董局队警府宅门氏某墨色人子头儿")
"""… and those that make a title, a house or a thing of a surname."""
_WORDS = frozenset(
    (
        "林间 林木 林海 林荫 陈旧 陈述 陈列 陈设 周围 周末 周身 周年 周遭 周一 周二 周三 周四 周五 周六 周日 苏醒 王国 "
        "王室 王宫 王朝 王位 王冠 高大 高兴 高声 高手 白天 白云 白雪 方向 方才 方法 方便 江湖 江水 江边 江面 金属 金钱 "
        "马车 马路 马背 马蹄 石阶 石板 石块 黄昏 黄金 何必 何时 何处 于是 许多 许久 安静 安全 安排 温度 温柔 温和 夏日 "
        "沈默 沈重 叶片 杜绝 罗列 姜汤 花园 花瓣 花香 云层 云雾 云海 雷声 雷电 孔雀 时间 时候 时刻 常常 明天 明明 明白 "
        "成为 成功 伸手 向来 全部 全身 尚未 应该 应当 关上 关于 毛巾 水面 水声 冷静 冷笑 冷汗 凌晨 易容 古老 项链 童年 "
        "艾草 房间 房屋 柳树 柳枝 梅花 梁柱 程度 顾客 顾虑 施展 钱包 包围 包裹 田野 田地 景象 景色 解释 解开 宁静 宁愿 "
        "洪水 洪亮 严肃"
    ).split()
)
"""Words of two characters that begin with a surname."""
_PERSON_ACTS = re.compile(
    "说|问|答|笑|喊|点头|点了点头|摇头|摇了摇头|转身|抬头|抬起头|低头|低声|沉默|站起|坐下|坐在|走进|走出|走过来|推开|皱眉|皱了皱眉|叹了|看着|伸手|开口"
)
_PERSON_BEFORE = re.compile("[给对向和与跟叫喊]$")
_SOUND_ALIKE = ({"C", "K"}, {"J", "G"}, {"S", "Z"}, {"S", "C"}, {"I", "Y"}, {"V", "W"}, {"F", "P"})
_LATIN_PAIR = re.compile(r"\b([A-Z][a-z]+) ([A-Z][a-z]+(?:['’]s)?)\b")

Matrix = dict[str, dict[int, int]]
"""How often a character, by id, is mentioned in each chapter."""


def event_name(event: TimelineEvent) -> str:
    return event.title or event.id


def check_references(bible: Bible) -> Iterator[Finding]:
    """Ids that name nothing, names that two entities share, chapters that there are not, places in one another."""
    people, places = {one.id for one in bible.of(Character)}, {one.id for one in bible.of(WorldEntry)}
    events = {one.id for one in bible.of(TimelineEvent)}
    for key, name, wanted, known in _references(bible, people, places, events):
        if wanted not in known:
            yield contradiction("unknown_reference", key, wanted, name=name, target=wanted)
    yield from _shared_names(bible)
    yield from _outside(bible)


def _references(
    bible: Bible, people: set[str], places: set[str], events: set[str]
) -> Iterator[tuple[str, str, str, set[str]]]:
    for event in bible.of(TimelineEvent):
        key, name = f"event:{event.id}", event_name(event)
        yield from ((key, name, one, people) for one in dict.fromkeys((*event.participants, *event.deaths)))
        yield from ((key, name, one, events) for one in event.requires)
        if event.place is not None:
            yield key, name, event.place, places
    for plan in bible.of(ChapterPlan):
        key, name = f"chapter:{plan.number}", f"#{plan.number}"
        cast = (*plan.cast, plan.pov) if plan.pov is not None else plan.cast
        yield from ((key, name, one, people) for one in dict.fromkeys(cast))
        if plan.place is not None:
            yield key, name, plan.place, places
    for place in bible.of(WorldEntry):
        if place.inside is not None:
            yield f"world:{place.id}", place.name, place.inside, places


def _shared_names(bible: Bible) -> Iterator[Finding]:
    owners: dict[str, list[Character]] = defaultdict(list)
    for person in bible.of(Character):
        for name in dict.fromkeys((person.name, *person.aliases)):
            owners[name.casefold()].append(person)
    for shared, people in owners.items():
        for other in people[1:]:
            about = f"character:{people[0].id}", f"character:{other.id}"
            yield contradiction("duplicate_name", *about, name=people[0].name, other=other.name, shared=shared)


def _outside(bible: Bible) -> Iterator[Finding]:
    if bible.book is None:
        return
    chapters = bible.book.chapters
    named: list[tuple[str, str, int]] = [
        (f"chapter:{one.number}", f"#{one.number}", one.number) for one in bible.of(ChapterPlan)
    ]
    named += [(f"event:{one.id}", event_name(one), one.chapter) for one in bible.of(TimelineEvent) if one.chapter]
    for hint in bible.of(Foreshadowing):
        own = (hint.planted, *hint.reinforced, hint.target_from, hint.target_to, hint.paid)
        named += [(f"foreshadowing:{hint.id}", hint.title or hint.id, one) for one in own if one is not None]
    named += [(f"text:{one.number}", f"#{one.number}", one.number) for one in bible.of(ChapterText)]
    for key, name, chapter in named:
        if chapter > chapters:
            yield contradiction("outside_chapters", key, name=name, chapter=chapter, chapters=chapters)


def mentions(people: Iterable[Character], texts: Mapping[int, str]) -> Matrix:
    """Who is named where, longest names first, so that an alias inside a longer name is not counted with it."""
    owner: dict[str, str] = {}
    for person in people:
        for name in (person.name, *person.aliases):
            owner.setdefault(name, person.id)
    if not owner:
        return {}
    pattern = re.compile("|".join(bounded(name) for name in sorted(owner, key=len, reverse=True)))
    matrix: Matrix = {person: {} for person in owner.values()}
    for chapter, text in texts.items():
        for name, times in Counter(found[0] for found in pattern.finditer(text)).items():
            row = matrix[owner[name]]
            row[chapter] = row.get(chapter, 0) + times
    return matrix


def bounded(name: str) -> str:
    """Latin names end at the ends of words; Chinese text has no such ends."""
    escaped = re.escape(name)
    before = r"(?<![A-Za-z])" if name[0].isascii() else ""
    return before + escaped + (r"(?![A-Za-z])" if name[-1].isascii() else "")


def check_mentions(bible: Bible, matrix: Matrix) -> Iterator[Finding]:
    """Plans against texts: who was to be there and is not named, who is named often and was not to be there."""
    names = {person.id: person.name for person in bible.of(Character)}
    written = bible.numbered(ChapterText)
    narrators = {plan.number: plan.pov for plan in bible.of(ChapterPlan)}
    for number, plan in bible.numbered(ChapterPlan).items():
        if number not in written or not plan.cast:
            continue
        for person in plan.cast:
            if person in names and number not in matrix.get(person, {}) and narrators[number] != person:
                about = f"text:{number}", f"character:{person}"
                yield note("never_mentioned", *about, name=names[person], chapter=number)
        for person, row in matrix.items():
            if row.get(number, 0) >= 3 and person not in plan.cast and plan.pov != person:
                about = f"text:{number}", f"character:{person}"
                yield note("unplanned_cast", *about, name=names[person], chapter=number)


def check_variants(bible: Bible) -> Iterator[Finding]:
    """Words of the texts that are nearly a name, and no name of anybody: told once for each chapter."""
    named = [(one.name, *one.aliases) for one in bible.of(Character)]
    known = {name for names in (*named, *((one.name, *one.aliases) for one in bible.of(WorldEntry))) for name in names}
    people = {name: person.id for person in bible.of(Character) for name in (person.name, *person.aliases)}
    latin = {word for name in known for word in _LATIN_WORD.findall(name)}
    told = 0
    whole = "\n".join(text.text for text in bible.of(ChapterText))
    often = cache(lambda variant: whole.count(variant) > MOST_SLIPS)
    for number, text in bible.numbered(ChapterText).items():
        found = {**_latin_variants(text.text, people, latin), **_wide_variants(text.text, people, known)}
        found |= {one: name for one, name in _wide_pairs(text.text, people, known).items() if not often(one)}
        for variant, name in found.items():
            told += 1
            if told > MOST_VARIANTS:
                return
            about = f"text:{number}", f"character:{people[name]}"
            yield warning("name_variant", *about, variant=variant, name=name, chapter=number)


def _latin_variants(text: str, people: Mapping[str, str], known: set[str]) -> dict[str, str]:
    words = {(word, name) for name in people for word in _LATIN_WORD.findall(name) if len(word) >= LEAST_LATIN}
    lower = set(re.findall(r"\b[a-z]+\b", text))
    found: dict[str, str] = {}
    for written in dict.fromkeys(_LATIN_WORD.findall(text)):
        written = re.sub("['’]s$", "", written)
        if written in known or len(written) < LEAST_LATIN - 1 or written.lower() in lower:
            continue
        for word, name in words:
            alike = written[0] == word[0] or {written[0], word[0]} in _SOUND_ALIKE
            if alike and written not in (word + "s", word + "es") and _one_off(written, word):
                found[written] = name
    return {**found, **_latin_pairs(text, people, known)}


def _latin_pairs(text: str, people: Mapping[str, str], known: set[str]) -> dict[str, str]:
    """Names of two words, as *Li Ming*, of which one stands there one letter off, however short it is."""
    found: dict[str, str] = {}
    pairs = {tuple(name.split()): name for name in people if len(name.split()) == 2}
    for match in _LATIN_PAIR.finditer(text) if pairs else ():
        first, last = match[1], re.sub("['’]s$", "", match[2])
        if first in known and last in known:
            continue
        for (own_first, own_last), name in pairs.items():
            near = (first == own_first and _one_off(last, own_last)) or (
                last == own_last and _one_off(first, own_first)
            )
            if near and last != own_last + "s":
                found[f"{first} {last}"] = name
    return found


def _wide_pairs(text: str, people: Mapping[str, str], known: set[str]) -> dict[str, str]:
    """Chinese names of two characters: only where somebody does something, or something is done to somebody."""
    found: dict[str, str] = {}
    for name in people:
        if len(name) != 2 or not all(_WIDE.match(letter) for letter in name):
            continue
        for match in re.finditer(f"{name[0]}([\u3400-\u9fff])", text):
            variant, other = match[0], match[1]
            if variant in known or other in _FUNCTION or variant in _WORDS or other in _AFTER_SURNAMES:
                continue
            begins = match.start() == 0 or not _WIDE.match(text[match.start() - 1])
            acts = begins and _PERSON_ACTS.match(text, match.end()) is not None
            is_met = _PERSON_BEFORE.search(text[max(0, match.start() - 2) : match.start()]) is not None
            ends = is_met and (match.end() == len(text) or not _WIDE.match(text[match.end()]))
            if (acts or ends) and not _part_of_known(text, match.start(), known, name):
                found[variant] = name
    return found


def _wide_variants(text: str, people: Mapping[str, str], known: set[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in people:
        if len(name) < LEAST_WIDE or not all(_WIDE.match(letter) for letter in name):
            continue
        for place in range(1, len(name)):
            pattern = f"{re.escape(name[:place])}([\u3400-\u9fff]){re.escape(name[place + 1 :])}"
            for match in re.finditer(pattern, text):
                variant, other = match[0], match[1]
                last = place == len(name) - 1
                partial = last and (other in _FUNCTION or name[:place] in known)
                if variant not in known and not partial and not _part_of_known(text, match.start(), known, name):
                    found[variant] = name
    return found


def _part_of_known(text: str, start: int, known: set[str], name: str) -> bool:
    """Whether another name stands there, which has this one's beginning."""
    return any(
        text.startswith(other, start) for other in known if other != name and other[0] == name[0] and len(other) > 1
    )


def _one_off(one: str, other: str) -> bool:
    """Whether one letter is other, missing, too many, or two neighbours are exchanged."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    a, b = one[start:], other[start:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[:2] == b[1::-1] and len(b) > 1 and a[2:] == b[2:])


def states_of(summaries: Mapping[int, ChapterSummary]) -> dict[str, str]:
    """How everybody is, by the last summary that says so."""
    states: dict[str, str] = {}
    for number in sorted(summaries):
        states |= summaries[number].states
    return states
