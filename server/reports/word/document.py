"""A report as a Word document, made of the tokens of its Markdown."""

from datetime import datetime
from io import BytesIO

import docx
from docx.document import Document

from server.errors import ReportTooLong
from server.reports import wording
from server.reports.headings import Heading, for_contents, headings_of
from server.reports.html import readable
from server.reports.parsing import parser
from server.reports.word.blocks import Blocks
from server.reports.word.links import Links
from server.reports.word.runs import Runs, place_name
from server.reports.word.styles import dress
from server.reports.word.xml import Element, add, add_text, w, without_what_xml_forbids
from server.reports.wording import Language

MOST_CHARACTERS = 3_000_000
MAKER = "Holdfast"
LONGEST_PROPERTY = 255
_parser = parser()


def word(markdown: str, title: str, language: Language, *, note: str | None, written_at: datetime) -> bytes:
    """Blocking, as long as the report is long.

    :param note: what is to stand above the report.
    :param written_at: what the document says of its age, in UTC.
    :raises ReportTooLong: by its characters.
    """
    if len(markdown) > MOST_CHARACTERS:
        raise ReportTooLong
    title = without_what_xml_forbids(readable(title)) or MAKER
    document = docx.Document()
    dress(document)
    _tell_about(document, title, language, written_at)
    body = document.element.body
    section = body[-1]
    body.remove(section)
    for child in list(body):
        body.remove(child)
    tokens = _parser.parse(markdown)
    headings = headings_of(tokens)
    sources = {str(token.attrs["id"]) for token in tokens if token.type == "list_item_open" and "id" in token.attrs}
    places = frozenset(place_name(name) for name in sources | {heading.name for heading in headings})
    runs = Runs(Links(document.part), places, chinese=language == "zh")
    names = {heading.place: place_name(heading.name) for heading in headings}
    blocks = Blocks(body, document.part.numbering_part.element, runs, names)
    if note is not None:
        runs.run(_paragraph(body, "Note"), note)
    listed = for_contents(headings)
    start = listed[0].place if listed else 0
    blocks.write(tokens, 0, start)
    if listed:
        _write_contents(body, listed, runs, language)
    blocks.write(tokens, start, len(tokens))
    body.append(section)
    _write_footer(document, title)
    out = BytesIO()
    document.save(out)
    return out.getvalue()


def _tell_about(document: Document, title: str, language: Language, written_at: datetime) -> None:
    about = document.core_properties
    about.title, about.author, about.last_modified_by = title[:LONGEST_PROPERTY], MAKER, MAKER
    about.language = "zh-CN" if language == "zh" else "en"
    about.comments = about.keywords = about.subject = ""
    about.created = about.modified = written_at


def _paragraph(parent: Element, style: str) -> Element:
    made = add(parent, "p")
    add(add(made, "pPr"), "pStyle", val=style)
    return made


def _write_contents(body: Element, listed: list[Heading], runs: Runs, language: Language) -> None:
    """Entries that are links, inside a field by which Word can make them anew, with page numbers."""
    runs.run(_paragraph(body, "ContentsTitle"), wording.contents(language))
    top = min(heading.level for heading in listed)
    entry = body
    for number, heading in enumerate(listed):
        entry = _paragraph(body, f"TOC{min(3, heading.level - top + 1)}")
        if number == 0:
            _field_mark(entry, "begin")
            add(add(entry, "r"), "instrText").text = f' TOC \\o "{top}-3" \\h \\z \\u '
            _field_mark(entry, "separate")
        link = add(entry, "hyperlink", anchor=place_name(heading.name), history=1)
        runs.run(link, heading.text)
    _field_mark(entry, "end")


def _field_mark(paragraph: Element, kind: str) -> None:
    add(add(paragraph, "r"), "fldChar", fldCharType=kind)


def _write_footer(document: Document, title: str) -> None:
    footer = document.sections[0].footer
    footer.is_linked_to_previous = False
    element = footer._element
    for child in list(element):
        element.remove(child)
    paragraph = _paragraph(element, "Footer")
    add_text(add(paragraph, "r"), f"{title[:80]}\t")
    for instruction, after in (("PAGE", " / "), ("NUMPAGES", "")):
        field = add(paragraph, "fldSimple")
        field.set(w("instr"), instruction)
        add_text(add(field, "r"), "1")
        if after:
            add_text(add(paragraph, "r"), after)
