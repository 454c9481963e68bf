"""What `holdfast doctor` says of the browser: whether there is one, its sandbox, and fonts for Chinese."""

from dataclasses import dataclass
from pathlib import Path

from server.command.terminal import Voice
from server.sources.browser import BrowserSearch, chinese_fonts, find_browser, sandbox_problem

INSTALL_BROWSER = "python -m playwright install --with-deps chromium"
INSTALL_FONTS = "apt-get install fonts-noto-cjk"
MOST_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """Name, whether it is as it should be, and a sentence."""

    name: str
    ok: bool
    detail: str


def look_at_browser(path: Path | None, voice: Voice) -> list[Finding]:
    """Takes up to some seconds, since the browser is started.

    :param path: where the operator says that it is, if anywhere.
    """
    found = find_browser(path)
    name = voice("browser", "浏览器")
    if found.browser is None:
        return [Finding(name, False, no_browser(found, voice))]
    there = Finding(name, True, f"{found.browser.version} ({found.browser.path})")
    return [there, sandbox(sandbox_problem(found.browser.path), voice), fonts(chinese_fonts(), voice)]


def no_browser(found: BrowserSearch, voice: Voice) -> str:
    why = " ".join(found.problems)
    return voice(
        f"{why or 'none found.'} Pages are read without one, and batches of pages fail. To have one: {INSTALL_BROWSER}",
        f"{why or '未找到。'}网页将不经浏览器读取，网页批处理会失败。安装方法：{INSTALL_BROWSER}",
    )


def sandbox(problem: str | None, voice: Voice) -> Finding:
    """``problem``: as `sandbox_problem` has it."""
    name = voice("browser: sandbox", "浏览器：沙箱")
    if problem is None:
        return Finding(name, True, voice("pages run inside the browser's sandbox", "网页在浏览器的沙箱中运行"))
    if problem == "root":
        said = voice(
            "none, as this user is root; run the server as another user", "没有，因为当前用户是 root；请换一个用户运行"
        )
    elif "sandbox" in problem:
        said = voice(
            "this system does not let the browser have it, so pages run without; allow user namespaces for this user",
            "本系统不允许浏览器使用沙箱，网页将不在沙箱中运行；请允许该用户使用用户命名空间",
        )
    else:
        said = voice(f"not known, as the browser does not start: {problem}", f"未知，因为浏览器无法启动：{problem}")
    return Finding(name, False, said)


def fonts(names: list[str], voice: Voice) -> Finding:
    """``names``: of fonts with Chinese characters."""
    name = voice("browser: Chinese fonts", "浏览器：中文字体")
    if names:
        more = "" if len(names) <= MOST_SHOWN else voice(f" and {len(names) - MOST_SHOWN} more", f" 等 {len(names)} 种")
        return Finding(name, True, ", ".join(names[:MOST_SHOWN]) + more)
    return Finding(
        name,
        False,
        voice(
            f"none, so pictures and prints of Chinese pages show boxes. To have them: {INSTALL_FONTS}",
            f"没有，中文网页的截图和 PDF 会显示为方框。安装方法：{INSTALL_FONTS}",
        ),
    )
