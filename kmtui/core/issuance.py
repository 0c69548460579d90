"""The way of one request, from order to version (RFC 8555 section 7.4).

Every step is committed before it is taken: the key and the signing request exist before newOrder,
the order's URL before its authorizations are read, a journal row before a TXT record or file. On
its way back in (a request that was cut off) the CA is asked where things stand, not memory.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kmtui.core import inspection, keys
from kmtui.core.accounts import Accounts
from kmtui.core.acme import (
    AcmeClient,
    Authorization,
    Order,
    Signer,
    dns_value,
    key_authorization,
)
from kmtui.core.ca import CertificateAuthorities
from kmtui.core.challenges.solver import Answer
from kmtui.core.challenges.solvers import Solvers
from kmtui.core.context import Context
from kmtui.core.errors import AcmeError, KmtuiError, ProtocolViolation, StillProcessing
from kmtui.core.planning import Proof, plan
from kmtui.core.problems import combined, counted, problem_of
from kmtui.core.progress import Progress
from kmtui.core.together import together
from kmtui.model import Challenge, ChallengeType, Problem, Request, RequestStatus

AUTHORIZATION_DEADLINE = 300.0
"""Seconds the CA may take to check a name: slow CAs need minutes, nobody waits longer unasked."""
ORDER_DEADLINE = 600.0
"""Seconds the CA may take to issue: some sign in batches."""
COME_BACK = timedelta(minutes=5)
"""When to look again at what the CA was still working on."""
CLEAN_UP_DEADLINE = 60.0
"""Seconds for removing what was published; the rest stays in the journal."""


@dataclass(slots=True)
class Work:
    """What one request's way needs at hand."""

    request: Request
    proofs: dict[str, Proof]
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
        """Take the request as far as it goes; what stops it is recorded with it, never lost.

        Cancelling the task leaves the request where it stands, ready to be taken up again, and
        still removes what was published.
        """
        progress = await Progress.of(self._context, request_id)
        try:
            work = await self._work(progress)
            order = await self._order(work)
            answers = await self._authorize(work, order)
            try:
                if answers:
                    await self._publish(work, answers)
                    await self._validate(work, answers)
                order = await self._finalize(work, order)
                await self._store(work, order)
            finally:
                await self._clean_up(progress)
        except KmtuiError as error:
            await progress.end_with(problem_of(error), not_before=self._not_before(error))

    def _not_before(self, error: KmtuiError) -> datetime | None:
        """When to come back, where the CA is still at work or named a time; else the end."""
        problem = error.problem
        if isinstance(error, StillProcessing):
            return self._context.clock() + COME_BACK
        if problem and problem.short_type == "rateLimited" and problem.retry_after is not None:
            return self._context.clock() + timedelta(seconds=problem.retry_after)
        return None

    async def clean_up(self, request_id: str) -> None:
        """Remove what a request published that no job works on any more."""
        await self._clean_up(await Progress.of(self._context, request_id))

    async def _work(self, progress: Progress) -> Work:
        request = progress.request
        account = await self._accounts.get(request.account_id or "")
        authority = await self._cas.get(account.ca)
        csr = await progress.csr()
        names = request.names if authority.adds_www else ()
        return Work(
            request=request,
            proofs=plan(request.spec, await self._solvers.means()),
            client=await self._cas.client(account.ca),
            signer=await self._accounts.signer(account),
            csr=csr,
            spki_sha256=keys.read_csr(csr).spki_sha256,
            also_allowed=tuple(f"www.{name}" for name in names),
            progress=progress,
        )

    async def _order(self, work: Work) -> Order:
        if work.request.order_url:
            await work.progress.log("asking the CA about the order that was placed before")
            return await work.client.order(work.signer, work.request.order_url)
        names = work.request.names
        await work.progress.step(RequestStatus.ORDERING, f"ordering {counted(len(names), 'name')}")
        order = await work.client.new_order(work.signer, names, profile=work.request.spec.profile)
        await work.progress.ordered(order.url, order.status, names)
        return order

    async def _authorize(self, work: Work, order: Order) -> list[Answer]:
        """The answers the CA waits for; names it still trusts from before need none."""
        if order.status in ("ready", "processing", "valid"):
            return []
        if order.status == "invalid":
            raise AcmeError(
                "the CA declared the order invalid",
                problem=order.error
                or Problem(type="kmtui:order-invalid", detail="", where=order.url),
                hint="retry starts a new order",
            )
        authorizations = await together(
            work.client.authorization(work.signer, url) for url in order.authorizations
        )
        answers: list[Answer] = []
        rows: list[Challenge] = []
        for authorization in authorizations:
            answer, row = self._answer(work, authorization)
            rows.append(row)
            if answer is not None:
                answers.append(answer)
        await work.progress.challenges(rows)
        return answers

    def _answer(self, work: Work, authorization: Authorization) -> tuple[Answer | None, Challenge]:
        """What will be published for one authorization, and its row (RFC 8555 section 8)."""
        name = authorization.name
        proof = work.proofs.get(name)
        if proof is None:
            raise ProtocolViolation(f"the CA asks for {name}, which was not ordered")
        challenge = authorization.challenge(proof.type)
        valid = authorization.status == "valid"
        if challenge is None and not valid:
            offered = ", ".join(c.type for c in authorization.challenges) or "nothing"
            raise AcmeError(
                f"the CA does not offer {proof.type} for {name} (it offers {offered})",
                hint="choose another challenge type for this name",
            )
        bare = name.removeprefix("*.")
        fqdn = value = ""
        answer = None
        challenge_id = str(uuid.uuid4())
        if challenge is not None and not valid:
            authorized = key_authorization(challenge.token, work.signer.key)
            if proof.type == ChallengeType.DNS_01:
                fqdn, value = f"_acme-challenge.{bare}", dns_value(authorized)
            else:
                fqdn = f"http://{bare}/.well-known/acme-challenge/{challenge.token}"
                value = authorized
            answer = Answer(
                challenge_id=challenge_id,
                request_id=work.request.id,
                identifier=name,
                proof=proof,
                token=challenge.token,
                key_authorization=authorized,
                fqdn=fqdn,
                value=value,
                challenge_url=challenge.url,
                authorization_url=authorization.url,
            )
        row = Challenge(
            id=challenge_id,
            request_id=work.request.id,
            identifier=name,
            wildcard=name.startswith("*."),
            type=proof.type,
            status="valid" if valid else "pending",
            fqdn=fqdn,
            value=value,
            detail="the CA still trusts an earlier proof" if valid else "",
            servers=(),
            via=proof.via,
            url=challenge.url if challenge else None,
            authorization_url=authorization.url,
        )
        return answer, row

    async def _publish(self, work: Work, answers: Sequence[Answer]) -> None:
        """Make every answer of the order visible before the CA is asked to look."""
        progress = work.progress
        await progress.step(
            RequestStatus.PRESENTING, f"publishing {counted(len(answers), 'answer')}"
        )
        published = await self._solvers.present(answers, progress)
        await progress.step(RequestStatus.PROPAGATING, "waiting until every answer can be seen")
        await self._solvers.wait(published, progress)

    async def _validate(self, work: Work, answers: Sequence[Answer]) -> None:
        """Answer one challenge per authorization, then poll all (RFC 8555 section 7.5.1)."""
        await work.progress.step(RequestStatus.VALIDATING, "the CA is checking")
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
            raise combined(failures)

    async def _validate_one(self, work: Work, answer: Answer) -> None:
        progress = work.progress
        current = await work.client.authorization(work.signer, answer.authorization_url)
        challenge = current.challenge(answer.proof.type)
        if current.status == "pending" and challenge is not None and challenge.status == "pending":
            await work.client.answer(work.signer, answer.challenge_url)
        await progress.challenge(answer.challenge_id, status="processing", detail="CA is checking")
        asked = 0

        async def polled(_: Authorization) -> None:
            nonlocal asked
            asked += 1
            await progress.challenge(
                answer.challenge_id, detail=f"CA is checking, asked {asked} times"
            )

        try:
            await work.client.poll_authorization(
                work.signer,
                answer.authorization_url,
                deadline=AUTHORIZATION_DEADLINE,
                on_update=polled,
            )
        except KmtuiError as error:
            said = error.problem.detail if error.problem else error.message
            await progress.challenge(answer.challenge_id, status="invalid", detail=said)
            await progress.log(f"{answer.identifier} refused: {said}", level="bad")
            raise
        await progress.challenge(
            answer.challenge_id,
            status="valid",
            detail="",
            validated_at=self._context.clock(),
        )
        await progress.log(f"{answer.identifier} {answer.proof.type} valid", level="good")

    async def _finalize(self, work: Work, order: Order) -> Order:
        await work.progress.step(RequestStatus.FINALIZING, "waiting for the CA to issue")
        if order.status == "pending":
            order = await work.client.poll_order(
                work.signer, order.url, until={"ready", "valid"}, deadline=AUTHORIZATION_DEADLINE
            )
        if order.status == "ready":
            order = await work.client.finalize(work.signer, order, work.csr)
        if order.status != "valid":
            order = await work.client.poll_order(
                work.signer, order.url, until={"valid"}, deadline=ORDER_DEADLINE
            )
        return order

    async def _store(self, work: Work, order: Order) -> None:
        """Download, check against what was asked, and commit as an available version."""
        if not order.certificate:
            raise ProtocolViolation("the CA says the order is valid and names no certificate")
        chain = await work.client.certificate(work.signer, order.certificate)
        facts = await asyncio.to_thread(
            inspection.verify_issued,
            chain.pem,
            spki_sha256=work.spki_sha256,
            names=work.request.names,
            now=self._context.clock(),
            also_allowed=work.also_allowed,
        )
        await work.progress.issued(facts, chain.pem)

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
        if not task.done():
            task.cancel()
            await progress.log("clean-up takes too long; what is left stays noted", level="warn")
        if cancelled:
            raise asyncio.CancelledError
        if task.done() and not task.cancelled():
            task.result()
