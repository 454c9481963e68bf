"""`holdfast doctor`: what this server needs, what of it is there, and what would be right where it is not."""

import platform
import re
import sys
from dataclasses import dataclass
from importlib import metadata

import anyio.to_thread
import httpx2

from server import __version__
from server.command.listening import listen, url_of
from server.command.terminal import Voice
from server.resources import docs_dir
from server.settings import Settings
from server.sources.browser import BrowserSearch, find_browser
from server.sources.library import Library, scan
from server.stores.files import FileStore

OK, FAILED = 0, 1
OLDEST_PYTHON = (3, 11)
PROBE_SECONDS = 3.0
INSTALL_BROWSER = "python -m playwright install --with-deps chromium"
SPEEDUPS = ("uvloop", "httptools")
REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)(.*)")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. ``needed``: without it the server can't do its work."""

    name: str
    ok: bool
    detail: str
    needed: bool = True

    @property
    def mark(self) -> str:
        if self.ok:
            return "ok"
        return "wrong" if self.needed else "note"


async def doctor(settings: Settings) -> int:
    """Print what was found. Returns the exit status: 1 if something that is needed is not as it must be."""
    checks = [_python(), *_packages(), *await _storage(settings), await _library(settings)]
    checks += [await anyio.to_thread.run_sync(_browser, settings), _model(), await _port(settings)]
    sys.stdout.write(f"Holdfast {__version__}\n\n")
    sys.stdout.writelines(f"  {check.mark:<7}{check.name:<28}{check.detail}\n" for check in checks)
    sys.stdout.write("\nSettings in force (* from the environment or the command line)\n\n")
    for name, value in settings.model_dump().items():
        given = "*" if name in settings.model_fields_set else " "
        sys.stdout.write(f"  {given} {name.upper():<30}{_shown(value)}\n")
    wrong = [check.name for check in checks if not check.ok and check.needed]
    sys.stdout.write(f"\nTo be put right: {', '.join(wrong)}.\n" if wrong else "\nAll that is needed is there.\n")
    return FAILED if wrong else OK


def what_works(settings: Settings, voice: Voice) -> list[str]:
    """What can be done without a key and without a network, as lines for people. Takes a second."""
    library, documents = _documents(settings)
    lines = [
        voice(
            "Research works without a key and without network: the embedded engine quotes from the library.",
            "无需密钥和网络即可做研究：内置引擎从资料库中逐字引用。",
        )
    ]
    if library.root == library.folder:
        lines.append(
            voice(
                f"Library: {documents} documents in {library.folder}",
                f"资料库：{library.folder} 中有 {documents} 份文档",
            )
        )
    else:
        lines.append(
            voice(
                f"Library: Holdfast's own documentation ({documents} documents), as {library.folder} is empty",
                f"资料库：{library.folder} 为空，使用 Holdfast 自带文档（{documents} 份）",
            )
        )
    found = find_browser(settings.browser_path)
    if found.browser is not None:
        lines.append(voice(f"Browser: {found.browser.version}", f"浏览器：{found.browser.version}"))
    else:
        lines.append(
            voice(
                f"Browser: {_no_browser(found)}",
                f"浏览器：未找到可用的浏览器，网页将不经浏览器读取。安装方法：{INSTALL_BROWSER}",
            )
        )
    lines.append(
        voice(
            "Model: none in use; this version works with the embedded engine only", "模型：未使用；本版本只有内置引擎"
        )
    )
    return lines


def _python() -> Check:
    wanted = ".".join(map(str, OLDEST_PYTHON))
    ok = sys.version_info >= OLDEST_PYTHON
    return Check("Python", ok, platform.python_version() + ("" if ok else f"; {wanted} or newer is needed"))


def _packages() -> list[Check]:
    try:
        required = metadata.requires("holdfast") or []
    except metadata.PackageNotFoundError:
        required = []
    found, missing = [], []
    for requirement in required:
        match = REQUIREMENT.match(requirement)
        name = match[1] if match else requirement
        if "extra ==" in requirement or name in SPEEDUPS:
            continue
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    detail = ", ".join(found) or "run from a folder, not installed; what is imported is there"
    if missing:
        detail = f"missing: {', '.join(missing)}; pip install {' '.join(missing)}"
    slow = [name for name in SPEEDUPS if not _installed(name)]
    fast = f"missing: {', '.join(slow)}; the server works, but slower" if slow else ", ".join(SPEEDUPS)
    return [Check("packages", not missing, detail), Check("speed-ups", not slow, fast, needed=False)]


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


async def _storage(settings: Settings) -> list[Check]:
    findings = await FileStore(settings.task_storage_dir).check()
    return [Check(f"tasks: {finding.name}", finding.ok, finding.detail) for finding in findings]


def _documents(settings: Settings) -> tuple[Library, int]:
    library = Library(settings.library_dir, docs_dir())
    return library, sum(1 for _ in scan(library.root))


async def _library(settings: Settings) -> Check:
    library, documents = await anyio.to_thread.run_sync(_documents, settings)
    if library.root != library.folder:
        return Check(
            "library",
            documents > 0,
            f"{library.folder} holds no documents, so Holdfast's own documentation ({documents}) is used; "
            "put md, txt, html, pdf or docx files there, or set LIBRARY_DIR",
            needed=False,
        )
    return Check("library", documents > 0, f"{documents} documents in {library.folder}", needed=False)


def _browser(settings: Settings) -> Check:
    found = find_browser(settings.browser_path)
    if found.browser is None:
        return Check("browser", False, _no_browser(found), needed=False)
    return Check("browser", True, f"{found.browser.version} ({found.browser.path})", needed=False)


def _no_browser(found: BrowserSearch) -> str:
    why = " ".join(found.problems) or "none found."
    return f"{why} Pages are read without one. To have one: {INSTALL_BROWSER}"


def _model() -> Check:
    return Check("model", True, "none in use; this version works with the embedded engine only", needed=False)


async def _port(settings: Settings) -> Check:
    name, address = "port", url_of(settings.host, settings.port)
    try:
        sockets = await anyio.to_thread.run_sync(listen, settings.host, settings.port)
    except OSError as error:
        if await _holdfast_answers(address):
            return Check(name, True, f"a Holdfast is listening at {address} already")
        return Check(name, False, f"{address}: {error.strerror}; stop what uses it, or set PORT")
    for socket in sockets:
        socket.close()
    return Check(name, True, f"{address} is free")


async def _holdfast_answers(address: str) -> bool:
    try:
        async with httpx2.AsyncClient(timeout=PROBE_SECONDS, trust_env=False) as http:
            response = await http.get(f"{address}/api/kinds")
            return response.is_success and "kinds" in response.json()
    except (httpx2.HTTPError, ValueError):
        return False


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return "default" if value is None else str(value)
