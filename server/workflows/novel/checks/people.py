"""What the texts say of people against what is known of them: their death, age, looks, and when they come in."""

import re
from collections.abc import Iterator, Mapping, Sequence

from server.workflows.novel.bible import Bible
from server.workflows.novel.checks.reading import EN_NUMBER, ZH_NUMBER, Sentence, read_number
from server.workflows.novel.entities import Book, ChapterPlan, Character, TimelineEvent, WorldEntry
from server.workflows.novel.findings import Finding, contradiction, warning

DAYS_OF_A_YEAR = 365
QUOTED = 60
_ACTS = re.compile(
    r"[^，。！？；：、“”的过]{0,3}?(?:说道|说|问道|问|答道|答|笑|喊|叫|点头|点了点头|摇头|摇了摇头|走|跑|站|坐|推|拿|端|抬|转身|望|伸手"
    r"|递|拍|睁|冲|跳|回头|开口|皱眉|叹)(?!过(?![来去])|的|以后|后)"
    r"|\s+(?:(?:slowly|quietly|only|then|just|softly)\s+)?(?:said|asked|laughed|smiled|nodded|walked|opened|came|ran|stood"
    r"|sat|looked|turned|replied|answered|whispered|shouted|cried|took|picked|poured|handed|grinned|shrugged)\b"
)
_NOT_NOW = re.compile(
    r"想起|记得|回忆|梦|当年|生前|曾|从前|以前|那年|照片|遗|仿佛|好像|似乎|如果|要是|鬼|魂|墓|坟|尸|走了"
    r"|\b(?:remember\w*|recall\w*|had|once|used to|dream\w*|memor\w+|ghost|grave|would|if|as though|photograph|portrait"
    r"|body|years ago)\b",
    re.IGNORECASE,
)
_AGE_ZH = re.compile(rf"({ZH_NUMBER})岁")
_AGE_EN = re.compile(rf"\b({EN_NUMBER})(?:[- ]years?[- ]old|\s+years of age)\b", re.IGNORECASE)
_BORN = re.compile(
    r"(\d{4})年(?:\d{1,2}月)?(?:\d{1,2}日)?(?:出?生)|生于(\d{4})年|\bborn\s+(?:in\s+)?(\d{4})\b", re.IGNORECASE
)
_YEAR = re.compile(r"(?<!\d)(1\d{3}|20\d{2})(?:年|\b)(?!出?生)")
_DATED = re.compile(
    r"(?<!\d)(\d{4})年\d{1,2}月|\b(?:January|February|March|April|May|June|July|August|September|October"
    r"|November|December)(?:\s+\d{1,2}(?:st|nd|rd|th)?)?,?\s+(\d{4})\b"
)
_ZH_COLOURS = {
    "黑": "黑", "乌": "黑", "蓝": "蓝", "绿": "绿", "碧": "绿", "褐": "褐", "棕": "褐", "灰": "灰", "金": "金",
    "红": "红", "紫": "紫", "白": "白", "银": "白", "琥珀": "琥珀",
}  # fmt: skip
_EN_COLOURS = {"grey": "gray", "blonde": "blond", "golden": "blond", "silver": "white"}
_COLOUR = "黑|乌|碧蓝|碧绿|湛蓝|蓝|绿|碧|褐|棕|灰|金|红|紫|白|银|琥珀"
_EN_COLOUR = "black|blue|green|brown|gr[ae]y|hazel|amber|golden|red|blonde?|white|silver"
_LOOKS = {
    "eyes": re.compile(
        rf"({_COLOUR})色?的?(?:眼睛|眼眸|双眸|眸子?|瞳孔?|双眼|眼珠)|(?:眼睛|眼眸|双眸|眸子|瞳孔)是?({_COLOUR})色"
        rf"|\b({_EN_COLOUR})[- ]eye[sd]?\b|\beyes (?:were|are) ({_EN_COLOUR})\b",
        re.IGNORECASE,
    ),
    "hair": re.compile(
        rf"({_COLOUR})色?的?(?:头发|长发|短发|卷发|发丝|发)(?![现出生展光亮])|头发是?({_COLOUR})色"
        rf"|\b({_EN_COLOUR})[- ]hair(?:ed)?\b|\bhair (?:was|is) ({_EN_COLOUR})\b",
        re.IGNORECASE,
    ),
}
_OF_ANOTHER = re.compile(
    r"(?:看着|盯着|望着|望进|看进|对上)[^，。]{0,6}$|\b(?:into|at|of|with) (?:his|her|their|a|the)\s+(?:\w+\s+)?$",
    re.IGNORECASE,
)
_COMES_IN = re.compile(
    rf"第({ZH_NUMBER})章(?:才|初次|首次|第一次)*(?:登场|出场|出现|亮相|露面)"
    r"|\b(?:appears?|introduced|enters|seen)\b[^.\n]{0,20}\bchapter (\d{1,4})",
    re.IGNORECASE,
)  # fmt: skip


def check_people(bible: Bible, said: Sequence[Sentence]) -> Iterator[Finding]:
    """By the sentences that name them; chapters that are flashbacks say nothing of how people are now."""
    people = {person.id: person for person in bible.of(Character)}
    yield from _dead(bible, people, said)
    yield from _ages(bible, people, said)
    yield from _looks(people, said)
    yield from _entrances(bible, people, said)


def _dead(bible: Bible, people: Mapping[str, Character], said: Sequence[Sentence]) -> Iterator[Finding]:
    """Only where somebody does something there: the dead are spoken of in any novel."""
    plans = bible.numbered(ChapterPlan)
    ends: dict[str, int] = {}
    days = {person.id: person.died for person in people.values() if person.died is not None}
    for event in bible.of(TimelineEvent):
        for name in event.deaths if not event.flashback else ():
            if event.chapter is not None:
                ends[name] = event.chapter
            if event.day is not None:
                days.setdefault(name, event.day)
    seen: set[tuple[int, str]] = set()
    for sentence in said:
        plan = plans.get(sentence.chapter)
        for person, (_, end) in sentence.named.items():
            after = sentence.chapter > ends[person] if person in ends else False
            late = plan is not None and plan.day is not None and person in days and plan.day > days[person]
            acts = _ACTS.match(sentence.text, end) is not None and _NOT_NOW.search(sentence.text) is None
            if (after or late) and acts and (sentence.chapter, person) not in seen:
                seen.add((sentence.chapter, person))
                about = f"text:{sentence.chapter}", f"character:{person}"
                values = {"chapter": sentence.chapter, "quote": sentence.text[:QUOTED]}
                yield warning("dead_in_text", *about, person=people[person].name, **values)


def _ages(bible: Bible, people: Mapping[str, Character], said: Sequence[Sentence]) -> Iterator[Finding]:
    years = _years(bible.book, bible.of(WorldEntry), said)
    days = [plan.day for plan in bible.of(ChapterPlan) if plan.day is not None and not plan.flashback]
    grows = 1 + (max(days) - min(days)) // DAYS_OF_A_YEAR if days else 1
    known: dict[str, int] = {}
    for person in people.values():
        ages = [
            read_number(one[1])
            for one in (*_AGE_ZH.finditer(person.description), *_AGE_EN.finditer(person.description))
        ]
        if len(ages) != 1:
            continue
        known[person.id] = ages[0]
        born = _BORN.search(person.description)
        if born is None or not years:
            continue
        year = int(next(filter(None, born.groups())))
        if not min(years) - year - 1 <= ages[0] <= max(years) - year + 1:
            values = {"age": ages[0], "born": year, "year": min(years)}
            yield contradiction("age_against_birth", f"character:{person.id}", person=person.name, **values)
    for sentence in (one for one in said if "岁" in one.text or "old" in one.text):
        for who, age in _aged(sentence):
            first = known.setdefault(who, age)
            if abs(age - first) > grows:
                about = f"text:{sentence.chapter}", f"character:{who}"
                values = {"chapter": sentence.chapter, "age": age, "known": first}
                yield warning("age_differs", *about, person=people[who].name, **values)


def _years(book: Book | None, world: Sequence[WorldEntry], said: Sequence[Sentence]) -> list[int]:
    """When the story goes on: by the dates in its texts, else by the years that book and world name."""
    dated = [int(found[1] or found[2]) for one in said for found in _DATED.finditer(one.text)]
    if dated:
        return dated
    told_of = [one.description for one in world] + ([book.synopsis] if book is not None else [])
    return [int(found[1]) for text in told_of for found in _YEAR.finditer(text)]


def _aged(sentence: Sentence) -> Iterator[tuple[str, int]]:
    """Whose age it tells: right before the name, or right after it."""
    text = sentence.text
    for person, (start, end) in sentence.named.items():
        before = re.search(rf"({ZH_NUMBER})岁的$|\b({EN_NUMBER})-year-old $", text[:start], re.IGNORECASE)
        after = re.match(
            rf"(?:今年|现年|已经|才|刚满|刚|只有|已){{0,2}}，?({ZH_NUMBER})岁(?!那年|时|的时候|以前|以后)"
            rf"|,? (?:is |was |who (?:is|was) )?({EN_NUMBER}) years old\b",
            text[end:],
            re.IGNORECASE,
        )
        for found in (before, after):
            if found is not None:
                yield person, read_number(found[1] or found[2])


def _looks(people: Mapping[str, Character], said: Sequence[Sentence]) -> Iterator[Finding]:
    known: dict[tuple[str, str], tuple[str, int]] = {}
    for person in people.values():
        for feature, pattern in _LOOKS.items():
            if (found := pattern.search(person.description)) is not None:
                known[person.id, feature] = _colour(found), 0
    for sentence in (one for one in said if one.named):
        for feature, pattern in _LOOKS.items():
            found = pattern.search(sentence.text)
            if found is None or _OF_ANOTHER.search(sentence.text[: found.start()]) is not None:
                continue
            who = _whose(sentence, found)
            if who is None:
                continue
            colour = _colour(found)
            first, chapter = known.setdefault((who, feature), (colour, sentence.chapter))
            if colour != first:
                about = f"text:{sentence.chapter}", f"character:{who}", *([f"text:{chapter}"] if chapter else [])
                values = {"chapter": sentence.chapter, "quote": found[0], "known": first}
                yield warning(f"{feature}_differ", *about, person=people[who].name, **values)


def _whose(sentence: Sentence, found: re.Match[str]) -> str | None:
    """Whoever alone is named before it, in its clause or at all; in English also after it, if nobody else is named."""
    clause = max(sentence.text.rfind(mark, 0, found.start()) for mark in "，,；;")
    before = [person for person, (start, _) in sentence.named.items() if clause < start < found.start()]
    before = before or [person for person, (start, _) in sentence.named.items() if start < found.start()]
    if len(before) == 1:
        return before[0]
    return sentence.sole if not before and found[0].isascii() else None


def _colour(found: re.Match[str]) -> str:
    written: str = next(filter(None, found.groups())).lower()
    return _ZH_COLOURS.get(written[-1] if written != "琥珀" else written, _EN_COLOURS.get(written, written))


def _entrances(bible: Bible, people: Mapping[str, Character], said: Sequence[Sentence]) -> Iterator[Finding]:
    """Only of those of whom it is said in which chapter they come in."""
    first: dict[str, int] = {}
    for person in people.values():
        if (found := _COMES_IN.search(person.description)) is not None:
            first[person.id] = read_number(found[1] or found[2])
    there = [(f"text:{one.chapter}", one.chapter, person) for one in said for person in one.named]
    there += [
        (f"chapter:{plan.number}", plan.number, person)
        for plan in bible.of(ChapterPlan)
        if not plan.flashback
        for person in plan.cast
    ]
    for key, chapter, who in dict.fromkeys(there):
        if who in first and chapter < first[who]:
            values = {"chapter": chapter, "first": first[who]}
            yield warning("before_entrance", key, f"character:{who}", person=people[who].name, **values)
