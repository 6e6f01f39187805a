"""The root of this project's exceptions, and the one for whatever a person got wrong."""

from __future__ import annotations

from collections.abc import Sequence


class BulkheadError(Exception):
    """Anything that Bulkhead's own code raises on purpose."""


class BadInput(BulkheadError):
    """Something that was given is refused: names it, its value and what would be accepted."""

    def __init__(self, what: str, value: object, limit: str) -> None:
        super().__init__(f"{what}: {value!s} is refused; {limit}")
        self.what = what
        self.value = value
        self.limit = limit

    def records(self) -> list[dict[str, str]]:
        """The same for machines, one record a problem."""
        return [{"what": self.what, "value": str(self.value), "limit": self.limit}]


class BadInputs(BadInput):
    """Several problems of one input, reported together. `total` counts those not shown too."""

    def __init__(self, source: str, problems: Sequence[BadInput], total: int | None = None) -> None:
        self.source = source
        self.problems = list(problems)
        self.total = len(self.problems) if total is None else total
        shown = "\n".join(f"  {problem}" for problem in self.problems)
        more = self.total - len(self.problems)
        rest = f"\n  and {more} more" if more else ""
        BulkheadError.__init__(self, f"{source}: {self.total} problem(s)\n{shown}{rest}")
        self.what, self.value = source, f"{self.total} problem(s)"
        self.limit = self.problems[0].limit if self.problems else ""

    def records(self) -> list[dict[str, str]]:
        """One record for each problem that is shown."""
        return [record for problem in self.problems for record in problem.records()]
