"""What a task knows, built from its steps' records alone: sources, what was shown of them, and what they say."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from server.sources.text import collapse
from server.workflows.quotes import Wording, plain

LONGEST_STATEMENT = 600
_NUMBER = re.compile(r"[0-9]{1,6}")


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that a source says, with the words that say so as they stand there."""

    id: str
    question: str
    source: str
    statement: str
    quote: str
    start: int
    end: int

    def told(self) -> str:
        return f"{self.id} [{self.source}] {self.statement}\n   quote: “{self.quote}”"


@dataclass
class Knowledge:
    """``sources`` by their id (S1, S2, …) in the order in which they came up; ``evidence`` has only what was verified.

    ``unverified``: statements whose quote does not stand in the source that they name; nothing rests on them.
    ``answered``: the questions on which some statement was verified, be it one that was known before.
    """

    most_sources: int
    sources: dict[str, dict[str, Any]] = field(default_factory=dict)
    evidence: list[Evidence] = field(default_factory=list)
    unverified: list[dict[str, Any]] = field(default_factory=list)
    answered: set[str] = field(default_factory=set)
    _ids: dict[str, str] = field(default_factory=dict)
    _blocks: dict[str, set[tuple[int, str]]] = field(default_factory=dict)
    _wordings: dict[str, Wording] = field(default_factory=dict)
    _said: set[tuple[str, str]] = field(default_factory=set)

    def add(self, found: dict[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
        """Take in what was read for a question; past ``most_sources`` nothing new.

        :return: the id of each source of it that is known now, with its passages, best first.
        """
        shown: dict[str, list[dict[str, Any]]] = {}
        for source in found["sources"]:
            key = source["id"]
            if key not in self._ids:
                if len(self.sources) >= self.most_sources:
                    continue
                self._ids[key] = f"S{len(self.sources) + 1}"
                self.sources[self._ids[key]] = source
            shown[self._ids[key]] = []
        for passage in found["passages"]:
            if (name := self._ids.get(passage["source"])) in shown:
                shown[name].append(passage)
                self._blocks.setdefault(name, set()).update((start, text) for start, text in passage["blocks"])
                self._wordings.pop(name, None)
        return [(name, passages) for name, passages in shown.items() if passages]

    def learn(self, question: str, statements: Iterable[dict[str, Any]]) -> int:
        """Take in what the model read out of the sources, as far as its quotes stand there. Returns how much is new."""
        before = len(self.evidence)
        for one in statements:
            named = _NUMBER.search(one["source"])
            name = f"S{int(named[0])}" if named else ""
            said = collapse(one["statement"])[:LONGEST_STATEMENT]
            found = self._wording(name).find(one["quote"]) if name in self.sources else None
            if found is None or not said:
                self.unverified.append({"question": question, **one})
                continue
            self.answered.add(question)
            if (name, plain(found.text)) not in self._said:
                self._said.add((name, plain(found.text)))
                number = f"E{len(self.evidence) + 1}"
                self.evidence.append(Evidence(number, question, name, said, found.text, found.start, found.end))
        return len(self.evidence) - before

    def stands(self, passage: str) -> bool:
        """Whether a passage stands in any of the sources."""
        return any(self._wording(name).find(passage) is not None for name in self.sources)

    def addresses(self) -> dict[str, str]:
        """The id of each source that has an address."""
        return {source["url"].rstrip("/"): name for name, source in self.sources.items() if "url" in source} | {
            source["url"]: name for name, source in self.sources.items() if "url" in source
        }

    def told(self, evidence: Iterable[Evidence]) -> str:
        """Statements and quotes as the model is shown them."""
        return "\n".join(one.told() for one in evidence)

    def _wording(self, name: str) -> Wording:
        if name not in self._wordings:
            self._wordings[name] = Wording(self._blocks.get(name, ()))
        return self._wordings[name]
