"""Moving to another CA: what does not fit is told before, the rest is issued and kept there."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kmtui.core.core import Core
from kmtui.core.errors import NotFound, Refused
from kmtui.core.moving import Removal
from kmtui.core.successors import Outcome
from kmtui.db import accounts, certificates
from kmtui.model import Activity, Certificate, ListQuery, RequestStatus
from tests.core.conftest import Bench
from tests.core.deployment import stock
from tests.core.test_renewal import issued
from tests.db import samples


async def retired(core: Core, name: str, *names: str, key_type: str = "ec256") -> Certificate:
    """A certificate of an account at a CA that ended its service, with a version."""
    account = await core.context.db.read(lambda s: accounts.get(s, "old"))
    if account is None:
        account = samples.account("old", ca="buypass")
        await core.context.db.write(lambda s: accounts.insert(s, account))
    owner = account.id
    row = samples.certificate(
        name, names=names or (name,), account_id=owner, key_type=key_type, auto_save="always"
    )
    await core.context.db.write(lambda s: certificates.insert(s, row))
    await stock.version(core, row, lasts=timedelta(days=180))
    return await core.certificates.get(row.id)


@pytest.fixture
async def limited(bench: Bench) -> Bench:
    """The sandbox as a CA that takes three names, and an account `second` there."""
    core = bench.core
    await core.cas.add(
        "limited", directory_url=bench.sandbox.directory_url, max_names=3, lifetime_days=90
    )
    await core.accounts.register("second", ca="limited", email="b@kmtui.test", agree_tos=True)
    return bench


async def moved(core: Core, removal: Removal) -> list[Outcome]:
    return await core.renewal.wait(await core.moves.start(removal))


async def trail(core: Core, what: str) -> list[Activity]:
    return await core.activity.page(ListQuery(now=core.context.clock(), text=f"what:{what}"))


async def test_certificates_of_a_retired_ca_are_issued_elsewhere_and_one_is_refused(
    limited: Bench,
) -> None:
    core = limited.core
    await retired(core, "one.kmtui.test")
    await retired(core, "many", *(f"n{each}.kmtui.test" for each in range(4)))
    await retired(core, "two.kmtui.test")

    removal = await core.moves.plan(["one.kmtui.test", "many", "two.kmtui.test"], "second")
    ended = await moved(core, removal)

    assert [move.obstacle is None for move in removal.moves] == [True, False, True]
    assert [o.request and o.request.status for o in ended] == ["saved", None, "saved"]
    error = ended[1].error
    assert error is not None
    assert error.message == "many: limited takes at most 3 names in one certificate, not 4"
    assert "cert reissue many" in error.hint
    row = await core.certificates.get("one.kmtui.test")
    assert (row.account, row.ca, row.current_version) == ("second", "limited", 2)
    history = await core.certificates.history("one.kmtui.test")
    assert [(v.number, v.why) for v in history] == [(2, "move"), (1, "issue")]
    assert (await core.certificates.get("many")).account == "old"
    assert [line.object_name for line in await trail(core, "move") if line.outcome == "failed"] == [
        "many"
    ]


async def test_what_moved_is_renewed_at_its_new_ca(limited: Bench) -> None:
    core = limited.core
    await retired(core, "one.kmtui.test")
    before = await core.renewal.verdict("one.kmtui.test")
    (refused,) = await core.renewal.renew(["one.kmtui.test"])

    await moved(core, await core.moves.plan(["one.kmtui.test"], "second"))
    (again,) = await core.renewal.wait(await core.renewal.renew(["one.kmtui.test"]))

    assert not before.due
    assert refused.error is not None
    assert "kmtui cert move" in refused.error.hint
    assert again.request is not None
    assert (again.request.status, again.request.version) == (RequestStatus.SAVED, 3)


async def test_the_look_says_what_is_shorter_or_cannot_be_proved(limited: Bench) -> None:
    core = limited.core
    await retired(core, "one.kmtui.test")
    await retired(core, "elsewhere.example.org")
    await stock.certificate(core, "empty")

    names = ["one.kmtui.test", "elsewhere.example.org", "empty"]
    one, elsewhere, empty = (await core.moves.plan(names, "second")).moves

    assert [(f.what, f.ok, f.text) for f in one.findings] == [
        ("key-type", True, "key ec256"),
        ("names", True, "1 name of at most 3"),
        ("lifetime", None, "lives 90 days there, 180 so far"),
        ("challenge", True, "dns-01 through lab"),
    ]
    assert elsewhere.obstacle is not None
    assert "how to prove" in elsewhere.obstacle.text
    assert empty.obstacle is not None
    assert "no version" in empty.obstacle.text


async def test_a_profile_that_the_ca_does_not_list_is_told(bench: Bench) -> None:
    core = bench.core
    await core.accounts.register("second", ca="sandbox", email="b@kmtui.test", agree_tos=True)
    await retired(core, "one.kmtui.test")
    row = await core.certificates.get("one.kmtui.test")
    await core.context.db.write(lambda s: certificates.update(s, row.id, profile="go-ssl"))

    (move,) = (await core.moves.plan(["one.kmtui.test"], "second")).moves

    assert move.obstacle is not None
    assert move.obstacle.what == "profile"
    assert "it offers" in move.obstacle.hint


async def test_what_waits_to_be_saved_stays_with_the_old_account_until_then(
    limited: Bench,
) -> None:
    core = limited.core
    await issued(limited, save="ask")
    await core.certificates.save("www.kmtui.test")

    (outcome,) = await moved(core, await core.moves.plan(["www.kmtui.test"], "second"))
    waiting = await core.certificates.get("www.kmtui.test")
    await core.certificates.save("www.kmtui.test")

    assert outcome.request is not None
    assert outcome.request.replaces is None, "another account's certificate is not named"
    assert (waiting.account, waiting.unsaved_version) == ("practice", 2)
    assert (await core.certificates.get("www.kmtui.test")).account == "second"


async def test_a_move_that_goes_nowhere_is_refused(limited: Bench) -> None:
    core = limited.core
    await retired(core, "one.kmtui.test")
    await issued(limited)

    with pytest.raises(Refused, match="ended its service"):
        await core.moves.plan(["one.kmtui.test"], "old")
    with pytest.raises(NotFound):
        await core.moves.plan(["one.kmtui.test"], "nobody")
    (move,) = (await core.moves.plan(["www.kmtui.test"], "practice")).moves
    assert move.obstacle is not None
    assert "already" in move.obstacle.text
