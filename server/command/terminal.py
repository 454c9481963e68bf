"""What people see of a task: the text on stdout, its progress on stderr, as a bar or as plain lines."""

import os
import string
import time
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TextIO

FALLBACK_COLUMNS = 80
BAR_CELLS = 20
SMALLEST_BAR_COLUMNS = 50
MINUTE, HOUR = 60, 3600
ERASE_LINE = "\r\x1b[K"
FENCE_TICKS = 3


@dataclass(frozen=True, slots=True)
class Voice:
    """English, or Chinese: both sentences stand side by side, so that neither can be forgotten."""

    chinese: bool = False

    def __call__(self, english: str, chinese: str) -> str:
        return chinese if self.chinese else english

    def duration(self, seconds: float) -> str:
        """``75`` → ``1 min 15 s``; from ten minutes on without seconds."""
        whole = max(0, round(seconds))
        if whole < MINUTE:
            return self(f"{whole} s", f"{whole} 秒")
        if whole < HOUR:
            minutes, rest = divmod(whole, MINUTE)
            if minutes >= 10 or rest == 0:
                return self(f"{minutes} min", f"{minutes} 分钟")
            return self(f"{minutes} min {rest} s", f"{minutes} 分 {rest} 秒")
        hours, rest = divmod(whole, HOUR)
        return self(f"{hours} h {rest // MINUTE} min", f"{hours} 小时 {rest // MINUTE} 分")


def columns_of(text: str) -> int:
    """How many columns a terminal gives this text: two for a wide character, none for a combining one."""
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def clip(text: str, columns: int) -> str:
    """At most so many columns of the text; an ellipsis stands for what does not fit."""
    if columns_of(text) <= columns:
        return text
    kept, used = [], 0
    for character in text:
        used += _columns(character)
        if used > columns - 1:
            break
        kept.append(character)
    return "".join(kept) + "…" if columns > 0 else ""


def pad(text: str, columns: int) -> str:
    return text + " " * (columns - columns_of(text))


def printable(text: str) -> str:
    """The text without what a terminal would obey: reports quote strangers, whose escapes must not be carried out."""
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) != "Cc")


class Readable:
    """A report as it comes, for a terminal: without Markdown's backslash escapes outside code, and `printable`.

    The pieces may be cut anywhere; a backslash at the end of one waits for the next.
    """

    def __init__(self) -> None:
        self._backslash = False
        self._ticks = 0
        self._code = 0
        self._empty_line = False

    def feed(self, text: str) -> str:
        shown = []
        for character in printable(text):
            if self._backslash:
                self._backslash = False
                if character in string.punctuation:
                    shown.append(character)
                    continue
                shown.append("\\")
            if character == "`":
                self._ticks += 1
            else:
                self._look_at(character)
                if character == "\\" and not self._code:
                    self._backslash = True
                    continue
            shown.append(character)
        return "".join(shown)

    def end(self) -> str:
        """What was still waiting."""
        waiting, self._backslash = self._backslash, False
        return "\\" if waiting else ""

    def _look_at(self, character: str) -> None:
        """Know whether this is code: it ends at as many backticks as it began with, a span at an empty line as well."""
        if self._ticks:
            fenced = self._code >= FENCE_TICKS
            if not self._code:
                self._code = self._ticks
            elif self._ticks == self._code or (fenced and self._ticks > self._code):
                self._code = 0
            self._ticks = 0
        if character == "\n":
            if self._empty_line and self._code < FENCE_TICKS:
                self._code = 0
            self._empty_line = True
        elif not character.isspace():
            self._empty_line = False


@dataclass(slots=True)
class View:
    """The last that was heard of a task's progress."""

    voice: Voice
    data: Mapping[str, Any] = field(default_factory=dict)
    heard_at: float = 0.0

    def hear(self, data: Mapping[str, Any]) -> None:
        self.data, self.heard_at = data, time.monotonic()

    @property
    def step(self) -> str:
        return str(self.data.get("step") or "")

    @property
    def percentage(self) -> float:
        return min(100.0, max(0.0, float(self.data.get("percentage") or 0)))

    def message(self) -> str:
        return " ".join(printable(str(self.data.get("message") or self.step)).split())

    def counts(self) -> str:
        total, failed = int(self.data.get("total") or 0), int(self.data.get("failed") or 0)
        ended = int(self.data.get("completed") or 0) + failed + int(self.data.get("skipped") or 0)
        shown = f"{ended}/{total}" if total else ""
        if failed:
            shown += (
                self.voice(f", {failed} failed", f"，失败 {failed}")
                if shown
                else self.voice(f"{failed} failed", f"失败 {failed}")
            )
        return shown

    def left(self) -> str:
        """The time left, counted down from when the server said it; empty where it can't be known."""
        eta = self.data.get("eta_seconds")
        if eta is None:
            return ""
        seconds = float(eta) - (time.monotonic() - self.heard_at)
        if seconds < 1:
            return self.voice("nearly done", "即将完成")
        return self.voice(f"{self.voice.duration(seconds)} left", f"约剩 {self.voice.duration(seconds)}")


def bar_line(view: View, columns: int, full: str = "█", empty: str = "░") -> str:
    """``████████░░░░░░░░░░░░  42%  3/7  Reading the library  2 min left`` in at most so many columns."""
    parts = [f"{view.percentage:3.0f}%"]
    if columns >= SMALLEST_BAR_COLUMNS:
        cells = int(view.percentage / 100 * BAR_CELLS)
        parts.insert(0, full * cells + empty * (BAR_CELLS - cells))
    tail = [part for part in (view.counts(), view.left()) if part]
    room = columns - columns_of("  ".join([*parts, *tail])) - 2
    if room > 0 and (message := clip(view.message(), room)):
        parts.append(message)
    return clip("  ".join([*parts, *tail]), columns)


class Display(Protocol):
    """Shows one task. ``text`` goes to stdout as it is; all else is for people and goes to stderr."""

    def text(self, text: str) -> None: ...
    def progress(self, data: Mapping[str, Any]) -> None: ...
    def note(self, line: str) -> None: ...
    def tick(self) -> None: ...
    def close(self) -> None: ...


class Lines:
    """For pipes and files: a line on stderr at each change of step."""

    def __init__(self, out: TextIO, err: TextIO, voice: Voice) -> None:
        self._out, self._err = out, err
        self._view = View(voice)
        self._step: str | None = None
        self._readable = Readable() if out.isatty() else None

    def text(self, text: str) -> None:
        self._out.write(self._readable.feed(text) if self._readable else text)
        self._out.flush()

    def progress(self, data: Mapping[str, Any]) -> None:
        self._view.hear(data)
        if self._view.step == self._step:
            return
        self._step = self._view.step
        parts = (f"{self._view.percentage:3.0f}%", self._view.message(), self._view.counts(), self._view.left())
        self.note("  ".join(part for part in parts if part))

    def note(self, line: str) -> None:
        self._err.write(f"{printable(line)}\n")
        self._err.flush()

    def tick(self) -> None:
        """Nothing moves by itself here."""

    def close(self) -> None:
        if self._readable:
            self._out.write(self._readable.end())


class Bar:
    """For terminals: one line under the text that moves as the task does, and is gone at the end.

    Where the text goes to the same terminal, the bar stands below the line being written: its column is known,
    so the cursor can come back to it. Each change is one write, so nothing flickers.
    """

    def __init__(self, out: TextIO, err: TextIO, voice: Voice) -> None:
        self._out, self._err = out, err
        self._view: View | None = None
        self._voice = voice
        self._column = 0
        self._shown = ""
        self._below = False
        self._shared = out.isatty()
        self._readable = Readable()
        blocks = (err.encoding or "").lower().replace("-", "") == "utf8"
        self._cells = ("█", "░") if blocks else ("#", "-")

    def text(self, text: str) -> None:
        if not self._shared:
            self._out.write(text)
            self._out.flush()
            return
        self._show(self._readable.feed(text))

    def _show(self, text: str) -> None:
        text = text.expandtabs(4)
        erasure = self._erasure()
        self._follow_column(text)
        self._put(erasure + text + self._drawing())

    def progress(self, data: Mapping[str, Any]) -> None:
        if self._view is None:
            self._view = View(self._voice)
        self._view.hear(data)
        self._put(self._drawing())

    def note(self, line: str) -> None:
        before = self._erasure() + ("\n" if self._column else "")
        self._column = 0
        self._put(f"{before}{printable(line)}\n{self._drawing()}")

    def tick(self) -> None:
        self._put(self._drawing())

    def close(self) -> None:
        """Leave the cursor at the start of a line, with nothing of the bar left."""
        if waiting := self._readable.end():
            self._show(waiting)
        self._put(self._erasure() + ("\n" if self._column else ""))
        self._view, self._column = None, 0

    def _drawing(self) -> str:
        """What brings the bar up to date, from the cursor's place at the text's end or in the bar's line."""
        columns = columns_across(self._err)
        if self._view is None or self._column >= columns:
            return ""
        line = bar_line(self._view, columns - 1, *self._cells)
        if line == self._shown:
            return ""
        if self._shown:
            before = ERASE_LINE
        else:
            self._below = self._column > 0
            before = "\n" if self._below else ""
        self._shown = line
        return before + line

    def _erasure(self) -> str:
        """What takes the bar away and brings the cursor back to the end of the text."""
        if not self._shown:
            return ""
        self._shown = ""
        return f"{ERASE_LINE}\x1b[1A\x1b[{self._column + 1}G" if self._below else ERASE_LINE

    def _follow_column(self, text: str) -> None:
        columns = columns_across(self._err)
        _, broken, last = text.rpartition("\n")
        if broken:
            self._column = 0
        for character in last:
            width = _columns(character)
            self._column = width if self._column + width > columns else self._column + width

    def _put(self, text: str) -> None:
        if text:
            self._err.write(text)
            self._err.flush()


def columns_across(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or FALLBACK_COLUMNS
    except (OSError, ValueError):
        return FALLBACK_COLUMNS


def display(out: TextIO, err: TextIO, voice: Voice) -> Display:
    """The bar where ``err`` is a terminal, else plain lines."""
    if not err.isatty():
        return Lines(out, err, voice)
    return Bar(out, out if out.isatty() else err, voice)


def task_line(task: Mapping[str, Any], out: TextIO) -> str:
    """A task as a line of a list, cut to the width of a terminal; whole in a pipe."""
    percentage = View(Voice(), task.get("progress") or {}).percentage
    created = str(task.get("created_at") or "")[:16].replace("T", " ")
    head = f"{task['id']}  {task['kind']:<10}{task['status']:<10}{percentage:3.0f}%  {created}  "
    line = head + " ".join(printable(str(task.get("title") or "")).split())
    return clip(line, columns_across(out)) if out.isatty() else line
