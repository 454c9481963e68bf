"""State transitions: each state, each transition, and each event where the specification has none for it."""

from collections import deque
from collections.abc import Collection

from server.workflows.testcases.bench import Bench
from server.workflows.testcases.cases import Draft, Issue, Obligation, Technique, Walk

MOST_REFUSED = 400


def design_states(bench: Bench, techniques: Collection[Technique]) -> None:
    """Take on what ``state`` asks."""
    if bench.module.states is not None and "state" in techniques:
        Machine(bench).design()


class Machine:
    """The states of one module."""

    def __init__(self, bench: Bench) -> None:
        assert bench.module.states is not None  # noqa: S101 - the caller has looked
        self._bench, self._states = bench, bench.module.states
        self._ways: dict[str, Walk] = {name: [] for name in self._states.names}
        for one in self._states.transitions:
            told = (one.from_, one.event or one.to, one.to)
            if told not in self._ways[one.from_]:
                self._ways[one.from_].append(told)
        self._forks = {
            (state, event)
            for state, ways in self._ways.items()
            for _, event, _ in ways
            if len({to for _, other, to in ways if other == event}) > 1
        }
        self._paths = self._shortest()

    def _shortest(self) -> dict[str, Walk]:
        """How each state is reached from the first one, over transitions that lead to one state only."""
        found: dict[str, Walk] = {self._states.initial: []}
        waiting = deque([self._states.initial])
        while waiting:
            state = waiting.popleft()
            for way in self._ways[state]:
                if way[2] not in found and (state, way[1]) not in self._forks:
                    found[way[2]] = [*found[state], way]
                    waiting.append(way[2])
        return found

    def design(self) -> None:
        say, bench = self._bench.words.say, self._bench
        for state, event in sorted(self._forks):
            targets = ", ".join(to for _, other, to in self._ways[state] if other == event)
            text = say("i_fork", state=state, event=event, to=targets)
            bench.issues.append(Issue("contradiction", text, [f"state.{state}.{event}"]))
        for state in self._states.names:
            if state not in self._paths:
                text = say("i_unreachable", state=state, initial=self._states.initial)
                bench.issues.append(Issue("unreachable", text, [f"state.{state}"]))
        for way in (way for ways in self._ways.values() for way in ways):
            self._transition(way)
        for state in self._states.names:
            self._state(state)
        self._refusals()

    def _transition(self, way: tuple[str, str, str]) -> None:
        walk = f"{way[0]} → {way[2]} ({way[1]})" if way[1] != way[2] else f"{way[0]} → {way[2]}"
        text = self._bench.words.say("o_transition", walk=walk)
        wanted = Obligation("state", "transition", {"walk": list(way)}, text, source=f"state.{way[0]}.{way[1]}")
        if (way[0], way[1]) in self._forks:
            wanted.reason = "contradiction"
        elif way[0] not in self._paths:
            wanted.reason = "unreachable"
        self._bench.cover(wanted, lambda: self._walk([*self._paths[way[0]], way], wanted))

    def _state(self, state: str) -> None:
        text = self._bench.words.say("o_state", state=state)
        wanted = Obligation("state", "state", {"state": state}, text, source=f"state.{state}")
        if state not in self._paths:
            wanted.reason = "unreachable"
        elif state == self._states.initial:
            return  # every walk begins there
        self._bench.cover(wanted, lambda: self._walk(self._paths[state], wanted))

    def _refusals(self) -> None:
        events = list(dict.fromkeys(event for ways in self._ways.values() for _, event, _ in ways))
        pairs = [
            (state, event)
            for state in self._paths
            for event in events
            if all(event != other for _, other, _ in self._ways[state])
        ]
        for number, (state, event) in enumerate(pairs):
            text = self._bench.words.say("o_refused", state=state, event=event)
            needs = {"state": state, "event": event}
            wanted = Obligation("state", "refused", needs, text, "negative", f"state.{state}")
            wanted.reason = "cut" if number >= MOST_REFUSED else None
            self._bench.cover(
                wanted,
                lambda state=state, event=event, own=wanted: self._walk(self._paths[state], own, event),  # type: ignore[misc]
            )

    def _walk(self, walk: Walk, obligation: Obligation, refused: str | None = None) -> Draft:
        say = self._bench.words.say
        steps = [(say("do", event=event), say("becomes", state=to)) for _, event, to in walk]
        last = walk[-1][2] if walk else self._states.initial
        expected = say("becomes", state=last)
        if refused is not None:
            steps.append((say("do", event=refused), ""))
            expected = say("stays", state=last)
        start = say("starts", state=self._states.initial)
        return Draft(
            "state",
            obligation.polarity,
            obligation.text,
            expected,
            3 if refused else 1,
            walk=list(walk),
            refused=(last, refused) if refused is not None else None,
            steps=steps,
            preconditions=[start],
            source=obligation.source,
        )
