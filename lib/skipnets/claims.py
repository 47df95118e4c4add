"""The claims ledger: what each write-up says, where the evidence is, and what it amounts to.

``data/claims.yml`` holds the claims. A claim of kind ``measurement`` has no verdict there: it is computed from the
records by the rule of its id in ``skipnets.verdicts``. Arguments, citations and slips carry a verdict with its reason,
and point to the test, figure or source that shows it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from skipnets.errors import DamagedFileError
from skipnets.paths import ROOT
from skipnets.results import Results
from skipnets.specs import explain
from skipnets.verdicts import NotMeasuredError, Status, Verdict
from skipnets.verdicts.cnn_vs_resnet import RULES

LEDGER = ROOT / "data" / "claims.yml"


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
    evidence: tuple[Evidence, ...] = ()

    @model_validator(mode="after")
    def _computed_or_argued(self) -> "Claim":
        typed = self.verdict is not None and self.reason is not None
        if self.kind == "measurement" and (self.verdict or self.reason):
            raise ValueError(f"{self.id}: the verdict of a measurement is computed, not typed")
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


def judge(claim: Claim, results: Results) -> Verdict:
    """Return the verdict on ``claim``: computed from the records for a measurement, as argued otherwise."""
    if claim.kind != "measurement":
        assert claim.verdict is not None
        assert claim.reason is not None
        return Verdict(claim.verdict, claim.reason)
    rule = RULES.get(claim.id)
    if rule is None:
        return Verdict("not yet measured", "No run or computation of the book settles it so far.")
    try:
        return rule(results)
    except NotMeasuredError as error:
        return Verdict("not yet measured", str(error))


def judge_all(claims: Sequence[Claim], results: Results) -> dict[str, Verdict]:
    """Return the verdict on every claim, by id."""
    return {claim.id: judge(claim, results) for claim in claims}
