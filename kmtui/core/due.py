"""Whether a certificate is renewed now: one judgement for the unattended run, commands and screens.

Pure: rows in, a sentence out. Nothing here reads a clock, the inventory or the network.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from kmtui.core.owners import described
from kmtui.model import (
    SHORT_LIVED,
    Certificate,
    Problem,
    RenewalPlan,
    Request,
    RequestKind,
    RequestStatus,
    Verdict,
    expiring_at,
    renewal_due_at,
)

TOO_MANY_FAILURES = 5
"""In a row; then an operator is asked to switch the certificate off until it is repaired."""
USUAL = 10
"""So many due ones are an ordinary day, whatever share of the inventory they are."""
UNUSUAL_SHARE = 0.2
"""More than this share due at once is suspicious: a wrong clock, or a CA that revokes in bulk."""
SPREAD = 60
"""Without a suggestion of the CA, renewals are spread over a sixtieth of the life: 36 h of 90 d."""


def judge(
    certificate: Certificate,
    plan: RenewalPlan | None,
    attempts: Sequence[Request],
    now: datetime,
    *,
    obstacle: str = "",
) -> Verdict:
    """The verdict on one certificate at `now`.

    `plan` is for its current version, or is passed over; `attempts` are its requests since the last
    version, newest first; `obstacle` is what keeps its account or CA from being used at all.
    """
    if why := _never(certificate):
        return _verdict(certificate, why[1], blocked=why[0])
    plan = plan if plan and plan.version_number == certificate.current_version else None
    assert certificate.not_after is not None
    at = renewal_due_at(certificate.not_before, certificate.not_after, certificate.renew_at)
    verdict = _verdict(certificate, _reason(certificate, plan, at, now), at=at)
    if plan and plan.source == "ari" and plan.window_start and plan.window_end:
        window = (plan.window_start, plan.window_end)
        verdict = replace(verdict, window=window, explanation_url=plan.explanation_url or "")
    if at > now:
        return verdict
    return _in_the_way(replace(verdict, due=True), certificate, attempts, now, obstacle)


def lifetime_point(not_before: datetime, not_after: datetime, chance: float) -> datetime:
    """When to renew without a suggestion of the CA: a third of the life left, a little spread.

    Half of it for certificates that live less than ten days. `chance`, from 0 to 1, picks the
    point: up to 1/60 of the life later, never later than half of what remains.
    """
    begin = renewal_due_at(not_before, not_after, None)
    return begin + chance * min((not_after - not_before) / SPREAD, (not_after - begin) / 2)


def choose(
    due: Sequence[Certificate],
    watched: int,
    now: datetime,
    *,
    limit: int | None = None,
    confirmed: Collection[str] = (),
) -> tuple[list[Certificate], str]:
    """Which of the due ones a run renews, the first to expire first, and an alarm if not all.

    More than ten, and more than a fifth of the `watched` ones, are too many at once: ten are
    renewed, or those about to expire whose CA is `confirmed` to agree with the clock, whichever are
    more. A `limit` says that many are meant. What is left out is due in the next run again.
    """
    first = sorted(due, key=lambda row: (row.not_after or now, row.id))
    if limit is not None:
        return first[:limit], ""
    if len(due) <= USUAL or len(due) <= UNUSUAL_SHARE * watched:
        return first, ""
    urgent = [row for row in first if row.ca in confirmed and _expiring(row, now)]
    chosen = urgent if len(urgent) > USUAL else first[:USUAL]
    if len(chosen) == len(due):
        return chosen, ""
    return chosen, (
        f"{len(due)} of {watched} certificates are due at once: only {len(chosen)} are renewed now;"
        " check the clock and what the CA announced, then run with --limit N"
    )


def _expiring(certificate: Certificate, now: datetime) -> bool:
    after = certificate.not_after
    return after is not None and expiring_at(certificate.not_before, after) <= now


def _never(certificate: Certificate) -> tuple[str, str] | None:
    """Why a certificate is not renewed unattended at any time: a word and a sentence."""
    if certificate.archived_at is not None:
        return "archived", "archived"
    if certificate.current_version is None or certificate.not_after is None:
        if certificate.unsaved_version is not None:
            waiting = certificate.unsaved_version
            return "no-version", f"version {waiting} waits to be saved, none is current yet"
        return "no-version", "nothing was issued yet"
    if certificate.revoked_at is not None:
        return "revoked", f"revoked on {_day(certificate.revoked_at)}"
    if not certificate.auto_renew:
        return "auto-renew-off", "auto-renew is off"
    return None


def _reason(certificate: Certificate, plan: RenewalPlan | None, at: datetime, now: datetime) -> str:
    """Why the time is when it is."""
    before, after = certificate.not_before, certificate.not_after
    assert after is not None
    if plan and plan.source == "ari" and plan.window_start and plan.window_end:
        start, end = _time(plan.window_start), _time(plan.window_end)
        why = f"the CA suggests renewing between {start} and {end} (ARI)"
        if at > now:
            why += f"; chosen: {_time(at)}"
    elif before is None:
        why = f"it expires on {_time(after)}"
    else:
        part = "half" if after - before < SHORT_LIVED else "a third"
        tense = "will be left on" if at > now else "is left since"
        why = f"{part} of its life {tense} {_time(at)}"
    return f"expired on {_time(after)}; {why}" if now > after else why


def _in_the_way(
    verdict: Verdict,
    certificate: Certificate,
    attempts: Sequence[Request],
    now: datetime,
    obstacle: str,
) -> Verdict:
    """The verdict on a certificate whose time has come: due, unless something is in the way."""
    unsaved = certificate.unsaved_version
    if unsaved is not None and unsaved > (certificate.current_version or 0):
        return _blocked(
            verdict,
            "unsaved",
            f"version {unsaved} was issued and waits to be saved",
            proposal=f"kmtui cert save {certificate.name}",
        )
    newest = attempts[0] if attempts else None
    if newest is not None and RequestStatus(newest.status).active:
        return _under_way(verdict, newest, now)
    failed = _failures(attempts)
    if failed:
        verdict = _after_failures(verdict, certificate, failed, now)
    if obstacle:
        return _blocked(verdict, "obstacle", obstacle)
    return verdict


def _under_way(verdict: Verdict, request: Request, now: datetime) -> Verdict:
    if request.status == RequestStatus.PARKED:
        why = f"request #{request.number} is set aside"
        if request.not_before is not None:
            why += f" until {_clock(request.not_before, now)}"
        if request.problem is not None:
            why += f": {_one_line(request.problem)}"
    else:
        why = f"request #{request.number} is under way, held by {described(request.owner)}"
    return _blocked(verdict, "under-way", why, next_try_at=request.not_before)


def _failures(attempts: Sequence[Request]) -> list[Request]:
    """The renewals that failed since the last version, newest first."""
    failed = []
    for request in attempts:
        if request.status in (RequestStatus.AVAILABLE, RequestStatus.SAVED):
            break
        if request.kind == RequestKind.RENEW and request.status == RequestStatus.FAILED:
            failed.append(request)
    return failed


def _after_failures(
    verdict: Verdict, certificate: Certificate, failed: Sequence[Request], now: datetime
) -> Verdict:
    last = failed[0]
    said = _one_line(last.problem) if last.problem else last.step or "no reason was kept"
    proposal = ""
    if len(failed) >= TOO_MANY_FAILURES:
        proposal = f"kmtui cert set {certificate.name} --auto-renew off, until it is repaired"
    verdict = replace(verdict, failures=len(failed), last_failure=said, proposal=proposal)
    count = "once" if len(failed) == 1 else f"{len(failed)} times"
    if last.not_before is None:
        help_ = last.problem.hint if last.problem else ""
        link = last.problem.instance if last.problem else ""
        what = ", ".join(part for part in (help_ or said, link) if part)
        why = f"the last failure needs a human: {what}; retry when done"
        return _blocked(
            verdict,
            "needs-human",
            why,
            proposal=proposal or f"kmtui request retry {last.number}",
        )
    why = f"failed {count}, last: {said}"
    if last.not_before > now:
        again = f"{why}; tried again {_clock(last.not_before, now)}"
        return _blocked(verdict, "retry-later", again, next_try_at=last.not_before)
    return replace(verdict, why=f"{verdict.why}; {why}")


def _verdict(
    certificate: Certificate, why: str, *, at: datetime | None = None, blocked: str = ""
) -> Verdict:
    return Verdict(
        certificate_id=certificate.id,
        certificate=certificate.name,
        due=False,
        why=why,
        at=at,
        blocked=blocked,
    )


def _blocked(
    verdict: Verdict,
    word: str,
    why: str,
    *,
    next_try_at: datetime | None = None,
    proposal: str = "",
) -> Verdict:
    return replace(
        verdict,
        due=False,
        blocked=word,
        why=why,
        next_try_at=next_try_at,
        proposal=proposal or verdict.proposal,
    )


def _one_line(problem: Problem) -> str:
    """The short error type and the first name it concerns: ``caa at www.example.org``."""
    names = [part.identifier for part in problem.subproblems[:1] if part.identifier]
    return " at ".join([problem.short_type, *names])


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"


def _day(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d}"


def _clock(moment: datetime, now: datetime) -> str:
    """The time of day when it is within a day, else the day as well."""
    near = abs(moment - now) < timedelta(days=1)
    return f"{moment.astimezone(UTC):%H:%M}" if near else _time(moment)
