"""Two versions side by side: what differs is told, what does not is not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kmtui.core.comparison import differences
from kmtui.core.core import Core
from kmtui.core.errors import InvalidInput, NotFound
from kmtui.db import certificates
from kmtui.model import ListQuery, RevocationReason
from tests.core.conftest import Bench
from tests.core.deployment import stock
from tests.core.test_renewal import issued
from tests.db import samples


async def test_only_what_differs_is_told(core: Core) -> None:
    shop = await stock.certificate(core, "shop.example.org")
    await stock.version(core, shop)
    await core.context.db.write(
        lambda s: certificates.update(s, shop.id, names=("shop.example.org", "api.example.org"))
    )
    await stock.version(core, await core.certificates.get(shop.id), lasts=timedelta(days=30))

    found = {each.field: each for each in await core.certificates.differences(shop.name, 1, 2)}

    assert (found["Names"].one, found["Names"].other) == ("", "api.example.org")
    assert {"Serial", "SHA-256", "Public key SHA-256", "Not after"} <= found.keys()
    assert not {"Issuer", "Chain", "Key", "Extended key usage", "Asked for by"} & found.keys()
    assert await core.certificates.differences(shop.name, 2, 2) == []
    with pytest.raises(NotFound):
        await core.certificates.differences(shop.name, 1, 9)


async def test_side_by_side_has_everything_and_each_name_by_itself(core: Core) -> None:
    shop = await stock.certificate(core, "shop.example.org")
    await stock.version(core, shop)
    await core.context.db.write(
        lambda s: certificates.update(s, shop.id, names=("shop.example.org", "api.example.org"))
    )
    await stock.version(core, await core.certificates.get(shop.id))

    found = await core.certificates.side_by_side(shop.name, 1, 2)

    assert {each.field for each in found if not each.differs} >= {"Issuer", "Chain", "Key"}
    assert {each.field for each in found if each.differs} >= {"Serial", "SHA-256"}
    assert [(each.one, each.other) for each in found if each.field == "Name"] == [
        ("shop.example.org", "shop.example.org"),
        ("", "api.example.org"),
    ]


async def test_a_chain_that_cannot_be_read_is_told(core: Core) -> None:
    shop = await stock.certificate(core, "shop")
    good = await stock.version(core, shop)
    good = await core.certificates.version("shop", good.number)

    with pytest.raises(InvalidInput):
        differences(good, samples.version(shop, chain_pem="nothing"))


async def test_the_history_of_all_certificates_holds_what_is_gone_from_the_lists(
    bench: Bench,
) -> None:
    core = bench.core
    await issued(bench)
    await core.renewal.wait(await core.renewal.renew(["www.kmtui.test"]))
    await core.revocation.revoke("www.kmtui.test", reason=RevocationReason.SUPERSEDED)
    await core.archive.delete(["www.kmtui.test"])

    query = ListQuery(now=core.context.clock())
    found = await core.certificates.versions(query)

    assert [(v.number, v.why, v.deleted, v.revoked_at is not None) for v in found] == [
        (2, "renew", True, True),
        (1, "issue", True, False),
    ]
