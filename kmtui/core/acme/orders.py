"""Applying for certificates (RFC 8555 section 7.4): newOrder, order, polling, finalize."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from kmtui.core.acme.jws import Signer, b64url
from kmtui.core.acme.objects import Identifier, Order
from kmtui.core.acme.polling import OnUpdate, poll
from kmtui.core.acme.problems import own_problem, refusal, violation
from kmtui.core.acme.reply import Reply
from kmtui.core.acme.retries import TRIES, passing
from kmtui.core.acme.session import Session
from kmtui.core.errors import AcmeError, ProtocolViolation

PROGRESS = ("pending", "ready", "processing", "valid")
"""An order's statuses in the order of its way (section 7.1.6); `invalid` ends it anywhere."""
FINALIZE_DEADLINE = 120.0
"""Seconds until an order whose authorizations are valid has become ready and is finalized."""


class OrderRequests(Session):
    """What one can ask a CA about orders."""

    async def new_order(
        self,
        signer: Signer,
        names: Sequence[str],
        *,
        profile: str | None = None,
        replaces: str | None = None,
    ) -> Order:
        """A new order for DNS names (A-labels, maybe ``*.``) and IP addresses.

        `replaces` (RFC 9773 section 5) goes along only if the CA offers renewal information. It is
        sent again when the answer is lost: some CAs then return the same order, others make one
        that is never finalized and expires; neither makes a second certificate.
        Raises ProtocolViolation when the CA ordered other names than those asked for.
        """
        asked = list(dict.fromkeys(Identifier.of(name) for name in names))
        payload: dict[str, Any] = {"identifiers": [each.document() for each in asked]}
        if profile is not None:
            payload["profile"] = profile
        if replaces is not None and (await self.directory()).renewal_info is not None:
            payload["replaces"] = replaces
        try:
            reply = await self._at(
                lambda directory: directory.new_order,
                "orders",
                lambda url: self._place(signer, url, payload),
            )
        except AcmeError as error:
            await self._tell_profiles(error)
            raise
        order = _order(reply, self._location(reply, "order"))
        if set(order.identifiers) != set(asked):
            got = ", ".join(sorted(each.value for each in order.identifiers)) or "none"
            raise violation(
                "the CA made an order for other names than those asked for",
                detail=f"names of the order: {got}",
                where=order.url,
            )
        return order

    async def _place(self, signer: Signer, url: str, payload: Mapping[str, Any]) -> Reply:
        async with self._gates.new_orders:
            return await self._post(signer, url, payload, repeatable=True)

    async def order(self, signer: Signer, url: str) -> Order:
        """The order as it stands. Raises AcmeError; some CAs answer 404 for an expired one."""
        return await self._fetch_order(signer, url)

    async def poll_order(
        self,
        signer: Signer,
        url: str,
        *,
        until: Collection[str],
        deadline: float,
        known: Order | None = None,
        on_update: OnUpdate[Order] | None = None,
    ) -> Order:
        """The order once it has one of the statuses `until`, or is further on its way.

        What is `known` from a moment ago is not asked for again before the CA's Retry-After.

        Raises AcmeError with the order's problem when it is invalid, StillProcessing at the
        deadline (seconds).
        """
        enough = min(PROGRESS.index(status) for status in until)

        def settled(order: Order) -> bool:
            if order.status == "invalid":
                raise refusal(order.error or own_problem("kmtui:order-invalid", where=url))
            return order.status in PROGRESS and PROGRESS.index(order.status) >= enough

        if known is not None and settled(known):
            return known
        # Section 7.4: ask again "after the time given in the Retry-After header field".
        after = self._pace.pause(0, known.retry_after) if known else None
        return await poll(
            lambda: self._fetch_order(signer, url, tries=1),
            settled,
            after=after,
            deadline=deadline,
            pace=self._pace,
            clock=self._clock,
            sleep=self._sleep,
            on_update=on_update,
        )

    async def finalize(
        self,
        signer: Signer,
        order: Order,
        csr_der: bytes,
        *,
        deadline: float = FINALIZE_DEADLINE,
    ) -> Order:
        """The order, finalized with this request (section 7.4); poll it until it is `valid`.

        Safe to call again with the same CSR. When an answer is lost, or the CA calls the order not
        ready, the order itself is asked before anything is sent again.
        """
        end = self._clock() + deadline
        turn = 0
        while order.status not in ("processing", "valid"):
            left = max(end - self._clock(), 0.0)
            if order.status != "ready":
                order = await self.poll_order(signer, order.url, until={"ready"}, deadline=left)
                continue
            try:
                return await self._send_csr(signer, order, csr_der)
            except AcmeError as error:
                if not _unsettled(error):
                    await self._tell_profiles(error)
                    raise
                wait = self._pace.pause(turn, error.problem.retry_after if error.problem else None)
                if wait > left:
                    raise
            await self._sleep(wait)
            turn += 1
            order = await self._fetch_order(signer, order.url)
        return order

    async def _send_csr(self, signer: Signer, order: Order, csr_der: bytes) -> Order:
        if order.finalize is None:
            raise violation("the CA's order has no finalize URL", where=order.url)
        reply = await self._post(
            signer, order.finalize, {"csr": b64url(csr_der)}, repeatable=False, tries=1
        )
        try:
            sent = _order(reply, order.url)
        except ProtocolViolation:
            # It was accepted; what became of it the order itself tells.
            sent = await self._fetch_order(signer, order.url)
        if sent.status == "invalid":
            raise refusal(sent.error or own_problem("kmtui:order-invalid", where=order.url))
        return sent

    async def _tell_profiles(self, error: AcmeError) -> None:
        """Raise a refusal of the profile, at newOrder or at finalize, with those on offer now."""
        problem = error.problem
        if problem is None or problem.short_type != "invalidProfile":
            return
        with suppress(AcmeError):
            await self.directory(refresh=True)
        offered = ", ".join((await self.directory()).meta.profiles) or "no profiles"
        hint = f"{problem.hint} (the CA offers {offered})"
        raise AcmeError(error.message, hint=hint, problem=replace(problem, hint=hint)) from error

    async def _fetch_order(self, signer: Signer, url: str, *, tries: int = TRIES) -> Order:
        return _order(await self._read(signer, url, tries=tries), url)


def _order(reply: Reply, url: str) -> Order:
    return Order.parse(reply.json_object("order"), url=url, retry_after=reply.retry_after)


def _unsettled(error: AcmeError) -> bool:
    """Whether finalize may have worked, or may work soon: only the order can tell."""
    not_ready = error.problem is not None and error.problem.short_type == "orderNotReady"
    return not_ready or passing(error)
