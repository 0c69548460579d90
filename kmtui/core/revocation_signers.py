"""Who may sign a revocation: the account that got the version, or the version's own key.

RFC 8555 section 7.6 knows both. Which CA issued it follows from the account, from where its order
was placed, or is said by an operator.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.serialization import Encoding
from sqlmodel import Session

from kmtui.core import inspection, keys
from kmtui.core.accounts import Accounts
from kmtui.core.acme import Signer
from kmtui.core.ca import CertificateAuthorities
from kmtui.core.certificates import Certificates
from kmtui.core.context import Context
from kmtui.core.errors import AcmeError, InvalidInput, NotFound, Refused
from kmtui.db import accounts as account_rows
from kmtui.db import certificates, requests
from kmtui.model import (
    Account,
    Authority,
    RequestKind,
    RevocationReason,
    RevocationSigner,
    Version,
)

ACCOUNT_REFUSED = frozenset({"unauthorized", "accountDoesNotExist"})
"""What a CA answers to an account that it does not know any more, or that may not do this."""


@dataclass(frozen=True, slots=True)
class Way:
    """Somebody who may sign a revocation."""

    by: str
    """As an operator is told: ``account main``, ``certificate key``."""
    send: Callable[[], Coroutine[Any, Any, bool]]
    """Tells the CA; whether it was news to it."""


class Signers:
    """Finds who may sign."""

    def __init__(
        self,
        context: Context,
        cas: CertificateAuthorities,
        accounts: Accounts,
        certificates_: Certificates,
    ) -> None:
        self._context = context
        self._cas = cas
        self._accounts = accounts
        self._certificates = certificates_

    async def authority(self, version: Version, ca: str | None) -> Authority:
        """The CA that issued a version: its account's, else the one its order was placed at."""
        if ca is not None:
            return await self._cas.get(ca)
        account = await self._account(version)
        if account is not None:
            return await self._cas.get(account.ca)
        request = await self._context.db.read(
            lambda session: requests.get(session, version.request_id or "")
        )
        host = urlsplit(request.order_url or "").netloc if request else ""
        known = [each for each in await self._cas.all() if urlsplit(each.directory_url).netloc]
        there = [each for each in known if urlsplit(each.directory_url).netloc == host]
        if len(there) == 1:
            return there[0]
        raise InvalidInput(
            f"nothing here tells which CA issued version {version.number} of {version.certificate}",
            field="ca",
            hint=f"its issuer is {version.issuer}: name that CA as kmtui ca list does",
        )

    async def _account(self, version: Version) -> Account | None:
        """The account that got a version; of one that was not asked for here, its certificate's."""

        def found(session: Session) -> Account | None:
            request = requests.get(session, version.request_id or "")
            if request is not None:
                account_id = request.account_id
            else:
                owner = certificates.get(session, version.certificate_id)
                later = requests.of_certificate(session, owner.id)
                moved = any(each.kind == RequestKind.MOVE for each in later)
                account_id = None if moved else owner.account_id
            return account_rows.get(session, account_id) if account_id else None

        return await self._context.db.read(found)

    async def ways(
        self,
        version: Version,
        reason: RevocationReason,
        authority: Authority,
        by: RevocationSigner | None,
    ) -> list[Way]:
        """Who may sign, in the order they are asked. Raises Refused when nobody can."""
        leaf = inspection.parse_chain(version.chain_pem)[0].public_bytes(Encoding.DER)
        client, code = self._cas.client_of(authority), reason.code
        ways, lacking = [], []
        if by != RevocationSigner.CERTIFICATE_KEY:
            try:
                account, signer = await self._account_there(version, authority)
            except Refused as error:
                lacking.append(error.message)
            else:
                told = f"account {account.name}"
                ways.append(Way(told, lambda: client.revoke(signer, leaf, code)))
        if by != RevocationSigner.ACCOUNT:
            try:
                key = keys.load_private_key(await self._certificates.private_key_pem(version))
            except NotFound:
                lacking.append("its private key is not kept here")
            else:
                told = "certificate key"
                ways.append(Way(told, lambda: client.revoke_with_certificate_key(key, leaf, code)))
        if not ways:
            raise Refused(
                f"nothing can sign the revocation of version {version.number} of"
                f" {version.certificate}: {'; '.join(lacking)}",
                hint="add the account by its exported key (kmtui account add), or ask the CA",
            )
        return ways

    async def _account_there(
        self, version: Version, authority: Authority
    ) -> tuple[Account, Signer]:
        """The account at that CA, and what signs for it. Raises Refused."""
        account = await self._account(version)
        if account is None or account.ca != authority.name:
            raise Refused("the account that got it is not known here any more")
        return account, await self._accounts.signer(account)


async def signed(ways: Sequence[Way]) -> tuple[Way, bool]:
    """Who the CA listened to, and whether it was news; the next one where an account is gone."""
    *others, last = ways
    for way in others:
        try:
            return way, await way.send()
        except AcmeError as error:
            if error.problem is None or error.problem.short_type not in ACCOUNT_REFUSED:
                raise
    return last, await last.send()
