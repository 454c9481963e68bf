"""All that the techniques have in common while they work on one module."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from server.workflows.testcases.cases import Draft, Issue, Obligation
from server.workflows.testcases.coverage import Scene, meets
from server.workflows.testcases.solver import Held, Inputs, Solver, Undecided
from server.workflows.testcases.spec import Module
from server.workflows.testcases.wording import Words

Make = Callable[[], Draft | None]


@dataclass
class Bench:
    """One module, what has to be tested of it, and the cases so far."""

    module: Module
    words: Words
    solver: Solver = field(init=False)
    scene: Scene = field(init=False)
    obligations: list[Obligation] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.solver = Solver(self.module)
        self.scene = Scene(self.solver, self.module.rules)

    def cover(self, obligation: Obligation, make: Make) -> None:
        """Take an obligation on, and make a case for it unless one there is does it already."""
        self.obligations.append(obligation)
        if obligation.reason is not None or any(meets(self.scene, obligation, draft) for draft in self.drafts):
            return
        try:
            draft = make()
        except Undecided:
            obligation.reason = "undecided"
            return
        if draft is None:
            obligation.reason = obligation.reason or "excluded"
        elif meets(self.scene, obligation, draft):
            self.drafts.append(draft)
        else:
            obligation.reason = "undecided"

    def complete(self, fixed: Mapping[str, Any], *, broken: int | None = None, where: Held = ()) -> Inputs | None:
        return self.solver.complete(fixed, broken=broken, where=where)

    def steps(self, inputs: Inputs) -> list[tuple[str, str]]:
        """How an input is brought about: what is no field first, then the fields."""
        fields = {name: value for name, value in inputs.items() if name in self.solver.domains}
        given = {name: value for name, value in inputs.items() if name not in fields}
        told = [(self.words.say("given"), self.words.pairs(given))] if given else []
        if fields:
            told.append((self.words.say("fill"), self.words.pairs(fields)))
        return [*told, (self.words.say("observe" if given else "submit"), "")]

    @property
    def opened(self) -> list[str]:
        return [self.words.say("open", module=self.module.name)]
