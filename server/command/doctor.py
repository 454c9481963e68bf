"""`holdfast doctor`: what this server needs, what of it is there, and what would be right where it is not."""

import os
import platform
import re
import sys
from dataclasses import dataclass
from importlib import metadata
from itertools import islice
from pathlib import Path

import anyio
import anyio.to_thread
import httpx2

from server import __version__
from server.command.arguments import shown_setting
from server.command.asking_model import ask_model, describe_model
from server.command.listening import listen, url_of, url_within
from server.command.looking_at_browser import look_at_browser, no_browser
from server.command.searching import describe_search
from server.command.terminal import Voice, pad
from server.resources import docs_dir
from server.settings import Settings
from server.sources.browser import find_browser
from server.sources.library import MOST_FILES, Library, scan
from server.stores.files import FileStore

OK, FAILED = 0, 1
OLDEST_PYTHON = (3, 11)
PROBE_SECONDS = 3.0
SPEEDUPS = ("uvloop", "httptools")
REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)(.*)")
MOST_READ = 500
MARK_COLUMNS, NAME_COLUMNS = 7, 28

FINDING_NAMES = {
    "folder": "文件夹",
    "write, rename, fsync": "写入、改名、落盘",
    "hard links": "硬链接",
    "flock": "文件锁",
    "free space": "剩余空间",
}
FINDING_DETAILS = (
    (r"(.+) \(will be made\)", r"\1（将会建立）"),
    (r"(.+) can't be made: (.+)\. Set TASK_STORAGE_DIR\.", r"无法建立 \1：\2。请设置 TASK_STORAGE_DIR。"),
    (r"files are replaced at once", "文件可以一次替换完成"),
    (r"rename\(\) does not replace; use another volume", "rename() 不能替换文件，请换一个卷"),
    (r"(.+); this user needs to read and write (.+)", r"\1；当前用户需要能读写 \2"),
    (r"creation and claims are made by link\(\)", "用 link() 建立任务和认领"),
    (r"not supported; O_EXCL takes the place of link\(\)", "不支持，以 O_EXCL 代替 link()"),
    (r"a dead node is noticed after two heartbeats", "两次心跳之后即可发现已死的节点"),
    (r"no advisory locks: the lease time decides alone", "没有文件锁，只凭租约时间判断"),
    (r"([\d.]+) GiB free", r"剩余 \1 GiB"),
    (
        r"([\d.]+) GiB free; make room, or new tasks will be refused soon",
        r"剩余 \1 GiB；请腾出空间，否则很快会拒绝新任务",
    ),
)
"""What the store finds, as patterns, and what it is in Chinese. What has no row stays as it is."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. ``needed``: without it the server can't do its work."""

    name: str
    ok: bool
    detail: str
    needed: bool = True

    def mark(self, voice: Voice) -> str:
        if self.ok:
            return voice("ok", "正常")
        return voice("wrong", "有误") if self.needed else voice("note", "注意")


async def doctor(settings: Settings, *, ask: bool = False) -> int:
    """Print what was found; with ``ask`` the model is asked for a word, too.

    Returns the exit status: 1 if something that is needed is not as it must be.
    """
    voice = Voice(settings.speaks_chinese)
    checks = [_python(voice), *_packages(voice), *await _storage(settings, voice), await _library(settings, voice)]
    checks += await anyio.to_thread.run_sync(_browser, settings, voice)
    described = await ask_model(settings, voice) if ask else describe_model(settings, voice)
    checks.append(Check(voice("model", "模型"), *described, needed=False))
    checks.append(Check(voice("search", "检索"), *describe_search(settings, voice), needed=False))
    checks += [await _port(settings, voice), *await _servers(settings, voice)]
    heading = voice(
        "Settings in force for this command (* from the environment or the command line)",
        "本命令的设置（* 来自环境变量或命令行）",
    )
    sys.stdout.write(f"Holdfast {__version__}\n\n")
    for check in checks:
        sys.stdout.write(f"  {pad(check.mark(voice), MARK_COLUMNS)}{pad(check.name, NAME_COLUMNS)}{check.detail}\n")
    sys.stdout.write(f"\n{heading}\n\n")
    for name, value in settings.model_dump().items():
        given = "*" if name in settings.model_fields_set else " "
        sys.stdout.write(f"  {given} {name.upper():<30}{shown_setting(value)}\n")
    wrong = [check.name for check in checks if not check.ok and check.needed]
    if wrong:
        sys.stdout.write(voice(f"\nTo be put right: {', '.join(wrong)}.\n", f"\n需要改正：{'、'.join(wrong)}。\n"))
    else:
        sys.stdout.write(voice("\nAll that is needed is there.\n", "\n所需的一切都已具备。\n"))
    return FAILED if wrong else OK


def what_works(settings: Settings, voice: Voice) -> list[str]:
    """What can be done without a key and without a network, as lines for people. Takes a second."""
    found = find_browser(settings.browser_path)
    browser = found.browser.version if found.browser is not None else no_browser(found, voice)
    return [
        voice(
            "Research works without a key and without network: the embedded engine quotes from the library.",
            "无需密钥和网络即可做研究：内置引擎从资料库中逐字引用。",
        ),
        voice("Library: ", "资料库：") + _look_at_library(settings).described(voice),
        voice("Browser: ", "浏览器：") + browser,
        voice("Model: ", "模型：") + describe_model(settings, voice)[1],
    ]


def _python(voice: Voice) -> Check:
    wanted = ".".join(map(str, OLDEST_PYTHON))
    ok = sys.version_info >= OLDEST_PYTHON
    too_old = voice(f"; {wanted} or newer is needed", f"，需要 {wanted} 或更高版本")
    return Check("Python", ok, platform.python_version() + ("" if ok else too_old))


def _packages(voice: Voice) -> list[Check]:
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
    detail = ", ".join(found) or voice(
        "run from a folder, not installed; what is imported is there", "直接从文件夹运行，未安装；所导入的都已具备"
    )
    if missing:
        detail = voice("missing", "缺少") + f": {', '.join(missing)}; pip install {' '.join(missing)}"
    slow = [name for name in SPEEDUPS if not _installed(name)]
    fast = ", ".join(SPEEDUPS)
    if slow:
        names = ", ".join(slow)
        fast = voice(f"missing: {names}; the server works, but slower", f"缺少 {names}；服务器可以工作，但较慢")
    return [
        Check(voice("packages", "软件包"), not missing, detail),
        Check(voice("speed-ups", "加速组件"), not slow, fast, needed=False),
    ]


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


async def _storage(settings: Settings, voice: Voice) -> list[Check]:
    findings = await FileStore(settings.task_storage_dir).check()
    return [
        Check(
            voice(f"tasks: {finding.name}", f"任务：{FINDING_NAMES.get(finding.name, finding.name)}"),
            finding.ok,
            voice(finding.detail, _in_chinese(finding.detail)),
        )
        for finding in findings
    ]


def _in_chinese(detail: str) -> str:
    for english, chinese in FINDING_DETAILS:
        if found := re.fullmatch(english, detail):
            return found.expand(chinese)
    return detail


@dataclass(frozen=True, slots=True)
class LibraryFound:
    """What research would search now. ``named``: the operator named the folder, so it is meant to hold documents."""

    folder: Path
    exists: bool
    named: bool
    own_docs: bool
    documents: int

    @property
    def ok(self) -> bool:
        return self.documents > 0 and not (self.named and self.own_docs)

    def described(self, voice: Voice) -> str:
        if not self.own_docs:
            return voice(f"{self.documents} documents in {self.folder}", f"{self.folder} 中有 {self.documents} 篇文档")
        why = voice("holds no documents", "中没有文档") if self.exists else voice("does not exist", "不存在")
        if self.named:
            return voice(
                f"WARNING: {self.folder}, which LIBRARY_DIR names, {why}. Until it holds md, txt, html, pdf or docx "
                f"files, questions are answered from Holdfast's own documentation ({self.documents} documents).",
                f"警告：LIBRARY_DIR 指定的 {self.folder} {why}。在其中放入 md、txt、html、pdf 或 docx 文件之前，"
                f"回答取自 Holdfast 自己的文档（{self.documents} 篇）。",
            )
        return voice(
            f"Holdfast's own documentation ({self.documents} documents), as {self.folder} {why}; "
            "put md, txt, html, pdf or docx files there, or set LIBRARY_DIR",
            f"使用 Holdfast 自己的文档（{self.documents} 篇），因为 {self.folder} {why}；"
            "请把 md、txt、html、pdf 或 docx 文件放进去，或设置 LIBRARY_DIR",
        )


def _look_at_library(settings: Settings) -> LibraryFound:
    """Counts what research searches; a large folder is counted without being read."""
    library = Library(settings.library_dir, docs_dir())
    own_docs = library.root != library.folder
    documents = sum(1 for _ in islice(scan(library.root), MOST_FILES))
    if documents <= MOST_READ:
        documents = len(anyio.run(library.refresh).index.entries)
    return LibraryFound(settings.library_dir, settings.library_dir.is_dir(), _is_named(settings), own_docs, documents)


def _is_named(settings: Settings) -> bool:
    """Whether the library was chosen by somebody: `scripts/serve` names the default one of its checkout."""
    default = docs_dir().parent / Settings.model_fields["library_dir"].default
    return "library_dir" in settings.model_fields_set and settings.library_dir.absolute() != default


async def _library(settings: Settings, voice: Voice) -> Check:
    found = await anyio.to_thread.run_sync(_look_at_library, settings)
    return Check(voice("library", "资料库"), found.ok, found.described(voice), needed=False)


def _browser(settings: Settings, voice: Voice) -> list[Check]:
    found = look_at_browser(settings.browser_path, voice)
    return [Check(one.name, one.ok, one.detail, needed=False) for one in found]


async def _port(settings: Settings, voice: Voice) -> Check:
    name, address = voice("port", "端口"), url_of(settings.host, settings.port)
    try:
        sockets = await anyio.to_thread.run_sync(listen, settings.host, settings.port)
    except OSError as error:
        within = url_within(settings.host, settings.port)
        if await _node_at(within):
            return Check(
                name, True, voice(f"a Holdfast is listening at {within} already", f"{within} 已有 Holdfast 在监听")
            )
        why = error.strerror
        return Check(
            name,
            False,
            voice(
                f"{address}: {why}; stop what uses it, or set PORT",
                f"{address}：{why}；请停止占用它的程序，或设置 PORT",
            ),
        )
    for socket in sockets:
        socket.close()
    return Check(name, True, voice(f"{address} is free", f"{address} 空闲"))


async def _servers(settings: Settings, voice: Voice) -> list[Check]:
    """The servers that run where this command would look for one, and whether they keep their tasks in this folder."""
    found = []
    for address in dict.fromkeys((url_within(settings.host, settings.port), settings.holdfast_url.rstrip("/"))):
        if node := await _node_at(address):
            here = await anyio.to_thread.run_sync(_beats_in, settings.task_storage_dir, node["node"])
            running = voice(
                f"Holdfast {node['version']} runs at {address}", f"Holdfast {node['version']} 正在 {address} 运行"
            )
            if here:
                where = voice("and keeps its tasks in the folder above", "，任务就在上述文件夹中")
            else:
                where = voice(
                    "and keeps its tasks elsewhere: it was started with other settings than those below",
                    "，任务在别处：它启动时的设置与下列设置不同",
                )
            detail = voice(f"{running} {where}", running + where)
            found.append(Check(voice("running server", "运行中的服务器"), here, detail, needed=False))
    return found


def _beats_in(folder: Path, node: str) -> bool:
    """Whether the node's heartbeat is there, as docs/storage.md has it: opening a store would make what is missing."""
    try:
        return f"{node}.json" in os.listdir(folder / "nodes")
    except OSError:
        return False


async def _node_at(address: str) -> dict[str, str] | None:
    """What a Holdfast at this address says of itself; None where there is none."""
    try:
        async with httpx2.AsyncClient(timeout=PROBE_SECONDS, trust_env=False) as http:
            said = (await http.get(f"{address}/healthz")).json()
            return {"node": str(said["node"]), "version": str(said["version"])}
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, KeyError, TypeError):
        return None
