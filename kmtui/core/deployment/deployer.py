"""One deployment from upload to proof, and back again when that goes wrong.

What must outlive this process is written down before it happens: where the files are put, and what
to switch back to. After a crash the server is asked what is in effect, not memory.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from sqlmodel import Session

from kmtui.core.certificates import Certificates
from kmtui.core.context import Context
from kmtui.core.deployment import proof
from kmtui.core.deployment.attempt import Attempt
from kmtui.core.deployment.bundle import Bundle, bundle
from kmtui.core.deployment.hook import Hook
from kmtui.core.deployment.layout import NOTHING, Layout, Standing
from kmtui.core.deployment.layouts import LAYOUTS
from kmtui.core.errors import (
    DatabaseError,
    Defect,
    EndServerError,
    KmtuiError,
    NotServed,
    Refused,
    Superseded,
    VaultLocked,
)
from kmtui.core.servers.host import Host, Ran
from kmtui.db import deployments, versions
from kmtui.model import Served, Target, TargetState, Version

CHECK_SECONDS = 60.0
"""For a command that looks at a server's set-up."""
RELOAD_SECONDS = 120.0
"""For a command that reloads a server: some wait for their connections to end."""
LINES_SAID = 20
"""Lines of a command's output that whoever watches is told, the last ones."""
TAIL = 300
"""Characters of the end of a failing command's output that go into the error."""

log = logging.getLogger(__name__)

Prove = Callable[..., Awaitable[Served]]
"""As `proof.prove`."""


class Deployer:
    """Takes targets from one version to another."""

    def __init__(
        self,
        context: Context,
        certificates: Certificates,
        host_of: Callable[[Target], Awaitable[Host]],
        hook: Hook,
        prove: Prove = proof.prove,
    ) -> None:
        self._context = context
        self._certificates = certificates
        self._host_of = host_of
        self._hook = hook
        self._prove = prove

    async def deploy(self, attempt: Attempt) -> None:
        """Carry an attempt out; what stops it is recorded with the target, never lost.

        Cancelled, it leaves everything as it is at that moment, for whoever looks next.
        """
        try:
            await self._deploy(attempt)
        except (asyncio.CancelledError, VaultLocked):
            await attempt.release()
            raise
        except (Superseded, DatabaseError) as error:
            log.error("deployment to %s stops: %s", attempt.target.name, error.message)
        except NotServed as error:
            await attempt.failed(error, in_place=not attempt.target.reload_command)
        except KmtuiError as error:
            await attempt.failed(error)
        except Exception as error:
            # Recorded like any failure, because a silent end is the worst one; then reported.
            what = f"kmtui itself failed ({type(error).__name__})"
            await attempt.failed(Defect(what, hint="please report it; the log has the place"))
            raise

    async def _deploy(self, attempt: Attempt) -> None:
        await self._context.seals.require(attempt.target)
        files = await self._files(attempt)
        if attempt.target.hook:
            served = await self._by_hook(attempt, files)
            await attempt.ended_well(served)
            return
        host = await self._host_of(attempt.target)
        try:
            await self._on_server(attempt, host, files)
        finally:
            await host.close()

    async def _on_server(self, attempt: Attempt, host: Host, files: Bundle) -> None:
        """Upload, compare, switch, check, reload, prove, tidy."""
        target, number = attempt.target, attempt.version
        layout = LAYOUTS[target.layout](host, target)
        standing = await layout.standing()
        earlier = await self._context.db.read(lambda s: deployments.places(s, target.id))
        ours = await self._is_ours(target, standing, earlier)
        if not ours and not target.adopt:
            raise Refused(
                f"there are files in {target.directory} on {host.where} that kmtui did not put",
                hint="choose another directory, or let them be taken over: "
                f"kmtui target update {target.certificate} {target.name} --adopt",
            )
        # A journal that is open, and something else in effect: nobody has seen yet that it works.
        unproved = target.former if standing.place != target.former else None
        former = await layout.keep(standing, ours=ours, unproved=unproved)
        place = standing.place
        if unproved is None or not standing.holds(files, layout.names):
            place = await layout.place_for(files, standing, earlier)
            await attempt.step(f"uploading version {number} to {host.where}", staged=place)
            await layout.upload(place, files)
            await attempt.step(f"putting version {number} in effect", former=former)
            await layout.switch(place)
        served = await self._prove_or_go_back(attempt, host, layout, former, files.version)
        try:
            await layout.tidy(place, former, earlier)
        except EndServerError as error:
            await attempt.ended_well(served, left=f"something is left over: {error.message}")
            return
        await attempt.ended_well(served)

    async def _prove_or_go_back(
        self, attempt: Attempt, host: Host, layout: Layout, former: str, version: Version
    ) -> Served | None:
        """Check, reload, prove; any failure puts back in effect what was before, and raises.

        Without a command to reload, the server takes the files up in its own time: then what it
        serves says nothing against them, and they stay.
        """
        target = attempt.target
        reloaded = False
        try:
            if target.check_command:
                await attempt.step(f"checking: {target.check_command}")
                ran = await host.run(target.check_command, seconds=CHECK_SECONDS)
                _require_success(attempt, target.check_command, ran)
            if target.reload_command:
                await attempt.step(f"reloading: {target.reload_command}")
                reloaded = True
                ran = await host.run(target.reload_command, seconds=RELOAD_SECONDS)
                _require_success(attempt, target.reload_command, ran)
            return await self._proved(attempt, version)
        except (EndServerError, NotServed) as error:
            if isinstance(error, NotServed) and not reloaded:
                raise
            error.message += await self._go_back(attempt, host, layout, former, reloaded)
            raise

    async def _go_back(
        self, attempt: Attempt, host: Host, layout: Layout, former: str, reloaded: bool
    ) -> str:
        """Put back in effect what was before; what became of that, as the end of a sentence."""
        target = attempt.target
        await attempt.step("going back to what was in effect before")
        try:
            await layout.switch_back(former)
        except EndServerError as error:
            return f"; what was in effect before could not be put back: {error.message}"
        back = "nothing is in effect, as" if former == NOTHING else "in effect is again what was"
        await attempt.step(f"{back} before", former=None)
        if reloaded and former != NOTHING:
            try:
                ran = await host.run(target.reload_command, seconds=RELOAD_SECONDS)
                _require_success(attempt, target.reload_command, ran)
            except EndServerError as error:
                return f"; {back} before, but loading it failed: {error.message}"
        return f"; {back} before"

    async def _by_hook(self, attempt: Attempt, files: Bundle) -> Served | None:
        """Let a command put the files, then look whether they are served."""
        target = attempt.target
        await attempt.step(f"running {target.hook} for version {attempt.version}")
        _require_success(attempt, target.hook, await self._hook.run(target, files))
        return await self._proved(attempt, files.version)

    async def _proved(self, attempt: Attempt, version: Version) -> Served | None:
        """What is served, when it is the version; None where nobody can look. Raises NotServed."""
        target = attempt.target
        if not target.verify:
            return None
        await attempt.step(f"looking what {target.verify} serves")
        # Whoever was not told to load the files has nothing to take time for.
        seconds = proof.AFTER_RELOAD if target.reload_command or target.hook else 0.0
        served = await self._prove(target.verify, version, seconds=seconds)
        if served.outcome != TargetState.VERIFIED:
            raise NotServed(
                served, hint="see that the server uses these files, and that --verify leads to it"
            )
        return served

    async def _files(self, attempt: Attempt) -> Bundle:
        """The version with its key. Raises Refused for one that nobody should serve."""
        target, number = attempt.target, attempt.version
        version = await self._certificates.version(target.certificate_id, number)
        if not target.forced:
            refuse_useless(version, self._context)
        key = await self._certificates.private_key_pem(version)
        return await asyncio.to_thread(bundle, version, key)

    async def _is_ours(self, target: Target, standing: Standing, earlier: frozenset[str]) -> bool:
        """Whether what is in effect is nothing, a version of this certificate, or put by us."""
        if standing.place == NOTHING or standing.place in earlier:
            return True

        def known(session: Session) -> bool:
            version = versions.by_sha256(session, standing.leaf or "")
            return version is not None and version.certificate_id == target.certificate_id

        return await self._context.db.read(known)


def refuse_useless(version: Version, context: Context) -> None:
    """Raise Refused for a version that expired, was revoked, or has no key here."""
    name = f"version {version.number} of {version.certificate}"
    if not version.has_key:
        raise Refused(
            f"the key of {name} is not in the inventory", hint="it is where its request was made"
        )
    why = ""
    if version.revoked_at is not None:
        why = "was revoked"
    elif version.not_after < context.clock():
        why = f"expired on {version.not_after:%Y-%m-%d}"
    if why:
        raise Refused(f"{name} {why}", hint="--force deploys it all the same")


def _require_success(attempt: Attempt, command: str, ran: Ran) -> None:
    """Tell what a command printed. Raises EndServerError when it failed."""
    lines = [line for line in ran.output.splitlines() if line.strip()]
    for line in lines[-LINES_SAID:]:
        attempt.say(f"| {line}")
    if not ran.ok:
        said = " / ".join(lines)[-TAIL:]
        raise EndServerError(
            f"{command} ended with {ran.code}" + (f": {said}" if said else ""),
            hint="run the command by hand there: it says what it does not like",
        )
