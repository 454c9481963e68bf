"""The documentation is tested: its tables against the code, its links against the files, both languages alike."""

import importlib
import os
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from anyio import fail_after
from pydantic import BaseModel, Field
from starlette.routing import Mount, Route

import server
from server.api.routes import routes
from server.command.telling import CHINESE
from server.errors import HoldfastError
from server.metrics import Figures, Metrics
from server.models import EventType
from server.settings import Settings
from server.workflows import base
from server.workflows.browse.params import BrowseParams, PageTask
from server.workflows.browse.steps import VERBS, steps_from, to_json
from server.workflows.demo import DemoParams
from server.workflows.extract.params import ExtractParams
from server.workflows.novel.params import NovelParams
from server.workflows.rehearsal import RehearsalContext
from server.workflows.research.params import ResearchParams
from server.workflows.testcases.params import CasesParams

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
LANGUAGES = {"English": DOCS, "Chinese": DOCS / "zh"}
READMES = {"English": ROOT / "README.md", "Chinese": ROOT / "README.zh-CN.md"}

ENGLISH_ONLY = {"dependencies.md"}
"""Pages for maintainers alone, who read the code, which is in English."""

JOURNAL_ONLY = {EventType.STEP, EventType.SEAL, EventType.RELEASE}
SYNTHESISED = {"task", "reset", "stalled"}
"""Events that are made for one connection, so they are no log records."""

ROW = re.compile(r"^\|(.+)\|$", re.MULTILINE)
CODE = re.compile(r"`([^`]+)`")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
ADDRESS = re.compile(r"https?://(?:127\.0\.0\.1|localhost):8000(/[^\s?'\"<>`，。）]*)")
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
PLACEHOLDER = re.compile(r"\{[^}]*\}")

each_language = pytest.mark.parametrize("folder", LANGUAGES.values(), ids=LANGUAGES.keys())
each_readme = pytest.mark.parametrize("readme", READMES.values(), ids=READMES.keys())


def cells(text: str) -> Iterator[list[str]]:
    """The rows of all tables of a page, cell by cell."""
    for row in ROW.findall(FENCE.sub("", text)):
        yield [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", row)]


def documented(text: str) -> dict[str, list[str]]:
    """Each table row that begins with a name in backquotes: name → the other cells."""
    rows = {}
    for first, *rest in cells(text):
        if name := CODE.fullmatch(first):
            rows[name[1]] = rest
    return rows


def compare(wanted: dict[str, list[str]], found: dict[str, list[str]]) -> list[str]:
    """What is wrong with a table: a row missing, too many, or with other leading cells than those wanted."""
    faults = [f"there is no {name!r}, remove its row" for name in sorted(found.keys() - wanted.keys())]
    for name, leading in wanted.items():
        if found.get(name, [])[: len(leading)] != leading:
            faults.append(f"row wanted: | `{name}` | {' | '.join([*leading, '…'])}")
    return faults


def shown_default(value: Any) -> str:
    """A default as it would be written in the environment."""
    if value in (None, (), "", {}):
        return "—"
    if isinstance(value, tuple):
        return ", ".join(f"`{one}`" for one in value)
    if isinstance(value, bool):
        return f"`{int(value)}`"
    if isinstance(value, float) and value.is_integer():
        return f"`{int(value)}`"
    return f"`{value}`"


def settings_rows(*, described: bool) -> dict[str, list[str]]:
    return {
        name.upper(): [shown_default(field.default), *([field.description or ""] if described else [])]
        for name, field in Settings.model_fields.items()
    }


def error_classes() -> set[type[HoldfastError]]:
    """Every error of the program: all its modules are imported, so that none is overlooked."""
    for module in pkgutil.walk_packages(server.__path__, "server."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found, waiting = set(), [HoldfastError]
    while waiting:
        error = waiting.pop()
        found.add(error)
        waiting.extend(error.__subclasses__())
    return {error for error in found if error.__module__.startswith("server.")}


def error_rows() -> dict[str, list[str]]:
    return {error.code: [str(error.status)] for error in error_classes()}


def error_sentences() -> dict[str, set[str]]:
    sentences: dict[str, set[str]] = {}
    for error in error_classes():
        sentences.setdefault(error.code, set()).add(error.sentence())
    return sentences


def event_names() -> set[str]:
    return {str(event) for event in EventType if event not in JOURNAL_ONLY} | SYNTHESISED


def metric_rows() -> dict[str, list[str]]:
    """Every figure but the process's own, with its type and labels, from an exposition in which each has a value."""
    now = Figures(0, 0, 0, 0, 0, 0, 0, {}, counted_at=0)
    metrics = Metrics("node", "version", lambda: now)
    metrics.created("demo")
    metrics.answered("GET", "/", 200)
    metrics.synced("fsync", 0)
    text = metrics.exposition().decode()
    rows = {}
    for name, kind in re.findall(r"^# TYPE (holdfast_\w+) (\w+)$", text, re.MULTILINE):
        series = re.findall(rf"^{name}(?:_bucket)?\{{(.*)\}} ", text, re.MULTILINE)
        labels = dict.fromkeys(label for each in series for label in re.findall(r"(\w+)=", each) if label != "le")
        rows[name] = [kind, ", ".join(f"`{label}`" for label in labels) or "—"]
    return rows


def plain_path(path: str) -> str:
    """A route's path without the names of its placeholders, so that ``{id}`` and ``{task_id}`` are the same."""
    return PLACEHOLDER.sub("{}", path)


def served_routes() -> set[tuple[str, str]]:
    """Method and path of every route; a folder of files counts as ``/static/{path}``."""
    served = set()
    for route in routes():
        if isinstance(route, Mount):
            served.add(("GET", f"{route.path}/{{}}"))
        elif isinstance(route, Route):
            served |= {(method, plain_path(route.path)) for method in (route.methods or set()) & METHODS}
    return served


def parameter_rows(model: type[BaseModel], prefix: str = "") -> dict[str, list[str]]:
    """Every parameter of a kind with its default, nested ones dotted."""
    rows: dict[str, list[str]] = {}
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            rows |= parameter_rows(inner, f"{prefix}{name}.")
        else:
            default = None if field.is_required() else field.default
            shown = f"`{str(default).lower()}`" if isinstance(default, bool) else shown_default(default)
            rows[f"{prefix}{name}"] = [shown]
    return rows


def section(text: str, names: set[str]) -> dict[str, list[str]]:
    """The rows of the one table that has one of these names."""
    tables = [documented(table) for table in re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE)]
    return next((rows for rows in tables if rows.keys() & names), {})


def documented_routes(text: str) -> set[tuple[str, str]]:
    """From rows as ``| `GET, POST` | `/api/stream` | … |``."""
    routes = set()
    for row in cells(text):
        if len(row) < 2 or not (methods := CODE.fullmatch(row[0])) or not (path := CODE.fullmatch(row[1])):
            continue
        names = set(methods[1].split(", "))
        if names <= METHODS:
            routes |= {(name, plain_path(path[1])) for name in names}
    return routes


def broken_links(page: Path, text: str) -> list[str]:
    """Relative links of a page to files or headings that aren't there; a folder is no page that could be served."""
    broken = []
    for target in LINK.findall(FENCE.sub("", text)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        if not file.is_file() or (anchor and anchor not in anchors(file.read_text())):
            broken.append(target)
    return broken


def anchors(text: str) -> set[str]:
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in HEADING.findall(text)}


def all_pages() -> list[Path]:
    return [*READMES.values(), ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]


def unserved(text: str) -> set[str]:
    """The addresses of this server in a text that none of its routes has."""
    patterns = [re.compile(re.escape(path).replace(r"\{\}", "[^/]+")) for _, path in served_routes()]
    named = {plain_path(path) for path in ADDRESS.findall(text)}
    return {path for path in named if not any(pattern.fullmatch(path) for pattern in patterns)}


@each_language
def test_each_setting_is_documented_with_its_default(folder: Path) -> None:
    """A setting that is added, renamed or given another default shows in docs/settings.md, in both languages."""
    rows = documented((folder / "settings.md").read_text())
    assert compare(settings_rows(described=folder == DOCS), rows) == []


@each_language
def test_each_error_code_is_documented_with_its_http_status(folder: Path) -> None:
    """Whoever meets a code finds it in docs/errors.md, and no code there is made up."""
    rows = documented((folder / "errors.md").read_text())
    assert compare(error_rows(), rows) == []


def test_each_error_is_documented_with_its_own_sentence() -> None:
    """The English table says what the program says."""
    rows = documented((DOCS / "errors.md").read_text())
    wrong = {code: said for code, said in error_sentences().items() if not {rows[code][-1]} <= said}
    assert wrong == {}


def test_the_commands_say_of_each_error_what_the_chinese_page_says() -> None:
    """Whoever reads a code's sentence on a terminal finds the same one in docs/zh/errors.md."""
    rows = documented((DOCS / "zh" / "errors.md").read_text())
    assert {code: rows[code][-1] for code in error_rows()} == CHINESE


@each_language
def test_each_event_is_documented(folder: Path) -> None:
    """The event table and the event types are the same."""
    assert documented((folder / "events.md").read_text()).keys() == event_names()


@each_language
def test_each_figure_is_documented_with_its_type_and_labels(folder: Path) -> None:
    """The table of figures and what `/metrics` gives are the same."""
    wanted = metric_rows()
    assert len(wanted) > 15
    assert compare(wanted, section((folder / "operations.md").read_text(), set(wanted))) == []


@each_language
def test_each_route_is_documented(folder: Path) -> None:
    """The tables of docs/api.md and the route table are the same, method by method."""
    assert documented_routes((folder / "api.md").read_text()) == served_routes()


@each_language
def test_each_parameter_is_documented_with_its_default(folder: Path) -> None:
    """The parameter tables of each kind are the kinds' own schemas."""
    pages = (
        ("research.md", ResearchParams),
        ("testing.md", DemoParams),
        ("browser.md", BrowseParams),
        ("browser.md", PageTask),
        ("novel.md", NovelParams),
        ("extract.md", ExtractParams),
        ("testcases.md", CasesParams),
    )
    for page, params in pages:
        wanted = parameter_rows(params)
        assert compare(wanted, section((folder / page).read_text(), set(wanted))) == []


@each_language
def test_each_verb_of_a_plan_is_documented_with_an_example_that_can_be_played(folder: Path) -> None:
    """What the table of verbs shows is what the schema takes, member by member."""
    rows = section((folder / "browser.md").read_text(), {"navigate"})
    assert rows.keys() == VERBS
    for verb, (example, _) in rows.items():
        written = orjson.loads(example.strip("`"))
        (step,) = steps_from([written])
        assert step.type == verb
        assert to_json([step])[0].items() <= written.items()


@pytest.mark.parametrize("page", all_pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_each_relative_link_leads_somewhere(page: Path) -> None:
    """Files and headings that are linked to exist."""
    assert broken_links(page, page.read_text()) == []


def test_both_languages_have_the_same_pages() -> None:
    """A page that exists in English exists in Chinese under the same name, and the other way round."""
    english = {page.name for page in DOCS.glob("*.md")} - ENGLISH_ONLY
    assert {page.name for page in (DOCS / "zh").glob("*.md")} == english


def test_both_languages_have_the_same_sections_and_examples() -> None:
    """Each page has as many headings, table rows and code blocks in Chinese as in English, so neither lags behind."""
    different = {}
    for page in (DOCS / "zh").glob("*.md"):
        shapes = [shape((folder / page.name).read_text()) for folder in LANGUAGES.values()]
        if shapes[0] != shapes[1]:
            different[page.name] = shapes
    assert different == {}


def shape(text: str) -> dict[str, int]:
    prose = FENCE.sub("", text)
    return {
        "headings": len(HEADING.findall(prose)),
        "rows": len(ROW.findall(prose)),
        "code blocks": len(FENCE.findall(text)),
    }


@each_language
def test_the_index_names_every_page(folder: Path) -> None:
    """No page is hidden from somebody who starts at the index."""
    linked = set(LINK.findall((folder / "index.md").read_text()))
    assert {page.name for page in folder.glob("*.md")} - {"index.md"} <= linked


def test_each_decision_is_listed() -> None:
    """docs/architecture.md names every decision, in both languages."""
    for folder in LANGUAGES.values():
        linked = {Path(link).name for link in LINK.findall((folder / "architecture.md").read_text())}
        assert {page.name for page in (DOCS / "decisions").glob("*.md")} <= linked


@each_language
async def test_the_example_of_a_new_kind_runs(folder: Path) -> None:
    """What docs/architecture.md shows to whoever adds a kind is a working workflow."""
    (example,) = re.findall(r"```python\n(.*?)```", (folder / "architecture.md").read_text(), re.DOTALL)
    names: dict[str, Any] = {"Field": Field, **vars(base)}
    exec(example, names)  # noqa: S102 - our own page
    workflow, context = names["COUNT"], RehearsalContext()
    with fail_after(5):
        result = await workflow.run(context, workflow.params(words="one two three"))
    assert result == {"words": 3}
    assert context.report == "3 words.\n"


@each_readme
def test_the_commands_of_the_readme_can_be_run(readme: Path) -> None:
    """The scripts that the README names are there and executable."""
    commands = set(re.findall(r"^(scripts/[\w.]+)", readme.read_text(), re.MULTILINE))
    assert {"scripts/serve", "scripts/test"} <= commands
    assert [command for command in commands if not os.access(ROOT / command, os.X_OK)] == []


@pytest.mark.parametrize("page", all_pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_each_address_in_an_example_is_served(page: Path) -> None:
    """The routes that the examples call exist."""
    assert unserved(page.read_text()) == set()


@each_readme
def test_the_readme_shows_real_output(readme: Path) -> None:
    """The answer that the README shows is made of sentences that still stand in the documentation."""
    text = readme.read_text()
    quotes = re.findall(r'"text":"> (.+?) \[\d+\]', text)
    assert "<!--" not in text
    assert len(quotes) >= 3
    pages = "".join(page.read_text() for page in DOCS.rglob("*.md"))
    assert [quote for quote in quotes if quote not in pages] == []


def test_a_setting_left_out_or_with_another_default_is_reported() -> None:
    """Negative control: a doctored settings page has exactly the faults that were put in."""
    page = (DOCS / "settings.md").read_text()
    doctored = page.replace("| `PORT` | `8000` |", "| `PORT` | `8001` |").replace("| `HOST` |", "| `HOSTT` |")
    faults = compare(settings_rows(described=True), documented(doctored))
    assert len(faults) == 3
    assert "'HOSTT'" in faults[0]
    assert {"`HOST`", "`PORT`"} == {fault.split()[3] for fault in faults[1:]}


def test_an_error_or_event_left_out_is_reported() -> None:
    """Negative control: a missing row is a fault."""
    errors = (DOCS / "errors.md").read_text().replace("| `queue_full` |", "| queue_full |")
    assert compare(error_rows(), documented(errors)) == ["row wanted: | `queue_full` | 429 | …"]
    events = (DOCS / "events.md").read_text().replace("| `rollback` |", "| rollback |")
    assert event_names() - documented(events).keys() == {"rollback"}


def test_a_route_left_out_is_reported() -> None:
    """Negative control: a method that the page does not name is missed."""
    page = (DOCS / "api.md").read_text().replace("| `GET, POST` | `/api/stream` |", "| `GET` | `/api/stream` |")
    assert served_routes() - documented_routes(page) == {("POST", "/api/stream")}


def test_a_broken_link_is_reported() -> None:
    """Negative control: a page, heading or route that isn't there is a fault; addresses elsewhere and code are not."""
    assert unserved("curl http://127.0.0.1:8000/api/strem?query=x and /api/nothing") == {"/api/strem"}
    text = "[a](nowhere.md) [b](tasks.md#nothing) [c](tasks.md) [d](https://example.org/x) [e](decisions/)\n"
    text += "```\n[f](no.md)\n```\n"
    assert broken_links(DOCS / "index.md", text) == ["nowhere.md", "tasks.md#nothing", "decisions/"]
