"""Verdicts on claims: what one is, and the rules that compute it from records, a module an experiment.

A rule says *supported* or *refuted* only where the interval over seeds leaves no other reading, *not distinguishable*
where it leaves both, and *conditional* where the claim holds in one reading or setting and not in another.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from skipnets.results import Results

Status = Literal["supported", "refuted", "not distinguishable", "conditional", "not yet measured"]


@dataclass(frozen=True)
class Verdict:
    """What became of a claim, and why."""

    status: Status
    reason: str


class NotMeasuredError(Exception):
    """The records that a rule needs do not exist yet."""


#: Computes a verdict from an experiment's records; raises NotMeasuredError where they do not suffice.
Rule = Callable[[Results], Verdict]


class Rules(dict[str, Rule]):
    """The rules of an experiment's claims, by the claim's id."""

    def decide(self, *ids: str) -> Callable[[Rule], Rule]:
        """Register the decorated function as the rule of the claims ``ids``."""

        def register(function: Rule) -> Rule:
            self.update(dict.fromkeys(ids, function))
            return function

        return register
