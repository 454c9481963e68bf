"""The rules of the house, read from the files themselves: who may import whom, and what belongs nowhere."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

BASE = ("errors", "models", "fingerprint", "settings")
STORE = (*BASE, "stores.base")
CLIENT = ("command.client", "command.sse_parser", "command.telling", "command.terminal")

MAY_IMPORT: dict[str, tuple[str, ...]] = {
    # The first row whose name fits a module is the module's; names are those under `server`, `*` stands for anything.
    "errors": (),
    "resources": (),
    "lately": (),
    "models": ("errors",),
    "fingerprint": ("errors", "models"),
    "settings": ("errors",),
    "stores.base": BASE,
    "stores.headlines": ("models", "stores.base"),
    "stores.memory": (*STORE, "stores.headlines"),
    "stores.disk": (),
    "stores.checksum": (),
    "stores.lines": ("models",),
    "stores.packed": ("stores.disk",),
    "stores.timed_disk": ("stores.disk",),
    "stores.threads": (),
    "stores.volume": ("errors", "stores.disk"),
    "stores.*": (*STORE, "lately", "stores.*"),
    "streaming.*": (*STORE, "streaming.*"),
    "tasks.*": (*STORE, "lately", "workflows.base", "tasks.*"),
    "workflows.base": ("errors", "models"),
    "workflows.*": ("errors", "models", "workflows.*", "llm.*", "sources.*", "reports.*"),
    "llm.configured": ("errors", "models", "settings", "llm.*"),
    "llm.*": ("errors", "models", "llm.*"),
    "sources.providers.configured": ("errors", "models", "settings", "sources.*"),
    "sources.providers.post": ("errors", "models", "llm.breaker", "sources.*"),
    "sources.*": ("errors", "models", "sources.*"),
    "reports.*": ("errors", "models", "reports.*"),
    "api.services": (*STORE, "lately", "llm.base", "metrics", "workflows.base", "tasks.*", "streaming.*", "api.*"),
    "api.*": (
        *STORE,
        "lately",
        "metrics",
        "resources",
        "workflows.base",
        "tasks.*",
        "streaming.*",
        "reports.*",
        "api.*",
    ),
    "metrics": ("models",),
    "chronicle": ("models", "metrics", "stores.base", "tasks.*"),
    "app": ("*",),
    "command.sse_parser": (),
    "command.client": ("errors", "models", "command.sse_parser"),
    "command.terminal": ("models",),
    "command.telling": ("models", "settings", *CLIENT),
    "command.listening": (),
    "command.arguments": ("settings", "command.terminal"),
    "command.doctor": (*STORE, "stores.files", "sources.*", "resources", "command.*"),
    "command.asking_model": ("errors", "settings", "llm.configured", "command.telling", "command.terminal"),
    "command.looking_at_browser": ("sources.browser", "command.terminal"),
    "command.searching": ("settings", "sources.*", "command.terminal"),
    "command.logs": ("settings", "command.terminal"),
    "command.memory": (),
    "command.scratch": (),
    "command.connection": ("errors", "api.problems", "streaming.line", "streaming.response", "streaming.whole"),
    "command.serve": ("app", "errors", "settings", "command.*"),
    "cli": (*BASE, "command.*"),
    "__main__": ("cli",),
}

NAMED_ONLY_BY: dict[str, tuple[str, ...]] = {
    # Whatever the table above allows: these are wired together in one place.
    "app": ("command.serve",),
    "cli": ("__main__",),
    "stores.timed_disk": ("app",),
    "stores.files": ("app", "command.doctor"),
    "stores.threads": ("stores.files",),
    "stores.folder": ("stores.files",),
    "stores.births": ("stores.*",),
    "stores.artifacts": ("stores.*",),
    "stores.memory": ("app",),
    "stores.lines": ("stores.*",),
    "stores.disk": ("stores.*", "app"),
    "stores.volume": ("stores.*",),
    "stores.checksum": ("stores.*",),
    "stores.reader": ("stores.*",),
    "stores.packed": ("stores.*",),
    "stores.snapshots": ("stores.*",),
    "stores.heartbeats": ("stores.*",),
    "stores.probe": ("stores.*",),
    "stores.segments": ("stores.*",),
    "stores.seals": ("stores.*",),
    "sources.browser": ("app", "command.doctor", "command.looking_at_browser"),
    "sources.providers.configured": ("app", "command.*"),
    "llm.client": ("llm.configured",),
    "llm.configured": ("app", "command.asking_model"),
}

ENVIRONMENT_READERS = ("settings", "command.scratch")
"""`scratch` says there where the temporary folder is, for the processes that Playwright starts with a copy of it."""
ENVIRONMENT_NAMES = ("environ", "environb", "getenv", "getenvb")

DISK_CALLER = "stores.disk"
CALLING_MODULES = ("os", "shutil", "fcntl", "io")
HARMLESS_CALLS = ("os.strerror", "os.access", "os.W_OK", "os.X_OK")
"""`access` is for the doctor's words, about a folder that is not there yet."""

MOST_LINES = {"server/**/*.py": 450, "static/**/*.js": 200, "server/**/__init__.py": 5}

IMPORTED_AS = {"docx": "python-docx", "markdown_it": "markdown-it-py"}
"""Where a distribution's name is not that of its module."""

REGISTRIES = (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("debian", "org"), ("ubuntu", "com"))
"""In two parts each, so that this file does not hold what it looks for."""

FORBIDDEN_TEXT = {
    "a folder of somebody's machine": r"(?<![\w.~$}])/(?:root|work|home/[a-z]\w*|Users/[A-Za-z]\w*)/",
    "a package registry's host": "|".join(rf"\b{name}\.{ending}\b" for name, ending in REGISTRIES),
}


class House:
    """The modules of a source tree, by their names under the package: ``stores.base``."""

    def __init__(self, package: Path) -> None:
        self.name = package.name
        self.trees: dict[str, ast.Module] = {}
        self.packages: set[str] = set()
        for path in sorted(package.rglob("*.py")):
            parts = path.relative_to(package).with_suffix("").parts
            if parts[-1] == "__init__":
                parts = parts[:-1]
                self.packages.add(".".join(parts))
            self.trees[".".join(parts)] = ast.parse(path.read_text(encoding="utf-8"), str(path))

    def faults(self) -> list[str]:
        return [f"{module or self.name}: {fault}" for module in self.trees for fault in self._faults_of(module)]

    def _faults_of(self, module: str) -> Iterator[str]:
        row = next((row for row in MAY_IMPORT if fnmatchcase(module, row)), None)
        imported = {name for name in self.imports(module) if name in self.trees and name}
        if module in self.packages:
            if imported:
                yield f"a package imports nothing of its own accord, and this one imports {', '.join(sorted(imported))}"
            return
        if row is None:
            yield "has no row in MAY_IMPORT; say there what it may import"
            return
        mine = self._kind_of(module)
        for name in sorted(imported):
            if not fits(name, MAY_IMPORT[row]):
                yield f"may not import {name}"
            elif None not in (mine, theirs := self._kind_of(name)) and mine != theirs:
                yield f"may not import {name}; what two kinds share lies above them, in workflows"
            elif not fits(module, NAMED_ONLY_BY.get(name, ("*",))):
                yield f"may not import {name}; only {', '.join(NAMED_ONLY_BY[name])} may"
        if any(isinstance(node, ast.ImportFrom) and node.level for node in ast.walk(self.trees[module])):
            yield "imports relatively; write the whole name"
        if not fits(module, ENVIRONMENT_READERS) and reads_environment(self.trees[module]):
            yield "reads the environment; that is for settings, which others are given"
        if module.startswith("stores.") and module != DISK_CALLER and (calls := system_calls(self.trees[module])):
            yield f"calls {', '.join(calls)}; the file store reaches the operating system through stores.disk alone"

    def _kind_of(self, module: str) -> str | None:
        """The package under ``workflows`` that a module lies in."""
        parts = module.split(".")
        return parts[1] if parts[0] == "workflows" and len(parts) > 2 else None

    def imports(self, module: str) -> Iterator[str]:
        """What a module imports from its own package, wherever in it: modules, without the package's name."""
        for name in absolute_imports(self.trees[module]):
            head, _, rest = name.partition(".")
            if head != self.name:
                continue
            while rest and rest not in self.trees:  # `from server.models import Task` names the module, not the class
                rest = rest.rpartition(".")[0]
            yield rest


def fits(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def absolute_imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def reads_environment(tree: ast.Module) -> bool:
    """Whether it names ``os.environ`` or its kin; to hand the environment on to a child needs no name."""
    named = {f"os.{name}" for name in ENVIRONMENT_NAMES}
    return any(
        isinstance(node, ast.Attribute)
        and node.attr in ENVIRONMENT_NAMES
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
        for node in ast.walk(tree)
    ) or not named.isdisjoint(absolute_imports(tree))


def system_calls(tree: ast.Module) -> list[str]:
    """What it uses of the modules that call the operating system, but for constants and words."""
    used = {
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in CALLING_MODULES
    }
    return sorted(name for name in used if not name.startswith("os.O_") and name not in HARMLESS_CALLS)


def too_long(root: Path) -> list[str]:
    faults = []
    for pattern, most in MOST_LINES.items():
        for path in sorted(root.glob(pattern)):
            lines = len(path.read_text(encoding="utf-8").splitlines())
            if lines > most:
                faults.append(f"{path.relative_to(root)} has {lines} lines, more than {most}; split it")
    return faults


def project_files(root: Path) -> Iterator[Path]:
    """What is tracked or would be, by what git says; without git or its data there is nothing to ask."""
    if not (root / ".git").exists() or not shutil.which("git"):
        pytest.skip("this is no git checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        check=True,
    )
    for name in listed.stdout.decode().split("\0"):
        path = root / name
        if name and path.is_file() and not path.is_symlink():
            yield path


def forbidden_text(paths: Iterator[Path]) -> list[str]:
    faults = []
    for path in paths:
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for what, pattern in FORBIDDEN_TEXT.items():
            if match := re.search(pattern, text):
                line = text.count("\n", 0, match.start()) + 1
                faults.append(f"{path}:{line} names {what}: {match[0]}")
    return faults


def declared(requirements: list[str]) -> set[str]:
    return {re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0].lower() for requirement in requirements}


def pins(lock: Path) -> dict[str, list[str]]:
    """Of a lock file: each requirement line, with its hashes."""
    found: dict[str, list[str]] = {}
    requirement = ""
    for line in lock.read_text(encoding="utf-8").splitlines():
        if line.startswith("    --hash="):
            found[requirement].append(line.strip(" \\"))
        elif not line.startswith("    #"):
            requirement = line.rstrip(" \\")
            found[requirement] = []
    return found


def project() -> dict[str, list[str]]:
    """The declared requirements: ``runtime``, ``dev``, and ``extras``, which are in no lock."""
    written = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = [line for lines in written["project"]["optional-dependencies"].values() for line in lines]
    return {"runtime": written["project"]["dependencies"], "dev": written["dependency-groups"]["dev"], "extras": extras}


def make_tree(root: Path, sources: Mapping[str, str]) -> None:
    for name, source in sources.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")


def test_imports_go_in_one_direction_only() -> None:
    assert House(ROOT / "server").faults() == []


@pytest.mark.parametrize(
    ("sources", "fault"),
    [
        (
            {"models.py": "from server.tasks import state", "tasks/state.py": "x = 1"},
            "models: may not import tasks.state",
        ),
        (
            {
                "streaming/hub.py": "from server.stores.files import FileStore",
                "stores/files.py": "class FileStore: ...",
            },
            "streaming.hub: may not import stores.files",
        ),
        (
            {"tasks/a.py": "def late():\n    import server.api.routes", "api/routes.py": "x = 1"},
            "tasks.a: may not import api.routes",
        ),
        (
            {"workflows/x.py": "from server.sources.browser import find", "sources/browser.py": "def find(): ..."},
            "workflows.x: may not import sources.browser; only app, command.doctor, command.",
        ),
        ({"stores/memory.py": "from . import base", "stores/base.py": "x = 1"}, "stores.memory: imports relatively"),
        ({"tasks/a.py": "import os\nx = os.environ['HOME']"}, "tasks.a: reads the environment"),
        ({"tasks/a.py": "from os import getenv"}, "tasks.a: reads the environment"),
        (
            {"stores/x.py": "import os\nflags = os.O_RDONLY\ndef f(p):\n    os.unlink(p)"},
            "stores.x: calls os.unlink",
        ),
        (
            {"workflows/a/run.py": "from server.workflows.b.text import cut", "workflows/b/text.py": "def cut(): ..."},
            "workflows.a.run: may not import workflows.b.text; what two kinds share",
        ),
        ({"new.py": "x = 1"}, "new: has no row in MAY_IMPORT"),
        (
            {"tasks/__init__.py": "from server.models import x", "models.py": "x = 1"},
            "tasks: a package imports nothing",
        ),
    ],
)
def test_a_breach_of_the_import_rules_is_reported(tmp_path: Path, sources: dict[str, str], fault: str) -> None:
    package = tmp_path / "server"
    make_tree(package, {"__init__.py": "", **sources})
    faults = House(package).faults()
    assert len(faults) == 1
    assert faults[0].startswith(fault)


def test_imports_that_are_allowed_are_not_reported(tmp_path: Path) -> None:
    package = tmp_path / "server"
    make_tree(
        package,
        {
            "__init__.py": '__version__ = "1"',
            "app.py": "from server.stores.files import FileStore\nfrom server.tasks.manager import Manager",
            "models.py": "class Task: ...",
            "settings.py": "import os\nx = os.environ['HOME']",
            "stores/__init__.py": "",
            "stores/base.py": "from server.models import Task",
            "stores/files.py": "import os\nfrom server import __version__\nfrom server.stores import base, disk",
            "stores/disk.py": "import os",
            "tasks/manager.py": "from server.stores.base import Store\nfrom server.tasks.journal import Journal",
            "tasks/journal.py": "import json",
        },
    )
    assert House(package).faults() == []


def test_modules_stay_small_enough_to_be_read() -> None:
    assert too_long(ROOT) == []


def test_a_module_that_has_grown_too_long_is_reported(tmp_path: Path) -> None:
    make_tree(tmp_path, {"server/a.py": "x = 1\n" * 451, "static/b/c.js": "x\n" * 201, "server/d.py": "x = 1\n" * 450})
    assert [fault.split()[0] for fault in too_long(tmp_path)] == ["server/a.py", "static/b/c.js"]


def test_no_file_names_a_folder_of_one_machine_or_a_package_registry() -> None:
    assert forbidden_text(project_files(ROOT)) == []


def test_a_folder_of_one_machine_or_a_registry_is_reported(tmp_path: Path) -> None:
    home = "/".join(("", "home", "ann", "x"))
    registry = ".".join(("pypi", "org"))
    inside = "/".join(("a", "home", "b"))
    make_tree(
        tmp_path, {"a.md": f"one\nsee {home}", "b.txt": f"https://{registry}/simple", "c.md": f"~{home}, {inside}"}
    )
    faults = forbidden_text(iter(sorted(tmp_path.iterdir())))
    assert [fault.partition(": ")[0].removeprefix(f"{tmp_path}/") for fault in faults] == [
        "a.md:2 names a folder of somebody's machine",
        "b.txt:1 names a package registry's host",
    ]


def test_what_the_server_imports_is_declared() -> None:
    """What only comes along with something else goes when that something no longer needs it."""
    known = declared(project()["runtime"]) | set(sys.stdlib_module_names) | {"server"}
    for module, tree in House(ROOT / "server").trees.items():
        for name in absolute_imports(tree):
            top = name.partition(".")[0]
            assert {top, top.replace("_", "-"), IMPORTED_AS.get(top)} & known, f"server.{module} imports {top}"


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_the_lock_names_hashes_and_no_index(name: str) -> None:
    lock = ROOT / name
    assert all(hashes for hashes in pins(lock).values())
    assert "://" not in lock.read_text(encoding="utf-8")
    assert not [line for line in lock.read_text(encoding="utf-8").splitlines() if line.startswith(("-", "#"))]


def test_the_locks_hold_what_is_declared_and_agree() -> None:
    runtime, development = pins(ROOT / "requirements.lock"), pins(ROOT / "requirements-dev.lock")
    assert runtime.items() <= development.items(), "run scripts/lock"

    def names(lock: dict[str, list[str]]) -> set[str]:
        return {line.partition("==")[0].replace("_", "-") for line in lock}

    wanted = {kind: {name.replace("_", "-") for name in declared(lines)} for kind, lines in project().items()}
    assert wanted["runtime"] <= names(runtime), "run scripts/lock"
    assert wanted["runtime"] | wanted["dev"] <= names(development), "run scripts/lock"


def test_each_dependency_is_accounted_for() -> None:
    """docs/dependencies.md has a row for each that is declared, and for no other."""
    text = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE))
    assert rows == set().union(*(declared(lines) for lines in project().values()))
