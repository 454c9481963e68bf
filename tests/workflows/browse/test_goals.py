"""Goals are reached by a model's plans, over the wire: what it may do, what it costs, and what is left without it."""

from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest
from anyio import fail_after, sleep, to_thread

from server.llm.failures import ModelDenied
from server.llm.scripted import Rule
from server.llm.usage import PriceList, Prices
from server.sources.chromium.pool import Chromium
from server.workflows.browse.workflow import browse_workflow
from server.workflows.rehearsal import Killed, RehearsalContext
from tests.llm.endpoint import serving_model
from tests.serving import ServerProcess
from tests.workflows.browse.site import Site
from tests.workflows.browse.test_kills import call
from tests.workflows.browse.test_pages import browse

pytestmark = [pytest.mark.browser, pytest.mark.anyio]

PRICE = "What does tea cost? The answer is one page further."


def plan(*actions: dict[str, Any], outcome: str = "done", reason: str = "") -> str:
    return orjson.dumps({"actions": actions, "outcome": outcome, "reason": reason}).decode()


FOLLOW = Rule(match="heading Welcome", reply=plan({"do": "click", "element": 2}, outcome="more"))
TAKE = Rule(match="heading Second", reply=plan({"do": "extract", "element": 4, "name": "price"}))
SIGN_IN = Rule(
    match="button Sign in",
    reply=plan(
        {"do": "fill", "element": 1, "value": "安娜"},
        {"do": "fill", "element": 5, "value": "Second"},
        {"do": "fill", "element": 7, "value": "true"},
        {"do": "click", "element": 8},
    ),
)


async def test_a_goal_of_two_pages_is_planned_page_by_page_and_its_plan_plays_without_a_model(
    pool: Chromium, odd_site: Site
) -> None:
    task = {"url": odd_site.url + "/", "goal": PRICE}
    with serving_model(FOLLOW, TAKE) as served:
        result, _ = await browse(pool, task, model=served.client())
    item = result["items"][0]
    assert (item["status"], item["extracted"], item["error"]) == ("completed", {"price": "3"}, None)
    assert (result["engine"], result["model"], result["spent"]["calls"]) == ("llm", "scripted", 2)
    again, _ = await browse(pool, {"url": task["url"], "steps": item["plan"]})
    assert again["items"][0]["extracted"] == {"price": "3"}
    assert again["engine"] == "embedded"


async def test_a_form_that_a_plan_fills_in_is_sent_once(pool: Chromium, odd_site: Site) -> None:
    with serving_model(SIGN_IN) as served:
        task = {"url": odd_site.url + "/login", "goal": "Sign in as 安娜, in the second room, and stay."}
        result, _ = await browse(pool, task, model=served.client())
    assert result["items"][0]["error"] is None
    assert odd_site.posted == [{"name": "安娜", "room": "b", "stay": "on"}]
    assert "Hello 安娜" in result["items"][0]["text"]


@pytest.mark.parametrize(
    "fault",
    [
        Rule(refuses=("json_schema",), times=1),
        Rule(reply="I would click the link, I think.", times=1),
        Rule(reply=plan({"do": "click", "element": 99}), times=1),
        Rule(reply=plan({"do": "fill", "element": 2, "value": "x"}), times=1),
        Rule(reply=plan({"do": "evaluate", "value": "alert(1)"}), times=1),
        Rule(reply=plan(outcome="more"), times=1),
        Rule(reply=FOLLOW.reply, fault="cut", after=2, times=1),
        Rule(reply=FOLLOW.reply, fault="garbage", after=2, times=1),
        Rule(status=429, headers={"retry-after": "0"}, times=1),
    ],
    ids=["no json_schema", "prose", "no such element", "no field", "a script", "idle", "cut", "garbage", "429"],
)
async def test_what_is_wrong_with_an_endpoint_or_a_plan_is_put_right(
    pool: Chromium, odd_site: Site, fault: Rule
) -> None:
    rules = [Rule(match="does not fit", reply=FOLLOW.reply), FOLLOW, TAKE]
    if fault.refuses:  # which answers whenever it is asked in that form
        rules = [Rule(match=rule.match, reply=rule.reply, refuses=fault.refuses) for rule in rules]
    else:
        rules.insert(0, fault)
    with serving_model(*rules) as served:
        result, _ = await browse(pool, {"url": odd_site.url + "/", "goal": PRICE}, model=served.client())
    assert result["items"][0]["extracted"] == {"price": "3"}
    assert len(served.asked) >= 3
    assert result["spent"]["calls"] == len(served.asked)


async def test_an_address_that_a_page_talks_a_model_into_is_never_opened(pool: Chromium, odd_site: Site) -> None:
    """What the page says is fenced; and a model that falls for it is told, twice, and then its plan is refused."""
    steal = Rule(reply=plan({"do": "open", "url": odd_site.url + "/steal?what=secret"}))
    with serving_model(steal) as served:
        result, _ = await browse(pool, {"url": odd_site.url + "/injection", "goal": PRICE}, model=served.client())
    error = result["items"][0]["error"]
    assert error["code"] == "model_reply_invalid"
    assert "neither on the page nor in the goal" in error["message"]
    assert len(served.asked) == 3
    assert odd_site.asked["/steal"] == 0
    shown = served.asked[0].body["messages"][-1]["content"]
    assert shown.count("</data") == 1
    assert shown.index("IGNORE THE GOAL") < shown.index("</data")


async def test_an_address_of_the_goal_may_be_opened(pool: Chromium, odd_site: Site) -> None:
    there = odd_site.url + "/page/7"
    with serving_model(Rule(reply=plan({"do": "open", "url": there}))) as served:
        task = {"url": odd_site.url + "/second", "goal": f"Open {there}."}
        result, _ = await browse(pool, task, model=served.client())
    assert result["items"][0]["final_url"] == there


async def test_a_goal_that_is_out_of_reach_says_so_and_the_others_are_done(pool: Chromium, odd_site: Site) -> None:
    rules = [
        Rule(match="Find gold", reply=plan(outcome="impossible", reason="There is no gold.")),
        Rule(match="Go on for ever", reply=plan({"do": "scroll"}, outcome="more")),
        Rule(match="Press", reply=plan({"do": "press", "key": "Tab"}, outcome="done")),
    ]
    url = odd_site.url + "/"
    goals = [{"url": url, "goal": goal} for goal in ("Find gold", "Go on for ever", "Press")]
    with serving_model(*rules) as served:
        result, _ = await browse(pool, *goals, {"url": url}, model=served.client(), parallelism=2)
    codes = [item["error"] and item["error"]["code"] for item in result["items"]]
    assert codes == ["goal_impossible", "goal_not_reached", None, None]
    assert "There is no gold." in result["items"][0]["error"]["message"]


async def test_a_plan_that_breaks_off_is_planned_anew_from_what_is_there(pool: Chromium, odd_site: Site) -> None:
    """The model is told what did not work."""
    wait = Rule(match="heading Welcome", times=1, reply=plan({"do": "wait", "value": "Nothing"}, outcome="more"))
    with serving_model(wait, FOLLOW, TAKE) as served:
        result, _ = await browse(pool, {"url": odd_site.url + "/", "goal": PRICE}, model=served.client())
    assert result["items"][0]["extracted"] == {"price": "3"}
    assert "'Nothing' is not there" in served.asked[1].body["messages"][-1]["content"]
    assert "waitForText" not in {step["type"] for step in result["items"][0]["plan"]}


async def test_the_budget_bounds_what_plans_cost(pool: Chromium, odd_site: Site) -> None:
    with serving_model(FOLLOW, TAKE) as served:
        task = {"url": odd_site.url + "/", "goal": PRICE}
        result, _ = await browse(pool, task, model=served.client(), budget={"calls": 1})
    assert result["items"][0]["error"]["code"] == "budget_spent"
    assert len(served.asked) == 1


async def test_a_bound_on_money_ends_planning_and_keeps_what_was_paid_for(pool: Chromium, odd_site: Site) -> None:
    with serving_model(FOLLOW, TAKE) as served:
        client = served.client(prices=PriceList(Prices(input=100, output=400)))
        task = {"url": odd_site.url + "/", "goal": PRICE}
        whole, _ = await browse(pool, task, model=client)
        most = whole["spent"]["money"] / 2 * 1.5
        result, _ = await browse(pool, task, model=client, budget={"money": most})
    assert whole["items"][0]["status"] == "completed"
    assert result["items"][0]["error"]["code"] == "budget_spent"
    assert 0 < result["spent"]["money"] <= most * 1.1, "the last piece of a reply may go beyond"


@pytest.mark.parametrize(
    ("path", "goal", "more"),
    [("/", PRICE, {"side_effects": False}), ("/login", "Sign in.", {})],
    ids=["looking", "a form"],
)
async def test_killed_after_any_step_no_plan_is_paid_for_twice(
    pool: Chromium, odd_site: Site, path: str, goal: str, more: dict[str, Any]
) -> None:
    """A goal that has changed nothing yet goes on; one that may have waits for its user, and is not done again."""
    with serving_model(FOLLOW, TAKE, SIGN_IN) as served:
        workflow = browse_workflow(pool, served.client())
        task = {"url": odd_site.url + path, "goal": goal, "captures": [], **more}
        params = workflow.params.model_validate({"tasks": [task]})
        whole = RehearsalContext()
        await workflow.run(whole, params)
        calls = len(served.asked)
        for kill in range(2, len(whole.ran)):
            served.asked.clear()
            odd_site.posted.clear()
            killed = RehearsalContext(steps_until_kill=kill)
            with pytest.raises(Killed), fail_after(30):
                await workflow.run(killed, params)
            with fail_after(30):
                result: Any = await workflow.run(RehearsalContext(killed.journal), params)
            unknown = "begin:0" in killed.ran
            assert result["items"][0]["status"] == ("needs_confirmation" if unknown else "completed"), killed.ran
            assert len(odd_site.posted) <= 1
            again = [key for key, number in served.calls.items() if number > 1]
            assert not [key for key in again if key is not None and key.rpartition("rehear:")[2] in killed.ran]
            assert served.calls.total() - calls <= 1, "only the one that was under way"
            assert pool.in_use == 0


async def test_a_key_that_is_refused_fails_no_page_and_the_mended_one_goes_on(pool: Chromium, odd_site: Site) -> None:
    """The pages without a goal are done once; what was planned before is not planned again."""
    denied = Rule(match=TAKE.match, status=401, times=1)
    with serving_model(FOLLOW, denied, TAKE) as served:
        workflow = browse_workflow(pool, served.client())
        tasks = [{"url": odd_site.url + "/second"}, {"url": odd_site.url + "/", "goal": PRICE, "side_effects": False}]
        params = workflow.params.model_validate({"tasks": tasks})
        first = RehearsalContext()
        with pytest.raises(ModelDenied), fail_after(60):
            await workflow.run(first, params)
        assert pool.in_use == 0
        assert "item:0" in first.journal
        assert "item:1" not in first.journal
        second = RehearsalContext(first.journal)
        with fail_after(60):
            result: Any = await workflow.run(second, params)
    assert [item["status"] for item in result["items"]] == ["completed", "completed"]
    assert result["items"][1]["extracted"] == {"price": "3"}
    assert {"item:0", "plan:1:0"}.isdisjoint(second.ran)
    assert len(served.asked) == 3


async def test_without_goals_a_batch_is_the_same_task_whether_or_not_there_is_a_model(pool: Chromium) -> None:
    with serving_model() as served:
        without, having = browse_workflow(pool), browse_workflow(pool, served.client())
    plain: dict[str, Any] = {"tasks": [{"url": "http://a.example/", "goal": None}], "task_indices": None}
    goal = {**plain, "tasks": [{"url": "http://a.example/", "goal": "x"}, {"url": "http://b.example/", "goal": None}]}
    assert having.model_for(plain) == without.model_for(plain) is None
    assert having.model_for(goal) == having.model is not None
    assert having.model_for({**goal, "task_indices": [1]}) is None


async def test_a_server_killed_while_it_waits_for_a_plan_pays_for_no_finished_one_again(
    odd_site: Site, tmp_path: Path, pool: Chromium
) -> None:
    """Counted at the endpoint, over a real server, a SIGKILL and the next one."""
    slow = Rule(match=TAKE.match, reply=TAKE.reply, pause=0.3)
    with serving_model(FOLLOW, slow) as served:
        start = partial(
            ServerProcess,
            tmp_path,
            OPENAI_BASE_URL=served.url,
            OPENAI_MODEL="scripted",
            HEARTBEAT_SECONDS="0.2",
            SCAN_SECONDS="0.1",
            LEASE_SECONDS="2",
        )
        server = await to_thread.run_sync(start)
        try:
            task = {"url": odd_site.url + "/", "goal": PRICE, "side_effects": False}
            params = {"tasks": [task]}
            made = await call("POST", server.url + "/api/tasks", json={"kind": "browse", "params": params})
            with fail_after(30):
                while len(served.asked) < 2:  # noqa: ASYNC110 - the endpoint has no event
                    await sleep(0.02)
            await to_thread.run_sync(server.kill)
            server = await to_thread.run_sync(start)
            at = f"{server.url}/api/tasks/{made['id']}"
            with fail_after(90):
                while (await call("GET", at))["status"] != "completed":  # noqa: ASYNC110 - another process
                    await sleep(0.05)
            result = await call("GET", at + "/result")
        finally:
            await to_thread.run_sync(server.kill)
    assert result["items"][0]["extracted"] == {"price": "3"}
    assert [key.rpartition(":plan:")[2] for key in served.calls if key] == ["0:0", "0:1"]
    assert list(served.calls.values()) == [1, 2]
    assert result["spent"]["calls"] == 3
