"""The claims ledger: what each write-up says, where the evidence is, and what it amounts to.

``data/claims.yml`` holds the claims. A claim of kind ``measurement`` has no verdict there: it is computed from the
records by the rule of its id in ``skipnets.verdicts``, or it says what it would take. Arguments, citations and slips
carry a verdict with its reason, and point to the test, figure or source that shows it.
"""

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from skipnets.errors import DamagedFileError
from skipnets.experiments import EXPERIMENTS, find_experiment
from skipnets.paths import ROOT
from skipnets.results import Results, load_results
from skipnets.specs import explain
from skipnets.verdicts import (
    NotMeasuredError,
    Rule,
    Status,
    Verdict,
    cnn_vs_resnet,
    concat_vs_sum,
    layers_164,
    very_deep,
)

LEDGER = ROOT / "data" / "claims.yml"

#: The experiment whose records settle a measured claim, and the rule that does, by the claim's id.
RULES: dict[str, tuple[str, Rule]] = {
    claim_id: (experiment, rule)
    for experiment, rules in (
        ("cnn_vs_resnet", cnn_vs_resnet.RULES),
        ("concat_vs_sum", concat_vs_sum.RULES),
        ("very_deep", very_deep.RULES),
        ("layers_164", layers_164.RULES),
    )
    for claim_id, rule in rules.items()
}


#: A smaller grid of the same cells: what it says is told beside a claim, and settles none.
POCKET = {"concat_vs_sum": "concat_vs_sum_pocket"}


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Evidence(_Entry):
    """Where to look: a test, a source of the bibliography, or a labelled figure, table or section of the book."""

    test: str | None = None
    cite: str | None = None
    label: str | None = None

    @model_validator(mode="after")
    def _one_place(self) -> "Evidence":
        if sum(place is not None for place in (self.test, self.cite, self.label)) != 1:
            raise ValueError("one of test, cite, label")
        return self


class Claim(_Entry):
    """One checkable sentence of a document."""

    id: Annotated[str, Field(pattern=r"^[ABC]\d+$")]
    document: Literal["000", "003", "004"]
    line: Annotated[int, Field(ge=1)]
    quote: str
    kind: Literal["measurement", "argument", "citation", "slip"]
    verdict: Status | None = None
    reason: str | None = None
    needs: str | None = None  # what would settle a measurement that has no rule yet
    evidence: tuple[Evidence, ...] = ()

    @model_validator(mode="after")
    def _computed_or_argued(self) -> "Claim":
        typed = self.verdict is not None and self.reason is not None
        if self.kind == "measurement" and (self.verdict or self.reason):
            raise ValueError(f"{self.id}: the verdict of a measurement is computed, not typed")
        if self.kind != "measurement" and self.needs:
            raise ValueError(f"{self.id}: a {self.kind} needs no run")
        if self.kind != "measurement" and not (typed and self.evidence):
            raise ValueError(f"{self.id}: a {self.kind} needs verdict, reason and evidence")
        return self


def load_claims(path: Path = LEDGER) -> list[Claim]:
    """Read the ledger.

    Raises:
        DamagedFileError: An entry is incomplete or an id occurs twice; the message names it.
    """
    try:
        claims = TypeAdapter(list[Claim]).validate_python(yaml.safe_load(path.read_text()))
    except ValidationError as error:
        raise DamagedFileError(f"{path}: {explain(error, 'ledger')}") from error
    except (OSError, yaml.YAMLError) as error:
        raise DamagedFileError(f"{path} cannot be read: {error}") from error
    ids = [claim.id for claim in claims]
    if twice := sorted({claim_id for claim_id in ids if ids.count(claim_id) > 1}):
        raise DamagedFileError(f"{path}: given twice: {', '.join(twice)}")
    return claims


def load_all_results() -> dict[str, Results]:
    """Load what is recorded of every experiment of the book, by the experiment's name."""
    return {name: load_results(find_experiment(name)) for name in EXPERIMENTS}


def judge(claim: Claim, results: Mapping[str, Results]) -> Verdict:
    """Return the verdict on ``claim``: of a measurement computed from its experiment's ``results``, or as argued."""
    if claim.kind != "measurement":
        assert claim.verdict is not None
        assert claim.reason is not None
        return Verdict(claim.verdict, claim.reason)
    if claim.id not in RULES:
        return Verdict("not yet measured", claim.needs or "No run or computation of the book settles it so far.")
    experiment, rule = RULES[claim.id]
    try:
        return rule(results[experiment])
    except NotMeasuredError as error:
        return Verdict("not yet measured", f"{error}{_at_pocket_scale(claim, results)}")


def reading(claim: Claim) -> str | None:
    """Return the claim as its rule measures it, the first line of the rule's docstring; None of what has no rule."""
    if claim.id not in RULES:
        return None
    _, rule = RULES[claim.id]
    return (inspect.getdoc(rule) or "").partition("\n")[0]


def _at_pocket_scale(claim: Claim, results: Mapping[str, Results]) -> str:
    """What the claim's rule says of the smaller grid, if there is one and the claim is not about printed numbers."""
    experiment, rule = RULES[claim.id]
    if experiment not in POCKET or claim.id in concat_vs_sum.PRINTED:
        return ""
    try:
        verdict = rule(results[POCKET[experiment]])
    except NotMeasuredError:
        return ""
    return f" At pocket scale: {verdict.status}. {verdict.reason}"


def judge_all(claims: Sequence[Claim]) -> dict[str, Verdict]:
    """Return the verdict on every claim, by id, from the book's records."""
    results = load_all_results()
    return {claim.id: judge(claim, results) for claim in claims}
