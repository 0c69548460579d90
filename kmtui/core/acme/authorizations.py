"""Identifier authorization (RFC 8555 section 7.5): read, answer a challenge, poll, deactivate."""

from __future__ import annotations

from kmtui.core.acme.jws import Signer
from kmtui.core.acme.objects import Authorization, Challenge
from kmtui.core.acme.polling import OnUpdate, poll
from kmtui.core.acme.problems import own_problem, refusal
from kmtui.core.acme.reply import Reply
from kmtui.core.acme.retries import TRIES
from kmtui.core.acme.session import Session
from kmtui.core.errors import AcmeError, ProtocolViolation, ResponseLost, StillProcessing
from kmtui.model import Problem

LOST = ("invalid", "expired", "deactivated", "revoked")
"""Statuses no authorization comes back from (section 7.1.6)."""
STUCK_AFTER = 3
"""Times the same error may be seen on a challenge that is pending again before it counts as final.

Some CAs never set a failed challenge to invalid and try again only when it is answered again.
"""


class AuthorizationRequests(Session):
    """What one can ask a CA about authorizations and their challenges."""

    async def authorization(self, signer: Signer, url: str) -> Authorization:
        """The authorization as it stands."""
        return await self._fetch_authorization(signer, url)

    async def answer(self, signer: Signer, challenge_url: str) -> Challenge:
        """The challenge after telling the CA that the answer is in place (section 7.5.1).

        Answer one challenge per authorization only. If the CA refuses or its answer is lost, the
        challenge itself tells whether it is being validated.
        """
        try:
            reply = await self._post(signer, challenge_url, {}, repeatable=False)
            return _challenge(reply, challenge_url)
        except ResponseLost:
            current = _challenge(await self._read(signer, challenge_url), challenge_url)
            if current.status in ("processing", "valid", "invalid"):
                return current
            return _challenge(
                await self._post(signer, challenge_url, {}, repeatable=True), challenge_url
            )
        except AcmeError as error:
            if error.problem is None or error.problem.short_type != "malformed":
                raise
            current = _challenge(await self._read(signer, challenge_url), challenge_url)
            if current.status not in ("processing", "valid"):
                raise
            return current

    async def poll_authorization(
        self,
        signer: Signer,
        url: str,
        *,
        deadline: float,
        answered: Challenge | None = None,
        on_update: OnUpdate[Authorization] | None = None,
    ) -> Authorization:
        """The authorization once it is valid (section 7.5.1).

        After a challenge that was `answered` a moment ago the CA gets the time to look.
        Raises AcmeError with the challenge's problem when it can no longer become valid, or makes
        no progress with an error; StillProcessing at the deadline (seconds) without one.
        """
        stuck = 0
        seen: Problem | None = None

        def settled(current: Authorization) -> bool:
            nonlocal stuck, seen
            if current.status in LOST:
                raise refusal(
                    current.error or own_problem(f"kmtui:authorization-{current.status}", where=url)
                )
            # Section 8.2: an error on a challenge in `processing` is not the CA's last word.
            waiting = [each for each in current.challenges if each.status == "processing"]
            stuck = stuck + 1 if current.error and not waiting else 0
            seen = current.error
            if current.status == "pending" and seen and stuck >= STUCK_AFTER:
                raise refusal(seen)
            return current.status == "valid"

        after = self._pace.pause(0, answered.retry_after) if answered else None
        try:
            return await poll(
                lambda: self._fetch_authorization(signer, url, tries=1),
                settled,
                after=after,
                deadline=deadline,
                pace=self._pace,
                clock=self._clock,
                sleep=self._sleep,
                on_update=on_update,
            )
        except StillProcessing as error:
            if seen:
                raise refusal(seen) from error
            raise

    async def deactivate_authorization(self, signer: Signer, url: str) -> Authorization:
        """The authorization, given up (section 7.5.2). Not every CA allows it: AcmeError."""
        reply = await self._post(signer, url, {"status": "deactivated"}, repeatable=True)
        return _authorization(reply, url)

    async def _fetch_authorization(
        self, signer: Signer, url: str, *, tries: int = TRIES
    ) -> Authorization:
        return _authorization(await self._read(signer, url, tries=tries), url)


def _authorization(reply: Reply, url: str) -> Authorization:
    return Authorization.parse(
        reply.json_object("authorization"), url=url, retry_after=reply.retry_after
    )


def _challenge(reply: Reply, url: str) -> Challenge:
    """The challenge of a reply; a CA that says nothing readable has still taken the answer."""
    try:
        raw = reply.json_object("challenge")
    except ProtocolViolation:
        raw = {}
    return Challenge.parse(raw, url=url, retry_after=reply.retry_after)
