"""Research with a model, over the wire: what it writes is checked, what it costs is bounded, nothing is paid twice."""

import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from server.errors import InvalidParameters, ModelRequired
from server.llm.failures import ModelUnavailable
from server.llm.scripted import Rule
from server.sources.fetch import Fetcher
from server.sources.library import Library
from server.sources.providers.base import Hit
from server.sources.providers.pages import FoundPages
from server.sources.providers.post import Post
from server.sources.providers.roster import Providers
from server.sources.providers.scripted import ScriptedProvider
from server.workflows.rehearsal import Killed, RehearsalContext
from server.workflows.research.workflow import research_workflow
from tests.llm.endpoint import KEY
from tests.sources.pages import Serve, never, page, serve_pages
from tests.workflows.researcher import LOOPBACK, QUERY, honest, research, serving_researcher

DATA = Path(__file__).parent.parent / "data/library"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DATA, tmp_path / "library"))


async def test_the_report_answers_from_the_sources_with_citations(folder: Path) -> None:
    """Each stage asks the model once; each number in the text leads to a source of the list; quotes stand there."""
    with serving_researcher() as served:
        result, context = await research(folder, served)
    assert (result["engine"], result["status"]) == ("llm", "complete")
    assert list(context.parts) == ["about", "summary", "sec1", "sec2", "gaps", "sources", "method"]
    assert "citric acid: one spoon for each litre of cold water [1]" in context.parts["sec1"]
    listed = set(re.findall(r"^- (\[\d+\])", context.parts["sources"], re.M))
    assert set(re.findall(r"\[\d+\]", context.parts["summary"] + context.parts["sec1"])) <= listed
    text = " ".join((folder / "kettles.md").read_text().split())
    assert all(" ".join(one["quote"].split()) in text for one in result["evidence"])
    assert result["scores"]["fabricated_citation_rate"] == 0.0
    assert result["spent"]["calls"] == len(served.stages) == 9
    assert result["models"]["name"] == "scripted"
    assert KEY not in str(result) + context.report


async def test_a_chinese_question_has_a_chinese_frame_and_the_model_is_asked_for_chinese(folder: Path) -> None:
    with serving_researcher() as served:
        result, context = await research(folder, served, query="茶叶为什么要密封保存？")
        asked = [str(each.body["messages"][0]["content"]) for each in served.asked]
    assert result["language"] == "zh"
    assert "## 来源" in context.parts["sources"]
    assert all("Simplified Chinese" in system for system in asked)
    assert result["evidence"][0]["quote"].startswith("茶叶必须密封保存")


async def test_what_a_search_finds_is_read_cited_and_searched_once(folder: Path) -> None:
    """Pages are fetched once over all questions; an abstract is quoted as it is; a failure is named. Killed in between,
    no finished search is made again."""
    text = "A samovar is descaled with citric acid, which is left in it for an hour."
    abstract = "We show that samovar descale rates depend on the acid that is used."
    routes: dict[str, bytes | Serve] = {"/samovar": page(f"<p>{text}</p>", title="Samovars")}
    async with serve_pages(routes) as pages:
        hits = [
            Hit(pages.url("/samovar"), "Samovars", "", "scripted"),
            Hit(pages.url("/missing"), "Nothing", "", "scripted"),
            Hit("https://papers.example/1", "On samovars", abstract, "scripted", "2023-04", "paper", abstract),
        ]
        asks: dict[str, Any] = {"query": "How do I descale a samovar?", "sources": {"library": False}}
        with serving_researcher() as served:
            for kill in (None, 7, 9, 12, 15):
                provider = ScriptedProvider(otherwise=hits)
                providers = Providers([Post(provider)], FoundPages(Fetcher(LOOPBACK)))
                before = len(pages.asked)
                killed = RehearsalContext(steps_until_kill=kill)
                with suppress(Killed):
                    result, _ = await research(folder, served, killed, providers=providers, **asks)
                searches = [key for key in killed.ran if key.startswith("find:")]
                if kill is not None:
                    last = RehearsalContext(killed.journal)
                    result, _ = await research(folder, served, last, providers=providers, **asks)
                    assert set(searches).isdisjoint(last.ran)
                    searches += [key for key in last.ran if key.startswith("find:")]
                assert len(searches) == len(set(searches)) == 3
                assert len(provider.asked) <= 3 + 2 * (kill is not None)
                assert sorted(pages.asked[before:]).count("/samovar") <= 1 + (kill is not None)
    assert {source["url"] for source in result["sources"]} == {pages.url("/samovar"), "https://papers.example/1"}
    assert result["status"] == "complete"
    assert [(one["kind"], one["code"]) for one in result["failed_sources"]] == [("found", "http_404")]
    assert result["counts"]["searches"] == 3


@pytest.mark.parametrize("third", range(3))
async def test_killed_after_any_step_nothing_finished_is_paid_twice_and_the_report_is_the_same(
    folder: Path, third: int
) -> None:
    """Counted at the endpoint, by idempotency key; pages are fetched once, too."""
    async with serve_pages({"/": page("<p>A kettle is descaled at our shop within ten minutes.</p>")}) as pages:
        sources = {"urls": [pages.url("/")]}
        with serving_researcher() as served:
            library, client = Library(folder), served.client()
            whole_result, whole = await research(library, served, client=client, sources=sources)
            calls = served.calls.total()
            for kill in range(third, len(whole.ran), 3):
                served.asked.clear()
                before = len(pages.asked)
                killed = RehearsalContext(steps_until_kill=kill)
                with suppress(Killed):
                    await research(library, served, killed, client=client, sources=sources)
                second = RehearsalContext(killed.journal)
                result, _ = await research(library, served, second, client=client, sources=sources)
                assert second.report == whole.report
                assert {**result, "spent": None} == {**whole_result, "spent": None}
                finished = {key for key in killed.ran if ":begun:" not in key}
                again = [key for key, times in served.calls.items() if times > 1]
                assert not finished & {str(key).split(":", 2)[2] for key in again}
                assert served.calls.total() <= calls + 4, "only what was under way, side by side"
                assert len(pages.asked) - before <= 2
                assert result["spent"]["calls"] >= calls


def lying(stage: str, prompt: str) -> str:
    """Ids, addresses, quotes and numbers of its own making, wherever a reply is prose."""
    true = honest(stage, prompt)
    if stage == "learn":
        invented = '{"source": "S%s", "statement": "Kettles cure colds.", "quote": "%s"},'
        return true.replace(
            '"statements":[',
            '"statements":['
            + invented % (1, "A kettle that is never descaled cures the common cold.")
            + invented % (77, "A kettle is descaled with citric acid: one spoon for each litre of cold water."),
        ).replace(",]", "]")
    if stage == "section":
        return (
            f"{true} Experts say so [S99] [7] [^3]. See https://made.up.example/study?id=1 and [the study]"
            "(https://doi.org/10.1/none). “The kettle was invented on the moon by a committee of cats” [S1]. "
            'A report found that "nine out of ten kettles are haunted by limescale spirits" [S1, S42].\n'
            "> A whole paragraph that was never written in any of the sources that were read [S1]\n"
        )
    return f"{true} As shown in [S55] and www.made.up.example." if stage == "summary" else true


async def test_what_a_lying_model_invents_does_not_get_into_the_report(folder: Path) -> None:
    """No citation leads nowhere; no address of its own stands there; invented quotes are marked, or not counted."""
    with serving_researcher(lying) as served:
        result, context = await research(folder, served)
    body = "".join(context.parts[name] for name in ("summary", "sec1", "sec2"))
    scores = result["scores"]
    assert scores["fabricated_citation_rate"] == 0.0
    assert scores["quote_match_rate"] >= 0.98
    numbers = {source["n"] for source in result["sources"]}
    assert {int(found) for found in re.findall(r"\[(\d+)\]", body)} <= numbers
    assert "made.up" not in context.report
    assert "doi.org" not in context.report
    assert not re.search(r"\[S\d+\]|\[\^", context.report)
    for invented in ("committee of cats” [1]", 'limescale spirits" [1]', "that were read [1]"):
        quote = invented.partition(" [")[0]
        assert re.search(re.escape(quote) + r"[^.]{0,6}\(not found in the sources\)", body), quote
    assert scores["removed"]["citations"] >= 8
    assert scores["removed"]["unverified_quotes"] == 6
    assert all("cold." not in one["quote"] for one in result["evidence"])
    assert len(result["unverified"]) == scores["removed"]["statements"] == 4
    assert scores["model_quote_match_rate"] < 1


async def test_without_evidence_there_is_no_report(tmp_path: Path, folder: Path) -> None:
    """Neither with an empty library, nor where nothing speaks to the question, nor when the model only invents."""
    (tmp_path / "empty").mkdir()
    with serving_researcher() as served:
        for where, query in ((tmp_path / "empty", QUERY), (folder, "Who won the chess championship of 1985?")):
            result, context = await research(where, served, query=query)
            assert (result["status"], result["evidence"], result["sources"]) == ("no_evidence", [], [])
            assert list(context.parts) == ["about", "summary", "gaps", "method"]
            assert "No evidence was found" in context.parts["summary"]
        assert not {"outline", "section", "summary"} & set(served.stages)

    def inventing(stage: str, prompt: str) -> str:
        if stage != "learn":
            return honest(stage, prompt)
        return '{"statements": [{"source": "S1", "statement": "It is so.", "quote": "Nobody has ever written this."}]}'

    with serving_researcher(inventing) as served:
        result, context = await research(folder, served)
    assert result["status"] == "no_evidence"
    assert len(result["unverified"]) == 2
    assert "sec1" not in context.parts


@pytest.mark.parametrize("calls", range(1, 10))
async def test_a_budget_of_calls_holds_and_still_leaves_a_written_result(folder: Path, calls: int) -> None:
    """What the model may not write is listed by code from what was learnt by then; the report says what is missing."""
    with serving_researcher() as served:
        result, context = await research(folder, served, budget={"calls": calls})
        assert len(served.asked) <= calls
    assert result["status"] in {"partial", "no_evidence"} or calls == 9
    assert context.parts["method"]
    assert "budget_spent" in context.report or calls == 9
    if result["evidence"]:
        assert "citric acid" in context.report
        assert result["scores"]["fabricated_citation_rate"] == 0.0


async def test_a_budget_of_tokens_holds(folder: Path) -> None:
    with serving_researcher() as served:
        whole, _ = await research(folder, served)
        most = (whole["spent"]["input_tokens"] + whole["spent"]["output_tokens"]) * 2 // 3
        result, context = await research(folder, served, budget={"tokens": most})
    spent = result["spent"]["input_tokens"] + result["spent"]["output_tokens"]
    assert spent <= most * 1.1
    assert result["status"] in {"partial", "no_evidence"}
    assert context.parts["summary"].strip()


async def test_a_slow_model_is_stopped_by_its_budget_of_seconds(folder: Path) -> None:
    """In mid-text: what it has written stays, and the rest is listed."""
    with serving_researcher(rule=Rule(piece=4, pause=0.02)) as served:
        result, context = await research(folder, served, budget={"seconds": 3})
    assert result["spent"]["seconds"] < 4.5
    assert result["status"] in {"partial", "no_evidence"}
    assert context.parts["method"]


FAULTS = {
    "no json_schema": [Rule(refuses=("json_schema",))],
    "no structure at all": [Rule(refuses=("response_format",))],
    "rate limited": [Rule(status=429, headers={"retry-after": "0"})],
    "unavailable": [Rule(status=503)],
    "empty": [Rule(reply=" ")],
    "cut": [Rule(fault="cut", after=0)],
    "garbage": [Rule(fault="garbage", after=0)],
    "no json in the stream": [Rule(fault="no_json", after=0)],
    "a web page": [Rule(fault="html")],
    "hang": [Rule(fault="hang", after=0)],
    "dropped": [Rule(fault="drop", piece=40)],
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_the_report_is_whole_whatever_happens_once_at_each_stage(folder: Path, fault: str) -> None:
    """The same report as from an endpoint without faults."""
    with serving_researcher() as served:
        _, whole = await research(folder, served)
    with serving_researcher() as served:
        for stage in ("scope", "plan", "learn", "gaps", "outline", "section", "summary"):
            served.faulty[stage] = list(FAULTS[fault])
        result, context = await research(folder, served, client=served.client(first_token_seconds=0.4))
    assert context.report == whole.report
    assert result["status"] == "complete"


@pytest.mark.parametrize("fault", ["cut", "hang", "garbage", "no_json", "error"])
async def test_a_section_that_breaks_off_in_mid_text_is_gone_on_with(folder: Path, fault: Any) -> None:
    """What had come stays, and the model goes on from there."""
    with serving_researcher() as served:
        served.faulty["section"] = [Rule(fault=fault, after=3, piece=8)]
        result, context = await research(folder, served, client=served.client(next_token_seconds=0.4))
    assert context.parts["sec1"].endswith("Indeed.\n\n") or context.parts["sec2"].endswith("Indeed.\n\n")
    assert result["scores"]["fabricated_citation_rate"] == 0.0


async def test_a_false_stop_is_gone_on_with(folder: Path) -> None:
    """A section that ends in mid-sentence with `stop` is not taken for finished; nor one that ends with `length`."""
    with serving_researcher() as served:
        served.faulty["section"] = [Rule(reply="It is known that a kettle"), Rule(reply="It is known", finish="length")]
        _, context = await research(folder, served)
    assert "It is known that a kettleIndeed." in context.report
    assert "It is knownIndeed." in context.report


@pytest.mark.parametrize("stage", ["scope", "plan", "gaps", "outline"])
async def test_a_stage_whose_replies_never_fit_is_done_without_the_model(folder: Path, stage: str) -> None:
    """The plan comes from templates, sections follow the questions; the report says so."""
    with serving_researcher(lambda asked, prompt: "[]" if asked in (stage, "") else honest(asked, prompt)) as served:
        result, context = await research(folder, served)
    assert result["status"] == "partial"
    assert "model_reply_invalid" in context.parts["gaps"]
    assert "citric acid" in context.report


async def test_a_model_that_can_be_had_no_more_fails_the_task_and_a_retry_goes_on(folder: Path) -> None:
    """What was finished is not asked again; sections that were written side by side with the one that failed stay."""
    with serving_researcher() as served:
        served.faulty["section"] = [Rule(status=503)] * 2
        client = served.client(retries=0)
        first = RehearsalContext()
        with pytest.raises(ModelUnavailable):
            await research(folder, served, first, client=client)
        stages = len(served.stages)
        result, _ = await research(folder, served, RehearsalContext(first.journal), client=client)
    assert served.stages[stages:] == ["section", "section", "summary"]
    assert result["status"] == "complete"


async def test_a_small_model_is_shown_less(folder: Path) -> None:
    """Where it says that the prompt is too long for it, the sources are shown in part."""
    with serving_researcher() as served:
        served.faulty["learn"] = [Rule(status=400, error="maximum context length is 4096 tokens")] * 2
        result, context = await research(folder, served)
    assert "learn:q1.2" in context.ran
    assert result["status"] == "complete"


async def test_a_plan_can_be_had_edited_and_run(folder: Path) -> None:
    """The plan alone costs two calls; what is sent back as `plan` is what is asked."""
    with serving_researcher() as served:
        planned, context = await research(folder, served, plan_only=True)
        assert served.stages == ["scope", "plan"]
        assert planned["status"] == "plan"
        assert "1. How do I descale a kettle?" in context.parts["plan"]
        plan = [*planned["plan"][:1], {"question": "Where is descaling needed most often?"}]
        result, _ = await research(folder, served, plan=plan)
    assert [one["text"] for one in result["questions"]] == [QUERY, "Where is descaling needed most often?"]
    assert served.stages.count("plan") == 1


async def test_a_question_that_is_added_while_it_runs_is_looked_into(folder: Path) -> None:
    """And a run that starts again hears it at the same place."""
    with serving_researcher() as served:
        told = [{"question": "When may ships enter the harbour?"}]
        killed = RehearsalContext(told=told, steps_until_kill=20)
        with suppress(Killed):
            await research(folder, served, killed)
        result, context = await research(folder, served, RehearsalContext(killed.journal))
    assert result["questions"][-1]["text"] == "When may ships enter the harbour?"
    assert result["questions"][-1]["answered"]
    assert "harbour.html" in context.parts["sources"]


async def test_enough_write_now_ends_the_search(folder: Path) -> None:
    """No gaps are looked for any more."""

    def curious(stage: str, prompt: str) -> str:
        more = '{"questions": [{"question": "And tea?", "goal": "", "queries": ["green tea"]}]}'
        return more if stage == "gaps" else honest(stage, prompt)

    with serving_researcher(curious) as served:
        longer, _ = await research(folder, served)
        asked = served.stages.count("gaps")
        result, _ = await research(folder, served, RehearsalContext(told=[{"write_now": True}]))
    assert len(longer["questions"]) > len(result["questions"])
    assert asked == served.stages.count("gaps") == 1
    assert result["evidence"]


async def test_write_now_is_heard_between_readings(folder: Path) -> None:
    """Of eight questions four are under way when it is said; the others are not read any more."""
    context = RehearsalContext()

    def hurried(stage: str, prompt: str) -> str:
        if stage == "learn" and not context.told:
            context.told.append({"write_now": True})
        return honest(stage, prompt)

    plan = [{"question": f"How do I descale kettle {name}?"} for name in "ABCDEFGH"]
    with serving_researcher(hurried) as served:
        result, _ = await research(folder, served, context, plan=plan)
    assert served.stages.count("learn") == 4
    assert result["evidence"]
    assert result["status"] == "partial"


async def test_failures_side_by_side_leave_the_same_report_when_it_is_gone_on_with(folder: Path) -> None:
    """Whichever of them came first."""

    def late(stage: str, prompt: str) -> str:
        return "[]" if stage in ("learn", "") and "speaks against it" in prompt else honest(stage, prompt)

    with serving_researcher(late) as served:
        served.faulty["learn"] = [Rule(status=400, error="maximum context length is 1")] * 3
        whole = RehearsalContext()
        await research(folder, served, whole)
        again, last = await research(folder, served, RehearsalContext(whole.journal))
    assert last.report == whole.report
    assert last.ran == []
    assert again["incomplete"]


async def test_a_follow_up_question_uses_the_evidence_that_is_kept(folder: Path, tmp_path: Path) -> None:
    """With nothing else to look in; its sources are those of the first report."""
    task = "a" * 32
    with serving_researcher() as served:
        first, _ = await research(folder, served)
        context = RehearsalContext(results={task: first})
        nowhere = {"library": False, "web": False}
        result, _ = await research(
            folder, served, context, query="How long must the acid stand?", follows=task, sources=nowhere
        )
    assert result["evidence"]
    assert {source["path"] for source in result["sources"]} <= {source["path"] for source in first["sources"]}


async def test_own_prompts_and_instructions_reach_the_stages_that_they_are_for(folder: Path) -> None:
    with serving_researcher() as served:
        own = {"plan": "Plan as a chemist.", "write": "Write as a poet."}
        models: dict[str, Any] = {"thinking_model": "deep", "model": "quick"}
        await research(folder, served, prompts=own, instructions="Mind the price.", **models)
        told = [(stage, str(each.body)) for stage, each in zip(served.stages, served.asked, strict=True)]
    assert {stage for stage, body in told if "as a chemist" in body} == {"plan"}
    assert {stage for stage, body in told if "as a poet" in body} == {"outline", "section", "summary"}
    assert all("Mind the price." in body for _, body in told)
    asked = {(stage == "learn", each.body["model"]) for stage, each in zip(served.stages, served.asked, strict=True)}
    assert asked == {(True, "quick"), (False, "deep")}


def test_what_needs_a_model_is_refused_without_one(folder: Path) -> None:
    """And the embedded engine is not asked for what it can't do."""
    workflow = research_workflow(Library(folder), Fetcher(LOOPBACK))
    assert workflow.check is not None
    for params in ({"engine": "llm"}, {"plan_only": True}, {"plan": [{"question": "Why?"}]}, {"follows": "a" * 32}):
        with pytest.raises(ModelRequired):
            workflow.check(workflow.params.model_validate({"query": QUERY, **params}))
    with pytest.raises(InvalidParameters, match="plan_only"):
        workflow.check(workflow.params.model_validate({"query": QUERY, "plan_only": True, "engine": "embedded"}))


def test_the_model_is_part_of_what_is_made_with_it_and_of_nothing_else(folder: Path) -> None:
    with serving_researcher() as served:
        workflow = research_workflow(Library(folder), Fetcher(LOOPBACK), model=served.client())
    assert workflow.model_for({"engine": "embedded"}) is None
    assert workflow.model_for({"engine": "auto"}) == workflow.model_for({"engine": "llm"}) == workflow.model


async def test_a_page_that_hangs_beyond_the_budget_is_left_and_something_is_written(folder: Path) -> None:
    """The budget's seconds bound reading; what is known by then is written down, without the model if need be."""
    async with serve_pages({"/hang": never}) as pages:
        with serving_researcher() as served:
            sources = {"urls": [pages.url("/hang")]}
            result, context = await research(folder, served, sources=sources, budget={"seconds": 2})
    assert result["spent"]["seconds"] < 4
    assert [(one["kind"], one["code"]) for one in result["failed_sources"]] == [("url", "budget")]
    assert "time budget was used up" in context.parts["gaps"]
    assert context.parts["method"]


async def test_images_are_no_part_of_a_report_and_make_it_no_less_whole(folder: Path) -> None:
    with serving_researcher() as served:
        result, context = await research(folder, served, images=True)
    assert result["status"] == "complete"
    assert "- Images: none" in context.parts["method"]
