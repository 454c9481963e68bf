"""All events of a batch as files: JSON lines, CSV, xlsx, a page with the quotes in their texts, and the failed ids."""

import io
from collections.abc import Iterator
from html import escape
from itertools import pairwise
from typing import Any

import orjson
import xlsxwriter

from server.workflows.tables import cell, csv_of_rows

COLUMNS = (
    "user_id", "text_id", "type", "trigger", "time", "from", "to", "resolved_by", "participants", "place", "amount",
    "number", "currency", "quote", "start", "end", "confidence", "method",
)  # fmt: skip
FACT_COLUMNS = ("user_id", "text_id", "kind", "text", "value", "start", "end")
MOST_ROWS = 1_000_000
LONGEST_CELL = 32_000


def events_in(whole: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for user in whole["users"]:
        yield from user["events"]


def jsonl_of(whole: dict[str, Any]) -> bytes:
    """One event per line, as `result` has it."""
    return b"".join(orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE) for event in events_in(whole))


def csv_of(whole: dict[str, Any]) -> bytes:
    """One row per event."""
    return csv_of_rows(COLUMNS, map(_row, events_in(whole)))


def failed_of(whole: dict[str, Any]) -> bytes:
    """The id of each user that failed, one per line."""
    return "".join(f"{user['user_id']}\n" for user in whole["users"] if user["status"] == "failed").encode()


def _row(event: dict[str, Any]) -> list[Any]:
    when, amount = event["time"] or {}, event["amount"] or {}
    value = amount.get("value") or {}
    return [
        event["user_id"],
        event["text_id"],
        event["type"],
        event["trigger"],
        when.get("text"),
        when.get("from"),
        when.get("to"),
        when.get("resolved_by"),
        event["participants"],
        event["place"],
        amount.get("text"),
        value.get("number"),
        value.get("currency"),
        event["quote"],
        event["start"],
        event["end"],
        event["confidence"],
        event["method"],
    ]


def xlsx_of(whole: dict[str, Any]) -> bytes:
    """Three sheets: events, facts, and how each user fared. A sheet that is full goes on in another one."""
    written = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(written, options) as book:
        _sheet(book, "Events", COLUMNS, map(_row, events_in(whole)))
        _sheet(book, "Facts", FACT_COLUMNS, _facts(whole))
        _sheet(book, "Users", ("user_id", "status", "events", "code", "message"), map(_user, whole["users"]))
    return written.getvalue()


def _facts(whole: dict[str, Any]) -> Iterator[list[Any]]:
    for user in whole["users"]:
        for fact in user["facts"]:
            value = fact["value"] if isinstance(fact["value"], str) else orjson.dumps(fact["value"]).decode()
            yield [user["user_id"], fact["text_id"], fact["kind"], fact["text"], value, fact["start"], fact["end"]]


def _user(user: dict[str, Any]) -> list[Any]:
    error = user["error"] or {}
    return [user["user_id"], user["status"], len(user["events"]), error.get("code"), error.get("message")]


def _sheet(book: Any, name: str, head: tuple[str, ...], rows: Iterator[list[Any]]) -> None:
    bold = book.add_format({"bold": True})
    sheet, number, row = None, 0, 0
    for values in rows:
        if sheet is None or row == MOST_ROWS:
            number += 1
            sheet, row = _begun(book, name if number == 1 else f"{name} {number}", head, bold), 0
        row += 1
        for column, value in enumerate(values):
            shown = cell(value)
            if shown is not None:
                sheet.write(row, column, shown[:LONGEST_CELL] if isinstance(shown, str) else shown)
    if sheet is None:
        _begun(book, name, head, bold)


def _begun(book: Any, name: str, head: tuple[str, ...], bold: Any) -> Any:
    sheet = book.add_worksheet(name)
    sheet.write_row(0, 0, head, bold)
    sheet.freeze_panes(1, 0)
    return sheet


def page_of(whole: dict[str, Any]) -> bytes:
    """Every text that has events, with their quotes marked in it. It needs no style and no script."""
    shown = "".join(_shown(user) for user in whole["users"] if user["events"])
    title = f"Events: {sum(len(user['events']) for user in whole['users'])}"
    head = f'<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>{title}</title></head>'
    return f"{head}<body><h1>{title}</h1>\n{shown}</body></html>\n".encode("utf-8", "replace")


def _shown(user: dict[str, Any]) -> str:
    lines = [f"<h2>{escape(user['user_id'])}</h2>\n"]
    for text in user["texts"]:
        events = [event for event in user["events"] if event["text_id"] == text["id"]]
        if events:
            when = f" ({escape(text['written_at'])})" if text["written_at"] else ""
            lines.append(f"<h3>{escape(text['id'])}{when}</h3>\n<p>{marked(text['text'], events)}</p>\n")
    return "".join(lines)


def marked(text: str, events: list[dict[str, Any]]) -> str:
    """The text as HTML. Where quotes overlap, each stretch is marked once, with what all of them say."""
    edges = sorted({0, len(text), *(event["start"] for event in events), *(event["end"] for event in events)})
    lines = []
    for start, end in pairwise(edges):
        said = [_said(event) for event in events if event["start"] <= start and end <= event["end"]]
        piece = escape(text[start:end]).replace("\n", "<br>\n")
        lines.append(f'<mark title="{escape("; ".join(said))}">{piece}</mark>' if said else piece)
    return "".join(lines)


def _said(event: dict[str, Any]) -> str:
    when = event["time"] or {}
    return " ".join(filter(None, [event["type"], when.get("from") or when.get("text")]))
