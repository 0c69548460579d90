"""Moving certificates to another CA: what fits there is told first, then each is issued anew there.

A moved version is saved and deployed as a renewal is, and from then on the certificate is renewed
with the new account. The history stays with the certificate. Until then, and where it fails,
everything stays as it was.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import Session

from kmtui.core import authorities
from kmtui.core.abilities import Finding, findings, profile_of
from kmtui.core.accounts import Accounts
from kmtui.core.ca import CertificateAuthorities
from kmtui.core.context import Context
from kmtui.core.errors import AcmeError, InvalidInput, KmtuiError, Refused
from kmtui.core.problems import counted
from kmtui.core.requests import Requests
from kmtui.core.successors import Outcome, Successors
from kmtui.db import certificates
from kmtui.model import Account, Authority, Certificate, RequestKind, RequestSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One certificate on its way to another account, as it looks before anything is asked for."""

    certificate: Certificate
    findings: tuple[Finding, ...]
    """What the new CA is known to make of it."""

    @property
    def obstacle(self) -> Finding | None:
        """The first thing that stands in the way."""
        return next((each for each in self.findings if each.ok is False), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """Certificates that are to go to one account."""

    account: Account
    authority: Authority
    moves: tuple[Move, ...]


class Moves:
    """Takes certificates from one CA to another."""

    def __init__(
        self,
        context: Context,
        cas: CertificateAuthorities,
        accounts: Accounts,
        requests: Requests,
        successors: Successors,
    ) -> None:
        self._context = context
        self._cas = cas
        self._accounts = accounts
        self._requests = requests
        self._successors = successors

    async def plan(self, words: Sequence[str], account: str) -> Removal:
        """What would become of each certificate; the new CA is asked for its profiles only.

        Raises NotFound, Ambiguous; Refused for an account that cannot be used.
        """

        def named(session: Session) -> list[Certificate]:
            found = (certificates.get(session, word) for word in words)
            return list({row.id: row for row in found}.values())

        rows = await self._context.db.read(named)
        asking = await self._accounts.get(account)
        authority = await self._cas.get(asking.ca)
        authorities.refuse_if_retired(authority)
        if asking.status != "valid":
            raise Refused(f"account {asking.name} is {asking.status} at {authority.title}")
        offered = await self._offered(authority, any(row.profile for row in rows))
        moves = [await self._look(row, asking, authority, offered) for row in rows]
        return Removal(account=asking, authority=authority, moves=tuple(moves))

    async def start(
        self, removal: Removal, *, force: bool = False, start: bool = True
    ) -> list[Outcome]:
        """Start what was planned, each with its own outcome; `Renewal.wait` waits for them.

        What has an obstacle is refused with the reason, and kept in the trail. `force` passes over
        our own count of the CA's limits. Raises VaultLocked, ReadOnly.
        """
        self._context.access.require_change()
        refused = {
            move.certificate.id: _refusal(move.certificate, obstacle)
            for move in removal.moves
            if (obstacle := move.obstacle) is not None
        }
        started = await self._successors.start(
            [move.certificate for move in removal.moves if move.certificate.id not in refused],
            kind=RequestKind.MOVE,
            changes={"account": removal.account.id},
            force=force,
            start=start,
        )
        outcomes = {outcome.certificate.id: outcome for outcome in started}
        for move in removal.moves:
            row = move.certificate
            if error := refused.get(row.id):
                await self._successors.refused(row, RequestKind.MOVE, error)
                outcomes[row.id] = Outcome(certificate=row, error=error)
        return [outcomes[move.certificate.id] for move in removal.moves]

    async def _offered(self, authority: Authority, wanted: bool) -> Collection[str] | None:
        """The profiles of the CA's directory; None where nobody asks, or it does not answer."""
        if not wanted:
            return None
        try:
            return tuple((await self._cas.directory(authority.name)).meta.profiles)
        except AcmeError:
            # The look is advisory: the order will tell.
            return None

    async def _look(
        self,
        row: Certificate,
        account: Account,
        authority: Authority,
        offered: Collection[str] | None,
    ) -> Move:
        try:
            if row.account_id == account.id:
                raise InvalidInput("it is with this account already", field="account")
            spec, _ = await self._successors.planned(row, {"account": account.id})
        except KmtuiError as error:
            found = [Finding("certificate", False, error.message, error.hint)]
            return Move(certificate=row, findings=tuple(found))
        found = findings(spec, authority, offered)
        found += [*_binding(account, authority), *_lifetime(row, spec, authority)]
        if all(finding.ok is not False for finding in found):
            found.append(await self._way(spec))
        return Move(certificate=row, findings=tuple(found))

    async def _way(self, spec: RequestSpec) -> Finding:
        """Whether each name can be proved with what is set up here."""
        try:
            proofs = await self._requests.proofs(spec)
        except KmtuiError as error:
            return Finding("challenge", False, error.message, error.hint)
        ways = dict.fromkeys(f"{proof.type} through {proof.via}" for proof in proofs.values())
        return Finding("challenge", True, ", ".join(ways))


def _binding(account: Account, authority: Authority) -> list[Finding]:
    if authority.eab != "required":
        return []
    return [Finding("eab", True, f"account {account.name} is bound (EAB) already")]


def _lifetime(row: Certificate, spec: RequestSpec, authority: Authority) -> list[Finding]:
    """How long certificates live there, where it is known and not as long as so far."""
    profile = profile_of(spec, authority)
    there = None
    if profile is not None and profile.lifetime_hours:
        there = timedelta(hours=profile.lifetime_hours)
    elif authority.lifetime_days:
        there = timedelta(days=authority.lifetime_days)
    if there is None or row.not_before is None or row.not_after is None:
        return []
    here = round((row.not_after - row.not_before) / timedelta(days=1))
    days = round(there / timedelta(days=1))
    if days >= here:
        return [Finding("lifetime", True, counted(days, "day"))]
    return [Finding("lifetime", None, f"lives {counted(days, 'day')} there, {here} so far")]


def _refusal(row: Certificate, obstacle: Finding) -> KmtuiError:
    hint = obstacle.hint or f"change it on the way: kmtui cert reissue {row.name} --account A …"
    return InvalidInput(f"{row.name}: {obstacle.text}", field=obstacle.what, hint=hint)
