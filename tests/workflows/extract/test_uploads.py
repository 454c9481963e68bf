"""Users can come in a file: as JSON lines, as a table or as an archive of texts."""

import hashlib
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest

from server.errors import InvalidParameters
from server.workflows.extract.params import ExtractParams, refuse
from server.workflows.extract.reading import UnreadableUpload
from server.workflows.rehearsal import RehearsalContext
from tests.serving import serving, settings, wait_until
from tests.workflows.extract.asking import extract, user, users
from tests.workflows.extract.test_reading import archive


def sent(content: bytes) -> tuple[str, RehearsalContext]:
    upload = hashlib.sha256(content).hexdigest()
    return upload, RehearsalContext(uploads={upload: content})


async def test_a_file_of_users_is_read_as_if_they_had_been_sent_in_the_request() -> None:
    wanted, _ = await extract(users(3))
    upload, context = sent(b"\n".join(map(orjson.dumps, users(3))))
    result, context = await extract(None, upload=upload, context=context)
    assert result == wanted
    assert orjson.loads(context.artifacts["users.json"]) == ["u0", "u1", "u2"]


async def test_once_it_was_read_the_file_may_go() -> None:
    """What was read of it is in the journal."""
    upload, first = sent("user_id,text\n张三,2024年5月1日签订合同。\n".encode("gb18030"))
    wanted, _ = await extract(None, upload=upload, context=first)
    assert wanted["events"][0]["user_id"] == "张三"
    kept = {key: found for key, found in first.journal.items() if key == "users"}
    result, _ = await extract(None, upload=upload, context=RehearsalContext(kept))
    assert result == wanted


async def test_failed_users_of_a_file_are_read_again_out_of_it() -> None:
    upload, context = sent(archive({"bad.txt": ("word " * 40 + "!").encode(), "good.txt": b"We met on 3 May 2024."}))
    slow = [{"name": "slow", "regex": r"(?:\w+ ?)+$"}]
    first, _ = await extract(None, upload=upload, rules=slow, context=context)
    assert [one["user_id"] for one in first["failed"]] == ["bad"]
    task: dict[str, Any] = {"a" * 32: {"upload": upload}}
    again = RehearsalContext(results={"a" * 32: first}, params=task, uploads=context.uploads)
    result, _ = await extract(None, retry_failed_of="a" * 32, context=again)
    assert (result["counts"]["users"], result["status"]) == (1, "complete")


async def test_a_file_that_holds_no_users_fails_the_task_and_says_why() -> None:
    upload, context = sent(b"name,words\na,b\n")
    with pytest.raises(UnreadableUpload, match="user_id, text"):
        await extract(None, upload=upload, context=context)


async def test_a_file_beside_users_is_refused() -> None:
    params = ExtractParams.model_validate({"users": [user("u", "x")], "upload": "a" * 64})
    with pytest.raises(InvalidParameters, match="one of them"):
        refuse(params)


def test_a_file_that_was_sent_to_a_server_is_read_there(tmp_path: Path) -> None:
    """And its users are those of the batch by the older system's route, while it runs and when it has ended."""
    table = "user_id,text\n张三,2024年5月1日签订合同。\n李四,We met on 3 May 2024.\n".encode()
    with serving(settings(tmp_path)) as server:
        sent = httpx2.post(f"{server.url}/api/uploads", content=table, headers={"Content-Type": "text/csv"}, timeout=30)
        start = f"{server.url}/api/v1/events/extract/start"
        told = httpx2.post(start, json={"upload": sent.json()["id"]}, timeout=30).json()
        at = f"{server.url}/api/tasks/{told['data']['task_id']}"
        wait_until(lambda: httpx2.get(at, timeout=30).json()["status"] == "completed", seconds=60)
        result = httpx2.get(f"{at}/result", timeout=30).json()
        missing = httpx2.post(start, json={"upload": "0" * 64}, timeout=30)
    assert {event["user_id"] for event in result["events"]} == {"张三", "李四"}
    assert 400 <= missing.status_code < 500
