"""The log of `holdfast serve`, on stderr: a JSON object per line for machines, or text for a person at a terminal."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from server.command.terminal import printable
from server.settings import Settings

OURS = "server"
ORDER = ("at", "level", "logger", "message", "node", "task", "request")


def configure(settings: Settings, node: str) -> None:
    """Let every logger of this process, other packages' too, write to stderr as the settings say.

    What other packages tell is heard from `warning` on: at `info` some of them tell whole addresses, with what was
    asked for in them.
    """
    as_json = settings.log_format == "json" or (settings.log_format == "auto" and not sys.stderr.isatty())

    def name_node(logger: WrappedLogger, method: str, fields: EventDict) -> EventDict:
        fields["node"] = node
        return fields

    render: Processor = _json if as_json else _text
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.contextvars.merge_contextvars,
                structlog.stdlib.ExtraAdder(),
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                _add_time,
                name_node,
                structlog.processors.EventRenamer("message"),
            ],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                render,
            ],
        )
    )
    lowest = logging.getLevelNamesMapping()[settings.log_level.upper()]
    handler.addFilter(lambda record: _is_ours(record) or record.levelno >= max(lowest, logging.WARNING))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(lowest)
    logging.captureWarnings(True)


def _is_ours(record: logging.LogRecord) -> bool:
    return record.name.partition(".")[0] == OURS


def _add_time(logger: WrappedLogger, method: str, fields: EventDict) -> EventDict:
    moment = datetime.fromtimestamp(fields["_record"].created, UTC)
    fields["at"] = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return fields


def _json(logger: WrappedLogger, method: str, fields: EventDict) -> str:
    """In ASCII: what is told may hold any character, and some readers end a line at more than a newline."""
    return json.dumps(_in_order(fields), default=repr)


def _text(logger: WrappedLogger, method: str, fields: EventDict) -> str:
    """One line, then the traceback if there is one. Nothing in it is obeyed by a terminal, or begins a line."""
    fields = _in_order(fields)
    at, level, message = fields.pop("at"), fields.pop("level"), fields.pop("message")
    for name in ("logger", "node"):
        fields.pop(name, None)
    traceback = str(fields.pop("exception", ""))
    line = " ".join([at, level, _on_one_line(message), *(f"{name}={value}" for name, value in fields.items())])
    return "\n    ".join([_on_one_line(line), *map(_on_one_line, traceback.splitlines())])


def _on_one_line(text: object) -> str:
    return printable(" ".join(str(text).splitlines()))


def _in_order(fields: EventDict) -> dict[str, Any]:
    first = {name: fields[name] for name in ORDER if name in fields}
    return first | {name: value for name, value in fields.items() if name not in first}
