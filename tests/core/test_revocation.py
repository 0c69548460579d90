"""Revoking against the sandbox: told to the CA, noted once, and a key given up never comes back."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from kmtui.core import keys
from kmtui.core.core import Core
from kmtui.core.errors import AcmeError, InvalidInput, ReadOnly, Refused, VaultLocked
from kmtui.db import accounts, blocked_keys, versions
from kmtui.model import (
    Activity,
    ListQuery,
    RequestSpec,
    RevocationReason,
    RevocationSigner,
    Version,
)
from tests.core.conftest import Bench
from tests.core.deployment import stock
from tests.core.test_renewal import issued
from tests.db import samples

COMPROMISED = RevocationReason.KEY_COMPROMISE
SUPERSEDED = RevocationReason.SUPERSEDED


async def version(core: Core, number: int = 1) -> Version:
    return await core.certificates.version("www.kmtui.test", number)


async def trail(core: Core, what: str = "revoke") -> list[Activity]:
    """Oldest first."""
    query = ListQuery(now=core.context.clock(), text=f"what:{what}")
    return list(reversed(await core.activity.page(query)))


def reason_at_ca(bench: Bench, of: Version) -> int | None:
    return bench.sandbox._state.issued[of.serial].revocation_reason


@pytest.mark.parametrize("reason", list(RevocationReason))
@pytest.mark.parametrize("by", list(RevocationSigner))
async def test_the_ca_is_told_the_reason_by_the_key_asked_for(
    bench: Bench, reason: RevocationReason, by: RevocationSigner
) -> None:
    core = bench.core
    await issued(bench)

    done = await core.revocation.revoke("www.kmtui.test", reason=reason, by=by)

    stored = await version(core)
    assert reason_at_ca(bench, stored) == reason.code
    assert (done.version, done.already, done.same_key) == (stored, False, ())
    assert (stored.revocation_reason, stored.revoked_at is not None) == (reason, True)
    assert done.by == ("account practice" if by == "account" else "certificate key")
    assert (await core.renewal.verdict("www.kmtui.test")).blocked == "revoked"
    assert [(row.outcome, row.object_name) for row in await trail(core)] == [
        ("started", "www.kmtui.test"),
        ("ok", "www.kmtui.test"),
    ]


async def test_what_the_ca_had_revoked_already_is_a_success(bench: Bench) -> None:
    core = bench.core
    await issued(bench)
    found = await version(core)
    bench.sandbox.note_revoked(found.serial, 4)

    first = await core.revocation.revoke("www.kmtui.test", reason=SUPERSEDED)
    again = await core.revocation.revoke("www.kmtui.test", reason=SUPERSEDED)

    assert (first.already, again.already, again.by) == (True, True, "")
    assert first.version == again.version == await version(core)
    assert "the CA had it revoked already" in (await trail(core))[-1].detail


async def test_an_account_that_is_gone_gives_way_to_the_certificate_key(bench: Bench) -> None:
    core = bench.core
    certificate = await issued(bench)
    account_id = certificate.account_id or ""
    await core.context.db.write(lambda s: accounts.delete(s, account_id, force=True))

    with pytest.raises(Refused, match="not known here any more"):
        await core.revocation.revoke(
            "www.kmtui.test", reason=SUPERSEDED, by=RevocationSigner.ACCOUNT
        )
    done = await core.revocation.revoke("www.kmtui.test", reason=SUPERSEDED)

    assert done.by == "certificate key"
    assert reason_at_ca(bench, done.version) == 4


async def test_an_account_that_the_ca_deactivated_gives_way_to_the_certificate_key(
    bench: Bench,
) -> None:
    core = bench.core
    await issued(bench)
    for account in bench.sandbox._state.accounts.values():
        account.status = "deactivated"

    done = await core.revocation.revoke("www.kmtui.test", reason=SUPERSEDED)

    assert done.by == "certificate key"


async def test_a_reason_that_the_ca_does_not_take_is_told_with_those_it_takes(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = bench.core
    await issued(bench)
    monkeypatch.setattr("kmtui.core.sandbox.certificates.REASONS", (0, 1, 4, 5))

    with pytest.raises(AcmeError) as caught:
        await core.revocation.revoke("www.kmtui.test", reason=RevocationReason.AFFILIATION_CHANGED)

    assert "superseded" in caught.value.hint
    assert [row.outcome for row in await trail(core)] == ["started", "failed"]
    assert (await version(core)).revoked_at is None


async def test_a_key_given_up_is_blocked_whatever_the_ca_says_and_never_asked_for_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = bench.core
    await issued(bench)
    found = await version(core)
    key = keys.load_private_key(await core.certificates.private_key_pem(found))
    monkeypatch.setattr("kmtui.core.sandbox.certificates.REASONS", (0,))

    with pytest.raises(AcmeError):
        await core.revocation.revoke("www.kmtui.test", reason=COMPROMISED)

    assert await core.context.db.read(lambda s: blocked_keys.is_blocked(s, found.spki_sha256))
    assert len(await trail(core, "block")) == 1
    csr = keys.csr(["api.kmtui.test"], key)
    spec = RequestSpec(names=("api.kmtui.test",), account="practice", csr_pem=_pem(csr))
    with pytest.raises(Refused, match="given up as compromised"):
        await core.requests.create(spec)


def _pem(der: bytes) -> str:
    return x509.load_der_x509_csr(der).public_bytes(Encoding.PEM).decode()


async def test_a_revoked_version_turns_out_to_be_compromised(bench: Bench) -> None:
    core = bench.core
    await issued(bench)
    await core.revocation.revoke("www.kmtui.test", reason=SUPERSEDED)

    done = await core.revocation.revoke("www.kmtui.test", reason=COMPROMISED)

    assert done.already, "the CA keeps the reason it was told first"
    assert done.version.revocation_reason == COMPROMISED
    spki = done.version.spki_sha256
    assert await core.context.db.read(lambda s: blocked_keys.is_blocked(s, spki))


async def test_other_versions_with_the_compromised_key_are_named(core: Core) -> None:
    # given: the same key in two certificates
    shop, pay = await stock.certificate(core, "shop"), await stock.certificate(core, "pay")
    one = await stock.version(core, shop)
    two = dataclasses.replace(
        samples.version(pay, spki_sha256=one.spki_sha256),
        not_after=core.context.clock() + timedelta(days=9),
    )
    await core.context.db.write(lambda s: versions.insert(s, two, key_secret_id=None))

    same = await core.revocation._same_key(one, COMPROMISED)

    assert [each.certificate for each in same] == ["pay"]
    assert await core.revocation._same_key(one, SUPERSEDED) == ()


async def test_renewed_first_the_successor_serves_before_the_old_version_goes(
    bench: Bench,
) -> None:
    core = bench.core
    await issued(bench, save="ask")
    await core.certificates.save("www.kmtui.test")
    await core.targets.add("www.kmtui.test", "lb", hook="/bin/true")

    old, outcome = await core.revocation.renew_first("www.kmtui.test", reason=COMPROMISED)
    (outcome,) = await core.renewal.wait([outcome])
    new = await core.revocation.in_force(outcome)
    done = await core.revocation.revoke("www.kmtui.test", number=old.number, reason=COMPROMISED)

    row = await core.certificates.get("www.kmtui.test")
    assert (old.number, new.number, done.version.number) == (1, 2, 1)
    assert (row.current_version, row.revoked_at) == (2, None)
    assert new.spki_sha256 != old.spki_sha256
    (target,) = await core.targets.of_certificate("www.kmtui.test")
    assert target.version == 2
    assert done.version.replaced_at is not None


async def test_nothing_is_revoked_while_the_successor_is_missing_somewhere(bench: Bench) -> None:
    core = bench.core
    await issued(bench)
    await core.targets.add("www.kmtui.test", "lb", hook="/bin/false")

    _, outcome = await core.revocation.renew_first("www.kmtui.test", reason=SUPERSEDED)
    (outcome,) = await core.renewal.wait([outcome])
    with pytest.raises(Refused, match="not at its targets yet: lb; nothing"):
        await core.revocation.in_force(outcome)

    assert (await version(core)).revoked_at is None


async def test_nothing_is_revoked_when_the_renewal_fails(bench: Bench) -> None:
    core = bench.core
    await issued(bench)
    await core.mappings.delete("www.kmtui.test")
    await core.mappings.delete(".kmtui.test")

    _, outcome = await core.revocation.renew_first("www.kmtui.test", reason=SUPERSEDED)
    with pytest.raises(InvalidInput):
        await core.revocation.in_force(outcome)

    assert (await version(core)).revoked_at is None


async def test_what_expired_or_what_nobody_can_sign_is_refused_before_anything_is_noted(
    core: Core,
) -> None:
    old = await stock.certificate(core, "old")
    await stock.version(core, old, lasts=timedelta(minutes=30))
    await stock.version(core, await stock.certificate(core, "strange"))
    await stock.certificate(core, "empty")

    with pytest.raises(Refused, match="expired on"):
        await core.revocation.revoke("old", reason=SUPERSEDED)
    with pytest.raises(InvalidInput, match="which CA issued") as caught:
        await core.revocation.revoke("strange", reason=SUPERSEDED)
    assert caught.value.field == "ca"
    with pytest.raises(Refused, match="no version"):
        await core.revocation.revoke("empty", reason=SUPERSEDED)
    with pytest.raises(Refused, match="ended its service"):
        await core.revocation.revoke("strange", reason=SUPERSEDED, ca="buypass")

    assert await trail(core) == []


async def test_a_revoked_version_is_not_saved(bench: Bench) -> None:
    core = bench.core
    await issued(bench, save="ask")
    await core.revocation.revoke("www.kmtui.test", reason=SUPERSEDED)

    with pytest.raises(Refused, match="is revoked"):
        await core.certificates.save("www.kmtui.test", 1)


async def test_only_an_administrator_revokes(bench: Bench) -> None:
    core = bench.core
    await issued(bench)
    core.access.lock()

    with pytest.raises((VaultLocked, ReadOnly)):
        await core.revocation.revoke("www.kmtui.test", reason=SUPERSEDED)
