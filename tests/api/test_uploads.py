"""Files that users send: taken whole over real sockets or not at all, found again by id, read by tasks."""

import hashlib
import re
import shlex
import shutil
import socket
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest

from server.models import Json
from server.stores.disk import Disk
from server.stores.files import FileStore
from server.workflows.base import Context, Params, Step, UploadId, Workflow
from tests.serving import ROOT, Running, server_process, serving, settings, wait_until

WORDS = "一个词 and more\r\n--x\r\n".encode() * 500
DIGEST = hashlib.sha256(WORDS).hexdigest()
LARGEST = 256 * 1024
ABSENT = "0" * 64
HALF = b"POST /api/uploads HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000\r\n\r\n" + b"x" * 1000


class LengthParams(Params):
    upload: UploadId
    salt: str = ""
    waits: str = ""


async def length(ctx: Context, params: LengthParams) -> Json:
    """Reads its upload in a step, and fails afterwards while a file of this name is missing."""

    async def count(step: Step) -> Json:
        return len(await ctx.upload(params.upload))

    async def go_on(step: Step) -> Json:
        if params.waits and not Path(params.waits).exists():
            raise RuntimeError("not yet")
        return None

    counted = await ctx.step("count", count, params.upload)
    await ctx.step("go on", go_on)
    return {"bytes": counted}


LENGTH = Workflow(
    kind="length",
    version=1,
    params=LengthParams,
    run=length,
    title=lambda params: params.upload,
    uploads=lambda params: [params["upload"]],
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    wanted = settings(tmp_path_factory.mktemp("uploads"), max_upload_bytes=LARGEST)
    with serving(wanted, workflows=[LENGTH]) as running:
        yield running


@pytest.fixture(autouse=True)
def folder(server: Running) -> Iterator[Path]:
    """Where they are kept, empty at first. What is still there but not whole when a test has ended was forgotten."""
    found: Path = server.app.state.services.settings.task_storage_dir / "uploads"
    for each in found.iterdir():
        each.unlink()
    yield found
    wait_until(lambda: not [each for each in found.iterdir() if each.name.startswith(".")])


def send(server: Running, content: bytes = WORDS, query: str = "", **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.post(f"{server.url}/api/uploads{query}", content=content, headers=named, timeout=60)


def form(*parts: tuple[str, bytes], boundary: str = "x") -> bytes:
    """A form by hand: each part's headers after Content-Disposition's beginning, and its content."""
    return b"".join(
        b"--%b\r\nContent-Disposition: form-data; %b\r\n\r\n%b\r\n" % (boundary.encode(), head.encode(), content)
        for head, content in parts
    ) + (b"--%b--\r\n" % boundary.encode())


def send_form(server: Running, content: bytes, query: str = "") -> httpx2.Response:
    return send(server, content, query=query, Content_Type="multipart/form-data; boundary=x")


def refused(answer: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    told: dict[str, Any] = answer.json()
    assert told["code"] == code
    return told


def start(server: Running, **params: Any) -> httpx2.Response:
    return httpx2.post(f"{server.url}/api/tasks", json={"kind": "length", "params": params}, timeout=30)


def ended(server: Running, task_id: str) -> dict[str, Any]:
    def view() -> dict[str, Any]:
        found: dict[str, Any] = httpx2.get(f"{server.url}/api/tasks/{task_id}").json()
        return found

    wait_until(lambda: view()["status"] in ("completed", "failed"))
    return view()


def test_a_file_is_kept_under_its_hash_and_found_again(server: Running) -> None:
    """201 at first, 200 from then on, and later to go each time."""
    first = send(server, query="?name=%E5%B0%8F%E8%AF%B4.txt", Content_Type="text/plain; charset=utf-8")
    assert first.status_code == 201
    told = first.json()
    assert told.keys() == {"id", "name", "bytes", "media_type", "expires_at"}
    assert (told["id"], told["name"], told["bytes"], told["media_type"]) == (
        DIGEST,
        "小说.txt",
        len(WORDS),
        "text/plain",
    )
    assert httpx2.get(f"{server.url}/api/uploads/{DIGEST}").json() == told
    again = send(server, query="?name=b.md")
    assert again.status_code == 200
    assert (again.json()["id"], again.json()["name"], again.json()["media_type"]) == (DIGEST, "b.md", "text/markdown")
    assert datetime.fromisoformat(again.json()["expires_at"]) >= datetime.fromisoformat(told["expires_at"])


def test_a_form_with_one_file_is_the_same_as_its_file_alone(server: Running) -> None:
    """Whatever texts stand beside it, and although its boundary is in the file, too."""
    alone = send(server).json()["id"]
    answer = httpx2.post(
        f"{server.url}/api/uploads",
        data={"note": "a text"},
        files={"file": ("小说.txt", WORDS, "text/plain")},
    )
    assert answer.status_code == 200
    assert (answer.json()["id"], answer.json()["name"], answer.json()["bytes"]) == (alone, "小说.txt", len(WORDS))
    around = form(('name="a"', b"text"), ('name="f"; filename="w.md"', WORDS), ('name="b"', b"text"), boundary="yy")
    answer = send(server, around, Content_Type="multipart/form-data; boundary=yy")
    assert (answer.json()["id"], answer.json()["name"], answer.json()["media_type"]) == (alone, "w.md", "text/markdown")


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, LARGEST])
def test_a_file_of_any_size_up_to_the_largest_arrives_whole(server: Running, size: int) -> None:
    """Alone; in a form, what the form takes is counted with it."""
    content = bytes(number % 251 for number in range(size))
    told = send(server, content).json()
    assert (told["id"], told["bytes"]) == (hashlib.sha256(content).hexdigest(), size)
    short = content[: LARGEST - 200]
    told = send_form(server, form(('name="f"; filename="w"', short))).json()
    assert (told["id"], told["bytes"]) == (hashlib.sha256(short).hexdigest(), len(short))


@pytest.mark.parametrize("more", [1, 100_000, 3 * LARGEST])
def test_what_is_larger_than_the_largest_is_refused_and_leaves_nothing(
    server: Running, folder: Path, more: int
) -> None:
    """With its size declared and without, alone and in a form; the sentence names the setting."""

    def undeclared() -> Iterator[bytes]:
        for at in range(0, len(content), 9999):
            yield content[at : at + 9999]

    content = b"x" * (LARGEST + more)
    answers = [
        send(server, content),
        httpx2.post(f"{server.url}/api/uploads", content=undeclared()),
        send_form(server, form(('name="f"; filename="w"', content))),
    ]
    for answer in answers:
        told = refused(answer, 413, "body_too_large")
        assert str(LARGEST) in told["detail"]
        assert "MAX_UPLOAD_BYTES" in told["detail"]
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("query", "headers", "name"),
    [
        ("", {}, "upload"),
        ("?name=", {}, "upload"),
        ("?name=..", {}, "upload"),
        ("?name=../../etc/passwd", {}, "passwd"),
        ("?name=C:%5Cbooks%5Ca.txt", {}, "a.txt"),
        ("?name=<img src=x onerror=alert(1)>", {}, "<img src=x onerror=alert(1)>"),
        ("?name=e%CC%81.txt", {}, "é.txt"),
        ("", {"Content_Disposition": 'attachment; filename="a b.txt"'}, "a b.txt"),
        ("", {"Content_Disposition": "attachment; filename=a.txt; filename*=UTF-8''%E5%B0%8F.txt"}, "小.txt"),
        ("?name=mine", {"Content_Disposition": 'attachment; filename="theirs"'}, "mine"),
        ("", {"Content_Disposition": "attachment"}, "upload"),
        ("", {"Content_Disposition": ';;;="'}, "upload"),
    ],
)
def test_a_name_is_told_and_never_a_path(
    server: Running, folder: Path, query: str, headers: dict[str, str], name: str
) -> None:
    """From wherever it comes; in the folder it is nowhere."""
    assert send(server, WORDS, query, **headers).json()["name"] == name
    assert [each.parent for each in folder.parent.rglob("*") if DIGEST in each.name] == [folder]


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("?name=" + "x" * 201, "name"),
        ("?name=a%00b", "name"),
        ("?name=a%0Ab", "name"),
        ("?name=a&name=b", "name"),
        ("?kind=demo", "kind"),
    ],
)
def test_a_query_that_says_nothing_right_is_refused_with_what_would_be(
    server: Running, folder: Path, query: str, path: str
) -> None:
    """And nothing is kept."""
    told = refused(send(server, query=query), 422, "invalid_parameters")
    assert [each["path"] for each in told["errors"]] == [path]
    assert told["errors"][0]["message"]
    refused(send(server, query="?name=%ff"), 400, "invalid_encoding")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "status", "code", "said"),
    [
        (form(('name="a"', b"text")), 422, "invalid_parameters", "no file"),
        (form(('name="f"; filename=""', b"")), 422, "invalid_parameters", "no file"),
        (
            form(('name="f"; filename="a"', b"1"), ('name="g"; filename="b"', b"2")),
            422,
            "invalid_parameters",
            "more than",
        ),
        (form(*[('name="a"', b"text")] * 101), 422, "invalid_parameters", "parts"),
        (form((f'name="f"; filename="{"x" * 201}"', b"1")), 422, "invalid_parameters", "200"),
        (form(('name="f"; filename="a"', b"1"))[:-6], 400, "invalid_request", "broke off"),
        (form(('name="f"; filename="a"', b"1"))[:20], 400, "invalid_request", "broke off"),
        (b"", 400, "invalid_request", "broke off"),
        (b"no form at all", 400, "invalid_request", "no form"),
        (b"--x\r\n" + b"A" * 10_000, 400, "invalid_request", "no form"),
        (b"--x\r\n" + b"A: b\r\n" * 100, 400, "invalid_request", "no form"),
    ],
)
def test_a_form_without_one_whole_file_is_refused(
    server: Running, folder: Path, content: bytes, status: int, code: str, said: str
) -> None:
    """And nothing is kept of it."""
    told = refused(send_form(server, content), status, code)
    assert said in told["detail"]
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("content_type", ["multipart/form-data", "multipart/form-data; boundary=" + "x" * 300])
def test_a_form_without_a_boundary_is_refused(server: Running, content_type: str) -> None:
    """Or with one that no client makes."""
    refused(send(server, Content_Type=content_type), 400, "invalid_request")


def test_a_page_of_another_site_can_send_nothing(server: Running, folder: Path) -> None:
    """A form needs no leave of the server's to be sent by a browser."""
    refused(send(server, Origin="https://evil.example"), 403, "forbidden_origin")
    refused(send(server, Sec_Fetch_Site="cross-site"), 403, "forbidden_origin")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("upload_id", [ABSENT, "0" * 63, "%00", DIGEST.upper()])
def test_an_id_that_nothing_has_is_not_found(server: Running, upload_id: str) -> None:
    """Whatever it is."""
    send(server)
    refused(httpx2.get(f"{server.url}/api/uploads/{upload_id}"), 404, "upload_not_found")
    refused(httpx2.get(f"{server.url}/api/uploads/..%2F..%2Fnodes"), 404, "not_found")


def unfinished(server: Running) -> socket.socket:
    """A sender that has sent half of what it declared."""
    opened = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    opened.sendall(HALF)
    return opened


def test_a_sender_that_breaks_off_leaves_nothing(server: Running, folder: Path) -> None:
    """As soon as it is noticed."""
    opened = unfinished(server)
    wait_until(lambda: list(folder.iterdir()) != [])
    opened.close()
    wait_until(lambda: list(folder.iterdir()) == [])


def test_a_task_reads_what_was_sent(server: Running) -> None:
    """And the same request with the same upload is one task."""
    upload = send(server).json()["id"]
    made = start(server, upload=upload)
    assert made.status_code == 201
    assert ended(server, made.json()["id"])["status"] == "completed"
    assert httpx2.get(f"{server.url}/api/tasks/{made.json()['id']}/result").json() == {"bytes": len(WORDS)}
    assert start(server, upload=upload).json()["reused"] is True


@pytest.mark.parametrize("upload", ["", "x", "0" * 63, "0" * 65, "A" * 64, "../" + "0" * 61, 5, None, [ABSENT]])
def test_what_is_no_id_of_an_upload_is_refused_with_what_would_be(server: Running, upload: Any) -> None:
    """In the schema of whatever kind names one."""
    told = refused(start(server, upload=upload), 422, "invalid_parameters")
    assert [each["path"] for each in told["errors"]] == ["upload"]


def test_a_request_that_names_an_unknown_upload_makes_no_task(server: Running) -> None:
    """It is told at once, and not by a task that fails."""
    before = httpx2.get(f"{server.url}/api/stats").json()["tasks"]["total"]
    told = refused(start(server, upload=ABSENT), 404, "upload_not_found")
    assert ABSENT in told["detail"]
    assert "POST /api/uploads" in told["detail"]
    refused(httpx2.get(f"{server.url}/api/stream?kind=length&upload={ABSENT}"), 404, "upload_not_found")
    assert httpx2.get(f"{server.url}/api/stats").json()["tasks"]["total"] == before


def drop_all(folder: Path) -> None:
    for each in folder.iterdir():
        each.unlink()


def test_a_task_that_has_read_its_upload_does_without_it(server: Running, folder: Path, tmp_path: Path) -> None:
    """Whoever asks again attaches to it, and it is gone on with; a new life needs the file again."""
    upload, gate = send(server).json()["id"], tmp_path / "gate"
    made = start(server, upload=upload, waits=str(gate)).json()["id"]
    assert ended(server, made)["status"] == "failed"
    drop_all(folder)
    gate.touch()
    assert start(server, upload=upload, waits=str(gate)).json()["id"] == made
    assert ended(server, made)["status"] == "completed"
    assert start(server, upload=upload, waits=str(gate)).json()["reused"] is True
    refused(httpx2.post(f"{server.url}/api/tasks/{made}/rerun"), 404, "upload_not_found")
    send(server)
    assert httpx2.post(f"{server.url}/api/tasks/{made}/rerun").status_code == 200
    assert ended(server, made)["status"] == "completed"


def test_a_task_whose_upload_goes_before_it_is_read_fails_with_why_and_can_be_retried(
    server: Running, folder: Path, tmp_path: Path
) -> None:
    """Once the file was sent again."""

    upload = send(server).json()["id"]
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])
    made = start(server, upload=upload, salt="damaged").json()["id"]
    failed = ended(server, made)
    assert (failed["status"], failed["error"]["code"]) == ("failed", "upload_damaged")
    assert failed["error"]["retryable"]
    send(server)
    httpx2.post(f"{server.url}/api/tasks/{made}/retry")
    wait_until(lambda: ended(server, made)["status"] == "completed")


class FullDisk(Disk):
    """Has no room for anything large."""

    def free_bytes(self, folder: Path) -> int:
        return 100_000


def test_a_full_volume_is_told_also_to_one_who_is_still_sending(tmp_path: Path) -> None:
    """What is small enough is taken."""
    with serving(settings(tmp_path), store=FileStore(tmp_path / "tasks", FullDisk())) as running:
        refused(send(running, b"x" * 8_000_000), 507, "store_full")
        refused(send_form(running, form(('name="f"; filename="w"', b"x" * 8_000_000))), 507, "store_full")
        assert list((tmp_path / "tasks" / "uploads").iterdir()) == []
        assert send(running).status_code == 201


@pytest.mark.parametrize("page", ["docs/api.md", "docs/zh/api.md"])
def test_the_commands_of_the_documentation_send_a_file(server: Running, tmp_path: Path, page: str) -> None:
    """As they stand, both with the same answer."""
    if shutil.which("curl") is None:
        pytest.skip("there is no curl here")
    (tmp_path / "book.txt").write_bytes(WORDS)
    lines = [
        line for line in (ROOT / page).read_text(encoding="utf-8").splitlines() if re.match("curl .*uploads", line)
    ]
    commands = [shlex.split(line.replace("http://127.0.0.1:8000", server.url)) for line in lines]
    answers = [
        orjson.loads(subprocess.run([*each, "-sS"], cwd=tmp_path, capture_output=True, check=True, timeout=30).stdout)
        for each in commands
    ]
    assert [each["id"] for each in answers] == [DIGEST, DIGEST]
    assert [(each["name"], each["media_type"]) for each in answers] == [("book.txt", "text/plain")] * 2


def test_an_upload_outlives_a_killed_server_and_half_of_one_does_not(tmp_path: Path) -> None:
    """Once its sender was told that it is kept."""

    def post(url: str, content: bytes) -> int:
        return httpx2.post(f"{url}/api/uploads", content=content, timeout=30).status_code

    uploads = tmp_path / "tasks" / "uploads"
    with server_process(tmp_path) as first:
        assert post(first.url, WORDS) == 201
        with socket.create_connection(("127.0.0.1", first.port), timeout=30) as opened:
            opened.sendall(HALF)
            wait_until(lambda: len(list(uploads.iterdir())) == 2)
            first.kill()
    with server_process(tmp_path) as second:
        assert httpx2.get(f"{second.url}/api/uploads/{DIGEST}").json()["bytes"] == len(WORDS)
        assert httpx2.get(f"{second.url}/api/uploads/{hashlib.sha256(b'x' * 1000).hexdigest()}").status_code == 404
        assert post(second.url, WORDS) == 200
