"""What the glyphs of a PDF's fonts mean.

A font may draw a Chinese letter and the radical of the same form by one glyph. Chromium then tells readers of its PDFs
that the glyph is the radical, so that a search for 文 finds nothing: what stands there is ⽂, U+2F42.
"""

import re
import unicodedata
from collections.abc import Iterator

from pypdf import PdfWriter
from pypdf.generic import DictionaryObject

_FORMS = (
    "⺂乛⺃乚⺅亻⺉刂⺋㔾⺏尣⺐尢⺒巳⺓幺⺔彑⺕彐⺖忄⺘扌⺙攵⺛旡⺞歺⺠民⺡氵⺣灬⺤爫⺦丬⺨犭⺭礻⺯糹⺰纟⺱罓⺳㓁⺹耂⺺肀"
    "⺾艹⺿艹⻀艹⻂衤⻅见⻆角⻈讠⻉贝⻋车⻌辶⻐钅⻑長⻒镸⻓长⻔门⻖阝⻘青⻙韦⻚页⻛风⻜飞⻝食⻟飠⻠饣⻢马⻣骨⻤鬼⻥鱼⻦鸟"
    "⻧卤⻨麦⻩黄⻪黾⻫斉⻬齐⻮齿⻯竜⻰龙⻱龜⻲亀"
)
"""Radicals without a compatibility mapping, each followed by its letter (Unicode's EquivalentUnifiedIdeograph)."""
_LETTERS = dict(zip(_FORMS[::2], _FORMS[1::2], strict=True))
_FIRST, _LAST = 0x2E80, 0x2FDF
_SECTION = re.compile(rb"\d+ begin(bfchar|bfrange)\s(.*?)end\1", re.DOTALL)
_CHAR = re.compile(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]{4})>")
_RANGE = re.compile(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]{4})>")
_MOST_IN_SECTION = 100


def letter_of(radical: str) -> str:
    """The letter that has the form of a radical; anything else is itself."""
    if not _FIRST <= ord(radical) <= _LAST:
        return radical
    return _LETTERS.get(radical) or unicodedata.normalize("NFKC", radical)


def put_letters_right(writer: PdfWriter) -> None:
    """Change radicals to letters in each table from glyphs to text that a PDF has."""
    seen: set[int] = set()
    for page in writer.pages:
        for font in page.get("/Resources", DictionaryObject()).get("/Font", DictionaryObject()).values():
            table = font.get_object().get("/ToUnicode")
            if table is None or table.indirect_reference.idnum in seen:
                continue
            seen.add(table.indirect_reference.idnum)
            stream = table.get_object()
            told = stream.get_data()
            better = corrected(told)
            if better != told:
                stream.set_data(better)


def corrected(table: bytes) -> bytes:
    """A CMap to Unicode (PDF 32000-1, 9.10.3) with letters instead of radicals; its ranges stay ranges."""
    return _SECTION.sub(_corrected_section, table)


def _corrected_section(section: re.Match[bytes]) -> bytes:
    kept: list[bytes] = []
    single: list[bytes] = []
    if section[1] == b"bfchar":
        single = [_line(glyph, int(code, 16)) for glyph, code in _CHAR.findall(section[2])]
    else:
        for first, last, code in _RANGE.findall(section[2]):
            start, count = int(code, 16), int(last, 16) - int(first, 16) + 1
            if start > _LAST or start + count <= _FIRST:
                kept.append(b"<%b> <%b> <%b>\n" % (first, last, code))
            else:
                glyphs = (b"%0*X" % (len(first), int(first, 16) + n) for n in range(count))
                single += [_line(glyph, start + n) for n, glyph in enumerate(glyphs)]
    return b"".join([*_sections(b"bfrange", kept), *_sections(b"bfchar", single)]).rstrip(b"\n")


def _line(glyph: bytes, code: int) -> bytes:
    return b"<%b> <%04X>\n" % (glyph, ord(letter_of(chr(code))))


def _sections(kind: bytes, lines: list[bytes]) -> Iterator[bytes]:
    for start in range(0, len(lines), _MOST_IN_SECTION):
        some = lines[start : start + _MOST_IN_SECTION]
        yield b"%d begin%b\n%bend%b\n" % (len(some), kind, b"".join(some), kind)
