"""Reissuing: a certificate with other names, another key or another account than it has.

The version in use stays until the new one is saved; only then does the certificate change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from kmtui.core import keys
from kmtui.core.accounts import Accounts
from kmtui.core.context import Context
from kmtui.core.errors import InvalidInput
from kmtui.core.names import normalise_names
from kmtui.core.successors import Outcome, Successors
from kmtui.db import certificates
from kmtui.model import Certificate, RequestKind, RequestSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Reissue:
    """What would be asked for, and how that differs from what the certificate has."""

    certificate: Certificate
    names: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    differing: tuple[tuple[str, str, str], ...]
    """What else differs: a word, what is, what will be."""
    changes: dict[str, Any]
    """The fields of the specification that are not as last time."""
    spec: RequestSpec
    """All that would be asked for."""

    @property
    def same(self) -> str:
        """What to say where nothing differs."""
        if self.spec.reuse_key:
            return "nothing differs, and the key is kept"
        return "nothing differs but the key: a new one is made"


class Reissues:
    """Asks for changed successors."""

    def __init__(self, context: Context, accounts: Accounts, successors: Successors) -> None:
        self._context = context
        self._accounts = accounts
        self._successors = successors

    async def plan(
        self,
        word: str,
        *,
        names: Sequence[str] = (),
        key_type: str | None = None,
        account: str | None = None,
        profile: str | None = None,
        csr_pem: str | None = None,
        preferred_chain: str | None = None,
        reuse_key: bool | None = None,
    ) -> Reissue:
        """What `start` would ask for; what is not given stays as it is.

        `names` are all of them, not the additional ones. An empty `profile` or `preferred_chain`
        takes it away. Without a CSR the key is made here, also where it came with a CSR before.
        Raises NotFound, Ambiguous, InvalidInput, Refused.
        """
        row = await self._context.db.read(lambda session: certificates.get(session, word))
        csr = keys.read_csr(csr_pem) if csr_pem else None
        wanted = normalise_names(names) if names else csr.names if csr else row.names
        changes: dict[str, Any] = {"names": wanted, "csr_pem": csr_pem}
        if csr:
            changes["key_type"] = csr.key_type
        elif key_type:
            changes["key_type"] = key_type
        if profile is not None:
            changes["profile"] = profile or None
        if preferred_chain is not None:
            changes["preferred_chain"] = preferred_chain or None
        if reuse_key is not None:
            changes["reuse_key"] = reuse_key
        if account is not None:
            changes["account"] = (await self._accounts.get(account)).id
        spec, origin = await self._successors.planned(row, changes)
        if set(wanted) != set(row.names):
            await self._refuse_other_for(wanted, row)
        asking = await self._accounts.get(spec.account)
        had_csr = bool(origin and origin.spec.csr_pem)
        compared = (
            ("account", row.account or "", asking.name),
            ("CA", row.ca or "", asking.ca),
            ("key type", row.key_type, str(spec.key_type)),
            ("profile", row.profile or "", spec.profile or ""),
            ("key", _whose(had_csr), _whose(bool(csr))),
            ("chain", row.preferred_chain or "", spec.preferred_chain or ""),
            ("renewals", _kept(row.reuse_key), _kept(spec.reuse_key)),
        )
        return Reissue(
            certificate=row,
            names=wanted,
            added=tuple(name for name in wanted if name not in row.names),
            removed=tuple(name for name in row.names if name not in wanted),
            differing=tuple((what, old, new) for what, old, new in compared if old != new),
            changes=changes,
            spec=spec,
        )

    async def start(self, reissue: Reissue, *, force: bool = False, start: bool = True) -> Outcome:
        """Start what was planned; `Renewal.wait` waits for it.

        `force` passes over our own count of the CA's limits. What stands in the way is the
        outcome's error. Raises VaultLocked, ReadOnly.
        """
        (outcome,) = await self._successors.start(
            [reissue.certificate],
            kind=RequestKind.REISSUE,
            changes=reissue.changes,
            force=force,
            start=start,
        )
        return outcome

    async def _refuse_other_for(self, names: Sequence[str], row: Certificate) -> None:
        """Two certificates for the same names would be taken for each other."""

        def other(session: Session) -> Certificate | None:
            return certificates.same(session, label=None, names=names)

        found = await self._context.db.read(other)
        if found is not None and found.id != row.id:
            raise InvalidInput(
                f"the certificate {found.name} is for exactly these names",
                field="domain",
                hint=f"renew that one, or delete it: kmtui cert delete {found.name} --yes",
            )


def _whose(by_csr: bool) -> str:
    return "kept elsewhere (CSR)" if by_csr else "kept here"


def _kept(reuse_key: bool) -> str:
    return "keep the key" if reuse_key else "make a new key"
