"""The local library: a folder of documents, read as it changes, searched in memory."""

import hashlib
import os
import stat
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import anyio.to_thread

from server.sources.extract import extract, media_type_of
from server.sources.failures import SourceFailed, Unreadable
from server.sources.ranking import Entry, Hit, Index
from server.sources.text import clean

MOST_FILE_BYTES = 20 * 1024 * 1024
MOST_FILES = 20_000
READERS = 1
"""Files read at once: reading is work for one processor, and more would only slow the event loop down."""

Report = Callable[[int, int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class File:
    """A file as the folder shows it. ``name`` is relative to the library, with slashes."""

    name: str
    path: Path
    size: int
    changed_ns: int
    outside: bool = False
    """It is a link that leads out of the library, and is not read."""


@dataclass(frozen=True, slots=True)
class Read:
    """What came out of a file: an entry, or the reason why none did."""

    sha256: str | None
    entry: Entry | None
    code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    name: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The library as it was at one moment. ``digest`` changes when any document does."""

    name: str
    index: Index
    sha256: dict[str, str]
    failures: tuple[Failure, ...]
    digest: str
    files: int

    @property
    def duplicates(self) -> int:
        """How many files were left out because another one holds the same text."""
        return self.files - len(self.failures) - len(self.index.entries)

    def search(self, question: str, *, cues: tuple[str, ...] = (), limit: int = 5) -> list[Hit]:
        return self.index.search(question, cues=cues, limit=limit)


@dataclass
class Library:
    """A folder and, where it is missing or empty, another one in its place.

    ``name`` stands in the fingerprint of each research task: ``holdfast-docs`` while the folder in place is used.
    """

    folder: Path
    fallback: Path | None = None
    fallback_name: str = "holdfast-docs"
    _reads: dict[tuple[Path, int, int], Read] = field(default_factory=dict, init=False)
    _catalogue: Catalogue | None = field(default=None, init=False)
    _lock: anyio.Lock = field(default_factory=anyio.Lock, init=False)
    _readers: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(READERS), init=False)

    @property
    def root(self) -> Path:
        """The folder that is used now."""
        if self.fallback is not None and next(scan(self.folder), None) is None:
            return self.fallback
        return self.folder

    @property
    def missing(self) -> bool:
        """Whether there is no such folder, which may be a slip in ``LIBRARY_DIR``; an empty one is not missing."""
        return not self.folder.is_dir()

    @property
    def name(self) -> str:
        return self.fallback_name if self.root == self.fallback else str(self.folder)

    async def current(self) -> Catalogue:
        """The catalogue as it was last read; read now if it never was."""
        return self._catalogue or await self.refresh()

    async def refresh(self, report: Report | None = None) -> Catalogue:
        """Look at the folder and read what is new. Several callers at once cause one reading.

        :param report: is told how many of how many changed files have been read.
        """
        async with self._lock:
            files = await anyio.to_thread.run_sync(self._files, limiter=self._readers)
            await self._read_new([file for file in files if _key(file) not in self._reads], report)
            kept = {_key(file): self._reads[_key(file)] for file in files}
            changed = (
                self._catalogue is None or kept.keys() != self._reads.keys() or self._catalogue.files != len(files)
            )
            self._reads = kept
            digest = _digest(files, kept)
            if self._catalogue is None or changed or digest != self._catalogue.digest:
                self._catalogue = await anyio.to_thread.run_sync(
                    self._catalogued, files, kept, digest, limiter=self._readers
                )
            return self._catalogue

    def _files(self) -> list[File]:
        found = sorted(scan(self.root), key=lambda file: file.name)
        return found[:MOST_FILES]

    def _catalogued(self, files: list[File], reads: dict[tuple[Path, int, int], Read], digest: str) -> Catalogue:
        return _catalogue(self.name, files, reads, digest)

    async def _read_new(self, files: list[File], report: Report | None) -> None:
        done = 0

        async def read(file: File) -> None:
            nonlocal done
            self._reads[_key(file)] = await anyio.to_thread.run_sync(read_file, file, limiter=self._readers)
            done += 1
            if report is not None and (done % 10 == 0 or done == len(files)):
                await report(done, len(files))

        for start in range(0, len(files), 50):
            async with anyio.create_task_group() as group:
                for file in files[start : start + 50]:
                    group.start_soon(read, file)


def _key(file: File) -> tuple[Path, int, int]:
    return file.path, -1 if file.outside else file.size, file.changed_ns


def scan(folder: Path) -> Iterator[File]:
    """Every readable kind of file under a folder. Links are followed inside it; each folder is entered once.

    A link that leads out of the folder is given, marked as such: what lies outside was not put there to be quoted.
    """
    inner = folder.resolve()
    seen: set[tuple[int, int]] = set()
    waiting = [folder]
    while waiting:
        inside = waiting.pop()
        try:
            status = inside.stat()
            if not stat.S_ISDIR(status.st_mode) or (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            entries = sorted(inside.iterdir(), reverse=True)
        except OSError:
            continue
        for path in entries:
            if path.name.startswith("."):
                continue
            try:
                status = path.stat()
                outside = path.is_symlink() and not path.resolve().is_relative_to(inner)
            except (OSError, RuntimeError):
                continue
            name = clean(os.fsdecode(os.fsencode(path.relative_to(folder).as_posix())))
            if outside and (stat.S_ISDIR(status.st_mode) or media_type_of(path.name)):
                yield File(name, path, 0, status.st_mtime_ns, outside=True)
            elif stat.S_ISDIR(status.st_mode):
                waiting.append(path)
            elif stat.S_ISREG(status.st_mode) and media_type_of(path.name):
                yield File(name, path, status.st_size, status.st_mtime_ns)


def read_file(file: File) -> Read:
    """Read and cut up one file; whatever is wrong with it becomes its reason."""
    sha256: str | None = None
    try:
        if file.outside:
            raise Unreadable("outside_library", "It is a link that leads out of the library.")
        if file.size > MOST_FILE_BYTES:
            raise Unreadable("too_large", f"The file is larger than {MOST_FILE_BYTES // 1024 // 1024} MB.")
        data = file.path.read_bytes()
        sha256 = hashlib.sha256(data).hexdigest()
        document = extract(data, media_type_of(file.name) or "text/plain")
    except OSError as error:
        return Read(sha256, None, "unreadable", f"The file can't be read: {error.strerror or type(error).__name__}.")
    except SourceFailed as error:
        return Read(sha256, None, error.code, error.message)
    return Read(sha256, Entry.of(file.name, document))


def _digest(files: list[File], reads: dict[tuple[Path, int, int], Read]) -> str:
    lines = (f"{file.name}\0{reads[_key(file)].sha256}\n" for file in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:32]


def _catalogue(name: str, files: list[File], reads: dict[tuple[Path, int, int], Read], digest: str) -> Catalogue:
    entries: list[Entry] = []
    failures: list[Failure] = []
    sha256: dict[str, str] = {}
    texts: set[str] = set()
    for file in files:
        read = reads[_key(file)]
        if read.entry is None:
            failures.append(Failure(file.name, read.code, read.message))
            continue
        # The same text under two names is one source, not two.
        if read.entry.text_sha256 not in texts:
            texts.add(read.entry.text_sha256)
            entries.append(read.entry)
            sha256[file.name] = read.sha256 or ""
    return Catalogue(name, Index(entries), sha256, tuple(failures), digest, len(files))
