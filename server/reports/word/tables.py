"""Tables of a report, as Word tables whose first row is repeated on each page."""

from markdown_it.token import Token

from server.reports.headings import plain_text
from server.reports.parsing import width_of
from server.reports.word.runs import Runs
from server.reports.word.xml import Element, add

MOST_COLUMNS = 63
"""Word takes no more; the rest of a row stands in its last cell."""
_ALIGNED = {"align-center": "center", "align-right": "right"}
WIDTH = 9750
"""Of the text on a page, in twentieths of a point."""
PER_LETTER = 110
"""Of a Latin letter; a Chinese one takes two."""
LEAST_LETTERS, MOST_LETTERS = 6, 60


def write_table(body: Element, tokens: list[Token], runs: Runs) -> None:
    """:param tokens: from the table's opening on."""
    table = add(body, "tbl")
    properties = add(table, "tblPr")
    add(properties, "tblStyle", val="Lines")
    widths = _widths(tokens, min(MOST_COLUMNS, sum(token.type == "th_open" for token in tokens)))
    add(properties, "tblW", w=sum(widths), type="dxa")
    grid = add(table, "tblGrid")
    for width in widths:
        add(grid, "gridCol", w=width)
    row, cells, paragraph = table, 0, table
    for place, token in enumerate(tokens):
        if token.type == "tr_open":
            row, cells = add(table, "tr"), 0
            about = add(row, "trPr")
            add(about, "cantSplit")
            if tokens[place - 1].type == "thead_open":
                add(about, "tblHeader")
        elif token.type in ("th_open", "td_open"):
            cells += 1
            if cells > MOST_COLUMNS:
                runs.run(paragraph, " | ")
                continue
            cell = add(row, "tc")
            add(add(cell, "tcPr"), "tcW", w=widths[cells - 1], type="dxa")
            paragraph = add(cell, "p")
            about = add(paragraph, "pPr")
            add(about, "pStyle", val="Cell")
            aligned = _ALIGNED.get(str(token.attrs.get("class", "")))
            if aligned:
                add(about, "jc", val=aligned)
        elif token.type == "inline":
            runs.write(paragraph, token.children or (), bold=tokens[place - 1].type == "th_open")
    add(add(add(body, "p"), "pPr"), "spacing", after=60)  # two tables in a row would be one


def _widths(tokens: list[Token], columns: int) -> list[int]:
    """Each column as wide as its longest cell, within bounds, and all together no wider than the page."""
    longest = [LEAST_LETTERS] * columns
    cell = -1
    for token in tokens:
        if token.type == "tr_open":
            cell = -1
        elif token.type in ("th_open", "td_open"):
            cell = min(cell + 1, columns - 1)
        elif token.type == "inline":
            longest[cell] = max(longest[cell], min(MOST_LETTERS, width_of(plain_text(token)) + 2))
    wanted = [letters * PER_LETTER for letters in longest]
    scale = min(1.0, WIDTH / sum(wanted))
    return [int(one * scale) for one in wanted]
