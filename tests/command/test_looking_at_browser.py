"""What the doctor says of the browser: one sentence for each thing, and what would be right."""

import os
from pathlib import Path

import pytest

from server.command.looking_at_browser import fonts, look_at_browser, sandbox
from server.command.terminal import Voice
from server.sources.browser import chinese_fonts, find_browser, sandbox_problem

ENGLISH, CHINESE = Voice(False), Voice(True)


def script(folder: Path, text: str) -> Path:
    path = folder / "browser"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_a_browser_that_is_missing_is_said_with_what_to_do(tmp_path: Path) -> None:
    (said,) = look_at_browser(tmp_path / "none", ENGLISH)
    assert not said.ok
    assert "can't be run" in said.detail
    assert "playwright install" in said.detail
    assert "安装方法" in look_at_browser(tmp_path / "none", CHINESE)[0].detail


def test_a_browser_that_is_there_is_told_with_its_version_sandbox_and_fonts() -> None:
    found = find_browser().browser
    if found is None:
        pytest.skip("no browser was found on this machine")
    told = look_at_browser(found.path, ENGLISH)
    assert [one.name for one in told] == ["browser", "browser: sandbox", "browser: Chinese fonts"]
    assert found.version in told[0].detail
    assert str(found.path) in told[0].detail


@pytest.mark.skipif(os.geteuid() == 0, reason="root has no sandbox")
@pytest.mark.parametrize(
    ("text", "problem"),
    [("echo '<html></html>'", None), ("echo 'No usable sandbox!' >&2; exit 1", "No usable sandbox!")],
)
def test_a_browser_is_asked_whether_it_has_its_sandbox(tmp_path: Path, text: str, problem: str | None) -> None:
    assert sandbox_problem(script(tmp_path, text)) == problem


@pytest.mark.parametrize(
    ("problem", "english", "chinese"),
    [
        (None, "inside the browser's sandbox", "沙箱中运行"),
        ("root", "another user", "root"),
        ("No usable sandbox!", "user namespaces", "用户命名空间"),
        ("libnss3.so: not found", "libnss3.so", "libnss3.so"),
    ],
)
def test_each_state_of_the_sandbox_has_its_sentence(problem: str | None, english: str, chinese: str) -> None:
    assert english in sandbox(problem, ENGLISH).detail
    assert chinese in sandbox(problem, CHINESE).detail
    assert sandbox(problem, ENGLISH).ok == (problem is None)


def test_fonts_are_named_or_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without fontconfig they are known by their files."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert chinese_fonts([tmp_path]) == []
    (tmp_path / "NotoSansCJK-Regular.ttc").touch()
    (tmp_path / "DejaVuSans.ttf").touch()
    assert chinese_fonts([tmp_path]) == ["NotoSansCJK-Regular"]
    assert fonts(["a", "b", "c", "d"], ENGLISH).detail == "a, b, c and 1 more"
    assert "fonts-noto-cjk" in fonts([], ENGLISH).detail
    assert "方框" in fonts([], CHINESE).detail
