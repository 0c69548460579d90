"""What needs an operator: certificates that expire, fail to renew or are not served; left-overs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from kmtui.core import last_run
from kmtui.core.account_book import unfinished
from kmtui.core.ca import CertificateAuthorities
from kmtui.core.contacts import silence
from kmtui.core.context import Context
from kmtui.core.renewal import Renewal
from kmtui.db import accounts, cleanup, renewal, settings, targets
from kmtui.model import (
    SHORT_LIVED,
    Account,
    Alert,
    Certificate,
    Target,
    TargetState,
    Verdict,
)

NOT_TOLD = "not-told"
"""What an alert says when a message to the operators did not get through."""
UNSENT = "notify.failed"
"""The setting that holds why the last message did not."""


class Alerts:
    """The one list that a monitor asks for."""

    def __init__(
        self, context: Context, renewal_: Renewal, authorities: CertificateAuthorities
    ) -> None:
        self._context = context
        self._renewal = renewal_
        self._authorities = authorities

    async def all(self, *, within: timedelta) -> list[Alert]:
        """Each certificate with less than `within` left, or whose renewal failed; then each target
        that was not deployed to, or where another certificate is served; accounts whose change was
        cut off, CAs that have not answered for days; left-overs last.

        Revoked ones and those without a version say nothing: nobody relies on them any more, or
        yet. Empty when everything is fine. No network.
        """
        now = self._context.clock()
        verdicts = {each.certificate_id: each for each in await self._renewal.verdicts()}
        watched = await self._context.db.read(renewal.watched)
        found = [_alert(row, verdicts.get(row.id), now, within) for row in watched]
        alerts = [alert for alert in found if alert is not None]
        alerts += map(_of_target, await self._context.db.read(targets.not_well))
        registered = await self._context.db.read(accounts.list_all)
        alerts += [
            Alert(what="unfinished", text=f"{text}: kmtui resume")
            for account in registered
            if (text := unfinished(account))
        ]
        alerts += await self._silent(registered)
        if left := await self._context.db.read(cleanup.count_pending):
            what = "1 published answer is" if left == 1 else f"{left} published answers are"
            alerts.append(Alert(what="left-over", text=f"{what} still to be removed"))
        if forgotten := await self.unattended():
            alerts.append(Alert(what="unattended", text=forgotten))
        if unsent := await self._context.db.read(lambda session: settings.get(session, UNSENT)):
            alerts.append(Alert(what=NOT_TOLD, text=f"operators were not told: {unsent}"))
        return alerts

    async def last_run(self) -> last_run.LastRun | None:
        """The unattended run that ended last; None before the first one."""
        return await self._context.db.read(last_run.read)

    async def unattended(self) -> str:
        """That nobody makes the unattended run although something waits for it; empty else."""
        now = self._context.clock()
        run = await self.last_run()
        since = run.at if run else await self._context.db.read(renewal.waiting_since)
        if since is None or now - since <= last_run.LATE:
            return ""
        if run and await self._context.db.read(renewal.waiting_since) is None:
            return ""
        when = f"since {since.astimezone(UTC):%Y-%m-%d %H:%M}" if run else "yet"
        return f"no unattended run was made {when}: kmtui systemd prints a timer for it"

    async def _silent(self, registered: Iterable[Account]) -> list[Alert]:
        """CAs in use that have not answered for days; a retired one is known not to."""
        contacts = await self._authorities.contacts.all()
        used = {each.ca for each in registered if each.status == "valid"}
        return [
            Alert(what="ca-silent", ca=ca.name, text=silence(ca, contact))
            for ca in await self._authorities.all()
            if ca.name in used and ca.retired is None
            if (contact := contacts.get(ca.name)) is not None and contact.silent
        ]


def _alert(
    row: Certificate, verdict: Verdict | None, now: datetime, within: timedelta
) -> Alert | None:
    if row.not_after is None or row.revoked_at is not None or row.current_version is None:
        return None
    why = f"; {verdict.why}" if verdict else ""
    if row.not_before is not None and (life := row.not_after - row.not_before) < SHORT_LIVED:
        # Their whole life is shorter than what is asked for elsewhere.
        within = min(within, life / 4)
    if now > row.not_after:
        what, text = "expired", f"expired on {_day(row.not_after)}{why}"
    elif row.not_after - now <= within:
        what, text = "expires", f"expires on {_day(row.not_after)}{why}"
    elif verdict and (verdict.failures or verdict.blocked in ("needs-human", "obstacle")):
        what, text = "failed", verdict.why
    else:
        return None
    return Alert(what=what, certificate=row.name, text=text)


def _of_target(target: Target) -> Alert:
    stale = target.state == TargetState.STALE
    return Alert(
        what="stale" if stale else "not-deployed",
        certificate=target.certificate,
        target=target.name,
        text=f"target {target.name}: {target.error}",
    )


def _day(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d}"
