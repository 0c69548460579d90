"""Core: the one object that screens and commands hold. Every action goes through it."""

from __future__ import annotations

import asyncio
import getpass
import socket
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from kmtui.core.access import Access
from kmtui.core.accounts import Accounts
from kmtui.core.activity import ActivityTrail
from kmtui.core.advisory import Advisory
from kmtui.core.alerts import Alerts
from kmtui.core.archive import Archive
from kmtui.core.ca import CertificateAuthorities
from kmtui.core.certificates import Certificates
from kmtui.core.challenges.journal import Journal
from kmtui.core.challenges.solvers import Solvers
from kmtui.core.clock import Clock, utc_now
from kmtui.core.configuration import Configuration
from kmtui.core.context import Context
from kmtui.core.deployment.deployer import Deployer
from kmtui.core.deployment.hook import Hook
from kmtui.core.deployment.queue import Deployments
from kmtui.core.dns_accounts import DnsAccounts
from kmtui.core.end_servers import EndServers
from kmtui.core.errors import DatabaseError
from kmtui.core.events import Bus
from kmtui.core.jobs import Jobs
from kmtui.core.locks import FOLDER, RESTORING, is_held
from kmtui.core.mappings import Mappings
from kmtui.core.moving import Moves
from kmtui.core.notifications import Notifications
from kmtui.core.owners import Owners
from kmtui.core.recovery import Recovery
from kmtui.core.reissue import Reissues
from kmtui.core.renewal import Renewal
from kmtui.core.requests import Requests
from kmtui.core.revocation import Revocation
from kmtui.core.saved_filters import SavedFilters
from kmtui.core.seals import Seals
from kmtui.core.secrets import Secrets
from kmtui.core.stored_slots import StoredSlots
from kmtui.core.targets import Targets
from kmtui.core.terms import Terms
from kmtui.core.timeline import Timeline
from kmtui.core.unattended import Unattended
from kmtui.core.vault import Vault
from kmtui.db.database import Database
from kmtui.db.files import FILE_NAME

if TYPE_CHECKING:
    from kmtui.core.backup import Backups
    from kmtui.core.export import Exports
    from kmtui.core.importing import Imports

HOOKS = "hooks"
"""Where files lie below the data directory while a hook puts them somewhere."""


class Core:
    """The services over one inventory. Make it with `open`, end it with `close`."""

    def __init__(
        self, data: Path, db: Database, vault: Vault, access: Access, bus: Bus, context: Context
    ) -> None:
        self.data = data
        self.context = context
        """What the services share; screens and commands use the services."""
        self.bus = bus
        self.access = access
        self.jobs = Jobs()
        self.sandbox = False
        """Whether this is the practice CA's inventory."""
        self._db = db
        self.cas = CertificateAuthorities(context)
        self.accounts = Accounts(context, self.cas)
        self.dns_accounts = DnsAccounts(context)
        self.end_servers = EndServers(context)
        self.mappings = Mappings(context, self.dns_accounts, self.end_servers)
        self.targets = Targets(context, self.end_servers)
        self.configuration = Configuration(
            context,
            *(self.cas, self.accounts, self.dns_accounts, self.end_servers, self.mappings),
            self.targets,
        )
        self.certificates = Certificates(context)
        deployer = Deployer(context, self.certificates, self.targets.host, Hook(data / HOOKS))
        self.deployments = Deployments(context, self.targets, deployer, self.jobs)
        self.archive = Archive(context, self.deployments)
        self.activity = ActivityTrail(context)
        self.filters = SavedFilters(context)
        self.timeline = Timeline(context, self.cas)
        solvers = Solvers(Journal(context), self.dns_accounts, self.end_servers, self.mappings)
        advisory = Advisory(self.cas, self.dns_accounts)
        self.requests = Requests(context, self.cas, self.accounts, solvers, self.jobs, advisory)
        self.terms = Terms(context, self.cas, self.accounts, self.requests)
        self.recovery = Recovery(context, self.accounts, self.requests, self.deployments)
        self.renewal = Renewal(
            context, data, self.cas, self.requests, self.recovery, self.deployments
        )
        self.revocation = Revocation(
            context,
            *(self.cas, self.accounts, self.certificates, self.renewal, self.deployments),
        )
        self.reissues = Reissues(context, self.accounts, self.renewal.successors)
        self.moves = Moves(context, self.cas, self.accounts, self.requests, self.renewal.successors)
        self.alerts = Alerts(context, self.renewal, self.cas)
        self.notifications = Notifications(context, self.alerts)
        self.unattended = Unattended(
            context, self.renewal, self.archive, self.activity, self.notifications, self.cas
        )

    # What few commands need is loaded when one asks for it.

    @cached_property
    def exports(self) -> Exports:
        """Certificates to files of other programs."""
        from kmtui.core.export import Exports

        return Exports(self.context, self.certificates)

    @cached_property
    def imports(self) -> Imports:
        """Certificates and accounts of other clients."""
        from kmtui.core.importing import Imports

        return Imports(self.context, self.cas)

    @cached_property
    def backups(self) -> Backups:
        """Copies of the whole inventory."""
        from kmtui.core.backup import Backups

        return Backups(self.context)

    @classmethod
    async def open(
        cls,
        data: Path,
        *,
        read_only: bool = False,
        actor: str | None = None,
        origin: str = "",
        clock: Clock = utc_now,
    ) -> Core:
        """Open the inventory in the directory `data`, made and migrated where needed; locked.

        Raises DatabaseError.
        """
        db = await asyncio.to_thread(Database.open, data / FILE_NAME, read_only=read_only)
        bus = Bus()
        actor = actor or default_actor()
        slots = StoredSlots(db, actor=actor, origin=origin, clock=clock)
        vault = Vault(slots, clock=clock)
        access = Access(
            vault,
            bus,
            read_only=db.read_only,
            initialised=await asyncio.to_thread(lambda: vault.exists),
        )
        try:
            owners = Owners.onlooker(data) if db.read_only else Owners.open(data)
        except OSError as error:
            await db.close()
            raise DatabaseError(f"cannot use {data / FOLDER}: {error.strerror}") from error
        if owners.me and is_held(data / FOLDER / RESTORING):
            # Whoever restores looks for owners after it has the lock: one of both sees the other.
            owners.close()
            await db.close()
            raise DatabaseError(
                f"a backup is being restored to {data}", hint="start again when that has ended"
            )
        secrets = Secrets(db, vault)
        context = Context(
            db=db,
            access=access,
            secrets=secrets,
            seals=Seals(secrets),
            bus=bus,
            clock=clock,
            actor=actor,
            owners=owners,
            origin=origin,
        )
        return cls(data, db, vault, access, bus, context)

    @property
    def read_only(self) -> bool:
        """Whether nothing can be changed."""
        return self.access.read_only

    async def data_version(self) -> int:
        """A number that moves when another process changed the inventory."""
        return await self._db.data_version()

    async def close(self, *, seconds: float = 20.0) -> None:
        """Stop the jobs, letting each clean up for at most `seconds`, then close everything."""
        await self.recovery.close()
        await self.jobs.close(seconds=seconds)
        await self.dns_accounts.close()
        await self.end_servers.close()
        await self.cas.close()
        await self._db.close()
        self.context.owners.close()


def default_actor() -> str:
    """``user@host``."""
    return f"{getpass.getuser()}@{socket.gethostname()}"
