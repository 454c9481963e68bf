"""What a terminal shows: a small one is emulated, and the bar must leave nothing behind on it."""

from io import StringIO
from unicodedata import east_asian_width

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.command.terminal import (
    FALLBACK_COLUMNS,
    Bar,
    Lines,
    Readable,
    View,
    Voice,
    bar_line,
    clip,
    columns_of,
    display,
    printable,
)

PROGRESS = {
    "step": "read",
    "percentage": 42.0,
    "message": "Reading 文档",
    "completed": 3,
    "total": 7,
    "eta_seconds": 90,
}
TEXTS = st.text(alphabet=st.sampled_from("ab \n中文e\u0301"), max_size=200)
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("text"), TEXTS),
        st.tuples(st.just("note"), st.text(alphabet="xy中", min_size=1, max_size=30)),
        st.tuples(st.just("progress"), st.integers(0, 100)),
        st.tuples(st.just("tick"), st.just("")),
    ),
    max_size=15,
)


class Terminal(StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def screen(written: str, columns: int = FALLBACK_COLUMNS) -> list[str]:
    """What stands on a terminal after this was written: lines, without white space at their ends."""
    lines: list[list[str]] = [[]]
    row = column = 0
    rest = written
    while rest:
        if rest.startswith("\x1b["):
            digits = rest[2:].partition(next(c for c in rest[2:] if c.isalpha()))[0]
            command, rest = rest[2 + len(digits)], rest[3 + len(digits) :]
            if command == "K":
                del lines[row][column:]
            elif command == "A":
                row -= int(digits)
            elif command == "G":
                column = int(digits) - 1
            else:
                raise AssertionError(f"unknown command {command!r}")
            continue
        character, rest = rest[0], rest[1:]
        if character == "\r":
            column = 0
        elif character == "\n":
            row, column = row + 1, 0
        elif character == "\u0301":
            if column:
                lines[row][column - 1] += character
        else:
            width = 2 if east_asian_width(character) in "WF" else 1
            if column + width > columns:
                row, column = row + 1, 0
            lines.extend([] for _ in range(row + 1 - len(lines)))
            lines[row].extend(" " * (column - len(lines[row])))
            lines[row][column : column + width] = [character] + [""] * (width - 1)
            column += width
        lines.extend([] for _ in range(row + 1 - len(lines)))
    return ["".join(line).rstrip() for line in lines]


@given(ACTIONS)
def test_the_bar_leaves_only_the_text_and_the_notes(actions: list[tuple[str, object]]) -> None:
    """However text, notes and progress fall together, at the end the screen is as if there had been no bar."""
    terminal, plain = Terminal(), ""
    bar = Bar(terminal, terminal, Voice())
    column = False
    for action, value in actions:
        if action == "progress":
            bar.progress({**PROGRESS, "percentage": value})
        elif action == "tick":
            bar.tick()
        elif action == "note":
            bar.note(str(value))
            plain += ("\n" if column else "") + f"{value}\n"
            column = False
        else:
            bar.text(str(value))
            plain += str(value)
            column = bool(plain) and not plain.endswith("\n")
    bar.close()
    assert [line for line in screen(terminal.getvalue()) if line] == [line for line in screen(plain) if line]


def test_the_bar_stands_under_an_unfinished_line_of_text() -> None:
    """While a sentence is being written, the bar is on the line below it."""
    terminal = Terminal()
    bar = Bar(terminal, terminal, Voice())
    bar.progress(PROGRESS)
    bar.text("Half a sen")
    above, below = screen(terminal.getvalue())
    assert above == "Half a sen"
    assert " 42%" in below
    assert "3/7" in below
    bar.text("tence.")
    assert screen(terminal.getvalue())[0] == "Half a sentence."


def test_a_redirected_text_is_written_as_it_is() -> None:
    """With the text in a file and the bar on a terminal, the file has the text byte for byte and nothing else."""
    out, terminal = StringIO(), Terminal()
    shown = display(out, terminal, Voice())
    shown.progress(PROGRESS)
    shown.text("a\tb\x1b[31m\n")
    shown.close()
    assert out.getvalue() == "a\tb\x1b[31m\n"
    assert screen(terminal.getvalue()) == [""]


def test_what_a_terminal_would_obey_is_not_written_to_it() -> None:
    """A page that is quoted can't move the cursor, set the title or answer for the user."""
    terminal = Terminal()
    bar = Bar(terminal, terminal, Voice())
    bar.text("a\x1b]0;owned\x07b\x9b31mc\rd\n")
    bar.note("e\x1b[2Jf")
    bar.close()
    assert not set(terminal.getvalue()) & set("\x1b\x07\x9b\r")
    assert printable("中\u200b文\n\té") == "中\u200b文\n\té"


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        (r"\_\_getattr\_\_() \[7\] \\ \a", r"__getattr__() [7] \ \a"),
        (r"`a\_b` and ``c\_`\_`` \_", r"`a\_b` and ``c\_`\_`` _"),
        ("```\n\\_\n\n\\_\n```\n\\_", "```\n\\_\n\n\\_\n```\n_"),
        ("a ` b \\_\n\n\\_", "a ` b \\_\n\n_"),
        (r"\`a\_b\`", "`a_b`"),
        ("at the end \\", "at the end \\"),
    ],
)
def test_markdowns_escapes_are_not_shown_on_a_terminal(markdown: str, shown: str) -> None:
    """A name with underscores reads as a name, wherever the pieces are cut; code is shown as it is."""
    for length in (1, 2, 3, len(markdown)):
        readable = Readable()
        pieces = [markdown[at : at + length] for at in range(0, len(markdown), length)]
        assert "".join(map(readable.feed, pieces)) + readable.end() == shown


@pytest.mark.parametrize("make", [Bar, Lines])
def test_only_a_terminal_is_spared_the_escapes(make: type[Bar] | type[Lines]) -> None:
    """On a terminal they are gone, the one at the very end comes with the close, and a pipe has the report's bytes."""
    for out, wanted in ((Terminal(), "__x__\\"), (StringIO(), "\\_\\_x\\_\\_\\")):
        shown = make(out, out if make is Bar and out.isatty() else StringIO(), Voice())
        for piece in ("\\_\\", "_x\\_\\_\\"):
            shown.text(piece)
        shown.close()
        assert out.getvalue().strip() == wanted


def test_in_a_pipe_there_is_a_line_for_each_change_of_step() -> None:
    """Logs stay short: progress within a step is not told."""
    out, err = StringIO(), StringIO()
    shown = display(out, err, Voice())
    assert isinstance(shown, Lines)
    for step, percentage in (("plan", 0), ("plan", 5), ("read", 10), ("read", 50), ("write", 60)):
        shown.progress({"step": step, "percentage": percentage, "message": f"now {step}"})
    assert err.getvalue() == "  0%  now plan\n 10%  now read\n 60%  now write\n"


@pytest.mark.parametrize("columns", [1, 5, 10, 20, 49, 50, 79, 200])
def test_the_bar_fits_every_width(columns: int) -> None:
    """No line of the bar is wider than the terminal, with wide characters in the message."""
    view = View(Voice())
    view.hear({**PROGRESS, "message": "正在阅读文档" * 20})
    assert columns_of(bar_line(view, columns)) <= columns


@given(st.text(max_size=40), st.integers(0, 30))
def test_clipped_text_fits(text: str, columns: int) -> None:
    """Whatever is cut fits; whatever fits is not cut."""
    clipped = clip(text, columns)
    assert columns_of(clipped) <= columns
    if columns_of(text) <= columns:
        assert clipped == text


def test_the_time_left_counts_down_from_when_it_was_said() -> None:
    """An ETA that the server gave long ago is not shown as it was then."""
    view = View(Voice(), {"eta_seconds": 90})
    view.hear({"eta_seconds": 90})
    assert view.left() == "1 min 30 s left"
    view.heard_at -= 60
    assert view.left() == "30 s left"
    view.heard_at -= 60
    assert view.left() == "nearly done"
    assert View(Voice(), {"eta_seconds": None}).left() == ""


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [
        (0, "0 s", "0 秒"),
        (59.6, "1 min", "1 分钟"),
        (75, "1 min 15 s", "1 分 15 秒"),
        (725, "12 min", "12 分钟"),
        (7260, "2 h 1 min", "2 小时 1 分"),
    ],
)
def test_durations_read_well(seconds: float, english: str, chinese: str) -> None:
    """As exact as is useful, in both languages."""
    assert Voice().duration(seconds) == english
    assert Voice(chinese=True).duration(seconds) == chinese
