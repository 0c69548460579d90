"""An account whose key is replaced, or that is ended, by a process that is killed at every point.

    python -m tests.real.account_kills roll|deactivate DIRECTORY_URL TRUST_PEM HOME

Each act runs in a fork that is killed before or after one request to the CA, or one commit; a later
life then looks for unfinished work, as every start does. What it finds is printed as JSON, a line
for each case.
"""

from __future__ import annotations

import json
import ssl
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from kmtui.core import keys
from kmtui.core.acme import thumbprint
from kmtui.core.core import Core
from kmtui.core.errors import AcmeError
from kmtui.db import accounts as rows
from kmtui.db import secrets
from tests.torture import forks
from tests.torture.watch import Kill, Watch

Act = Callable[[Core, str], Awaitable[object]]


@dataclass
class Case:
    """What became of one account whose process was killed."""

    act: str
    point: str
    killed: bool
    wrong: list[str] = field(default_factory=list)
    rolled: bool = False
    """Whether it has another key than before."""


class Place:
    """An inventory at a CA, and lives in it."""

    def __init__(self, directory_url: str, trust: Path, home: Path) -> None:
        self.directory_url = directory_url
        self.bundle = trust.read_text()
        self.home = home

    async def core(self, watch: Watch) -> Core:
        watch.install(trust=ssl.create_default_context(cadata=self.bundle))
        core = await Core.open(self.home / "data", actor="tester@here")
        if core.access.initialised:
            await core.access.unlock_with_key_file(self.home / "vault.key")
        else:
            await core.access.initialise_with_key_file(self.home / "vault.key")
            await core.cas.add("ca", directory_url=self.directory_url, ca_bundle=self.bundle)
        return core

    def live(self, work: Callable[[Core], Awaitable[object]], watch: Watch) -> forks.Life:
        """One life of a process; ends without good-bye, as after a kill."""

        async def life() -> object:
            core = await self.core(watch)
            result = await work(core)
            await core.close()
            return result if result is not None else dict(getattr(watch, "passed", {}))

        return forks.live(life)


async def register(core: Core, name: str) -> list[str]:
    """A new account; its key."""
    await core.accounts.register(name, ca="ca", email="ops@example.org", agree_tos=True)
    return await keys_of(core, name)


async def roll(core: Core, name: str) -> None:
    await core.accounts.roll_key(name)


async def end(core: Core, name: str) -> None:
    await core.accounts.deactivate(name)


async def keys_of(core: Core, name: str) -> list[str]:
    """Every key that is kept for the account, in PEM."""
    account = await core.accounts.get(name)
    kinds = await core.context.db.read(
        lambda session: secrets.kinds(session, rows.OWNER, [account.id])[account.id]
    )
    pems = [
        await core.context.secrets.open(owner_table=rows.OWNER, owner_id=account.id, kind=kind)
        for kind in kinds
    ]
    return [pem.decode() for pem in pems]


async def knows(core: Core, pem: str) -> str:
    """What the CA says of a key: the URL of its account, or the type of its refusal."""
    client = await core.cas.client("ca")
    try:
        return (await client.find_account(keys.load_private_key(pem.encode()))).url
    except AcmeError as error:
        return error.problem.short_type if error.problem else "refused"


async def looked_at(core: Core, name: str, former: list[str]) -> dict[str, object]:
    """The account after unfinished work was taken up, and what the CA says of all its keys."""
    beside = await keys_of(core, name)
    await core.recovery.run()
    account = await core.accounts.get(name)
    kept = await keys_of(core, name)
    lines = await core.accounts.test(name)
    return {
        "status": account.status,
        "url": account.account_url,
        "changing": account.key_changing,
        "thumbprint": account.key_thumbprint,
        "kept": [thumbprint_of(pem) for pem in kept],
        "said": {thumbprint_of(pem): await knows(core, pem) for pem in {*former, *beside, *kept}},
        "well": all(line.ok is not False for line in lines),
        "again": [each.account.name for each in (await core.recovery.run()).accounts],
    }


def thumbprint_of(pem: str) -> str:
    return thumbprint(keys.load_private_key(pem.encode()))


def judge_roll(case: Case, before: str, found: dict[str, object]) -> None:
    """One key, and it is the one that the CA has; the other opens nothing."""
    has = found["thumbprint"]
    said = dict(found["said"])  # type: ignore[call-overload]
    case.rolled = has != before
    if found["changing"] or found["kept"] != [has]:
        case.wrong.append("more than one key is kept")
    if said.pop(has, None) != found["url"]:
        case.wrong.append("the CA does not have the key that is kept")
    if any(answer != "accountDoesNotExist" for answer in said.values()):
        case.wrong.append(f"another key still opens it: {said}")
    if found["status"] != "valid" or not found["well"] or found["again"]:
        case.wrong.append(f"not well: {found}")


def judge_end(case: Case, before: str, found: dict[str, object]) -> None:
    """Valid as before where nobody was told; else ended, here and at the CA."""
    status, (answer,) = found["status"], dict(found["said"]).values()  # type: ignore[call-overload]
    ended = answer == "unauthorized"
    if status != ("deactivated" if ended else "valid"):
        case.wrong.append(f"it is {status} here, and the CA says {answer}")
    if found["kept"] != [before] or found["again"]:
        case.wrong.append(f"not well: {found}")


ACTS: dict[str, tuple[Act, Callable[[Case, str, dict[str, object]], None]]] = {
    "roll": (roll, judge_roll),
    "deactivate": (end, judge_end),
}


def cases(place: Place, name: str) -> None:
    """Kill one act at each point that changes something; each case has an account of its own."""
    act, _ = ACTS[name]
    place.live(lambda core: register(core, name), Watch())
    whole = place.live(lambda core: act(core, name), Kill())
    assert not whole.error, whole.error
    for kind, times in whole.result.items():
        if "commit" in kind or "POST" in kind:
            for turn in range(1, times + 1):
                print(json.dumps(asdict(one(place, name, kind, turn))), flush=True)


def one(place: Place, name: str, kind: str, turn: int) -> Case:
    """Kill the act at one point, look for unfinished work, judge."""
    act, judge = ACTS[name]
    account = f"{name}, {kind} {turn}"
    former = place.live(lambda core: register(core, account), Watch())
    life = place.live(lambda core: act(core, account), Kill(kind, turn))
    found = place.live(lambda core: looked_at(core, account, former.result), Watch())
    case = Case(act=name, point=f"{kind} {turn}", killed=life.killed)
    case.wrong += [each.error or "stuck" for each in (life, found) if each.error or each.stuck]
    if not case.wrong:
        judge(case, thumbprint_of(former.result[0]), found.result)
    return case


def main(act: str, directory_url: str, trust: str, home: str) -> None:
    place = Place(directory_url, Path(trust), Path(home))

    async def first() -> None:
        core = await place.core(Watch())
        await core.accounts.register("first", ca="ca", agree_tos=True)
        await core.accounts.roll_key("first")
        await core.close()

    warm = forks.warm_up(first)
    assert not warm.error, warm.error
    cases(place, act)


if __name__ == "__main__":
    main(*sys.argv[1:])
