"""Renewal windows: a plan for each current version, from its life, or from what its CA suggests.

RFC 9773. A window is asked for soon after issuance and again at the interval the CA wants; a random
point in it is chosen once and kept for as long as the window stays where it is.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlmodel import Session

from kmtui.core import authorities, inspection
from kmtui.core.acme import AcmeClient, RenewalInfo, cert_id
from kmtui.core.ca import CertificateAuthorities
from kmtui.core.clockguard import too_far_off
from kmtui.core.context import Context
from kmtui.core.due import lifetime_point
from kmtui.core.errors import AcmeError, KmtuiError, NotFound, ResponseLost
from kmtui.core.events import CertificateChanged
from kmtui.core.together import together
from kmtui.db import renewal, versions
from kmtui.model import Certificate, RenewalPlan

ASK_AGAIN = timedelta(hours=6)
"""After an error that lasts (RFC 9773 section 4.3.3), and for the first look at an old version."""
NO_SERVICE = timedelta(days=1)
"""A CA without renewal information may offer it one day."""
FIRST_PAUSE = timedelta(minutes=1)
"""After an error that may pass; doubled each time, up to `ASK_AGAIN`."""
RECENT = timedelta(days=1)
"""A version issued no longer ago is asked for at once, an older one within `ASK_AGAIN`."""
FIRST_LOOKS = 32
"""New plans whose CA is asked in the same run; a thousand imported ones are spread."""
AT_ONCE = 8
"""Questions to one CA at a time."""

Asked = tuple[Certificate, RenewalPlan]


class Windows:
    """Keeps the plans of the inventory up to date."""

    def __init__(
        self,
        context: Context,
        cas: CertificateAuthorities,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`chance` gives a number from 0 to 1."""
        self._context = context
        self._cas = cas
        self._chance = chance

    async def plan(self) -> None:
        """Make a plan for each current version without one, from its life. No network."""
        missing = await self._context.db.read(renewal.unplanned)
        now = self._context.clock()
        looks = 0
        plans = []
        for certificate in missing:
            issued = certificate.last_request_at
            soon = issued is not None and now - issued < RECENT and looks < FIRST_LOOKS
            looks += soon
            ask_at = now if soon else now + self._chance() * ASK_AGAIN
            plans.append(self._by_life(certificate, next_check_at=ask_at))
        await self._store(plans)

    async def refresh(self, *, only: Collection[str] | None = None) -> None:
        """Ask each CA about the certificates it wants to be asked about by now, or `only` those.

        Never raises for a CA: what went wrong is kept with the plan, and when to ask again.
        """
        now = self._context.clock()
        waiting = await self._context.db.read(lambda session: renewal.to_check(session, now))
        by_ca: defaultdict[str, list[Asked]] = defaultdict(list)
        for certificate, plan in waiting:
            if only is not None and certificate.id not in only:
                continue
            by_ca[certificate.ca or ""].append((certificate, plan))
        found = await together(self._of_ca(ca, asked) for ca, asked in by_ca.items())
        await self._store([plan for plans in found for plan in plans])

    async def name_of(self, certificate: Certificate, number: int) -> str | None:
        """The `cert_id` of one version; None when it has none. Raises NotFound."""
        version = await self._context.db.read(
            lambda session: versions.get(session, certificate.id, number)
        )
        if version is None:
            raise NotFound(f"{certificate.name} has no version {number}")
        try:
            return await asyncio.to_thread(
                lambda: cert_id(inspection.parse_chain(version.chain_pem)[0])
            )
        except KmtuiError:
            # Without an authority key identifier no CA can be asked about it.
            return None

    async def _of_ca(self, ca: str, asked: Sequence[Asked]) -> list[RenewalPlan]:
        """New plans for the certificates of one CA."""
        try:
            authority = await self._cas.get(ca)
            authorities.refuse_if_retired(authority)
            client = await self._cas.client(ca)
            await client.directory()
            too_far_off(client.clock_skew, authority.title)
        except KmtuiError as error:
            return [self._after_error(plan, error) for _, plan in asked]
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(certificate: Certificate, plan: RenewalPlan) -> RenewalPlan:
            async with gate:
                return await self._ask(client, certificate, plan)

        return await together(one(*each) for each in asked)

    async def _ask(
        self, client: AcmeClient, certificate: Certificate, plan: RenewalPlan
    ) -> RenewalPlan:
        name = plan.cert_id or await self.name_of(certificate, plan.version_number)
        if name is None:
            return replace(plan, next_check_at=None, error="it has no authority key identifier")
        plan = replace(plan, cert_id=name)
        try:
            info = await client.renewal_info(name)
        except KmtuiError as error:
            return self._after_error(plan, error)
        now = self._context.clock()
        if info is None:
            mine = self._by_life(certificate, next_check_at=now + NO_SERVICE)
            kept = mine if plan.source == "ari" else replace(plan, next_check_at=now + NO_SERVICE)
            return replace(kept, cert_id=name, checked_at=now, failures=0, error="")
        assert certificate.not_after is not None
        if info.start >= certificate.not_after:
            why = KmtuiError("the CA suggests a window after the certificate has expired")
            return self._after_error(plan, why)
        return replace(
            plan,
            source="ari",
            window_start=info.start,
            window_end=info.end,
            explanation_url=info.explanation_url or None,
            renew_at=self._point(plan, info, certificate.not_after),
            checked_at=now,
            next_check_at=now + timedelta(seconds=info.retry_after),
            failures=0,
            error="",
        )

    def _point(self, plan: RenewalPlan, info: RenewalInfo, expires: datetime) -> datetime:
        """RFC 9773 section 4.2: any point of the window, each as likely; chosen once."""
        if (plan.source, plan.window_start, plan.window_end) == ("ari", info.start, info.end):
            return plan.renew_at
        return info.start + self._chance() * (min(info.end, expires) - info.start)

    def _by_life(self, certificate: Certificate, *, next_check_at: datetime) -> RenewalPlan:
        after = certificate.not_after
        assert after is not None
        before = certificate.not_before or after
        return RenewalPlan(
            certificate_id=certificate.id,
            version_number=certificate.current_version or 0,
            source="lifetime",
            renew_at=lifetime_point(before, after, self._chance()),
            next_check_at=next_check_at,
        )

    def _after_error(self, plan: RenewalPlan, error: KmtuiError) -> RenewalPlan:
        """The plan as it was, asked about again later: the former window still stands."""
        now = self._context.clock()
        pause = ASK_AGAIN
        if _may_pass(error):
            pause = min(FIRST_PAUSE * 2 ** min(plan.failures, 10), ASK_AGAIN)
        return replace(
            plan,
            checked_at=now,
            next_check_at=now + pause,
            failures=plan.failures + 1,
            error=error.message,
        )

    async def _store(self, plans: Sequence[RenewalPlan]) -> None:
        if not plans:
            return

        def store(session: Session) -> None:
            renewal.put(session, plans)

        await self._context.db.write(store)
        self._context.bus.publish(*(CertificateChanged(plan.certificate_id) for plan in plans))


def _may_pass(error: KmtuiError) -> bool:
    """RFC 9773 section 4.3.3: timeouts and 5xx pass; refused connections, unknown hosts last."""
    if isinstance(error, ResponseLost):
        return True
    if not isinstance(error, AcmeError) or error.problem is None:
        return False
    status = error.problem.http_status or 0
    return status == 429 or (status >= 500 and status != 501)
