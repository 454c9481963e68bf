"""A model behind a real server: streamed, killed, stopped, and nothing told that should stay secret."""

import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from anyio import fail_after

from server.command.asking_model import ask_model, describe_model
from server.command.terminal import Voice
from server.llm.configured import configured_model
from server.llm.scripted import Rule
from server.settings import Settings
from tests.llm.endpoint import KEY, Served, serving_model
from tests.serving import server_process, serving, settings, wait_until

PROMPTS = ["about lime", "about vinegar", "about time"]
TEXTS = {text: f"What there is to say {text}: " + "much. 很多。" * 20 for text in PROMPTS}


def rules(**more: object) -> list[Rule]:
    return [Rule(match=text, reply=reply, reasoning="Hm.", **more) for text, reply in TEXTS.items()]  # type: ignore[arg-type]  # fields of Rule


def environment(served: Served) -> dict[str, str]:
    return {"OPENAI_BASE_URL": served.url, "OPENAI_MODEL": "scripted", "OPENAI_API_KEY": KEY, "LOG_LEVEL": "debug"}


def start(url: str, **more: object) -> str:
    body = {"kind": "model-demo", "params": {"prompts": PROMPTS, **more}}
    made = httpx2.post(f"{url}/api/tasks", json=body, timeout=30)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def task(url: str, task_id: str) -> dict[str, object]:
    shown: dict[str, object] = httpx2.get(f"{url}/api/tasks/{task_id}", timeout=30).json()
    return shown


def ended(url: str, task_id: str) -> bool:
    return task(url, task_id)["status"] in ("completed", "failed", "stopped")


def report(url: str, task_id: str) -> str:
    return httpx2.get(f"{url}/api/tasks/{task_id}/output", timeout=30).text


def test_a_server_killed_in_mid_reply_pays_for_no_finished_reply_again(tmp_path: Path) -> None:
    """SIGKILL in the second reply: the first is not asked for again, the second once more under the same key."""
    with serving_model(*rules(pause=0.02)) as served:
        with server_process(tmp_path, port=0, **environment(served)) as first:
            task_id = start(first.url)
            wait_until(lambda: len(served.asked) == 2 and "vinegar" in report(first.url, task_id))
            first.kill()
        with server_process(tmp_path, port=0, **environment(served)) as second:
            wait_until(lambda: ended(second.url, task_id))
            assert task(second.url, task_id)["status"] == "completed"
            assert report(second.url, task_id) == "".join(TEXTS.values())
            result = httpx2.get(f"{second.url}/api/tasks/{task_id}/result", timeout=30).json()
            second.terminate()
    keys = list(served.calls)
    assert [key.rpartition(":")[2] for key in keys if key] == ["1", "2", "3"]
    assert list(served.calls.values()) == [1, 2, 1]
    assert list(served.finished.values()) == [1, 1, 1]
    assert "'calls': 4" in str(result), "what the kill cut off is counted"
    assert canaries_in(tmp_path) == []
    assert KEY not in "".join([*first.told, *second.told])


def canaries_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


def test_a_canary_that_was_written_would_be_found(tmp_path: Path) -> None:
    """Negative control."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "log").write_text(f"key={KEY}")
    assert canaries_in(tmp_path) == [tmp_path / "a" / "log"]


def test_stop_answers_at_once_in_mid_reply_and_the_endpoint_is_let_go(tmp_path: Path) -> None:
    with serving_model(*rules(pause=0.2)) as served, serving(on(served, tmp_path)) as server:
        task_id = start(server.url)
        wait_until(lambda: "What" in report(server.url, task_id))
        assert httpx2.post(f"{server.url}/api/tasks/{task_id}/stop", timeout=30).status_code in (200, 202)
        wait_until(lambda: served.asked[0].left, seconds=1)
        wait_until(lambda: ended(server.url, task_id), seconds=1)
    assert len(served.asked) == 1


def test_a_failure_of_the_endpoint_is_told_by_its_code(tmp_path: Path) -> None:
    """And the task can be tried again when the endpoint is back."""
    broken = Rule(status=503, times=1, error=f"no {KEY}")
    with serving_model(broken, *rules()) as served, serving(on(served, tmp_path, model_retries=0)) as server:
        task_id = start(server.url)
        wait_until(lambda: ended(server.url, task_id))
        failed = httpx2.get(f"{server.url}/api/tasks/{task_id}", timeout=30).text
        assert "model_unavailable" in failed
        assert KEY not in failed
        httpx2.post(f"{server.url}/api/tasks/{task_id}/retry", timeout=30)
        wait_until(lambda: task(server.url, task_id)["status"] == "completed")
        assert report(server.url, task_id) == "".join(TEXTS.values())
    assert canaries_in(tmp_path) == []


def test_the_server_says_which_model_it_asks_and_whether_it_answers(tmp_path: Path) -> None:
    with (
        serving_model(Rule(reply="OK", times=1), Rule(status=401, error=f"not {KEY}")) as served,
        serving(on(served, tmp_path)) as server,
        httpx2.Client(base_url=server.url, timeout=30) as http,
    ):
        kinds = http.get("/api/kinds").json()
        told = [http.post("/api/model/check", json={}) for _ in range(2)]
        stats = http.get("/api/stats").json()
    assert kinds["model"] == stats["capabilities"]["model"] == "scripted"
    shown = next(kind["model"] for kind in kinds["kinds"] if kind["kind"] == "model-demo")
    assert shown == {"name": "scripted", "thinking": "scripted", "base_url": served.url}
    assert [each.json()["answers"] for each in told] == [True, False]
    assert told[1].json()["code"] == "model_denied"
    assert KEY not in told[1].text


def test_without_a_model_the_server_says_what_to_set(tmp_path: Path) -> None:
    with serving(settings(tmp_path)) as server:
        told = httpx2.post(f"{server.url}/api/model/check", json={}, timeout=30)
        assert httpx2.get(f"{server.url}/api/kinds", timeout=30).json()["model"] is None
    assert told.status_code == 409
    assert told.json()["code"] == "model_required"
    assert "OPENAI_MODEL" in told.json()["detail"]


def on(served: Served, tmp_path: Path, **more: object) -> Settings:
    given = {"openai_base_url": served.url, "openai_model": "scripted", "openai_api_key": KEY}
    return settings(tmp_path, **given, **more)


async def test_the_doctor_says_what_is_missing_and_asks_if_told_to(tmp_path: Path) -> None:
    """In words that name the settings, without the key."""
    voice = Voice(False)
    assert describe_model(settings(tmp_path), voice)[0]
    assert describe_model(settings(tmp_path, openai_model="m"), voice) == (
        False,
        "none, because OPENAI_BASE_URL is not set",
    )
    with serving_model(Rule(reply="OK", times=1), Rule(status=401, error=KEY)) as served, fail_after(10):
        wanted = on(served, tmp_path)
        assert await ask_model(wanted, voice) == (True, f"scripted at {served.url}, answers")
        ok, told = await ask_model(wanted, voice)
    assert not ok
    assert "401" in told
    assert KEY not in told


def test_the_key_may_lie_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n")
    given = settings(tmp_path, openai_model="m", openai_api_key_file=tmp_path / "key")
    model = configured_model(given)
    assert model is not None
    assert model.endpoint.api_key == KEY
    assert KEY not in repr(given) + str(given.model_dump()) + repr(model.endpoint)
    assert model.identity["base_url"] == "https://api.openai.com/v1"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("openai_base_url", f"https://me:{KEY}@host.example/v1"),
        ("openai_base_url", f"https://host.example/v1?key={KEY}"),
        ("openai_base_url", "host.example"),
        ("openai_api_key_file", "nowhere"),
    ],
)
def test_an_address_with_a_password_in_it_is_refused(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"without user|readable file"):
        settings(tmp_path, **{name: value})


def test_a_server_that_asks_no_model_never_imports_the_sdk() -> None:
    """It starts as fast as one that has none."""
    code = (
        "import sys; from server.app import create_app; from server.settings import Settings;"
        "create_app(Settings(openai_model='m', openai_base_url='http://127.0.0.1:1/v1'));"
        "print('openai' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert ran.stdout.strip() == "False"
