"""The way of one request, from order to version (RFC 8555 section 7.4).

Every step is committed before it is taken: the key and the signing request exist before newOrder,
the order's URL before its authorizations are read, a journal row before a TXT record or file. On
its way back in (a request that was cut off) the CA is asked where things stand, not memory.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from kmtui.core import chains, inspection, keys, ordering
from kmtui.core.accounts import Accounts
from kmtui.core.acme import (
    AcmeClient,
    Action,
    Authorization,
    Order,
    Signer,
)
from kmtui.core.ca import CertificateAuthorities
from kmtui.core.challenges.answers import LOST, answer_to, answered_otherwise
from kmtui.core.challenges.solver import Answer
from kmtui.core.challenges.solvers import Solvers
from kmtui.core.context import Context
from kmtui.core.decisions import action_of
from kmtui.core.errors import (
    AcmeError,
    CaUnreachable,
    DatabaseError,
    Defect,
    KmtuiError,
    NotFound,
    ProtocolViolation,
    Refused,
    StillProcessing,
    Superseded,
    ValidationFailed,
)
from kmtui.core.events import RequestChanged
from kmtui.core.persistence import insisting
from kmtui.core.planning import Proof, plan
from kmtui.core.problems import combined
from kmtui.core.progress import Progress
from kmtui.core.together import together, whole
from kmtui.model import Authority, Request, RequestStatus

AUTHORIZATION_DEADLINE = 300.0
"""Seconds the CA may take to check a name: slow CAs need minutes, nobody waits longer unasked."""
ORDER_DEADLINE = 600.0
"""Seconds the CA may take to issue: some sign in batches."""
CLEAN_UP_DEADLINE = 60.0
"""Seconds for removing what was published; the rest stays in the journal."""
LEAVING_DEADLINE = 8.0
"""The same for a process that is told to end: with the effect under way it takes less than 20 s."""


log = logging.getLogger(__name__)


@dataclass(slots=True)
class Work:
    """What one request's way needs at hand."""

    request: Request
    proofs: dict[str, Proof]
    authority: Authority
    client: AcmeClient
    signer: Signer
    csr: bytes
    """The signing request, DER; its key is sealed with the request."""
    spki_sha256: str
    also_allowed: tuple[str, ...]
    """Names this CA adds unasked."""
    progress: Progress


class Issuance:
    """Takes requests from order to version."""

    def __init__(
        self,
        context: Context,
        cas: CertificateAuthorities,
        accounts: Accounts,
        solvers: Solvers,
    ) -> None:
        self._context = context
        self._cas = cas
        self._accounts = accounts
        self._solvers = solvers

    async def obtain(self, request_id: str) -> None:
        """Claim the request and `work` on it; one that another process works on is left alone."""
        try:
            progress = await Progress.claim(self._context, request_id)
        except (NotFound, Refused, DatabaseError) as error:
            log.warning("request %s is not taken up: %s", request_id, error.message)
            return
        await self.work(progress)

    async def work(self, progress: Progress) -> None:
        """Take the request as far as it goes; what stops it is recorded with it, never lost.

        Cancelling the task lets the effect under way end, removes what was published, and leaves
        the request where it stands, for this or another process to take up.
        """
        try:
            await self._go(progress)
        except asyncio.CancelledError:
            await progress.release()
            raise
        except (Superseded, DatabaseError) as error:
            # Nothing can be recorded; the row still says where the work stands.
            log.error("request %d stops: %s", progress.request.number, error.message)
            self._context.bus.publish(RequestChanged(progress.request.id))
        except Exception as error:
            # Recorded like any failure, because a silent end is the worst one; then reported.
            what = f"kmtui itself failed ({type(error).__name__})"
            await progress.end_with(Defect(what, hint="please report it; the log has the place"))
            raise

    async def _go(self, progress: Progress) -> None:
        validating = kept = False
        try:
            try:
                work = await self._work(progress)
                order, authorizations = await self._order(work)
                answers = await self._answers(work, authorizations)
                if answers:
                    await self._publish(work, answers)
                    validating = True
                    await self._validate(work, answers)
                    validating = False
                order = await self._finalize(work, order)
                await whole(self._store(work, order))
            except KmtuiError as error:
                # A CA that is not done may look again at any time: what it looks for stays.
                kept = validating and action_of(error) == Action.RETRY_LATER
                raise
            finally:
                if not kept:
                    await self._clean_up(progress)
        except (Superseded, DatabaseError):
            raise
        except KmtuiError as error:
            await progress.end_with(error)

    async def clean_up(self, request_id: str) -> None:
        """Remove what a request published that no job works on any more.

        Raises Refused while another process works on it.
        """
        await self._clean_up(await Progress.claim(self._context, request_id))

    async def _work(self, progress: Progress) -> Work:
        request = progress.request
        account = await self._accounts.recent(request.account_id or "")
        authority = await self._cas.recent(account.ca)
        csr = await progress.csr()
        names = request.names if authority.adds_www else ()
        return Work(
            request=request,
            proofs=plan(request.spec, await self._solvers.means()),
            authority=authority,
            client=self._cas.client_of(authority),
            signer=await self._accounts.signer(account),
            csr=csr,
            spki_sha256=keys.csr_spki_sha256(csr),
            also_allowed=tuple(f"www.{name}" for name in names),
            progress=progress,
        )

    async def _order(self, work: Work) -> tuple[Order, list[Authorization]]:
        """The order and what it waits for: the order placed before, while it can still be used."""
        progress = work.progress
        if url := progress.request.order_url:
            await progress.log("asking the CA about the order that was placed before")
            try:
                order = await work.client.order(work.signer, url)
                authorizations = await self._authorizations(work, order)
                lost = _unusable(order, authorizations)
            except AcmeError as error:
                lost = _gone(error)
                if not lost:
                    raise
            if not lost:
                return order, authorizations
            await progress.order_lost(lost)
        order = await whole(self._place(work))
        authorizations = await self._authorizations(work, order)
        if busy := [each for each in authorizations if answered_otherwise(each, work.proofs)]:
            # An order of an earlier request, handed on. Section 7.5.1: one challenge is answered.
            await self._give_up(work, [each.url for each in busy])
            await progress.order_lost(f"the CA still checks {busy[0].name} in another way")
            order = await whole(self._place(work))
            authorizations = await self._authorizations(work, order)
        return order, authorizations

    async def _place(self, work: Work) -> Order:
        return await ordering.place(work.client, work.signer, work.progress, work.authority.name)

    async def _authorizations(self, work: Work, order: Order) -> list[Authorization]:
        """What the order still waits for; an order that is `ready` or further waits for nothing."""
        if order.status != "pending":
            return []
        return await together(
            work.client.authorization(work.signer, url) for url in order.authorizations
        )

    async def _answers(self, work: Work, authorizations: Sequence[Authorization]) -> list[Answer]:
        """The answers the CA waits for; names it still trusts from before need none."""
        if not authorizations:
            return []
        pairs = [
            answer_to(each, request=work.request, proofs=work.proofs, key=work.signer.key)
            for each in authorizations
        ]
        answers = [answer for answer, _ in pairs if answer is not None]
        await work.progress.challenges([row for _, row in pairs], answers=len(answers))
        return answers

    async def _publish(self, work: Work, answers: Sequence[Answer]) -> None:
        """Make every answer of the order visible before the CA is asked to look."""
        progress = work.progress
        published = await self._solvers.present(answers, progress)
        await progress.step(RequestStatus.PROPAGATING, "waiting until every answer can be seen")
        await self._solvers.wait(published, progress)

    async def _validate(self, work: Work, answers: Sequence[Answer]) -> None:
        """Answer one challenge per authorization, then poll all (RFC 8555 section 7.5.1)."""
        await work.progress.validating([answer.challenge_id for answer in answers])
        results = await asyncio.gather(
            *(self._validate_one(work, answer) for answer in answers), return_exceptions=True
        )
        failures: list[tuple[str, KmtuiError]] = []
        for answer, result in zip(answers, results, strict=True):
            if isinstance(result, KmtuiError):
                failures.append((answer.identifier, result))
            elif isinstance(result, BaseException):
                raise result
        if failures:
            error = combined(failures)
            if action_of(error) != Action.RETRY_LATER:
                await self._give_up(work, [answer.authorization_url for answer in answers])
            raise error

    async def _validate_one(self, work: Work, answer: Answer) -> None:
        progress = work.progress
        answered = None
        if not answer.answered:
            answered = await whole(work.client.answer(work.signer, answer.challenge_url))
        asked = 0

        async def polled(current: Authorization) -> None:
            nonlocal asked
            asked += 1
            if current.status == "pending":
                await progress.challenge(
                    answer.challenge_id, detail=f"CA is checking, asked {asked} times"
                )

        try:
            await work.client.poll_authorization(
                work.signer,
                answer.authorization_url,
                answered=answered,
                deadline=AUTHORIZATION_DEADLINE,
                on_update=polled,
            )
        except (StillProcessing, CaUnreachable, Superseded, DatabaseError):
            raise
        except AcmeError as error:
            said = error.problem.detail if error.problem else error.message
            await progress.challenge(
                answer.challenge_id,
                said=f"{answer.identifier} refused: {said}",
                level="bad",
                status="invalid",
                detail=said,
            )
            await progress.validation_failed(work.authority.name, answer.identifier)
            raise ValidationFailed(error.message, hint=error.hint, problem=error.problem) from error
        await progress.challenge(
            answer.challenge_id,
            said=f"{answer.identifier} {answer.proof.type} valid",
            level="good",
            status="valid",
            detail="",
            validated_at=self._context.clock(),
        )

    async def _give_up(self, work: Work, authorizations: Sequence[str]) -> None:
        """Tell the CA that these are not waited for (section 7.5.2), where it listens."""
        for url in authorizations:
            with suppress(AcmeError):
                current = await work.client.authorization(work.signer, url)
                if current.status == "pending":
                    await work.client.deactivate_authorization(work.signer, current.url)

    async def _finalize(self, work: Work, order: Order) -> Order:
        await work.progress.step(RequestStatus.FINALIZING, "waiting for the CA to issue")
        client, signer, url = work.client, work.signer, order.url
        async with insisting(client, signer, url, retries=work.request.retries):
            if order.status == "pending":
                # RFC 8555 section 7.1.6: ready it is once all its authorizations are valid. A CA
                # that needs longer says so, and then the order is asked (see `finalize`).
                order = replace(order, status="ready")
            if order.status == "ready":
                try:
                    order = await whole(client.finalize(signer, order, work.csr))
                except AcmeError as error:
                    raise ordering.refused_late(error, work.request.spec) from error
            return await client.poll_order(
                signer, url, until={"valid"}, known=order, deadline=ORDER_DEADLINE
            )

    async def _store(self, work: Work, order: Order) -> None:
        """Download, check against what was asked, and commit as an available version."""
        if not order.certificate:
            raise ProtocolViolation("the CA says the order is valid and names no certificate")
        async with insisting(work.client, work.signer, order.url, retries=work.request.retries):
            chain = await chains.download(
                work.client,
                work.signer,
                order.certificate,
                preferred=work.request.spec.preferred_chain,
                say=partial(work.progress.log, level="warn"),
            )
        facts = await asyncio.to_thread(
            inspection.verify_issued,
            chain.pem,
            spki_sha256=work.spki_sha256,
            names=work.request.names,
            now=self._context.clock(),
            also_allowed=work.also_allowed,
        )
        await work.progress.issued(facts, chain.pem, work.authority.name)

    async def _clean_up(self, progress: Progress) -> None:
        """Remove what was published, even while being cancelled; leftovers stay in the journal."""
        task = asyncio.create_task(self._solvers.clean_up(progress))
        cancelled = False
        deadline = time.monotonic() + CLEAN_UP_DEADLINE
        while not task.done() and (left := deadline - time.monotonic()) > 0:
            try:
                await asyncio.wait({task}, timeout=left)
            except asyncio.CancelledError:
                cancelled = True
                deadline = min(deadline, time.monotonic() + LEAVING_DEADLINE)
        if not task.done():
            task.cancel()
            await progress.log("clean-up takes too long; what is left stays noted", level="warn")
        if cancelled:
            raise asyncio.CancelledError
        if task.done() and not task.cancelled():
            task.result()


def _unusable(order: Order, authorizations: Sequence[Authorization]) -> str:
    """Why an order placed before leads nowhere any more; empty while it can be gone on with."""
    if order.status == "invalid":
        said = f": {order.error.detail}" if order.error else ""
        return f"the CA declared the former order invalid{said}"
    lost = [each for each in authorizations if each.status in LOST]
    return f"the CA's authorization of {lost[0].name} is {lost[0].status}" if lost else ""


def _gone(error: AcmeError) -> str:
    """Why the CA no longer has an order; empty for any other trouble."""
    problem = error.problem
    if problem is None or problem.short_type == "accountDoesNotExist":
        return ""
    gone = problem.http_status in (404, 410)
    return f"the CA no longer has the former order: {error.message}" if gone else ""
