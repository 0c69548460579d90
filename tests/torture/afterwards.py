"""The next life: it takes up what the former one left, and tells what it found and did."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlmodel import Session

from kmtui.core import keys
from kmtui.core.core import Core
from kmtui.core.errors import KmtuiError
from kmtui.core.inspection import parse_chain
from kmtui.db import activity, requests, versions
from kmtui.model import ListQuery, Request
from tests.torture.scenes import Clock, Place
from tests.torture.watch import Watch

ROUNDS = 6
"""Looks for unfinished work until nothing is left; parked requests make more than one."""
WAIT = 40.0
"""Seconds for one request."""


@dataclass(frozen=True)
class Ending:
    """How a request stands at last."""

    number: int
    status: str
    csr_spki: str
    """Of the signing request that was committed first."""
    version_spki: str = ""
    key_spki: str = ""
    """Of the stored private key, decrypted."""
    serial: str = ""
    type: str = ""
    what: str = ""
    hint: str = ""
    not_before: str = ""


@dataclass
class Report:
    """What an inventory is like after a life, in words that JSON knows."""

    endings: list[Ending] = field(default_factory=list)
    serials: list[str] = field(default_factory=list)
    """Of every version, lower-case hex."""
    parked: list[Ending] = field(default_factory=list)
    """Requests as they stood while parked, before they were taken up again."""
    rounds: int = 0
    calls: list[str] = field(default_factory=list)
    """To the outside, for taking up."""
    idle_calls: list[str] = field(default_factory=list)
    """To the outside by one more look, when there is nothing left to do."""
    leftovers: int = 0
    broken: list[str] = field(default_factory=list)
    """What is wrong with the file itself."""

    @classmethod
    def of(cls, document: dict[str, Any]) -> Report:
        """A report that came out of another process."""
        endings = {
            name: [Ending(**each) for each in document[name]] for name in ("endings", "parked")
        }
        return cls(**{**document, **endings})


async def take_up(place: Place, watch: Watch) -> dict[str, Any]:
    """Open the inventory as a new process does, go on until nothing is left, and report."""
    watch.install()
    clock = Clock()
    async with place.opened(clock) as core:
        return asdict(await settle(core, clock, watch, place))


async def settle(core: Core, clock: Clock, watch: Watch, place: Place) -> Report:
    """Take up whatever is unfinished, waiting for its time, and report."""
    report = Report()
    former = len(watch.calls)
    for _ in range(ROUNDS):
        found = await core.recovery.run()
        for request in found.requests:
            await core.requests.wait(request.id, seconds=WAIT)
        waiting = await core.requests.unfinished()
        if not waiting and not await core.requests.leftovers():
            break
        report.rounds += 1
        for request in waiting:
            report.parked.append(await _ending(core, request))
        # A day is longer than the longest pause between two attempts at a clean-up.
        clock.pass_by(max([each.not_before for each in waiting if each.not_before] or [clock()]))
        if not waiting:
            await core.recovery.clean_up()
    report.calls = watch.calls[former:]
    await core.recovery.run()
    report.idle_calls = watch.calls[former + len(report.calls) :]
    report.leftovers = await core.requests.leftovers()
    rows = await core.requests.page(ListQuery(now=clock(), limit=1000))
    report.endings = [await _ending(core, request) for request in rows]
    report.serials = await _serials(core)
    first_wrong = await core.context.db.read(activity.first_broken_link)
    if first_wrong is not None:
        report.broken.append(f"the activity chain breaks at line {first_wrong}")
    with closing(sqlite3.connect(place.data / "kmtui.db")) as database:
        for pragma in ("integrity_check", "foreign_key_check"):
            said = database.execute(f"PRAGMA {pragma}").fetchall()
            if said not in ([], [("ok",)]):
                report.broken.append(f"{pragma}: {said}")
    return report


async def committed(place: Place) -> dict[str, str]:
    """The requests of an inventory as a killed life left it: number to SPKI of the request's CSR.

    Opening rolls back what was not committed, as every opening does.
    """
    async with place.opened() as core:
        return await keys_of(core)


async def keys_of(core: Core) -> dict[str, str]:
    """Number to SPKI of every request's signing request."""
    rows = await core.requests.page(ListQuery(now=core.context.clock(), limit=1000))
    return {str(row.number): await _csr_spki(core, row) for row in rows}


async def _ending(core: Core, request: Request) -> Ending:
    problem = request.problem
    ending = Ending(
        number=request.number,
        status=request.status,
        csr_spki=await _csr_spki(core, request),
        type=problem.type if problem else "",
        what=problem.what if problem else "",
        hint=problem.hint if problem else "",
        not_before=str(request.not_before or ""),
    )
    if request.version is None or request.certificate_id is None:
        return ending
    version = await core.certificates.version(request.certificate_id, request.version)
    (leaf, *_) = parse_chain(version.chain_pem)
    try:
        key = keys.load_private_key(await core.certificates.private_key_pem(version))
        key_spki = keys.spki_sha256(key)
    except KmtuiError as error:
        key_spki = f"no key: {error.message}"
    return Ending(
        **{
            **asdict(ending),
            "version_spki": keys.spki_sha256(leaf.public_key()),
            "key_spki": key_spki,
            "serial": f"{leaf.serial_number:x}",
        }
    )


async def _csr_spki(core: Core, request: Request) -> str:
    csr = await core.context.db.read(lambda session: requests.csr(session, request.id))
    return keys.read_csr(csr).spki_sha256


async def _serials(core: Core) -> list[str]:
    everything = ListQuery(now=core.context.clock(), limit=1000)

    def every(session: Session) -> list[str]:
        return [version.serial for version in versions.page(session, everything)]

    return await core.context.db.read(every)
