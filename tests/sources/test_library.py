"""The folder of documents: read as it changes, and nothing in it can break it."""

import os
from pathlib import Path

import anyio
import pytest
from anyio import fail_after

from server.sources.library import Library

FACT = "The tide rises twice a day because the moon pulls at the sea."


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


async def names(library: Library, question: str = "Why does the tide rise?") -> list[str]:
    catalogue = await library.refresh()
    return [hit.entry.id for hit in catalogue.search(question)]


async def test_documents_of_all_kinds_are_found_in_all_folders(tmp_path: Path) -> None:
    """By their names relative to the library."""
    write(tmp_path, "a.md", f"# Sea\n\n{FACT}")
    write(tmp_path, "deep/er/b.txt", f"{FACT} Sailors know it.")
    write(tmp_path, "deep/c.html", f"<p>{FACT} Children too.</p>")
    write(tmp_path, "picture.png", b"\x89PNG")
    write(tmp_path, ".hidden.md", FACT)
    assert sorted(await names(Library(tmp_path))) == ["a.md", "deep/c.html", "deep/er/b.txt"]


async def test_changes_are_seen(tmp_path: Path) -> None:
    """New, changed and removed files; the digest says that something changed."""
    library = Library(tmp_path)
    first = write(tmp_path, "a.md", FACT)
    assert await names(library) == ["a.md"]
    digests = {(await library.refresh()).digest}
    write(tmp_path, "b.md", f"{FACT} Or so they say.")
    assert sorted(await names(library)) == ["a.md", "b.md"]
    digests.add((await library.refresh()).digest)
    first.write_text("Nothing about the sea is left in this file.")
    os.utime(first, ns=(1, 1))
    assert await names(library) == ["b.md"]
    digests.add((await library.refresh()).digest)
    first.unlink()
    assert await names(library) == ["b.md"]
    digests.add((await library.refresh()).digest)
    assert len(digests) == 4


async def test_the_same_text_twice_is_one_source(tmp_path: Path) -> None:
    """Under the first of its names."""
    write(tmp_path, "a.md", FACT)
    write(tmp_path, "b.txt", FACT)
    assert await names(Library(tmp_path)) == ["a.md"]


async def test_an_empty_or_missing_folder_leaves_its_place_to_the_other(tmp_path: Path) -> None:
    """Until something lies in it."""
    write(tmp_path, "docs/tide.md", FACT)
    library = Library(tmp_path / "library", tmp_path / "docs")
    assert (library.name, await names(library)) == ("holdfast-docs", ["tide.md"])
    write(tmp_path, "library/own.md", f"{FACT} Ours says so as well.")
    assert (library.name, await names(library)) == (str(tmp_path / "library"), ["own.md"])


async def test_no_folder_at_all_is_an_empty_library(tmp_path: Path) -> None:
    """It finds nothing and complains about nothing."""
    catalogue = await Library(tmp_path / "nowhere").refresh()
    assert (catalogue.files, catalogue.failures, catalogue.search("tide")) == (0, (), [])


async def test_unreadable_files_have_their_reasons(tmp_path: Path) -> None:
    """And the readable one beside them is found."""
    write(tmp_path, "good.md", FACT)
    write(tmp_path, "empty.md", "")
    write(tmp_path, "broken.pdf", b"%PDF-1.4 nothing more")
    write(tmp_path, "broken.docx", b"PK\x03\x04 nothing more")
    write(tmp_path, "binary.txt", bytes(range(256)) * 50)
    with write(tmp_path, "large.html", b"").open("wb") as large:
        large.truncate(50 * 1024 * 1024)
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "gone.md").symlink_to(tmp_path / "no-such-file.md")
    os.mkfifo(tmp_path / "pipe.md")
    library = Library(tmp_path)
    with fail_after(20):
        assert await names(library) == ["good.md"]
        failures = {failure.name: failure.code for failure in (await library.refresh()).failures}
    assert failures == {
        "empty.md": "empty",
        "broken.pdf": "broken",
        "broken.docx": "broken",
        "binary.txt": "binary",
        "large.html": "too_large",
    }


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
async def test_a_file_without_permission_has_its_reason(tmp_path: Path) -> None:
    """As the system gives it."""
    write(tmp_path, "secret.md", FACT).chmod(0)
    failures = (await Library(tmp_path).refresh()).failures
    assert [(failure.name, failure.code) for failure in failures] == [("secret.md", "unreadable")]


async def test_names_that_are_no_utf8_are_cleaned(tmp_path: Path) -> None:
    """A name with a stray byte must not end up as a lone surrogate in an event."""
    os.link(write(tmp_path, "a.md", FACT), os.fsencode(tmp_path) + b"/b\xff.md")
    os.unlink(tmp_path / "a.md")
    (name,) = await names(Library(tmp_path))
    assert name.encode().decode() == "b\ufffd.md"


async def test_many_callers_cause_one_reading(tmp_path: Path) -> None:
    """Each gets the same catalogue."""
    for n in range(30):
        write(tmp_path, f"{n}.md", f"{FACT} Number {n} adds a thought.")
    library = Library(tmp_path)
    reports: list[tuple[int, int]] = []
    found: set[int] = set()

    async def report(done: int, total: int) -> None:
        reports.append((done, total))

    async def call() -> None:
        found.add(id(await library.refresh(report)))

    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(call)
    assert len(found) == 1
    assert reports[-1] == (30, 30)
    assert len(reports) <= 4


async def test_links_out_of_the_library_are_not_followed(tmp_path: Path) -> None:
    """Files and folders; each has its reason. Links inside the library are followed."""
    write(tmp_path, "elsewhere/secret.md", f"{FACT} Nobody else may read it.")
    write(tmp_path, "library/deep/good.md", FACT)
    folder = tmp_path / "library"
    (folder / "file.md").symlink_to(tmp_path / "elsewhere/secret.md")
    (folder / "folder").symlink_to(tmp_path / "elsewhere")
    (folder / "inside").symlink_to(folder / "deep")
    library = Library(folder)
    assert len(await names(library)) == 1
    assert {failure.name: failure.code for failure in (await library.refresh()).failures} == {
        "file.md": "outside_library",
        "folder": "outside_library",
    }


async def test_every_file_is_accounted_for(tmp_path: Path) -> None:
    """Searched, a copy of another, or unreadable."""
    for name, content in {"a.md": FACT, "copy.md": FACT, "b.md": "Another text about ships.", "empty.md": ""}.items():
        write(tmp_path, name, content)
    catalogue = await Library(tmp_path).refresh()
    assert (catalogue.files, len(catalogue.index.entries)) == (4, 2)
    assert (catalogue.duplicates, len(catalogue.failures)) == (1, 1)


def test_a_library_knows_that_its_folder_is_missing(tmp_path: Path) -> None:
    """An empty one is there; a file is no folder."""
    file = write(tmp_path, "file", "")
    assert not Library(tmp_path).missing
    assert Library(tmp_path / "nowhere").missing
    assert Library(file).missing
