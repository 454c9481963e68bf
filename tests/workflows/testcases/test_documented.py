"""What docs/testcases.md shows does what it says, over a real server, up to the downloads."""

import re
import subprocess
from collections.abc import Iterator

import httpx2
import orjson
import pytest

from server.workflows.testcases.params import CasesParams
from tests.serving import ROOT, Running, serving, settings, wait_until

PAGES = ["docs/testcases.md", "docs/zh/testcases.md"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(settings(tmp_path_factory.mktemp("documented"))) as running:
        yield running


@pytest.mark.parametrize("page", PAGES)
def test_the_example_is_run_as_it_is_written_and_each_download_can_be_had(server: Running, page: str) -> None:
    written = (ROOT / page).read_text(encoding="utf-8")
    command, *_ = re.findall(r"```\n(curl .*?)\n```", written, re.DOTALL)
    ran = subprocess.run(
        ["sh", "-c", command.replace("http://127.0.0.1:8000", server.url)], capture_output=True, check=True
    )
    at = f"{server.url}/api/tasks/{orjson.loads(ran.stdout)['id']}"
    wait_until(lambda: httpx2.get(at, timeout=30).json()["status"] not in ("pending", "running"), seconds=60)
    result = httpx2.get(f"{at}/result", timeout=30).json()
    assert len(result["cases"]) > 15
    assert len(result["unparsed"]) == 1
    assert result["coverage"]["obligations"] == result["coverage"]["covered"] > 20
    named = re.findall(r"`report\.([a-z.]+)`", written)
    assert {"xlsx", "csv", "zentao.csv", "mm", "xmind", "feature", "md", "json"} <= set(named)
    for name in set(named) - {"pdf"}:  # which needs a browser
        answer = httpx2.get(f"{at}/report.{name}?download=1", timeout=30)
        assert answer.status_code == 200, name
        assert answer.content
        assert f".{name}" in answer.headers["content-disposition"]


@pytest.mark.parametrize("page", PAGES)
def test_the_specification_that_is_shown_is_one(page: str) -> None:
    (spec,) = re.findall(r"```json\n(.*?)\n```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)
    params = CasesParams.model_validate({"spec": orjson.loads(spec)})
    again = CasesParams.model_validate(params.model_dump(mode="json", by_alias=True))
    assert again == params


def test_a_document_is_sent_and_its_cases_are_had(server: Running) -> None:
    """Over HTTP, and the text that its places count in is there to be looked at."""
    content = "# 注册\n用户名必填，长度6-20位。\n页面要美观大方。\n".encode()
    sent = httpx2.post(f"{server.url}/api/uploads?name=requirements.md", content=content, timeout=30).json()
    asked = {"kind": "testcases", "params": {"upload": sent["id"]}}
    made = httpx2.post(f"{server.url}/api/tasks", json=asked, timeout=30).json()
    at = f"{server.url}/api/tasks/{made['id']}"
    wait_until(lambda: httpx2.get(at, timeout=30).json()["status"] not in ("pending", "running"), seconds=60)
    result = httpx2.get(f"{at}/result", timeout=30).json()
    text = httpx2.get(f"{at}/artifacts/requirements.txt", timeout=30).content.decode()
    assert [one["quote"] for one in result["unparsed"]] == ["页面要美观大方"]
    assert all(text[one["start"] : one["end"]] == one["quote"] for one in result["unparsed"])
    assert {case["module"] for case in result["cases"]} == {"注册"}
