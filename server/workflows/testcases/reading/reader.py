"""A text of requirements → findings, and what nothing was made of: together they are the whole text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from server.sources.text import has_cjk
from server.workflows.testcases.reading.certainty import HANGING, certain
from server.workflows.testcases.reading.chinese import CHINESE
from server.workflows.testcases.reading.english import ENGLISH_GRAMMAR
from server.workflows.testcases.reading.findings import CARRIED, Finding, Grammar, Kind, Unread
from server.workflows.testcases.reading.scenarios import HEAD, scenario_at

_BULLET = re.compile(
    r"\s*(?:[-*•·>]+\s+|\(?\d{1,2}(?:\.\d{1,2})*[.、)）]\s*(?!\d)|\d{1,2}(?:\.\d{1,3})+\s+|（\d{1,2}）\s*|[①-⑳]\s*|[a-h][.)]\s+)?"
    r"(?P<sign>[（(][一二三四五六七八九十a-z]{1,3}[）)]\s*|第[一二三四五六七八九十百\d]{1,5}条[：:\s]*"
    r"|(?-i:[A-Z]{1,8}(?:[-_][A-Z]{1,8})*[-_]?\d{1,5}(?:[.-]\d{1,3})*)\s*[：:.、]\s*)?"
)
_MARKED = re.compile(
    r"\s*(?:#{1,6}\s*(?P<hash>.+?)|【(?P<box>[^】]{1,30})】\s*|\*\*(?P<bold>[^*]{1,40})\*\*[:：]?\s*|[一二三四五六七八九十]{1,3}、\s*(?P<zh>[^，。；：]{1,20})[:：]?\s*|第[一二三四五六七八九十\d]+[章节部分]\s*(?P<part>.{1,20}?))\s*$"
)
_TITLE = re.compile(
    r"\s*(?:\d{1,2}(?:\.\d{1,2})*[.、]?\s*)?(?P<name>[^，。；：,.;:]{1,24}(?:模块|功能|页面|表单|管理|流程|状态|module|page|form|screen|dialog|workflow))\s*[:：]?\s*$",
    re.I,
)
_LABELLED = re.compile(r"(?P<label>[^，,。；;:：()（）]{1,40})[:：]\s*(?=\S)")
_SENTENCE = re.compile(r"[。；;！!？?]|\.(?=\s|$)")
_CELL = re.compile(r"(?<!\\)\|")
_RULE_ROW = re.compile(r"\s*\|?[\s:|-]+\|?\s*$")
_YES, _NO = (
    re.compile(r"\s*(?:是|Y|yes|√|✓|必填|required)\s*$", re.I),
    re.compile(r"\s*(?:否|N|no|×|选填|optional)\s*$", re.I),
)
_NEED, _LENGTH = re.compile(r"必填|必需|required|mandatory", re.I), re.compile(r"长度|字数|length", re.I)
_BOUND = re.compile(
    r"(?:(?P<low>最小值?|下限|min(?:imum)?(?:\s+value)?)|最大值?|上限|max(?:imum)?(?:\s+value)?)\.?\s*$", re.I
)
_DEFAULT = re.compile(r"默认|缺省|default", re.I)
_EACH, _TOGETHER = re.compile(r"均|都|\bboth\b|\bare\b", re.I), re.compile(r"、|和|与|及|,\s*|\s+and\s+")
_QUOTED = re.compile(r"“[^“”\n]{1,120}”|‘[^‘’\n]{1,120}’|「[^「」\n]{1,120}」|\"[^\"\n]{1,120}\"")
_HIDDEN = {ord(mark): 0xE000 + number for number, mark in enumerate("，。；：！？、,.;:!?")}
_SHOWN = {hidden: chr(mark) for mark, hidden in _HIDDEN.items()}
_SAYS = re.compile(
    r"^\s*最[大小高低多少]|状态|流转|流程|可选|取值|选项|默认|格式|大小"
    r"|^\s*(?:the\s+)?(?:min|max)(?:imum)?\b|values|formats?|status|if |when ",
    re.I,
)
_DASH = re.compile(r"\s*[-—/无]*\s*$")

LONGEST_SENTENCE = 400
"""A longer one is no sentence, and is named as not understood: what it would take to read it grows with its square."""


@dataclass(slots=True)
class Reading:
    """``headings``: places of titles, which say where and not what."""

    findings: list[Finding]
    unread: list[Unread]
    headings: list[Unread]

    @property
    def modules(self) -> list[str]:
        return list(dict.fromkeys(finding.module for finding in self.findings))


def read(text: str) -> Reading:
    """Each character that is no white space lies in a finding, in what was not read, or in a title."""
    return _Reader(text).read()


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = _QUOTED.sub(lambda found: found[0].translate(_HIDDEN), text)
        """With marks in quotes as other characters, as no sentence ends within its words."""
        self._told = Reading([], [], [])
        self._module = ""
        self._header: list[str] = []
        self._subjects: list[str] = []
        self._above: list[str] = []
        """What a line that ends with a colon has named: the lines below it are about that."""
        self._named: tuple[int, int] | None = None
        """Where a name stands of which nothing has been said yet."""

    def read(self) -> Reading:
        start = 0
        taken = 0
        """Up to where a scenario goes that has begun before."""
        for line in self._text.splitlines(keepends=True):
            end = start + len(line.rstrip("\r\n"))
            if line.strip() and start >= taken:
                taken = self._scenario(start, end)
                if taken == start:
                    self._line(start, end)
            start += len(line)
        return _shown(self._told)

    def _scenario(self, start: int, end: int) -> int:
        """Where the scenario or its head ends that a line begins; its start, where it is another line."""
        if found := HEAD.match(self._text[start:end]):
            self._told.headings.append(Unread(start, end, found[0]))
            if found["part"] and found["name"]:
                self._module = found["name"].strip()
            return end
        scenario = scenario_at(self._text, start)
        if scenario is None:
            return start
        self._told.findings.append(Finding("rule", start, scenario[0], scenario[1], self._module))
        return scenario[0]

    def _line(self, start: int, end: int) -> None:
        line = self._text[start:end]
        if line.count("|") >= 2 and line.lstrip().startswith("|"):
            self._row(start, line)
            return
        self._header = []
        marked, title = _MARKED.match(line), _TITLE.match(line)
        if marked or title:
            groups = marked.groupdict() if marked else title.groupdict() if title else {}
            self._module = next(name for name in groups.values() if name).strip()[:100]
            self._told.headings.append(Unread(start, end, line))
            self._subjects = self._above = []
            return
        bullet = _BULLET.match(line)
        if not (bullet and bullet.group().strip()) and not line[:1].isspace():
            self._above = []
        self._subjects = self._above
        if bullet and bullet["sign"]:
            self._told.headings.append(Unread(start + bullet.start("sign"), start + bullet.end(), bullet["sign"]))
        self._prose(start + (bullet.end() if bullet else 0), end)

    def _prose(self, start: int, end: int) -> None:
        label = _LABELLED.match(self._text, start, end)
        if label and self._grammar(start, end).subject(label["label"]) and not self._says(start, label.end()):
            self._subjects = [self._grammar(start, end).subject(label["label"])]
            self._name(start, label.end())
            start = label.end()
        elif self._text[start:end].rstrip().endswith((":", "：")) and (
            name := self._grammar(start, end).subject(self._text[start:end].rstrip(" :：\t"))
        ):
            self._subjects = self._above = [name]
            self._told.headings.append(Unread(start, end, self._text[start:end]))
            return
        place = start
        for mark in _SENTENCE.finditer(self._text, start, end):
            self._all_of(place, mark.start())
            place = mark.end()
        self._all_of(place, end)
        self._forget()

    def _says(self, start: int, end: int) -> bool:
        """Whether what looks like a label says something already, as 初始状态 does."""
        return _SAYS.search(self._text[start:end]) is not None

    def _row(self, start: int, line: str) -> None:
        if _RULE_ROW.match(line):
            return
        cells: list[tuple[int, int]] = []
        place = 0
        for mark in _CELL.finditer(line):
            cells.append((place, mark.start()))
            place = mark.end()
        cells = [*cells, (place, len(line))]
        if not line[cells[0][0] : cells[0][1]].strip():
            cells.pop(0)
        if cells and not line[cells[-1][0] : cells[-1][1]].strip():
            cells.pop()
        if not self._header:
            self._header = [line[low:high].strip() for low, high in cells]
            self._told.headings.append(Unread(start, start + len(line), line))
            return
        if cells:
            low, high = cells[0]
            self._subjects = [line[low:high].strip()[:60]]
            self._told.headings.append(Unread(start + low, start + high, line[low:high]))
        for number, (low, high) in enumerate(cells[1:], 1):
            self._cell(start + low, start + high, self._header[number] if number < len(self._header) else "")

    def _cell(self, start: int, end: int, header: str) -> None:
        cell = self._text[start:end]
        if _DASH.match(cell):
            return
        if _NEED.search(header) and (_YES.match(cell) or _NO.match(cell)):
            self._found(start, end, {"required": _YES.match(cell) is not None})
            return
        if _LENGTH.search(header):
            if found := re.fullmatch(r"\s*(\d+)\s*(?:-|~|–|至|到|to)\s*(\d+)\s*", cell):
                self._found(start, end, {"type": "string", "min": int(found[1]), "max": int(found[2])})
                return
            if found := re.fullmatch(r"\s*(?:≤|<=)?\s*(\d+)\s*", cell):
                self._found(start, end, {"type": "string", "max": int(found[1])})
                return
        types = {
            "文本": "string",
            "字符串": "string",
            "string": "string",
            "text": "string",
            "整数": "integer",
            "int": "integer",
        }
        types |= {
            "integer": "integer",
            "数字": "number",
            "number": "number",
            "decimal": "number",
            "日期": "date",
            "date": "date",
        }
        if (bound := _BOUND.match(header)) and (number := re.fullmatch(r"\s*(-?\d+(?:\.\d+)?)\s*", cell)):
            value = float(number[1]) if "." in number[1] else int(number[1])
            kind = "number" if "." in number[1] else "integer"
            self._found(start, end, {"type": kind, "min" if bound["low"] else "max": value})
            return
        if _DEFAULT.search(header):
            self._found(start, end, {"default": cell.strip()[:200]})
            return
        if cell.strip().lower() in types:
            self._found(start, end, {"type": types[cell.strip().lower()]})
            return
        place = start
        for mark in _SENTENCE.finditer(self._text, start, end):
            self._all_of(place, mark.start())
            place = mark.end()
        self._all_of(place, end)

    def _found(self, start: int, end: int, data: dict[str, Any]) -> None:
        for subject in self._subjects:
            self._told.findings.append(Finding("field", start, end, dict(data), self._module, subject))

    def _name(self, start: int, end: int) -> None:
        self._forget()
        self._named = start, end

    def _since(self, low: int) -> int:
        """Where something begins that is said at ``low``: with its name, if that stands before it."""
        named, self._named = self._named, None
        return low if named is None else min(low, named[0])

    def _forget(self) -> None:
        """Go on to something else: a name of which nothing was said is not read."""
        if self._named is not None:
            start, end = self._named
            self._told.unread.append(Unread(start, end, self._text[start:end].strip()))
            self._named = None

    def _grammar(self, start: int, end: int) -> Grammar:
        return CHINESE if has_cjk(self._text[start:end]) else ENGLISH_GRAMMAR

    def _all_of(self, start: int, end: int) -> None:
        """A sentence; one that is made of little words alone is named too, as there is nothing else of it."""
        said = self._text[start:end]
        nothing = self._grammar(start, end).empty(said) and any(letter.isalnum() for letter in said)
        if nothing or len(said) > LONGEST_SENTENCE:
            self._told.unread.append(Unread(start, end, said.strip()))
        else:
            self._sentence(start, end)

    def _sentence(self, start: int, end: int) -> None:
        if not self._text[start:end].strip():
            return
        grammar = self._grammar(start, end)
        if self._whole(start, end, grammar):
            return
        matches = certain(self._text, start, end, grammar)
        place = start
        for low, high, props in matches:
            self._rest(place, low, grammar, names=True)
            if self._subjects:
                self._found(self._since(low), high, props)
            else:
                self._told.unread.append(Unread(low, high, self._text[low:high]))
            place = high
        self._rest(place, end, grammar, names=False)

    def _whole(self, start: int, end: int, grammar: Grammar) -> bool:
        """Read a sentence, or a clause of it, as one saying; what is left of it is read for itself."""
        for saying in grammar.sayings:
            for low in (start, *(mark.end() for mark in grammar.split.finditer(self._text, start, end))):
                while low < end and self._text[low].isspace():
                    low += 1
                found = saying.pattern.match(self._text, low, end)
                told = saying.read(found) if found else None
                if found is None or not told or (low == start and not self._subjects and CARRIED in str(told)):
                    continue
                if not self._ends(found.end(), end, grammar) or HANGING.search(self._text[start:low].rstrip(" ，,、")):
                    continue
                if low > start:
                    self._sentence(start, low)
                told = self._carried(told)
                if told is None:
                    self._sentence(low, end)
                    return True
                low = self._since(low)
                for kind, data in told:
                    subject = str(data.pop("name", "")) if kind == "field" else ""
                    self._told.findings.append(Finding(kind, low, found.end(), data, self._module, subject))
                self._sentence(found.end(), end)
                return True
        return False

    def _ends(self, place: int, end: int, grammar: Grammar) -> bool:
        """Whether a clause ends here: what goes on could turn round what was said."""
        rest = self._text[place:end]
        return (
            grammar.empty(rest)
            or any(grammar.split.match(one) for one in (rest, rest.lstrip()))
            or rest.lstrip()[0] in "（("
        )

    def _carried(self, told: list[tuple[Kind, dict[str, Any]]]) -> list[tuple[Kind, dict[str, Any]]] | None:
        """With the field that was spoken of last in its place; None where there is none."""
        if CARRIED not in str(told):
            return told
        if not self._subjects:
            return None
        subject = self._subjects[0]

        def put(value: Any) -> Any:
            if isinstance(value, dict):
                return {put(name): put(inner) for name, inner in value.items()}
            return value.replace(CARRIED, subject) if isinstance(value, str) else value

        return [(kind, put(data)) for kind, data in told]

    def _rest(self, start: int, end: int, grammar: Grammar, *, names: bool) -> None:
        """What stands between two things that were read: the name of the next one's field, and what is not read."""
        place = start
        if names:
            marks = list(grammar.split.finditer(self._text, start, end))
            place = marks[-1].end() if marks else start
            last = self._text[place:end]
            name = grammar.subject(last)
            if name:
                self._subjects = self._together(name, last + self._text[end : end + 4])
                self._name(place + len(last) - len(last.lstrip()), end)
            elif not grammar.empty(last):
                self._subjects = []
                place = end
            if name or grammar.empty(last):
                end = place
        for low, high in _pieces(self._text, start, end, grammar):
            if not grammar.empty(self._text[low:high]):
                low = low if names else self._since(low)
                self._told.unread.append(Unread(low, high, self._text[low:high]))

    @staticmethod
    def _together(name: str, said: str) -> list[str]:
        """Several fields of which one thing is said, where the words say that it is each of them."""
        parts = [part.strip() for part in _TOGETHER.split(name)]
        return parts if _EACH.search(said) and all(parts) else [name]


def _shown(told: Reading) -> Reading:
    """With the marks in quotes as they were."""

    def shown(value: Any) -> Any:
        if isinstance(value, dict):
            return {shown(name): shown(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [shown(inner) for inner in value]
        return value.translate(_SHOWN) if isinstance(value, str) else value

    for one in told.findings:
        one.data, one.module, one.subject = shown(one.data), shown(one.module), shown(one.subject)
    unread, headings = (
        [Unread(one.start, one.end, shown(one.text)) for one in part] for part in (told.unread, told.headings)
    )
    return Reading(told.findings, unread, headings)


def _pieces(text: str, start: int, end: int, grammar: Grammar) -> Iterator[tuple[int, int]]:
    place = start
    for mark in (*grammar.split.finditer(text, start, end), None):
        high = mark.start() if mark else end
        low = place
        while low < high and text[low].isspace():
            low += 1
        while high > low and text[high - 1].isspace():
            high -= 1
        if low < high:
            yield low, high
        place = mark.end() if mark else end
