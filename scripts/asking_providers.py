"""Ask every search provider that the settings name a question, for whoever has a network: tests have none.

    scripts/try_providers [QUESTION] [--language en|zh] [--limit N] [--seconds S]

Each provider is asked once, all at the same time, with the settings of a server: keys come from the environment or
from files. It ends with status 0 if one of them at least has found something.
"""

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import anyio  # noqa: E402 - the folder above has to be looked in first
from pydantic import ValidationError  # noqa: E402

from server.command.arguments import explain_settings  # noqa: E402
from server.command.terminal import Voice, printable  # noqa: E402
from server.settings import Settings  # noqa: E402
from server.sources.providers.base import Hit, ProviderFailed  # noqa: E402
from server.sources.providers.configured import configured_providers  # noqa: E402
from server.sources.providers.post import Post  # noqa: E402
from server.sources.providers.words import described  # noqa: E402

QUESTION = "How does a heat pump work?"
MOST_SHOWN = 3


@dataclass
class Outcome:
    name: str
    seconds: float
    hits: list[Hit]
    failure: ProviderFailed | None = None

    def __str__(self) -> str:
        about = f"{self.name:<12}{self.seconds:6.1f} s  "
        if self.failure is not None:
            return f"{about}failed ({self.failure.code}): {self.failure.message}"
        lines = [f"{one.title}  <{one.url}>" for one in self.hits[:MOST_SHOWN]]
        return "\n".join([f"{about}{len(self.hits)} found", *(f"{'':12}{printable(line)}" for line in lines)])


async def ask(posts: list[Post], question: str, language: str, limit: int, seconds: float) -> list[Outcome]:
    """In the order in which they answer, printed as they do."""
    outcomes: list[Outcome] = []

    async def one(post: Post) -> None:
        started = time.monotonic()
        hits, failure = list[Hit](), None
        try:
            hits = await post.ask(question, language=language, limit=limit, seconds=seconds)
        except ProviderFailed as failed:
            failure = failed
        outcomes.append(Outcome(post.provider.name, time.monotonic() - started, hits, failure))
        print(outcomes[-1], flush=True)

    async with anyio.create_task_group() as group:
        for post in posts:
            group.start_soon(one, post)
    return outcomes


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("question", nargs="?", default=QUESTION)
    parser.add_argument("--language", choices=("en", "zh"), default="en")
    parser.add_argument("--limit", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=20.0)
    given = parser.parse_args()
    try:
        roster = configured_providers(Settings())
    except ValidationError as error:
        print(*explain_settings(error, Voice(False), {}), sep="\n", file=sys.stderr)
        return 2
    outcomes = anyio.run(ask, list(roster.posts), given.question, given.language, given.limit, given.seconds)
    for state in roster.unconfigured:
        print(f"{state.name:<12}not asked  {described(state)['en']}")
    found = sum(bool(outcome.hits) for outcome in outcomes)
    print(f"\n{found} of {len(outcomes)} providers found something.")
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())
