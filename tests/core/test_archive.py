"""Deleting: out of the lists and out of service, back for thirty days, then without its keys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kmtui.core.archive import KEPT
from kmtui.core.core import Core
from kmtui.core.errors import InvalidInput, NotFound, Refused, VaultLocked
from kmtui.db import requests, secrets, targets
from kmtui.model import Certificate, ListQuery, RequestSpec, TargetState
from tests.core.conftest import Bench
from tests.core.deployment import stock
from tests.core.test_renewal import issued, make_due
from tests.db import samples


class MovableClock:
    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
async def shop(tmp_path: Path, clock: MovableClock) -> AsyncIterator[Core]:
    """A certificate `shop` with two versions, and `pay` with one."""
    core = await Core.open(tmp_path / "data", actor="tester@here", clock=clock)
    await core.access.initialise_with_key_file(tmp_path / "vault.key")
    certificate = await stock.certificate(core, "shop")
    await stock.version(core, certificate)
    await stock.version(core, certificate)
    await stock.version(core, await stock.certificate(core, "pay"))
    yield core
    await core.close(seconds=5)


async def listed(core: Core) -> list[str]:
    query = ListQuery(now=core.context.clock(), sort="name")
    return [row.name for row in await core.certificates.page(query)]


async def trail(core: Core) -> list[str]:
    """Oldest first, of what this file is about."""
    page = await core.activity.page(ListQuery(now=core.context.clock()))
    return [row.action for row in reversed(page) if row.action.endswith(("delete", "purge"))]


async def test_a_deleted_certificate_leaves_the_lists_and_stays_in_the_history(shop: Core) -> None:
    (done,) = await shop.archive.delete(["shop"])

    assert (done.error, done.certificate.archived_at is not None) == (None, True)
    assert await listed(shop) == ["pay"]
    assert [v.number for v in await shop.certificates.history("shop")] == [2, 1]
    assert await shop.certificates.private_key_pem(await shop.certificates.version("shop", 2))
    assert [verdict.certificate for verdict in await shop.renewal.verdicts()] == ["pay"]


async def test_it_comes_back_as_it_was(shop: Core) -> None:
    before = await shop.certificates.get("shop")
    await shop.archive.delete(["shop"])

    (back,) = await shop.archive.undelete(["shop"])

    assert back.certificate == before
    assert await listed(shop) == ["pay", "shop"]
    assert await trail(shop) == ["delete", "undelete"]


async def test_one_that_cannot_be_deleted_does_not_stop_the_others(shop: Core) -> None:
    await shop.archive.delete(["pay"])

    done = await shop.archive.delete(["pay", "shop", "shop"])
    back = await shop.archive.undelete(["shop", "pay"])
    again = await shop.archive.undelete(["pay"])

    assert [each.error is None for each in done] == [False, True]
    assert [each.error for each in back] == [None, None]
    assert isinstance(again[0].error, Refused)
    with pytest.raises(NotFound):
        await shop.archive.delete(["shop", "nothing"])
    assert await listed(shop) == ["pay", "shop"], "nothing is done when a word fits nothing"


# --- what is in the way ---------------------------------------------------------------------------


async def serving(core: Core, certificate: str, name: str, state: str, version: int | None) -> None:
    """A target of the certificate, as an attempt left it."""
    target = await core.targets.add(certificate, name, hook="/bin/true")
    fields = {"state": state, "version": version, "next_attempt_at": None}
    await core.context.db.write(lambda s: targets.update(s, target.id, **fields))


async def test_what_a_target_still_serves_is_deleted_by_force_only(shop: Core) -> None:
    await serving(shop, "shop", "web1", TargetState.DEPLOYED, 2)
    await serving(shop, "shop", "web2", TargetState.STALE, 1)
    await serving(shop, "shop", "web3", TargetState.FAILED, None)

    (refused,) = await shop.archive.delete(["shop"])
    (forced,) = await shop.archive.delete(["shop"], force=True)

    assert refused.error is not None
    assert refused.error.message == "shop is still served by web1"
    assert "kmtui target delete shop web1" in refused.error.hint
    assert forced.error is None
    assert await shop.deployments.take_up() == []


async def test_a_request_under_way_is_in_the_way(shop: Core) -> None:
    certificate = await shop.certificates.get("shop")
    row = samples.request("shop", certificate_id=certificate.id, status="propagating")
    number = await shop.context.db.write(lambda s: requests.insert(s, row))

    (done,) = await shop.archive.delete(["shop"], force=True)

    assert done.error is not None
    assert f"kmtui request cancel {number}" in done.error.hint


async def test_nothing_new_is_asked_for_while_it_is_deleted(bench: Bench) -> None:
    core = bench.core
    certificate = await issued(bench)
    await make_due(core, certificate)
    await core.archive.delete([certificate.id])
    spec = RequestSpec(names=("www.kmtui.test",), account="practice", label=certificate.name)

    run = await core.unattended.run()
    (outcome,) = await core.renewal.renew([certificate.id])

    assert (run.outcomes, run.verdicts) == ((), ())
    assert outcome.error is not None
    with pytest.raises(Refused, match="is deleted"):
        await core.requests.create(spec)
    other = await core.requests.create(RequestSpec(names=spec.names, account="practice"))
    assert other.certificate == "www.kmtui.test-2", "without a label it is a new certificate"


async def test_only_an_administrator_deletes(shop: Core) -> None:
    shop.access.lock()

    with pytest.raises(VaultLocked):
        await shop.archive.delete(["shop"])


# --- purging --------------------------------------------------------------------------------------


async def keys_left(core: Core, certificate: Certificate) -> int:
    owners = await core.context.db.read(lambda s: requests.of_certificate(s, certificate.id))
    kept = await core.context.db.read(lambda s: secrets.ids(s, "request"))
    return len([owner for owner, _ in kept if owner in {row.id for row in owners}])


async def test_thirty_days_later_the_unattended_run_destroys_the_keys(
    shop: Core, clock: MovableClock
) -> None:
    certificate = await shop.certificates.get("shop")
    await serving(shop, "shop", "web1", TargetState.FAILED, None)
    await shop.archive.delete(["shop"])

    early = await shop.unattended.run()
    left = await keys_left(shop, certificate)
    clock.ahead = KEPT + timedelta(minutes=1)
    run = await shop.unattended.run()
    again = await shop.unattended.run()

    assert (early.purged, left) == ((), 2)
    assert [row.name for row in run.purged] == ["shop"]
    assert again.purged == ()
    assert await keys_left(shop, certificate) == 0
    assert await shop.targets.of_certificate(certificate.id) == []
    history = await shop.certificates.history(certificate.id)
    assert [(version.number, version.has_key) for version in history] == [(2, False), (1, False)]
    assert await trail(shop) == ["delete", "purge"]


async def test_a_dry_run_purges_nothing(shop: Core, clock: MovableClock) -> None:
    await shop.archive.delete(["shop"])
    clock.ahead = KEPT + timedelta(days=1)

    await shop.unattended.run(dry_run=True)

    assert (await shop.certificates.get("shop")).purged_at is None


async def test_by_hand_the_label_is_typed_exactly_and_is_free_again(shop: Core) -> None:
    certificate = await shop.certificates.get("shop")
    with pytest.raises(Refused, match="is not deleted"):
        await shop.archive.purge("shop")
    await shop.archive.delete(["shop"])
    with pytest.raises(InvalidInput, match="not the label"):
        await shop.archive.purge(certificate.id)

    purged = await shop.archive.purge("shop")

    assert (purged.name, purged.purged_at is not None) == ("shop~purged", True)
    assert (await stock.certificate(shop, "shop")).name == "shop"
    (back,) = await shop.archive.undelete([certificate.id])
    assert back.error is not None
    assert "destroyed on" in back.error.message
    with pytest.raises(Refused, match="were destroyed"):
        await shop.archive.purge("shop~purged")


async def test_what_was_deleted_last_is_known_while_it_can_come_back(
    shop: Core, clock: MovableClock
) -> None:
    assert await shop.archive.last_deleted() is None
    for name in ("shop", "pay"):
        await shop.archive.delete([name])
        clock.ahead += timedelta(minutes=1)

    last = await shop.archive.last_deleted()
    await shop.archive.purge("pay")
    before = await shop.archive.last_deleted()

    assert [each.name for each in (last, before) if each] == ["pay", "shop"]
