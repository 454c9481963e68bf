"""Citations by code, in a text that is still being written.

The model writes ``[S12]``. Ids that it was given become the report's numbers; others, numbers of its own making,
links and addresses are taken out; a passage that it gives as a quote is looked for in the sources, and marked where it
is not there. What comes out does not depend on the pieces in which the text came.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass
from typing import TypeAlias

from server.sources.text import has_cjk
from server.workflows.quotes import plain
from server.workflows.research.phrases import say

LONGEST_HELD = 700
"""Up to so many characters are held back until it is clear what they are."""
LEAST_QUOTED_LATIN, LEAST_QUOTED_CJK = 25, 10
"""A shorter text in quotation marks is a name or a term."""

_SCHEMES = ("https://", "http://", "ftp://", "www.")
_BEGUN = "|".join(sorted({word[:size] for word in _SCHEMES for size in range(1, len(word) + 1)}, reverse=True))
_SPECIAL = re.compile(
    rf" *(?:!?\[|【)| +!?$|!$|[\"“「『«`]|<?(?i:https?://|ftp://|www\.)|(?<=\n)[>#]|<$|<?(?i:(?:{_BEGUN})$)"
)
_LINK = r"(\((?:[^()\n]|\([^()\n]*\))*\))?"
_BRACKETS = re.compile(rf"!?\[([^\[\]\n]*)\]{_LINK}|【([^【】\n]*)】")
_SOURCE_IDS = re.compile(r"\s*(?:source\s*)?[Ss]\s?\d+(?:[\s,;，；、&]+[Ss]?\d+)*\s*")
_MADE_UP = re.compile(r"\s*\^?[A-Za-z]{0,2}\d+(?:[\s,;，；、–-]+[A-Za-z]{0,2}\d+)*\s*|\^\S{1,40}|\d+†.*")
_ADDRESS = re.compile(r"<?((?i:https?://|ftp://|www\.)(?:(?![<>\[\]()\"`])[!-~])*)>?")
_CLOSING = {'"': '"', "“": "”", "「": "」", "『": "』", "«": "»"}
_CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.DOTALL | re.MULTILINE)
_CITATION = re.compile(r"(?<!\\)\[(\d+)\](?!\()")

Taken: TypeAlias = tuple[str, int] | None
"""What is shown in the place of how many characters; None: that can't be told yet."""


@dataclass
class Counts:
    """What code found in the model's text. ``quotes`` were looked for, of which ``unverified`` are marked as such."""

    citations: int = 0
    rejected_citations: int = 0
    removed_links: int = 0
    quotes: int = 0
    unverified: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(mine + others for mine, others in zip(astuple(self), astuple(other), strict=True)))


class Marker:
    """Takes a text in pieces and gives it back with the report's own citations.

    :param numbers: the report's number of each source that may be cited here, by its id.
    :param addresses: id of each source that has an address.
    :param stands: whether a passage stands in one of the sources.
    """

    def __init__(
        self,
        numbers: Mapping[str, int],
        addresses: Mapping[str, str],
        stands: Callable[[str], bool],
        language: str,
        *,
        quoting: bool = False,
    ) -> None:
        """:param quoting: the text is a quote itself, and marks of quotation in it are the source's."""
        self._numbers, self._addresses, self._stands, self._language = numbers, addresses, stands, language
        self._quoting = quoting
        self._held = ""
        self._before = "\n"
        self._code = self._fenced = False
        self.counts = Counts()

    def feed(self, text: str) -> str:
        self._held += text
        return self._go_on(final=False)

    def close(self) -> str:
        return self._go_on(final=True)

    def whole(self, text: str) -> str:
        return self.feed(text) + self.close()

    def _go_on(self, *, final: bool) -> str:
        out: list[str] = []
        while self._held:
            self._pass_on(out, self._next_special())
            if not self._held:
                break
            view = self._held[:LONGEST_HELD]
            ended = final or len(self._held) >= LONGEST_HELD
            taken = self._take(view, ended)
            if taken is None and not ended:
                break
            if taken is None:
                self._pass_on(out, 1)
                continue
            shown, length = taken
            self._before = self._held[length - 1]
            self._held = self._held[length:]
            out.append(shown)
        return "".join(out)

    def _next_special(self) -> int:
        if self._before == "\n" and self._held[0] in ">#":
            return 0
        found = _SPECIAL.search(self._held)
        return found.start() if found else len(self._held)

    def _pass_on(self, out: list[str], length: int) -> None:
        if length:
            text, self._held = self._held[:length], self._held[length:]
            self._before = text[-1]
            self._code = self._code and (self._fenced or "\n" not in text)
            out.append(text)

    def _take(self, view: str, ended: bool) -> Taken:
        match view[0]:
            case " ":
                return self._after_spaces(view, ended)
            case "[" | "!" | "【":
                return self._brackets(view, ended)
            case "`":
                return self._backticks(view, ended)
            case ">" | "#" if self._before == "\n":
                return self._line(view, ended)
            case opening if opening in _CLOSING:
                return self._quotation(view, ended)
        found = _ADDRESS.match(view)
        if found is None or (found.end() == len(view) and not ended):
            return None
        if found[0][0] == "<":
            return self._address(found[1]), found.end()
        address = found[1].rstrip(".,;:!?'*_")
        return self._address(address), len(address)

    def _after_spaces(self, view: str, ended: bool) -> Taken:
        """Spaces before brackets go when these go."""
        rest = view.lstrip(" ")
        spaces = len(view) - len(rest)
        if not rest:
            return None
        taken = self._brackets(rest, ended)
        if taken is None:
            return (view[:spaces], spaces) if ended else None
        return (view[:spaces] + taken[0] if taken[0] else ""), spaces + taken[1]

    def _brackets(self, view: str, ended: bool) -> Taken:
        found = _BRACKETS.match(view)
        if found is None:
            line = view.partition("\n")[0]
            hopeless = ended or line != view or re.search(r"[\[【]", line[2:]) is not None
            return (view[0], 1) if hopeless and len(view) > 1 else None
        whole, inner, link = found[0], found[1] if found[1] is not None else found[3], found[2]
        if not link and not ended:
            rest = view[len(whole) :]
            if not rest or (rest[0] == "(" and "\n" not in rest):
                return None
        if whole[0] == "!":
            self.counts.removed_links += 1
            return "", len(whole)
        if _SOURCE_IDS.fullmatch(inner):
            return self._cite(re.findall(r"\d+", inner)), len(whole)
        if not self._code and _MADE_UP.fullmatch(inner):
            self.counts.rejected_citations += 1
            return "", len(whole)
        if not link:
            return view[0], 1  # no citation; what stands in the brackets is gone through by itself
        text = "" if _ADDRESS.match(inner) else inner.strip()
        address = (link[1:-1].split() or [""])[0].strip("<>")
        return f"{text} {self._address(address)}".strip(), len(whole)

    def _backticks(self, view: str, ended: bool) -> Taken:
        run = len(view) - len(view.lstrip("`"))
        if run == len(view) and not ended:
            return None
        if run >= 3 and self._before == "\n":
            self._code = self._fenced = not self._fenced
        elif not self._fenced:
            self._code = not self._code
        return view[:run], run

    def _line(self, view: str, ended: bool) -> Taken:
        """A heading, which must not be greater than that of a section; or a line that is marked as a quote."""
        if view[0] == "#":
            run = len(view) - len(view.lstrip("#"))
            if run == len(view) and not ended:
                return None
            return ("#" * max(3, run) if view[run : run + 1] == " " and not self._fenced else view[:run]), run
        line, newline, _ = view.partition("\n")
        if not newline and not ended:
            return None
        return self._judged(line, "", line.lstrip("> ")), len(line)

    def _quotation(self, view: str, ended: bool) -> Taken:
        if len(view) == 1 and not ended:
            return None
        opening = view[0]
        in_word = opening == '"' and (self._before.isalnum() or view[1:2].isspace())
        line = view.partition("\n")[0]
        end = line.find(_CLOSING[opening], 1)
        if self._code or self._quoting or in_word or (end < 0 and (ended or line != view)):
            return opening, 1
        return None if end < 0 else (self._judged(line[: end + 1], opening, line[1:end]), end + 1)

    def _judged(self, shown: str, opening: str, quote: str) -> str:
        """A passage that is given as a quote, its own citations put right."""
        inner = Marker(self._numbers, self._addresses, self._stands, self._language, quoting=True)
        inner._before = " "
        size = len(opening)
        told = shown[:size] + inner.whole(shown[size : len(shown) - size]) + shown[len(shown) - size :]
        self.counts += inner.counts
        bare = plain(_BRACKETS.sub("", quote))
        if len(bare) < (LEAST_QUOTED_CJK if has_cjk(bare) else LEAST_QUOTED_LATIN):
            return told
        self.counts.quotes += 1
        if self._stands(bare):
            return told
        self.counts.unverified += 1
        return f"{told} {say(self._language, 'unverified')}"

    def _cite(self, digits: list[str]) -> str:
        known = [self._numbers[f"S{int(one)}"] for one in digits if f"S{int(one)}" in self._numbers]
        self.counts.citations += len(known)
        self.counts.rejected_citations += len(digits) - len(known)
        return "".join(f"[{number}]" for number in dict.fromkeys(known))

    def _address(self, address: str) -> str:
        known = self._addresses.get(address) or self._addresses.get(address.rstrip("/"))
        if known is not None and known in self._numbers:
            return self._cite([known[1:]])
        self.counts.removed_links += 1
        return say(self._language, "link_removed")


def without_marks(text: str, language: str) -> str:
    """One line of a model's, such as a heading, without citations and addresses."""
    return " ".join(Marker({}, {}, lambda quote: True, language).whole(text).split())


def citations_in(report: str) -> list[int]:
    """The numbers that a report cites, outside of code."""
    return [int(number) for number in _CITATION.findall(_CODE.sub("", report))]
