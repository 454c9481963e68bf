"""Research with a model behind a real server: killed, stopped, steered, followed, and asked by another API's names."""

import shutil
import time
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest

from server.llm.scripted import Rule
from server.settings import Settings
from tests.llm.endpoint import KEY
from tests.reading import parse
from tests.serving import server_process, serving, settings, wait_until
from tests.test_recovery import journal_keys
from tests.workflows.researcher import Researcher, serving_researcher

DATA = Path(__file__).parent.parent / "data/library"
QUERY = "How do I descale a kettle?"
SLOW = Rule(piece=24, pause=0.02)


def environment(served: Researcher) -> dict[str, Any]:
    quick = {"HEARTBEAT_SECONDS": "0.2", "SCAN_SECONDS": "0.1"}
    return {**quick, "OPENAI_BASE_URL": served.url, "OPENAI_MODEL": "scripted", "OPENAI_API_KEY": KEY}


def with_model(served: Researcher, folder: Path, **more: Any) -> Settings:
    model = {"openai_base_url": served.url, "openai_model": "scripted", "openai_api_key": KEY}
    return settings(folder, **model, **more)


@pytest.fixture(autouse=True)
def library(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DATA, tmp_path / "library"))


def start(url: str, **params: Any) -> str:
    made = httpx2.post(f"{url}/api/tasks", json={"query": QUERY, **params}, timeout=30)
    assert made.status_code in (200, 201), made.text
    return str(made.json()["id"])


def show(url: str, task_id: str) -> dict[str, Any]:
    shown: dict[str, Any] = httpx2.get(f"{url}/api/tasks/{task_id}", timeout=30).json()
    return shown


def ended(url: str, task_id: str) -> bool:
    return show(url, task_id)["status"] in ("completed", "failed", "stopped")


def report(url: str, task_id: str) -> str:
    return httpx2.get(f"{url}/api/tasks/{task_id}/output", timeout=30).text


def result(url: str, task_id: str) -> dict[str, Any]:
    wait_until(lambda: ended(url, task_id))
    assert show(url, task_id)["status"] == "completed", show(url, task_id)
    found: dict[str, Any] = httpx2.get(f"{url}/api/tasks/{task_id}/result", timeout=30).json()
    return found


def steer(url: str, task_id: str, **told: Any) -> httpx2.Response:
    return httpx2.post(f"{url}/api/tasks/{task_id}/steer", json=told, timeout=30)


def asked_for(served: Researcher) -> dict[str, int]:
    """How often each step was asked for."""
    return {str(key).split(":", 2)[2]: times for key, times in served.calls.items()}


@pytest.mark.parametrize("stages", [("scope", "plan", "learn"), ("gaps", "outline", "section", "summary")])
def test_killed_at_each_stage_no_finished_call_is_paid_for_again(tmp_path: Path, stages: tuple[str, ...]) -> None:
    """SIGKILL while a call of the stage is under way, a new process each time; the report is that of a quiet run."""
    with serving_researcher() as served:
        with serving(with_model(served, tmp_path / "quiet", library_dir=tmp_path / "library")) as server:
            quiet = start(server.url)
            wanted, text = result(server.url, quiet), report(server.url, quiet)
        calls = len(served.asked)
        served.asked.clear()
        recorded = dict[str, int]()
        for stage in stages:
            served.slow = {stage: SLOW}
            served.stages.clear()
            with server_process(tmp_path, **environment(served)) as process:
                assert start(process.url) == quiet
                wait_until(lambda: stage in served.stages)  # noqa: B023 - called at once
                process.kill()
                times = asked_for(served)
                recorded |= {key: times[key] for key in journal_keys(tmp_path) if key in times}
        served.slow = {}
        with server_process(tmp_path, **environment(served)) as process:
            found, written = result(process.url, quiet), report(process.url, quiet)
        lost = len(served.asked) - calls
    assert recorded
    assert {key: asked_for(served)[key] for key in recorded} == recorded
    assert len(stages) <= lost <= 2 * len(stages), "what was under way, and nothing else"
    assert written == text
    assert {**found, "spent": None} == {**wanted, "spent": None}
    assert found["spent"]["calls"] >= calls + lost, "what the kills cut off is counted, sent or not"


def test_stop_answers_within_a_second_in_mid_text(tmp_path: Path) -> None:
    """At each stage; the endpoint is let go, and what is written stays."""
    with serving_researcher() as served, serving(with_model(served, tmp_path)) as server:
        for stage in ("scope", "plan", "learn", "outline", "section", "summary"):
            served.slow = {stage: Rule(piece=2, pause=0.2)}
            served.stages.clear()
            task_id = start(server.url, instructions=stage)
            wait_until(lambda: served.stages[-1:] == [stage])  # noqa: B023 - called at once
            began = time.monotonic()
            stopped = httpx2.post(f"{server.url}/api/tasks/{task_id}/stop", timeout=30)
            assert time.monotonic() - began < 1.0
            assert stopped.json()["status"] == "stopped"
            wait_until(lambda: served.asked[-1].left, seconds=1)
            assert report(server.url, task_id).startswith("# How do I descale a kettle?")


def test_a_task_is_told_more_while_it_runs(tmp_path: Path) -> None:
    """A question is looked into, once however often it is sent; who has ended or can't listen says so."""
    with serving_researcher(rule=SLOW) as served, serving(with_model(served, tmp_path)) as server:
        task_id = start(server.url)
        wait_until(lambda: "learn" in served.stages)
        for _ in range(2):
            told = steer(server.url, task_id, question="When may ships enter the harbour?")
            assert told.status_code == 202, told.text
        found = result(server.url, task_id)
        questions = [one["text"] for one in found["questions"]]
        assert questions.count("When may ships enter the harbour?") == 1
        assert "harbour.html" in str(found["sources"])
        assert steer(server.url, task_id, write_now=True).json()["code"] == "task_ended"
        wrong = steer(server.url, task_id, wirte_now=True)
        assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_parameters")
        assert steer(server.url, task_id).status_code == 422
        demo = httpx2.post(f"{server.url}/api/tasks", json={"kind": "demo", "rate": 5}, timeout=30).json()["id"]
        assert steer(server.url, demo, write_now=True).json()["code"] == "task_not_steerable"
        assert steer(server.url, "f" * 32, write_now=True).status_code == 404


def test_a_follow_up_question_is_answered_from_the_evidence_of_an_earlier_task(tmp_path: Path) -> None:
    with serving_researcher() as served, serving(with_model(served, tmp_path)) as server:
        first = start(server.url)
        sources = {source["path"] for source in result(server.url, first)["sources"]}
        nowhere = {"library": False, "web": False}
        found = result(server.url, start(server.url, query="How long must it stand?", follows=first, sources=nowhere))
        assert found["evidence"]
        assert {source["path"] for source in found["sources"]} <= sources
        gone = start(server.url, follows="f" * 32)
        wait_until(lambda: ended(server.url, gone))
        assert show(server.url, gone)["error"]["code"] == "workflow_failed"


def test_a_request_for_the_embedded_engine_is_the_same_task_with_and_without_a_model(tmp_path: Path) -> None:
    """And one that the model answers is another."""
    with serving_researcher() as served:
        with serving(with_model(served, tmp_path / "a", library_dir=tmp_path / "library")) as server:
            embedded, auto = start(server.url, engine="embedded"), start(server.url)
            assert result(server.url, embedded)["engine"] == "embedded"
            assert result(server.url, auto)["engine"] == "llm"
            headers = httpx2.get(f"{server.url}/api/tasks/{auto}/output", timeout=30).headers
            assert httpx2.get(f"{server.url}/api/tasks/{auto}", timeout=30).headers["x-model-name"] == "scripted"
            assert headers["x-task-status"] == "completed"
        with serving(settings(tmp_path / "b", library_dir=tmp_path / "library")) as server:
            assert start(server.url, engine="embedded") == embedded
            assert start(server.url) != auto


def test_the_other_apis_parameters_reach_the_model(tmp_path: Path) -> None:
    """Models and overrides of prompts, as an object or as JSON text; its thinking comes as `reasoning`."""
    overrides = {
        "systemInstruction": "Be a chemist.",
        "reportPlanPrompt": "Plan in verse.",
        "finalReportPrompt": "Rhyme.",
    }
    rule = Rule(piece=40, reasoning="Let me think.")
    with serving_researcher(rule=rule) as served, serving(with_model(served, tmp_path)) as server:
        asked = {"query": QUERY, "thinkingModel": "deep", "taskModel": "quick", "promptOverrides": overrides}
        answer = httpx2.post(f"{server.url}/api/sse", json=asked, timeout=60)
        again: dict[str, Any] = {**asked, "promptOverrides": orjson.dumps(overrides).decode()}
        same = httpx2.get(f"{server.url}/api/sse", params=again, timeout=60)
    seen = parse(answer.content)
    assert same.headers["x-task-id"] == answer.headers["x-task-id"]
    assert "Let me think." in "".join(each.data["text"] for each in seen if each.event == "reasoning")
    assert "citric acid" in "".join(each.data["text"] for each in seen if each.event == "message")
    told = [(stage, str(each.body)) for stage, each in zip(served.stages, served.asked, strict=True)]
    assert all("Be a chemist." in body for _, body in told)
    assert {stage for stage, body in told if "Plan in verse." in body} == {"plan"}
    assert {stage for stage, body in told if "Rhyme." in body} == {"outline", "section", "summary"}
    assert {each.body["model"] for each in served.asked} == {"deep", "quick"}
