"""Tables of a report, as Word tables whose first row is repeated on each page."""

from markdown_it.token import Token

from server.reports.word.runs import Runs
from server.reports.word.xml import Element, add

MOST_COLUMNS = 63
"""Word takes no more; the rest of a row stands in its last cell."""
_ALIGNED = {"align-center": "center", "align-right": "right"}
_PERCENT = 5000
"""Word's word for the whole width: fiftieths of a percent."""


def write_table(body: Element, tokens: list[Token], runs: Runs) -> None:
    """:param tokens: from the table's opening on."""
    table = add(body, "tbl")
    properties = add(table, "tblPr")
    add(properties, "tblStyle", val="Lines")
    add(properties, "tblW", w=0, type="auto")
    columns = min(MOST_COLUMNS, sum(token.type == "th_open" for token in tokens))
    grid = add(table, "tblGrid")
    for _ in range(columns):
        add(grid, "gridCol", w=9750 // columns)
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
            add(add(cell, "tcPr"), "tcW", w=0, type="auto")
            paragraph = add(cell, "p")
            about = add(paragraph, "pPr")
            add(about, "pStyle", val="Cell")
            aligned = _ALIGNED.get(str(token.attrs.get("class", "")))
            if aligned:
                add(about, "jc", val=aligned)
        elif token.type == "inline":
            runs.write(paragraph, token.children or (), bold=tokens[place - 1].type == "th_open")
    add(add(add(body, "p"), "pPr"), "spacing", after=60)  # two tables in a row would be one
