"""A book as EPUB 3.3: one XHTML file for each chapter, a navigation document, and the old table of contents too.

EPUB 3 asks for `mimetype` as the first entry, stored as it is (OCF 3.3, 4.2); for `dcterms:modified` (EPUB 3.3, 5.5.6);
and for a `nav` of type `toc` (7.4). The times in the archive are fixed, so the same book is the same bytes.
"""

import html
import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_WORDS = {"en": {"toc": "Contents", "start": "Begin"}, "zh": {"toc": "目录", "start": "开始"}}
_CONTAINER = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="EPUB/package.opf" media-type="application/oebps-package+xml"/></rootfiles></container>\n'
)
_STYLE = (
    "body { line-height: 1.6; }\n"
    "h1, h2 { text-align: center; line-height: 1.3; }\n"
    "p { margin: 0; text-indent: 2em; }\n"
    ".front p { margin: 1em 0; text-indent: 0; }\n"
)


@dataclass(frozen=True, slots=True)
class EpubChapter:
    """``paragraphs`` are plain text; ``volume`` is the heading of the volume that it is in, if any."""

    title: str
    paragraphs: tuple[str, ...]
    volume: str = ""


def epub(
    *,
    title: str,
    language: str,
    identifier: str,
    synopsis: Sequence[str],
    subject: str,
    chapters: Sequence[EpubChapter],
    modified: datetime,
) -> bytes:
    """
    :param language: ``en`` or ``zh``.
    :param identifier: a URN that stays the same for the book.
    :param modified: when it was changed last, in UTC.
    :return: the file. It may take a while, and blocks.
    """
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        _add(archive, "mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        _add(archive, "META-INF/container.xml", _CONTAINER)
        _add(archive, "EPUB/style.css", _STYLE)
        _add(archive, "EPUB/package.opf", _package(title, language, identifier, subject, len(chapters), modified))
        _add(archive, "EPUB/nav.xhtml", _navigation(title, language, chapters))
        _add(archive, "EPUB/toc.ncx", _ncx(title, identifier, chapters))
        _add(archive, "EPUB/front.xhtml", _page(title, language, _paragraphs(synopsis), "h1", "front"))
        for number, chapter in enumerate(chapters, 1):
            page = _page(chapter.title, language, _paragraphs(chapter.paragraphs), "h2", "chapter")
            _add(archive, f"EPUB/{_file(number)}", page)
    return written.getvalue()


def _add(archive: zipfile.ZipFile, name: str, content: str, way: int = zipfile.ZIP_DEFLATED) -> None:
    archive.writestr(zipfile.ZipInfo(name, _ZIP_TIME), content.encode(), way)


def _file(number: int) -> str:
    return f"chapter-{number:04d}.xhtml"


def _text(text: str) -> str:
    """Text for XML, without what no XML can hold."""
    return html.escape(_NO_XML.sub("\ufffd", text))


def _tag(language: str) -> str:
    return "zh-CN" if language == "zh" else language


def _paragraphs(paragraphs: Sequence[str]) -> str:
    return "".join(f"<p>{_text(one)}</p>\n" for one in paragraphs)


def _page(title: str, language: str, body: str, level: str, kind: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE html>\n'
        '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" '
        f'xml:lang="{_tag(language)}" lang="{_tag(language)}">\n'
        f'<head><title>{_text(title)}</title><link rel="stylesheet" type="text/css" href="style.css"/></head>\n'
        f'<body class="{kind}">\n<{level}>{_text(title)}</{level}>\n{body}</body>\n</html>\n'
    )


def _package(title: str, language: str, identifier: str, subject: str, chapters: int, modified: datetime) -> str:
    files = [_file(number) for number in range(1, chapters + 1)]
    items = "".join(
        f'<item id="c{n}" href="{name}" media-type="application/xhtml+xml"/>\n' for n, name in enumerate(files, 1)
    )
    spine = "".join(f'<itemref idref="c{number}"/>\n' for number in range(1, chapters + 1))
    about = f"<dc:subject>{_text(subject)}</dc:subject>\n" if subject.strip() else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id" '
        f'xml:lang="{_tag(language)}">\n'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">\n'
        f'<dc:identifier id="id">{_text(identifier)}</dc:identifier>\n'
        f"<dc:title>{_text(title)}</dc:title>\n<dc:language>{_tag(language)}</dc:language>\n{about}"
        f'<meta property="dcterms:modified">{modified:%Y-%m-%dT%H:%M:%SZ}</meta>\n</metadata>\n'
        "<manifest>\n"
        '<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>\n'
        '<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>\n'
        '<item id="style" href="style.css" media-type="text/css"/>\n'
        f'<item id="front" href="front.xhtml" media-type="application/xhtml+xml"/>\n{items}</manifest>\n'
        f'<spine toc="ncx">\n<itemref idref="front"/>\n{spine}</spine>\n</package>\n'
    )


def _navigation(title: str, language: str, chapters: Sequence[EpubChapter]) -> str:
    contents = _WORDS[language]["toc"]
    numbered = list(enumerate(chapters, 1))
    entries = [f'<li><a href="front.xhtml">{_text(title)}</a></li>\n']
    for volume, group in groupby(numbered, key=lambda one: one[1].volume):
        own = [f'<li><a href="{_file(number)}">{_text(one.title)}</a></li>\n' for number, one in group]
        entries += [f"<li><span>{_text(volume)}</span>\n<ol>\n{''.join(own)}</ol>\n</li>\n"] if volume else own
    listed = "".join(entries)
    body = f'<nav epub:type="toc" id="toc">\n<h1>{contents}</h1>\n<ol>\n{listed}</ol>\n</nav>\n'
    page = _page(contents, language, "", "h1", "contents")
    return page.replace(f"<h1>{contents}</h1>\n", body)


def _ncx(title: str, identifier: str, chapters: Sequence[EpubChapter]) -> str:
    """For readers of EPUB 2."""
    points = [(title, "front.xhtml"), *((one.title, _file(number)) for number, one in enumerate(chapters, 1))]
    shown = "".join(
        f'<navPoint id="p{place}" playOrder="{place}"><navLabel><text>{_text(name)}</text></navLabel>'
        f'<content src="{file}"/></navPoint>\n'
        for place, (name, file) in enumerate(points, 1)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/" version="2005-1">\n'
        f'<head><meta name="dtb:uid" content="{_text(identifier)}"/></head>\n'
        f"<docTitle><text>{_text(title)}</text></docTitle>\n<navMap>\n{shown}</navMap>\n</ncx>\n"
    )
