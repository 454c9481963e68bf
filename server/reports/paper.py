"""The page that a browser prints: complete by itself, with its contents, and nothing that is fetched or run."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from server.reports import wording
from server.reports.headings import Heading, for_contents, headings_of
from server.reports.html import clean, inline_style, language_tag, readable
from server.reports.parsing import parser
from server.reports.wording import Language

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
FOOTER = (
    '<div style="width: 100%; margin: 0 18mm; display: flex; justify-content: space-between; gap: 8mm; '
    "font: 7.5pt 'Liberation Sans', 'Noto Sans CJK SC', sans-serif; color: #58615d\">"
    '<span style="overflow: hidden; white-space: nowrap; text-overflow: ellipsis">{title}</span>'
    '<span style="white-space: nowrap"><span class="pageNumber"></span> / <span class="totalPages"></span></span></div>'
)
"""A browser fills the page numbers in; it gives footers no style but their own."""


@dataclass(frozen=True, slots=True)
class Paper:
    """A report as a page to be printed. ``body`` is clean HTML; its headings bear the names of ``contents``."""

    title: str
    language: Language
    note: str | None
    before: str
    contents: Sequence[Heading]
    body: str
    style: str

    @property
    def footer(self) -> str:
        return FOOTER.format(title=html.escape(self.title))

    def page(self, numbers: Mapping[str, int]) -> str:
        """:param numbers: on which sheet of paper each heading is, by its name, as far as that is known."""
        note = f'<p class="note">{html.escape(self.note)}</p>\n' if self.note else ""
        return (
            "<!doctype html>\n"
            f'<html lang="{language_tag(self.language)}" data-theme="light">\n<head>\n<meta charset="utf-8">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
            f"<title>{html.escape(self.title)}</title>\n{inline_style(self.style)}</head>\n"
            f'<body class="report">\n<main class="report-body prose">\n'
            f"{note}{self.before}{self._listed(numbers)}{self.body}</main>\n</body>\n</html>\n"
        )

    def _listed(self, numbers: Mapping[str, int]) -> str:
        if not self.contents:
            return ""
        top = min(heading.level for heading in self.contents)
        items = "".join(
            f'<li class="depth-{heading.level - top}"><a href="#{heading.name}">'
            f"<span>{html.escape(heading.text)}</span><span>{numbers.get(heading.name, '')}</span></a></li>\n"
            for heading in self.contents
        )
        named = html.escape(wording.contents(self.language))
        return f'<nav class="contents">\n<p>{named}</p>\n<ol>\n{items}</ol>\n</nav>\n'


def _show_words_of_images(state: StateCore) -> None:
    """An image's description in its place, since nothing is fetched."""
    for token in state.tokens:
        for child in token.children or ():
            if child.type == "image":
                child.type, child.tag, child.content, child.children = "text", "", f"[{child.content}]", None


_parser = parser()
_parser.core.ruler.push("show_words_of_images", _show_words_of_images)


def paper(markdown: str, title: str, language: Language, *, note: str | None, style: str) -> Paper:
    """Blocking, as long as the report is long.

    :param note: what is to stand above the report.
    :param style: the text of the style sheet.
    """
    tokens = _parser.parse(markdown)
    headings = headings_of(tokens)
    for heading in headings:
        tokens[heading.place].attrs["id"] = heading.name
    listed = for_contents(headings)
    start = listed[0].place if listed else 0
    return Paper(
        title=readable(title) or "Holdfast",
        language=language,
        note=note,
        before=_cleaned(tokens[:start]),
        contents=listed,
        body=_cleaned(tokens[start:]),
        style=style,
    )


def _cleaned(tokens: list[Token]) -> str:
    rendered = _parser.renderer.render(tokens, _parser.options, {})
    return clean(rendered, url_schemes={"http", "https"})
