"""The claims ledger as the pages show it: one table of all claims, and boxes beside the evidence of a few."""

from collections.abc import Mapping, Sequence

from skipnets.claims import Claim, Evidence, reading
from skipnets.tables import myst_table
from skipnets.verdicts import Status, Verdict

#: Order in which counts of verdicts are told.
STATUSES: tuple[Status, ...] = ("supported", "conditional", "not distinguishable", "refuted", "not yet measured")


def ledger_table(claims: Sequence[Claim], verdicts: Mapping[str, Verdict]) -> str:
    """Return every claim with its verdict, reason and evidence as a MyST table."""
    rows = []
    for claim in claims:
        verdict = verdicts[claim.id]
        rows.append(
            (
                f'<span id="claim-{claim.id}">{claim.id}</span>',
                f'"{claim.quote}" {_reading(claim)}{_place(claim)}',
                _badge(verdict.status),
                verdict.reason,
                _links(claim.evidence),
            )
        )
    header = ("claim", "the document's words", "verdict", "why", "evidence")
    return myst_table(header, rows, "Every claim and what became of it.", "tbl-claims")


def claims_box(claims: Sequence[Claim], verdicts: Mapping[str, Verdict], *ids: str) -> str:
    """Return an admonition with the claims ``ids``, for the place where their evidence stands."""
    by_id = {claim.id: claim for claim in claims}
    lines = [
        f'* <a href="claims.html#claim-{claim_id}">{claim_id}</a> "{by_id[claim_id].quote}" {_reading(by_id[claim_id])}'
        f"{_badge(verdicts[claim_id].status)} {verdicts[claim_id].reason}"
        for claim_id in ids
    ]
    title = "What the document claims here, and the verdict of the book's own records"  # in a rerun too
    return "\n".join([f":::{{admonition}} {title}", ":class: claims", *lines, ":::"])


def count_verdicts(verdicts: Mapping[str, Verdict]) -> dict[Status, int]:
    """Return how many claims have each verdict."""
    found = [verdict.status for verdict in verdicts.values()]
    return {status: found.count(status) for status in STATUSES}


def _reading(claim: Claim) -> str:
    """What a measured claim was taken to say."""
    taken = reading(claim)
    return f'<span class="claim-reading">Read as: {taken}</span> ' if taken else ""


def _place(claim: Claim) -> str:
    """Where the claim stands and of what kind it is; the page's filters read the attributes."""
    return (
        f'<span class="claim-place" data-document="{claim.document}" data-kind="{claim.kind}">'
        f"document {claim.document}, line {claim.line}, {claim.kind}</span>"
    )


def _badge(status: Status) -> str:
    return f'<span class="verdict verdict-{status.replace(" ", "-")}">{status}</span>'


def _links(evidence: Sequence[Evidence]) -> str:
    """The pages and sources one can follow, then the tests, whose long names are folded away."""
    shown = ", ".join(_link(place) for place in evidence if place.test is None)
    tests = [f"<code>{place.test}</code>" for place in evidence if place.test is not None]
    if not tests:
        return shown or "none yet"
    count = "1 test" if len(tests) == 1 else f"{len(tests)} tests"
    return f"{shown} <details><summary>{count}</summary>{'<br>'.join(tests)}</details>"


def _link(place: Evidence) -> str:
    if place.cite:
        return f"{{cite:t}}`{place.cite}`"
    role = "numref" if place.label and place.label.startswith(("fig-", "tbl-")) else "ref"
    return f"{{{role}}}`{place.label}`"
