"""The CAs an operator can use: the catalogue and those added by hand, one ACME client for each."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from sqlmodel import Session

from kmtui.core import authorities as catalogue
from kmtui.core.acme import AcmeClient, Directory
from kmtui.core.checks import findings
from kmtui.core.contacts import Contacts
from kmtui.core.context import Context
from kmtui.core.errors import DatabaseError, InvalidInput, NotFound, Refused
from kmtui.core.events import AuthorityChanged
from kmtui.core.recent import Recent
from kmtui.core.together import together
from kmtui.db import accounts as registrations
from kmtui.db import authorities as rows
from kmtui.model import Authority, CheckLine

LOOKED_AFTER = timedelta(hours=6)
"""A CA in use that nothing was heard of for so long is asked for its directory."""
log = logging.getLogger(__name__)


class CertificateAuthorities:
    """Directories, their trust and their abilities."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.contacts = Contacts(context)
        """When each CA answered last."""
        self._clients: dict[str, AcmeClient] = {}
        self._recent = Recent(context, rows.list_all, AuthorityChanged)

    async def all(self) -> list[Authority]:
        """Active ones first, those added by hand before the catalogue's, retired ones last."""
        return _known(await self._context.db.read(rows.list_all))

    async def sealed(self) -> Sequence[Authority]:
        """Those whose settings are sealed: the ones added by hand."""
        return await self._context.db.read(rows.list_all)

    async def get(self, name: str) -> Authority:
        """The CA of that name. Raises NotFound."""
        return _named(name, await self.all())

    async def recent(self, name: str) -> Authority:
        """As `get`, as it was within the last second: for the work on requests."""
        return _named(name, _known(await self._recent.all()))

    async def add(
        self,
        name: str,
        *,
        directory_url: str,
        ca_bundle: str | None = None,
        proxy: str | None = None,
        max_names: int | None = None,
        single_account: bool = False,
        lifetime_days: int | None = None,
        title: str | None = None,
    ) -> Authority:
        """Add a CA by its directory URL; `ca_bundle` (PEM) replaces the system's trust.

        One that has the name of a CA of the catalogue takes its place: what is not given here stays
        as the catalogue says, and a retired CA is in use again.
        Raises InvalidInput, Refused while accounts are registered at the one whose place it takes.
        """
        self._context.access.require_change()
        if not name or not all(part.isalnum() for part in name.split("-")):
            raise InvalidInput(
                f"{name!r} is not a name for a CA", field="name", hint="letters, digits and hyphens"
            )
        if any(ca.name == name for ca in await self.sealed()):
            raise InvalidInput(f"a CA is named {name} already", field="name")
        known = catalogue.catalogue().get(name)
        # Building a client checks the URL's scheme and the trust bundle before anything is stored.
        await AcmeClient(directory_url, ca_bundle=ca_bundle, proxy=proxy).aclose()
        authority = Authority(
            name=name,
            title=title or (known.title if known else name),
            directory_url=directory_url,
            state="custom",
            ca_bundle=ca_bundle,
            proxy=proxy,
            max_names=max_names,
            single_account=single_account,
            lifetime_days=lifetime_days,
        )

        def store(session: Session) -> None:
            # Their keys and URLs belong to the CA they were registered at.
            _refuse_accounts(session, name, hint="give the CA another name")
            rows.insert(session, authority, created_at=self._context.clock())
            self.contacts.forget(session, name)
            self._context.seals.put(session, authority)
            self._context.record(session, "ca add", "ca", None, name, detail=directory_url)

        await self._context.db.write(store)
        await self._forget_client(name)
        self._context.bus.publish(AuthorityChanged(name))
        return await self.get(name)

    async def remove(self, name: str) -> None:
        """Forget a CA that was added by hand; the catalogue's one of that name is back.

        Raises NotFound, Refused while accounts are registered at it.
        """
        self._context.access.require_change()
        authority = await self.get(name)
        if authority.state != "custom":
            raise Refused(f"{name} belongs to the catalogue and cannot be removed")

        def forget(session: Session) -> None:
            _refuse_accounts(session, name, hint="delete those accounts first")
            rows.delete(session, name)
            self.contacts.forget(session, name)
            self._context.record(session, "ca remove", "ca", None, name)

        await self._context.db.write(forget)
        await self._forget_client(name)
        self._context.bus.publish(AuthorityChanged(name))

    async def require_sealed(self, name: str) -> None:
        """Make sure that a CA added by hand is as it was stored. Raises TamperedConfiguration."""
        authority = await self.get(name)
        if authority.state == "custom":
            await self._context.seals.require(authority)

    async def client(self, name: str) -> AcmeClient:
        """The ACME client of that CA, made when first asked for."""
        return self.client_of(await self.get(name))

    def client_of(self, authority: Authority) -> AcmeClient:
        """The same for a CA at hand. Raises Refused when it has no directory URL."""
        name = authority.name
        if not authority.directory_url:
            raise Refused(
                f"{authority.title} gives each customer a directory URL of their own",
                hint="add it under a name of your own: kmtui ca add NAME --directory URL",
            )
        if name not in self._clients:
            self._clients[name] = AcmeClient(
                authority.directory_url,
                ca_bundle=authority.ca_bundle,
                proxy=authority.proxy,
                now=self._context.clock,
                heard=partial(self.contacts.heard, name),
            )
        return self._clients[name]

    async def directory(self, name: str) -> Directory:
        """The CA's directory object, fetched afresh (RFC 8555 section 7.1.1)."""
        return await (await self.client(name)).directory(refresh=True)

    async def check(self, name: str) -> list[CheckLine]:
        """Whether the CA answers as an ACME server, and what it offers."""
        authority = await self.get(name)
        if authority.retired:
            return [CheckLine(False, str(catalogue.retirement(authority)))]
        lines = await findings(self._look(authority))
        await self.contacts.store()
        self._context.bus.publish(AuthorityChanged(name))
        return lines

    async def look_after(self) -> None:
        """Ask each CA with a valid account for its directory, unless it was heard of lately.

        What comes of it is in `contacts`: else a CA that is gone would be noticed only when
        something must be renewed there.
        """
        before = self._context.clock() - LOOKED_AFTER
        heard = await self.contacts.all()
        found = await self._context.db.read(registrations.list_all)
        valid = {account.ca for account in found if account.status == "valid"}
        quiet = [
            authority.name
            for authority in await self.all()
            if authority.name in valid and authority.directory_url and not authority.retired
            if (last := heard.get(authority.name)) is None or last.at < before
        ]
        await together(findings(self._ask(name)) for name in quiet)
        await self.contacts.store()

    async def _ask(self, name: str) -> list[CheckLine]:
        await self.directory(name)
        return []

    async def _look(self, authority: Authority) -> list[CheckLine]:
        started = time.monotonic()
        directory = await self.directory(authority.name)
        took = time.monotonic() - started
        meta = directory.meta
        lines = [CheckLine(True, f"directory answered in {took:.2f} s: {authority.directory_url}")]
        if meta.terms_of_service:
            lines.append(CheckLine(None, f"terms of service: {meta.terms_of_service}"))
        if meta.website:
            lines.append(CheckLine(None, f"website: {meta.website}"))
        if meta.caa_identities:
            allowed = ", ".join(meta.caa_identities)
            lines.append(CheckLine(None, f"CAA records allow it by the name {allowed}"))
        if meta.external_account_required:
            lines.append(CheckLine(None, "asks for an external account binding (EAB)"))
        if meta.profiles:
            lines.append(CheckLine(None, "profiles: " + ", ".join(meta.profiles)))
        return lines

    async def _forget_client(self, name: str) -> None:
        """Close the client of a CA that is another one from now on."""
        if (client := self._clients.pop(name, None)) is not None:
            await client.aclose()

    async def close(self) -> None:
        """Close every connection, and write down which CAs answered."""
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()
        try:
            await self.contacts.store()
        except DatabaseError as error:
            log.warning("which CAs answered is not written down: %s", error)


def _known(added: Sequence[Authority]) -> list[Authority]:
    own = [catalogue.overriding(authority) for authority in added]
    taken = {authority.name for authority in own}
    known = [*own, *(ca for name, ca in catalogue.catalogue().items() if name not in taken)]
    return sorted(known, key=lambda ca: _ORDER.get(ca.state, 1))


def _refuse_accounts(session: Session, name: str, *, hint: str) -> None:
    if accounts := rows.accounts_at(session, name):
        raise Refused(f"accounts are registered at {name}: {', '.join(accounts)}", hint=hint)


def _named(name: str, known: Sequence[Authority]) -> Authority:
    for authority in known:
        if authority.name == name:
            return authority
    raise NotFound(f"no CA is named {name}", hint="kmtui ca list shows the known ones")


_ORDER = {"custom": 0, "active": 1, "retired": 2}
