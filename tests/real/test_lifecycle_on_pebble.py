"""The later life of certificates at a real CA: revoked, moved there, deleted and brought back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from kmtui.core.core import Core
from kmtui.core.errors import AcmeError, Refused
from kmtui.core.events import AccountChanged
from kmtui.core.inspection import parse_chain, short_name
from kmtui.core.together import together
from kmtui.db import accounts, blocked_keys, certificates
from kmtui.model import (
    Certificate,
    RequestSpec,
    RequestStatus,
    RevocationReason,
    RevocationSigner,
    Version,
    words,
)
from tests.core.deployment import stock
from tests.core.test_renewal import make_due
from tests.db import samples
from tests.servers.bind import Bind
from tests.servers.pebble import Pebble, Profile
from tests.servers.process import free_port

NAME = "www.kmtui.test"
COMPROMISED = RevocationReason.KEY_COMPROMISE
SUPERSEDED = RevocationReason.SUPERSEDED


@pytest.fixture(scope="module")
def ca(pebble_factory: Callable[..., Pebble], bind: Bind) -> Pebble:
    return pebble_factory(
        dns_server=bind.server,
        http_port=free_port(),
        nonce_reject=10,
        alternate_roots=2,
        profiles={"default": Profile("Ninety days", 90 * 86_400)},
    )


@pytest.fixture
async def core(tmp_path: Path, ca: Pebble) -> AsyncIterator[Core]:
    """An account `main` at `ca`, and a listener that proves every name."""
    core = await Core.open(tmp_path / "data", actor="tester@here")
    await core.access.initialise_with_key_file(tmp_path / "vault.key")
    await core.cas.add(
        "pebble",
        directory_url=ca.directory_url,
        ca_bundle=ca.ca_bundle_pem,
        max_names=3,
        lifetime_days=90,
    )
    await core.accounts.register("main", ca="pebble", email="a@kmtui.test", agree_tos=True)
    at = f"127.0.0.1:{ca.http_port}"
    await core.end_servers.add("web", kind="standalone", settings={"listen": at, "probe": at})
    await core.mappings.add(".kmtui.test", server="web")
    yield core
    await core.close(seconds=5)


async def issued(core: Core, name: str = NAME) -> Certificate:
    spec = RequestSpec(names=(name,), account="main", auto_save="always")
    request = await core.requests.create(spec, forced=True)
    done = await core.requests.wait(request.id, seconds=60)
    assert done.status == RequestStatus.SAVED, done.problem
    return await core.certificates.get(done.certificate_id or "")


async def version(core: Core, word: str = NAME, number: int = 1) -> Version:
    return await core.certificates.version(word, number)


def at_ca(ca: Pebble, of: Version) -> tuple[str, int | None]:
    """What the CA itself says: status, and the reason where it is revoked."""
    said = ca.certificate_status(int(of.serial, 16))
    return said["Status"], said.get("Reason") if said["Status"] == "Revoked" else None


# --- revoking -------------------------------------------------------------------------------------


async def test_the_ca_has_each_version_revoked_for_the_reason_given_by_either_key(
    core: Core, ca: Pebble
) -> None:
    # given: a certificate for each reason and signer
    ways = [(reason, by) for reason in RevocationReason for by in RevocationSigner]
    rows = await together(issued(core, f"r{number}.kmtui.test") for number in range(len(ways)))
    before = [at_ca(ca, await version(core, row.id)) for row in rows]

    for row, (reason, by) in zip(rows, ways, strict=True):
        done = await core.revocation.revoke(row.id, reason=reason, by=by)
        again = await core.revocation.revoke(row.id, reason=reason, by=by)

        assert at_ca(ca, done.version) == ("Revoked", reason.code)
        assert (done.already, again.already) == (False, True)
        assert done.version.revocation_reason == reason
        assert done.by == ("account main" if by == "account" else "certificate key")
    assert before == [("Valid", None)] * len(ways)


@pytest.mark.parametrize("by", RevocationSigner)
async def test_a_revocation_whose_answer_was_lost_is_a_success_the_second_time(
    core: Core, ca: Pebble, by: RevocationSigner
) -> None:
    certificate = await issued(core)
    found = await version(core)
    client = await core.cas.client("pebble")
    signer = await core.accounts.signer(await core.accounts.get("main"))
    leaf = parse_chain(found.chain_pem)[0]
    await client.revoke(signer, leaf.public_bytes(Encoding.DER), SUPERSEDED.code)

    done = await core.revocation.revoke(certificate.id, reason=SUPERSEDED, by=by)

    assert (done.already, at_ca(ca, done.version)) == (True, ("Revoked", SUPERSEDED.code))
    assert done.version.revocation_reason == SUPERSEDED


@pytest.mark.parametrize("by", RevocationSigner)
async def test_a_reason_that_the_ca_refuses_is_told_with_those_that_every_ca_takes(
    core: Core, ca: Pebble, by: RevocationSigner, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given: a number that RFC 5280 section 5.3.1 gives no meaning
    await issued(core)
    monkeypatch.setitem(words._CRL_REASONS, SUPERSEDED, 7)

    with pytest.raises(AcmeError) as caught:
        await core.revocation.revoke(NAME, reason=SUPERSEDED, by=by)

    usual = set(RevocationReason) - {RevocationReason.AFFILIATION_CHANGED}
    assert {reason for reason in RevocationReason if reason in caught.value.hint} == usual
    assert at_ca(ca, await version(core)) == ("Valid", None)


async def test_without_its_account_the_certificates_own_key_revokes(core: Core, ca: Pebble) -> None:
    certificate = await issued(core)
    await core.context.db.write(
        lambda s: accounts.delete(s, certificate.account_id or "", force=True)
    )

    with pytest.raises(Refused):
        await core.revocation.revoke(NAME, reason=SUPERSEDED, by=RevocationSigner.ACCOUNT)
    done = await core.revocation.revoke(NAME, reason=SUPERSEDED)

    assert done.by == "certificate key"
    assert at_ca(ca, done.version) == ("Revoked", SUPERSEDED.code)


async def test_a_deactivated_account_gives_way_to_the_certificates_own_key(
    core: Core, ca: Pebble
) -> None:
    await issued(core)
    account = await core.accounts.get("main")
    client = await core.cas.client("pebble")
    await client.deactivate_account(await core.accounts.signer(account))
    await core.context.db.write(lambda s: accounts.update(s, account.id, status="deactivated"))
    core.bus.publish(AccountChanged(account.id))

    done = await core.revocation.revoke(NAME, reason=SUPERSEDED)

    assert done.by == "certificate key"
    assert at_ca(ca, done.version) == ("Revoked", SUPERSEDED.code)


async def test_a_compromised_key_is_replaced_first_and_never_comes_back(
    core: Core, ca: Pebble
) -> None:
    await issued(core)
    await core.certificates.set(NAME, reuse_key=True)

    old, outcome = await core.revocation.renew_first(NAME, reason=COMPROMISED, force=True)
    (outcome,) = await core.renewal.wait([outcome], seconds=60)
    new = await core.revocation.in_force(outcome)
    done = await core.revocation.revoke(NAME, number=old.number, reason=COMPROMISED)

    assert at_ca(ca, done.version) == ("Revoked", COMPROMISED.code)
    assert at_ca(ca, new) == ("Valid", None)
    assert new.spki_sha256 != old.spki_sha256
    assert await core.context.db.read(lambda s: blocked_keys.is_blocked(s, old.spki_sha256))
    assert (await core.certificates.get(NAME)).revoked_at is None


# --- moving ---------------------------------------------------------------------------------------


async def retired(core: Core, count: int) -> list[str]:
    """So many certificates of an account at a CA that ended its service; the last has 4 names."""
    account = samples.account("old", ca="buypass")
    await core.context.db.write(lambda s: accounts.insert(s, account))
    labels = []
    for number in range(count):
        names = (f"n{number}.kmtui.test",)
        if number == count - 1:
            names = tuple(f"{word}.kmtui.test" for word in ("many", "a", "b", "c"))
        row = samples.certificate(
            names[0], names=names, account_id=account.id, auto_save="always", profile=None
        )
        await core.context.db.write(lambda s, row=row: certificates.insert(s, row))
        await stock.version(core, row, lasts=timedelta(days=180))
        labels.append(row.name)
    return labels


async def test_thirty_certificates_of_a_retired_ca_are_moved_and_the_one_that_cannot_is_explained(
    core: Core, ca: Pebble
) -> None:
    labels = await retired(core, 31)

    removal = await core.moves.plan(labels, "main")
    ended = await core.renewal.wait(await core.moves.start(removal), seconds=90)

    *moved, refused = ended
    assert [move.obstacle is None for move in removal.moves] == [True] * 30 + [False]
    assert refused.error is not None
    assert "takes at most 3 names" in refused.error.message
    assert "kmtui cert reissue many.kmtui.test" in refused.error.hint
    for outcome in moved:
        assert outcome.request is not None
        assert outcome.request.status == RequestStatus.SAVED, outcome.request.problem
        row = await core.certificates.get(outcome.certificate.id)
        assert (row.account, row.current_version) == ("main", 2)
        assert at_ca(ca, await version(core, row.id, 2)) == ("Valid", None)
        assert [v.why for v in await core.certificates.history(row.id)] == ["move", "issue"]
    left = await core.certificates.get("many.kmtui.test")
    assert (left.account, left.current_version) == ("old", 1)


# --- reissuing, chains ----------------------------------------------------------------------------


async def test_a_reissue_changes_names_and_key_and_the_old_version_can_come_back(
    core: Core, ca: Pebble
) -> None:
    certificate = await issued(core)

    planned = await core.reissues.plan(NAME, names=["api.kmtui.test", NAME], key_type="rsa2048")
    (outcome,) = await core.renewal.wait([await core.reissues.start(planned)], seconds=60)
    both = await version(core, certificate.id, 2)
    used = await core.certificates.make_current(certificate.id, 1)

    assert outcome.request is not None
    assert outcome.request.status == RequestStatus.SAVED, outcome.request.problem
    assert set(both.names) == {"api.kmtui.test", NAME}
    assert both.key_type == "rsa2048"
    assert at_ca(ca, both) == at_ca(ca, used) == ("Valid", None)
    assert (await core.certificates.get(certificate.id)).names == (NAME,)


async def test_the_chain_of_another_root_is_taken_where_it_is_preferred(
    core: Core, ca: Pebble
) -> None:
    certificate = await issued(core)
    usual, other = (short_name(parse_chain(ca.root_pem(number))[0].subject) for number in (0, 2))
    await core.certificates.set(NAME, preferred_chain=other)

    (outcome,) = await core.renewal.wait(
        await core.renewal.renew([certificate.id], force=True), seconds=60
    )

    assert outcome.request is not None
    assert outcome.request.status == RequestStatus.SAVED, outcome.request.problem
    tops = [
        short_name(parse_chain((await version(core, NAME, number)).chain_pem)[-1].issuer)
        for number in (1, 2)
    ]
    assert tops == [usual, other]


# --- deleting -------------------------------------------------------------------------------------


async def test_a_deleted_certificate_stays_valid_is_not_renewed_and_comes_back(
    core: Core, ca: Pebble
) -> None:
    certificate = await issued(core)
    await make_due(core, certificate)

    await core.archive.delete([NAME])
    deleted = await core.unattended.run()
    still = at_ca(ca, await version(core))
    await core.archive.undelete([NAME])
    back = await core.unattended.run()

    assert (deleted.outcomes, still) == ((), ("Valid", None))
    (outcome,) = back.outcomes
    assert outcome.request is not None
    assert outcome.request.status == RequestStatus.SAVED, outcome.request.problem
    assert (await core.certificates.get(NAME)).current_version == 2


async def test_a_deleted_certificate_can_still_be_revoked(core: Core, ca: Pebble) -> None:
    await issued(core)
    await core.archive.delete([NAME])

    done = await core.revocation.revoke(NAME, reason=RevocationReason.CESSATION_OF_OPERATION)

    assert at_ca(ca, done.version) == ("Revoked", 5)


async def test_a_certificate_of_another_ca_is_refused_in_the_cas_words(
    core: Core, ca: Pebble
) -> None:
    account = await core.accounts.get("main")
    row = samples.certificate("strange.kmtui.test", account_id=account.id)
    await core.context.db.write(lambda s: certificates.insert(s, row))
    await stock.version(core, row)

    with pytest.raises(AcmeError):
        await core.revocation.revoke("strange.kmtui.test", reason=SUPERSEDED, ca="pebble")

    assert (await version(core, "strange.kmtui.test")).revoked_at is None
