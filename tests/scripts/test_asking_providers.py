"""`scripts/try_providers`, against one that answers and one that is not there."""

import os
import sys
from pathlib import Path

import anyio

from tests.sources.pages import serve_pages
from tests.sources.providers import answers
from tests.sources.providers.asking import KEY, said

ROOT = Path(__file__).resolve().parents[2]
LIMIT_SECONDS = 30


async def ask(*words: str, **settings: str) -> tuple[int, str]:
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **settings}
    line = [sys.executable, "-m", "scripts.asking_providers", *words]
    with anyio.fail_after(LIMIT_SECONDS):
        done = await anyio.run_process(line, env=environment, cwd=ROOT, check=False)
    return done.returncode, done.stdout.decode() + done.stderr.decode()


async def test_it_says_what_each_provider_found_and_what_others_need() -> None:
    """Status 0 where one at least has found something."""
    async with serve_pages({}, said(answers.SEARXNG)) as pages:
        status, told = await ask("kettle", SEARCH_PROVIDERS="searxng,exa", SEARXNG_URL=pages.url(""))
    assert status == 0
    assert "2 found" in told
    assert "How kettles work  <https://kettles.example/how>" in told
    assert "Not configured: EXA_API_KEY is not set." in told
    assert told.endswith("1 of 1 providers found something.\n")


async def test_it_ends_cleanly_where_nobody_can_be_reached() -> None:
    """With the reason of each, and no traceback; a key is not told."""
    async with serve_pages({}) as pages:
        nowhere = pages.url("")
    status, told = await ask(SEARCH_PROVIDERS="searxng,exa", SEARXNG_URL=nowhere, TAVILY_API_KEY=KEY)
    assert status == 1
    assert "failed (unreachable): No connection to it could be made." in told
    assert "0 of 1 providers found something." in told
    assert "Traceback" not in told
    assert KEY not in told


async def test_a_wrong_setting_is_told_in_a_sentence() -> None:
    """As `holdfast` tells it."""
    status, told = await ask(SEARCH_PROVIDERS="gogle")
    assert (status, "SEARCH_PROVIDERS can't be 'gogle'" in told) == (2, True)
