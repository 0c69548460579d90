"""Certificates of others in the inventory: every version, one certificate, nothing by halves."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from sqlmodel import Session

from kmtui.core import keys
from kmtui.core.core import Core
from kmtui.core.errors import InvalidInput, Refused
from kmtui.core.imports import adopted_certificates
from kmtui.core.imports.outcome import Fate
from kmtui.db import certificates
from kmtui.model import ListQuery, Version
from kmtui.status import certificate_status, version_status
from tests.core.deployment import stock
from tests.core.imports.bringing import brought, combined, count, fates, kept
from tests.core.imports.made import (
    INTERMEDIATE,
    Made,
    certbot_account,
    certbot_lineage,
    history,
    made,
    written,
)
from tests.core.issuer import NOW

KEY = keys.generate("ec256")


async def test_a_whole_history_comes_in_order_with_every_key(core: Core, tmp_path: Path) -> None:
    versions = history("shop.example.org", "www.shop.example.org", versions=4)
    certbot_lineage(tmp_path, "shop", versions)
    certbot_account(tmp_path, KEY)

    outcomes = await brought(core, tmp_path)

    assert fates(outcomes) == [
        ("account", "example-certbot", "new"),
        ("certificate", "shop", "new"),
    ]
    certificate, stored = await kept(core, "shop")
    assert (certificate.current_version, certificate.unsaved_version) == (4, None)
    assert certificate.names == ("shop.example.org", "www.shop.example.org")
    assert (certificate.account, certificate.ca) == ("example-certbot", "example")
    assert (certificate.auto_renew, certificate_status(certificate, NOW)) == (True, "valid")
    assert [(v.number, v.why, v.has_key, version_status(v, NOW)) for v in stored] == [
        (1, "imported", True, "replaced"),
        (2, "imported", True, "replaced"),
        (3, "imported", True, "replaced"),
        (4, "imported", True, "current"),
    ]
    for version, each in zip(stored, versions, strict=True):
        assert await core.certificates.private_key_pem(version) == each.key_pem.encode()
        with_chain = await core.certificates.version("shop", version.number)
        assert with_chain.chain_pem == each.fullchain_pem
        assert version.issued_at == each.leaf.not_valid_before_utc


async def test_importing_again_changes_nothing(core: Core, tmp_path: Path) -> None:
    certbot_lineage(tmp_path, "shop", history())
    certbot_account(tmp_path, KEY)
    await brought(core, tmp_path)
    before = await kept(core, "shop"), await core.accounts.all()

    outcomes = await brought(core, tmp_path)

    assert {each.fate for each in outcomes} == {Fate.KNOWN}
    assert (await kept(core, "shop"), await core.accounts.all()) == before


async def test_what_the_other_client_got_since_joins_and_becomes_current(
    core: Core, tmp_path: Path
) -> None:
    first, second, third = history(versions=3)
    certbot_lineage(tmp_path / "before", "shop", [first, second])
    certbot_lineage(tmp_path / "after", "shop", [first, second, third])
    await brought(core, tmp_path / "before")

    outcomes = await brought(core, tmp_path / "after")

    assert fates(outcomes) == [("certificate", "shop", "joined")]
    certificate, stored = await kept(core, "shop")
    assert certificate.current_version == 3
    assert [version_status(each, NOW) for each in stored] == ["replaced", "replaced", "current"]


async def test_older_versions_join_the_history_of_what_is_here(core: Core, tmp_path: Path) -> None:
    held = await stock.certificate(core, "shop.example.org")
    await stock.version(core, held)
    certbot_lineage(tmp_path, "shop", history("shop.example.org", versions=2))

    outcomes = await brought(core, tmp_path)

    assert fates(outcomes) == [("certificate", "shop.example.org", "joined")]
    certificate, stored = await kept(core)
    assert (certificate.current_version, certificate.unsaved_version) == (1, None)
    assert [version_status(each, NOW) for each in stored] == ["current", "replaced", "replaced"]


async def test_the_version_that_is_in_use_there_is_current_here(core: Core, tmp_path: Path) -> None:
    certbot_lineage(tmp_path, "shop", history(versions=3), current=2)

    await brought(core, tmp_path)

    certificate, stored = await kept(core, "shop")
    assert (certificate.current_version, certificate.unsaved_version) == (2, None)
    assert [version_status(each, NOW) for each in stored] == ["replaced", "current", "replaced"]


async def test_loose_files_of_one_name_set_are_one_certificate(core: Core, tmp_path: Path) -> None:
    older, newer = history("b.example.org", "a.example.org", versions=2)
    written(tmp_path / "one" / "new.pem", combined(newer))
    written(tmp_path / "two" / "old.pem", combined(older))

    (outcome,) = await brought(core, tmp_path / "one", tmp_path / "two")

    assert (outcome.fate, outcome.name, outcome.versions) == (Fate.NEW, "b.example.org", 2)
    certificate, stored = await kept(core, "b.example.org")
    assert certificate.current_version == 2
    assert [each.not_before for each in stored] == [
        older.leaf.not_valid_before_utc,
        newer.leaf.not_valid_before_utc,
    ]
    assert certificate.account is None


async def test_what_another_client_keeps_apart_stays_apart(core: Core, tmp_path: Path) -> None:
    for name, key_type in (("shop", "rsa2048"), ("shop-ecc", "ec256")):
        certbot_lineage(tmp_path / "1", name, [made("shop.example.org", key_type=key_type)])
    await brought(core, tmp_path / "1")
    for name, key_type in (("shop-ecc", "ec256"), ("shop", "rsa2048")):
        renewed = made("shop.example.org", key_type=key_type, begins=NOW - timedelta(hours=1))
        certbot_lineage(tmp_path / "2", name, [renewed])

    outcomes = await brought(core, tmp_path / "2")

    assert fates(outcomes) == [
        ("certificate", "shop", "joined"),
        ("certificate", "shop-ecc", "joined"),
    ]
    for name, key_type in (("shop", "rsa2048"), ("shop-ecc", "ec256")):
        _, stored = await kept(core, name)
        assert [each.key_type for each in stored] == [key_type] * 2


async def test_a_certificate_whose_names_changed_there_has_the_new_names(
    core: Core, tmp_path: Path
) -> None:
    first = made("shop.example.org", begins=NOW - timedelta(days=60))
    certbot_lineage(tmp_path / "1", "shop", [first])
    await brought(core, tmp_path / "1")
    wider = made("shop.example.org", "new.example.org")
    certbot_lineage(tmp_path / "2", "shop", [first, wider])

    await brought(core, tmp_path / "2")

    certificate, stored = await kept(core, "shop")
    assert certificate.names == ("shop.example.org", "new.example.org")
    assert [each.names for each in stored] == [("shop.example.org",), certificate.names]


async def test_without_its_key_a_certificate_is_kept_and_marked(core: Core, tmp_path: Path) -> None:
    path = written(tmp_path / "shop.pem", made("shop.example.org").fullchain_pem)

    (outcome,) = await brought(core, path)

    assert (outcome.versions, outcome.keyless) == (1, 1)
    certificate, (version,) = await kept(core)
    assert (certificate.current_version, version.has_key) == (1, False)


async def test_the_key_that_was_missing_can_come_later(core: Core, tmp_path: Path) -> None:
    shop = made("shop.example.org")
    await brought(core, written(tmp_path / "shop.pem", shop.fullchain_pem))

    (outcome,) = await brought(core, written(tmp_path / "whole.pem", combined(shop)))

    assert (outcome.fate, outcome.versions, outcome.keys) == (Fate.JOINED, 0, 1)
    _, (version,) = await kept(core)
    assert version.has_key
    assert await core.certificates.private_key_pem(version) == shop.key_pem.encode()
    (again,) = await brought(core, tmp_path / "whole.pem")
    assert again.fate == Fate.KNOWN


async def test_one_without_a_key_never_takes_the_place_of_one_with(
    core: Core, tmp_path: Path
) -> None:
    older, newer = history("shop.example.org", versions=2)
    await brought(core, written(tmp_path / "old.pem", combined(older)))

    await brought(core, written(tmp_path / "new.pem", newer.fullchain_pem))

    certificate, stored = await kept(core)
    assert (certificate.current_version, certificate.unsaved_version) == (1, None)
    assert [version_status(each, NOW) for each in stored] == ["current", "replaced"]


async def test_what_waits_to_be_saved_is_not_passed_over(core: Core, tmp_path: Path) -> None:
    held = await stock.certificate(core, "shop.example.org")
    await stock.version(core, held, saved=False)

    await brought(core, written(tmp_path / "old.pem", combined(made("shop.example.org"))))

    certificate, _ = await kept(core)
    assert (certificate.current_version, certificate.unsaved_version) == (None, 1)


async def test_expired_or_given_up_ones_are_history_that_is_not_renewed(
    core: Core, tmp_path: Path
) -> None:
    expired = made("old.example.org", begins=NOW - timedelta(days=100))
    certbot_lineage(tmp_path, "old", [expired])
    certbot_lineage(tmp_path, "deleted", [made("deleted.example.org")], conf=False)
    certbot_lineage(tmp_path, "shop", [made("shop.example.org")])

    await brought(core, tmp_path)

    renewed = {
        name: (await core.certificates.get(name)).auto_renew for name in ("old", "deleted", "shop")
    }
    assert renewed == {"old": False, "deleted": False, "shop": True}


async def test_a_key_of_a_kind_that_is_not_made_here_is_renewed_with_another(
    core: Core, tmp_path: Path
) -> None:
    key = ec.generate_private_key(ec.SECP521R1())
    leaf = INTERMEDIATE.issue(["shop.example.org"], key, serial=77)
    await brought(core, written(tmp_path / "shop.pem", combined(Made(leaf, key))))

    certificate, (version,) = await kept(core)
    assert (version.key_type, certificate.key_type) == ("ec521", "ec256")


@pytest.mark.parametrize("names", [("under_score.example.org",), ("my device",)])
async def test_names_that_nobody_could_renew_are_told_and_stop_no_others(
    core: Core, tmp_path: Path, names: tuple[str, ...]
) -> None:
    written(tmp_path / "odd.pem", combined(made(*names)))
    written(tmp_path / "shop.pem", combined(made("shop.example.org")))

    outcomes = {each.name: each for each in await brought(core, tmp_path)}

    odd = outcomes[names[0]]
    assert odd.fate == Fate.FAILED
    assert isinstance(odd.error, InvalidInput)
    assert outcomes["shop.example.org"].fate == Fate.NEW
    assert await count(core) == 1


async def test_a_key_whose_numbers_are_wrong_brings_nothing_of_its_certificate(
    core: Core, tmp_path: Path
) -> None:
    good, bad = made(key_type="rsa2048"), made(key_type="rsa2048", begins=NOW)
    assert isinstance(bad.key, rsa.RSAPrivateKey)
    numbers = bad.key.private_numbers()
    broken = rsa.RSAPrivateNumbers(
        numbers.p,
        numbers.q,
        numbers.d + 2,
        numbers.dmp1,
        numbers.dmq1,
        numbers.iqmp,
        numbers.public_numbers,
    ).private_key(unsafe_skip_rsa_key_validation=True)
    certbot_lineage(tmp_path, "shop", [good, Made(bad.leaf, broken)])

    (outcome,) = await brought(core, tmp_path)

    assert outcome.fate == Fate.FAILED
    assert outcome.error is not None
    assert "fullchain2.pem" in outcome.error.message
    assert await count(core) == 0


async def test_nothing_is_imported_by_halves(
    core: Core, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certbot_lineage(tmp_path, "a", history("a.example.org"))
    certbot_lineage(tmp_path, "b", history("b.example.org"))
    real, calls = adopted_certificates.versions.insert, []

    def insert(session: Session, version: Version, *, key_secret_id: str | None) -> Version:
        calls.append(version)
        if len(calls) == 2:
            raise Refused("stop here")
        return real(session, version, key_secret_id=key_secret_id)

    monkeypatch.setattr(adopted_certificates.versions, "insert", insert)
    outcomes = await brought(core, tmp_path)

    assert [str(each.fate) for each in outcomes] == ["failed", "new"]
    assert [each.name for each in await core.certificates.page(ListQuery(now=NOW))] == ["b"]


async def test_a_deleted_certificate_is_not_brought_back(core: Core, tmp_path: Path) -> None:
    older, newer = history("shop.example.org", versions=2)
    await brought(core, written(tmp_path / "old.pem", combined(older)))
    certificate, _ = await kept(core)
    await core.context.db.write(lambda s: certificates.archive(s, certificate.id, NOW))

    (outcome,) = await brought(core, written(tmp_path / "new.pem", combined(newer)))

    # Nobody asked for it back: the same names are a new certificate then.
    assert (outcome.fate, outcome.name) == (Fate.NEW, "shop.example.org-2")


@pytest.mark.parametrize("label", [b"shop\xff", "a\u202eb", "x\x1b[2J", " "])
async def test_a_label_that_is_no_text_gives_way_to_the_name(
    core: Core, tmp_path: Path, label: str | bytes
) -> None:
    name = os.fsdecode(label)
    certbot_lineage(tmp_path, name, [made("shop.example.org")])

    (outcome,) = await brought(core, tmp_path)

    assert (outcome.fate, outcome.name) == (Fate.NEW, "shop.example.org")


async def test_a_deleted_certificate_has_to_be_brought_back_first(
    core: Core, tmp_path: Path
) -> None:
    first, second = history("shop.example.org", versions=2)
    certbot_lineage(tmp_path / "1", "shop", [first])
    certbot_lineage(tmp_path / "2", "shop", [first, second])
    await brought(core, tmp_path / "1")
    await core.archive.delete(["shop"])

    (known,) = await brought(core, tmp_path / "1")
    (refused,) = await brought(core, tmp_path / "2")
    await core.archive.undelete(["shop"])
    (joined,) = await brought(core, tmp_path / "2")

    assert (known.fate, refused.fate, joined.fate) == (Fate.KNOWN, Fate.FAILED, Fate.JOINED)
    assert refused.error is not None
    assert "kmtui cert undelete shop" in refused.error.hint


async def test_keys_that_were_destroyed_do_not_come_back(core: Core, tmp_path: Path) -> None:
    first, second = history("shop.example.org", versions=2)
    certbot_lineage(tmp_path / "1", "shop", [first])
    certbot_lineage(tmp_path / "2", "shop", [first, second])
    await brought(core, tmp_path / "1")
    (certificate,) = await core.certificates.page(ListQuery(now=NOW))
    await core.archive.delete(["shop"])
    await core.archive.purge("shop")

    (outcome,) = await brought(core, tmp_path / "2")

    assert (outcome.fate, outcome.versions, outcome.keys) == (Fate.NEW, 1, 0)
    (old,) = await core.certificates.history(certificate.id)
    assert not old.has_key
