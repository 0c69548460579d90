"""Accounts of other clients become accounts here: same key, same URL, nothing asked of the CA."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from itertools import count, takewhile
from urllib.parse import urlsplit

from sqlmodel import Session

from kmtui.core.account_book import DEACTIVATED
from kmtui.core.context import Context
from kmtui.core.errors import KmtuiError, Refused
from kmtui.core.imports.found import FoundAccount
from kmtui.core.imports.outcome import Fate, Imported
from kmtui.db import accounts as rows
from kmtui.model import Account, Authority


def plan(
    context: Context,
    found: Sequence[FoundAccount],
    known: Sequence[Account],
    authorities: Sequence[Authority],
) -> Iterator[tuple[FoundAccount, Account | None, Imported]]:
    """What becomes of each account, and the row it is or will be; None where it is refused."""
    accounts = list(known)
    for each in found:
        try:
            authority = _authority(each, authorities)
            here = _here(each, authority, accounts)
            row = here or _row(context, each, authority, accounts)
        except KmtuiError as error:
            yield each, None, failed(each, error)
            continue
        if here is None:
            accounts.append(row)
        told = Imported(
            kind="account",
            name=row.name,
            where=each.where,
            fate=Fate.KNOWN if here else Fate.NEW,
            id=row.id,
            ca=row.ca,
        )
        yield each, row, told


def failed(found: FoundAccount, error: KmtuiError) -> Imported:
    """An account that cannot be imported, and why."""
    return Imported(
        kind="account",
        name=found.account_url or found.directory_url,
        where=found.where,
        fate=Fate.FAILED,
        error=error,
    )


def store(context: Context, session: Session, found: FoundAccount, row: Account) -> None:
    """Store a planned account with its key sealed, in the caller's transaction."""
    rows.insert(session, row)
    context.secrets.seal(
        session,
        owner_table=rows.OWNER,
        owner_id=row.id,
        kind=rows.KEY,
        value=found.key_pem.reveal(),
    )
    context.seals.put(session, row)
    context.record(session, "import", "account", row.id, row.name, detail=found.where)


def _authority(found: FoundAccount, authorities: Sequence[Authority]) -> Authority:
    """The CA it is registered at. Raises Refused when that is not known, or cannot be told."""
    fitting = [ca for ca in authorities if ca.directory_url and found.fits(ca.directory_url)]
    if len(fitting) > 1 and found.account_url:
        # Some clients keep only the host: the account's URL begins as the directory's does.
        shared = [_shared_steps(found.account_url, ca.directory_url) for ca in fitting]
        fitting = [ca for ca, steps in zip(fitting, shared, strict=True) if steps == max(shared)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        names = ", ".join(ca.name for ca in fitting)
        raise Refused(
            f"the account may be at any of {names}",
            hint=f"add it by its key: kmtui account add NAME --ca CA --key {found.where}",
        )
    raise Refused(
        f"no CA is known here with the directory {found.directory_url}",
        hint=f"kmtui ca add NAME --directory {found.directory_url}, then import again",
    )


def _shared_steps(url: str, other: str) -> int:
    """How many steps the paths of two URLs have in common at their beginning."""
    pairs = zip(urlsplit(url).path.split("/"), urlsplit(other).path.split("/"), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _here(found: FoundAccount, authority: Authority, known: Sequence[Account]) -> Account | None:
    """The same account, when it is here. Raises Refused for what cannot stand beside it."""
    others = [account for account in known if account.ca == authority.name]
    for account in others:
        if account.key_thumbprint == found.thumbprint:
            return account
    for account in others:
        if found.account_url and account.account_url == found.account_url:
            raise Refused(f"this account is here already, with another key: {account.name}")
        if authority.single_account and account.status != DEACTIVATED:
            raise Refused(f"{authority.title} allows one account, and there is {account.name}")
    return None


def _row(
    context: Context, found: FoundAccount, authority: Authority, known: Sequence[Account]
) -> Account:
    return Account(
        id=str(uuid.uuid4()),
        name=_free_name(f"{authority.name}-{found.client}", known),
        ca=authority.name,
        directory_url=authority.directory_url,
        account_url=found.account_url,
        status=found.status,
        email=found.email,
        key_type=found.key_type,
        key_thumbprint=found.thumbprint,
        created_at=context.clock(),
    )


def _free_name(wish: str, known: Sequence[Account]) -> str:
    taken = {account.name for account in known}
    if wish not in taken:
        return wish
    return next(name for n in count(2) if (name := f"{wish}-{n}") not in taken)
