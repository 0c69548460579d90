"""The demo: a sandbox started in this process, and an inventory that belongs to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlmodel import Session

from kmtui.core.clock import utc_now
from kmtui.core.core import Core
from kmtui.core.demo.challenges import DNS_ACCOUNT, END_SERVER
from kmtui.core.demo.inventory import PAST
from kmtui.core.demo.samples import add_samples
from kmtui.core.demo.targets import add_targets
from kmtui.core.sandbox import Sandbox
from kmtui.db import accounts, authorities, dns, servers
from kmtui.model import ListQuery

CA, ACCOUNT = "sandbox", "practice"
KEY_FILE = "vault.key"


class SetBackClock:
    """The time of day, set back by `back` while the inventory is given a past."""

    def __init__(self) -> None:
        self.back = timedelta(0)

    def __call__(self) -> datetime:
        return utc_now() - self.back


@dataclass(frozen=True)
class Demo:
    """A core over the practice inventory and the sandbox it stands in."""

    core: Core
    sandbox: Sandbox

    async def close(self) -> None:
        """Close the core, then stop the sandbox, which the core's last clean-up may need."""
        try:
            await self.core.close()
        finally:
            await self.sandbox.close()


async def open_demo(
    directory: Path,
    *,
    read_only: bool = False,
    actor: str | None = None,
    pace: float = 1.0,
    lag: float = 2.0,
) -> Demo:
    """Start the sandbox kept in `directory` and open its inventory, filled when it is new.

    The vault's key file lies beside it: nothing here protects anything. `pace` and `lag` are those
    of Sandbox. Raises Refused when the sandbox cannot start, DatabaseError, VaultError.
    """
    sandbox = Sandbox(state_dir=directory / "sandbox", pace=pace, lag=lag)
    await sandbox.__aenter__()
    try:
        core = await _open_core(directory, sandbox, actor)
    except BaseException:
        await sandbox.close()
        raise
    core.access.read_only = read_only
    return Demo(core, sandbox)


async def _open_core(directory: Path, sandbox: Sandbox, actor: str | None) -> Core:
    clock = SetBackClock()
    core = await Core.open(directory / "data", actor=actor, clock=clock)
    try:
        core.sandbox = True
        key_file = directory / KEY_FILE
        initialised = core.access.initialised
        if initialised:
            await core.access.unlock_with_key_file(key_file)
            await core.context.db.write(lambda session: _follow(session, sandbox))
            await core.configuration.seal(await core.configuration.broken())
        clock.back = timedelta(days=PAST)
        if not initialised:
            await core.access.initialise_with_key_file(key_file)
        await _set_up(core, sandbox)
        clock.back = timedelta(0)
        if not await core.certificates.count(ListQuery(now=clock(), include_archived=True)):
            account = await core.accounts.get(ACCOUNT)
            await add_samples(core.context, sandbox, account, clock())
            await add_targets(core, directory / "machines")
    except BaseException:
        await core.close()
        raise
    return core


async def _set_up(core: Core, sandbox: Sandbox) -> None:
    """The CA, account, DNS account, end server and mappings: what of them is not there yet."""
    if CA not in {ca.name for ca in await core.cas.all()}:
        await core.cas.add(CA, directory_url=sandbox.directory_url, title="kmtui sandbox")
    registered = {account.name: account.status for account in await core.accounts.all()}
    if registered.get(ACCOUNT, "pending") == "pending":
        await core.accounts.register(ACCOUNT, ca=CA, email="ops@kmtui.test", agree_tos=True)
    if DNS_ACCOUNT not in {account.name for account in await core.dns_accounts.all()}:
        await core.dns_accounts.add(
            DNS_ACCOUNT,
            provider="rfc2136",
            settings=_dns_settings(sandbox),
            secrets={"tsig_secret": sandbox.tsig_secret},
            zones=list(sandbox.zones),
        )
    if END_SERVER not in {server.name for server in await core.end_servers.all()}:
        await core.end_servers.add(
            END_SERVER, kind="standalone", settings=_server_settings(sandbox)
        )
    if not await core.mappings.all():
        for pattern in ("www.kmtui.test", "shop.test", "*.shop.test"):
            await core.mappings.add(pattern, server=END_SERVER)
        # What is left to these are the other names, and the shop's wildcards: they need dns-01.
        for pattern in (".kmtui.test", ".shop.test"):
            await core.mappings.add(pattern, dns=DNS_ACCOUNT)


def _follow(session: Session, sandbox: Sandbox) -> None:
    """Bring the stored addresses to where the sandbox listens this time."""
    base = sandbox.directory_url.removesuffix("/directory")
    ca = authorities.get(session, CA)
    if ca is not None and ca.directory_url != sandbox.directory_url:
        old = ca.directory_url.removesuffix("/directory")
        authorities.update(session, CA, directory_url=sandbox.directory_url)
        for account in accounts.list_all(session):
            if account.ca == CA:
                url = account.account_url
                accounts.update(
                    session,
                    account.id,
                    directory_url=sandbox.directory_url,
                    account_url=url and base + url.removeprefix(old),
                )
    if (lab := dns.get(session, DNS_ACCOUNT)) is not None:
        dns.update(session, lab.id, settings={**lab.settings, **_dns_settings(sandbox)})
    if (listener := servers.get(session, END_SERVER)) is not None:
        settings = {**listener.settings, **_server_settings(sandbox)}
        servers.update(session, listener.id, settings=settings)


def _dns_settings(sandbox: Sandbox) -> dict[str, str]:
    return {
        "server": sandbox.dns_server,
        "tsig_name": sandbox.tsig_name,
        "tsig_algorithm": sandbox.tsig_algorithm,
        "resolvers": sandbox.dns_resolvers,
    }


def _server_settings(sandbox: Sandbox) -> dict[str, str]:
    listener = f"127.0.0.1:{sandbox.http_port}"
    return {"listen": listener, "probe": listener}
