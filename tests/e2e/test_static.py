"""What the page's files are made of; no browser is needed to see that."""

import re
from html.parser import HTMLParser
from pathlib import Path

STATIC = Path(__file__).resolve().parents[2] / "static"
MOST_BYTES = 150_000
ONLY_CHINESE = ("problem.", "reason.", "field.")
"""The server tells these in English itself."""


class Page(HTMLParser):
    """The tags of a page, as (name, attributes)."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def index() -> Page:
    return Page((STATIC / "index.html").read_text(encoding="utf-8"))


def keys(language: str) -> set[str]:
    written = "\n".join(
        path.read_text(encoding="utf-8") for path in sorted((STATIC / "js/i18n").glob(f"*{language}.js"))
    )
    return set(re.findall(r'^  "([^"]+)":', written, re.MULTILINE))


def scripts() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(STATIC.rglob("*.js")))


def loaded_with(script: Path) -> set[Path]:
    """A script and all that it imports before it runs, with its own style sheets."""
    found, waiting = set[Path](), [script.resolve()]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            text = path.read_text(encoding="utf-8")
            waiting += [(path.parent / name).resolve() for name in re.findall(r'from "(\.[^"]+)"', text)]
            waiting += [STATIC / name for name in re.findall(r'style\("/static/([^"]+)"\)', text)]
    return found


def views() -> list[Path]:
    """What the page loads when it is shown: one of them at a time."""
    loaders = [STATIC / "js/main.js", STATIC / "js/page/rooms.js"]
    return [
        (path.parent / name).resolve()
        for path in loaders
        for name in re.findall(r'import\("(\.[^"]+)"\)', path.read_text(encoding="utf-8"))
    ]


def dictionaries(scripts: set[Path]) -> set[Path]:
    """Words that these scripts need where nothing goes wrong, in Chinese, which is the longer one."""
    written = {path: path.read_text(encoding="utf-8") for path in scripts}
    always = re.search(r"wanted = new Set\(\[(.+?)\]\)", written[STATIC / "js/i18n/i18n.js"])
    assert always
    needed = [given for text in written.values() for given in re.findall(r"\[(.+?)\]\.map\(need\)", text)]
    awaited = {
        name for text in written.values() for name in re.findall(r'^await .*\bneed\("([^"]*)"\)', text, re.MULTILINE)
    }
    names = awaited | {name for given in [always[1], *needed] for name in re.findall(r'"([^"]*)"', given)}
    return {STATIC / f"js/i18n/{name}zh.js" for name in names}


def test_each_page_is_light() -> None:
    """Scripts and styles that it loads, uncompressed: those of all pages, those of its view, and one language."""
    linked = [attributes["href"] for tag, attributes in index().tags if tag == "link"]
    styles = {STATIC / str(href).removeprefix("/static/") for href in linked if str(href).endswith(".css")}
    assert len(views()) >= 5
    for view in views():
        scripts = loaded_with(STATIC / "js/main.js") | loaded_with(view) | {STATIC / "js/before-paint.js"}
        assert sum(path.stat().st_size for path in scripts | styles | dictionaries(scripts)) <= MOST_BYTES, view


def test_the_page_keeps_to_its_own_content_security_policy() -> None:
    """No inline script, style or handler; nothing of another origin."""
    for tag, attributes in index().tags:
        assert "style" not in attributes
        assert not any(name.startswith("on") for name in attributes)
        assert tag != "style"
        assert tag != "script" or (attributes.get("src") or "").startswith("/static/")
    for path in STATIC.rglob("*"):
        if path.suffix in (".html", ".css", ".js"):
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"(?:src|href|url\(|import|fetch)\W{1,3}https?://", text), path
    assert not re.search(r"\beval\(|innerHTML|insertAdjacentHTML|document\.write|setAttribute\(\"style\"", scripts())


def test_all_that_the_page_loads_is_there() -> None:
    """Style sheets, scripts and what they import."""
    for _, attributes in index().tags:
        for address in (attributes.get("src"), attributes.get("href")):
            if address and address.startswith("/static/"):
                assert (STATIC / address.removeprefix("/static/")).is_file(), address
    for path in STATIC.rglob("*.js"):
        for name in re.findall(r'(?:from |import\()"(\.[^"]+)"', path.read_text(encoding="utf-8")):
            assert (path.parent / name).is_file(), f"{path}: {name}"


def test_both_languages_say_the_same() -> None:
    """Every key that the page or a script names has words in both."""
    english, chinese = keys("en"), keys("zh")
    assert english <= chinese
    assert all(key.startswith(ONLY_CHINESE) for key in chinese - english)
    named = {value for _, given in index().tags for name, value in given.items() if name.startswith("data-t")}
    named |= set(re.findall(r'\bt\(\s*"([^"]+)"', scripts()))
    assert named - {None} <= english
