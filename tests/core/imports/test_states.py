"""The state directories of certbot, lego and acme.sh: versions, accounts, and who renews what."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kmtui.core import keys
from kmtui.core.acme import thumbprint
from kmtui.core.errors import InvalidInput
from kmtui.core.imports.acme_sh import ca_folder
from kmtui.core.imports.found import Found, FoundAccount, FoundCertificate
from kmtui.core.imports.places import read_places
from tests.core.imports.made import (
    Made,
    acme_sh_account,
    acme_sh_certificate,
    certbot_account,
    certbot_lineage,
    history,
    lego_account,
    lego_certificate,
    made,
    written,
)

DIRECTORY = "https://ca.example.org/directory"
KEY = keys.generate("ec256")


def read(root: Path) -> Found:
    return read_places([root], None)


def untroubled(root: Path) -> Found:
    found = read(root)
    assert [trouble.error.message for trouble in found.troubles] == []
    return found


def only(found: Found) -> FoundCertificate:
    (certificate,) = found.certificates
    return certificate


def account(found: Found) -> FoundAccount:
    (one,) = found.accounts
    assert one.thumbprint == thumbprint(KEY)
    assert one.key_pem.reveal() == keys.to_pem(KEY)
    return one


def numbers(certificate: FoundCertificate) -> list[int]:
    return [int(version.facts.serial, 16) for version in certificate.versions]


def serials(versions: list[Made]) -> list[int]:
    return [each.leaf.serial_number for each in versions]


# --- certbot --------------------------------------------------------------------------------------


def test_certbot_gives_every_version_in_order_and_the_account_that_renews(tmp_path: Path) -> None:
    versions = history("shop.example.org", "www.shop.example.org", versions=12)
    certbot_lineage(tmp_path, "shop.example.org", versions)
    certbot_account(tmp_path, KEY)

    found = untroubled(tmp_path)

    certificate, who = only(found), account(found)
    assert numbers(certificate) == serials(versions)
    assert certificate.label == "shop.example.org"
    assert certificate.in_use == certificate.versions[-1]
    assert certificate.renewed
    assert certificate.account == who.identity
    assert all(version.key_pem is not None for version in certificate.versions)
    assert [v.chain_pem for v in certificate.versions] == [v.fullchain_pem for v in versions]
    assert (who.client, who.account_url) == ("certbot", "https://ca.example.org/acct/7")
    assert (who.email, who.status) == ("ops@example.org", "valid")
    assert who.fits(DIRECTORY)
    assert not who.fits("https://ca.example.org/other")


def test_certbots_link_says_which_version_is_in_use(tmp_path: Path) -> None:
    certbot_lineage(tmp_path, "shop.example.org", history(versions=3), current=2)

    certificate = only(untroubled(tmp_path))

    assert certificate.in_use == certificate.versions[1]


def test_what_certbot_gave_up_comes_as_history(tmp_path: Path) -> None:
    certbot_lineage(tmp_path, "shop.example.org", history("shop.example.org"))
    certbot_lineage(tmp_path, "old.example.org", history("old.example.org"), conf=False)

    renewed = {each.label: each.renewed for each in untroubled(tmp_path).certificates}

    assert renewed == {"shop.example.org": True, "old.example.org": False}


def test_two_of_certbots_for_the_same_names_stay_two(tmp_path: Path) -> None:
    certbot_lineage(tmp_path, "shop.example.org", history("shop.example.org"))
    certbot_lineage(tmp_path, "shop.example.org-0001", history("shop.example.org"))

    assert [each.label for each in untroubled(tmp_path).certificates] == [
        "shop.example.org",
        "shop.example.org-0001",
    ]


def test_an_archive_of_another_name_is_found_by_the_link(tmp_path: Path) -> None:
    certbot_lineage(tmp_path, "shop.example.org", history("shop.example.org"))
    (tmp_path / "archive" / "shop.example.org").rename(tmp_path / "archive" / "shop-0002")
    link = tmp_path / "live" / "shop.example.org" / "cert.pem"
    link.unlink()
    link.symlink_to("../../archive/shop-0002/cert2.pem")

    certificate = only(untroubled(tmp_path))

    assert certificate.label == "shop.example.org"
    assert certificate.in_use == certificate.versions[1]


def test_one_damaged_version_is_told_and_the_others_come(tmp_path: Path) -> None:
    certbot_lineage(tmp_path, "shop.example.org", history(versions=3))
    written(tmp_path / "archive" / "shop.example.org" / "fullchain2.pem", "-----BEGIN CERTI")
    written(tmp_path / "archive" / "shop.example.org" / "privkey2.pem", "-----BEGIN PRIVATE")

    found = read(tmp_path)

    assert len(only(found).versions) == 3  # cert and chain by themselves still tell
    written(tmp_path / "archive" / "shop.example.org" / "cert2.pem", "-----BEGIN CERTIFICATE-----")
    found = read(tmp_path)
    assert len(only(found).versions) == 2
    (trouble,) = found.troubles
    assert trouble.where.endswith("version 2")
    assert "cert2.pem" in trouble.error.message


def test_a_key_that_is_another_versions_is_not_paired(tmp_path: Path) -> None:
    certbot_lineage(tmp_path, "shop.example.org", history(versions=2))
    folder = tmp_path / "archive" / "shop.example.org"
    written(folder / "privkey2.pem", (folder / "privkey1.pem").read_text())

    first, second = only(untroubled(tmp_path)).versions

    assert first.key_pem is not None
    assert second.key_pem is None


def test_links_of_a_hostile_state_lead_nowhere(tmp_path: Path) -> None:
    root = tmp_path / "letsencrypt"
    certbot_lineage(root, "shop.example.org", history(versions=2))
    victim = made("victim.example.org")
    written(tmp_path / "victim" / "cert1.pem", victim.fullchain_pem)
    written(tmp_path / "victim" / "private_key.json", "{}")
    (root / "archive" / "evil").symlink_to(tmp_path / "victim")
    link = root / "archive" / "shop.example.org" / "privkey1.pem"
    link.unlink()
    link.symlink_to(tmp_path / "victim" / "cert1.pem")
    (root / "accounts").mkdir()
    (root / "accounts" / "ca.example.org").symlink_to(tmp_path / "victim")
    written(root / "renewal" / "..%2f.conf", "account = ../../victim")
    (root / "live" / "x").mkdir()
    (root / "live" / "x" / "cert.pem").symlink_to("/../../etc/passwd")
    written(root / "renewal" / "x.conf", "account = 0123abcd")

    found = read(root)

    assert numbers(only(found)) == [int(only(found).in_use.facts.serial, 16)]
    assert found.accounts == []
    assert any("leads out" in trouble.error.message for trouble in found.troubles)


def test_certbots_old_url_of_a_ca_counts_once(tmp_path: Path) -> None:
    certbot_account(tmp_path, KEY, place="ca-v01.example.org/directory")
    (tmp_path / "accounts" / "ca-v02.example.org").mkdir()
    (tmp_path / "accounts" / "ca-v02.example.org" / "directory").symlink_to(
        "../ca-v01.example.org/directory"
    )
    (tmp_path / "archive").mkdir()
    (tmp_path / "renewal").mkdir()

    assert account(untroubled(tmp_path)).fits("https://ca-v02.example.org/directory")


@pytest.mark.parametrize("registration", ["", "{", "[]", '{"uri": 7}', '{"uri": "http://x/1"}'])
def test_an_account_without_a_url_is_not_known_to_be_registered(
    tmp_path: Path, registration: str
) -> None:
    folder = certbot_account(tmp_path, KEY)
    written(folder / "regr.json", registration)
    (tmp_path / "archive").mkdir()
    (tmp_path / "renewal").mkdir()

    who = account(untroubled(tmp_path))

    assert (who.account_url, who.status, who.email) == (None, "pending", None)


def test_a_damaged_account_key_is_told_by_its_file(tmp_path: Path) -> None:
    folder = certbot_account(tmp_path, KEY)
    written(folder / "private_key.json", '{"kty": "EC", "d": "secret-number"}')
    (tmp_path / "archive").mkdir()
    (tmp_path / "live").mkdir()

    (trouble,) = read(tmp_path).troubles

    assert isinstance(trouble.error, InvalidInput)
    assert "private_key.json" in trouble.error.message
    assert "secret-number" not in trouble.error.message


# --- lego -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [4, 5])
def test_lego_gives_its_certificates_and_accounts(tmp_path: Path, version: int) -> None:
    shop, wild = made("shop.example.org"), made("*.example.org", "example.org")
    lego_certificate(tmp_path, shop, "shop.example.org")
    lego_certificate(tmp_path, wild, "_.example.org")
    lego_account(tmp_path, KEY, version=version)

    found = untroubled(tmp_path)

    who = account(found)
    assert {each.in_use.facts.names for each in found.certificates} == {
        ("shop.example.org",),
        ("*.example.org", "example.org"),
    }
    assert {each.account for each in found.certificates} == {who.identity}
    assert all(each.in_use.key_pem for each in found.certificates)
    assert (who.client, who.email, who.status) == ("lego", "ops@example.org", "valid")
    assert who.account_url == "https://ca.example.org/acct/7"
    assert who.fits(DIRECTORY)
    assert not who.fits("https://other.example.org/directory")


def test_with_two_accounts_at_one_ca_lego_does_not_tell_whose_a_certificate_is(
    tmp_path: Path,
) -> None:
    lego_certificate(tmp_path, made("shop.example.org"), "shop.example.org")
    lego_account(tmp_path, KEY)
    lego_account(tmp_path, keys.generate("ec256"), email="dev@example.org")

    found = untroubled(tmp_path)

    assert len(found.accounts) == 2
    assert only(found).account == ""


def test_legos_folder_tells_a_port(tmp_path: Path) -> None:
    lego_account(tmp_path, KEY, host="127.0.0.1:14000", url="")
    (tmp_path / "certificates").mkdir()

    who = account(untroubled(tmp_path))

    assert who.fits("https://127.0.0.1:14000/dir")
    assert (who.account_url, who.status) == (None, "pending")


def test_a_lego_account_without_its_key_is_told(tmp_path: Path) -> None:
    lego_account(tmp_path, KEY)
    (tmp_path / "certificates").mkdir()
    next(tmp_path.rglob("*.key")).unlink()

    found = read(tmp_path)

    assert found.accounts == []
    assert "no key of the account" in found.troubles[0].error.message


# --- acme.sh --------------------------------------------------------------------------------------


def test_acme_sh_gives_its_certificates_and_accounts(tmp_path: Path) -> None:
    acme_sh_certificate(tmp_path, made("shop.example.org", key_type="rsa2048"), "shop.example.org")
    acme_sh_certificate(tmp_path, made("shop.example.org"), "shop.example.org_ecc")
    acme_sh_certificate(tmp_path, made("*.example.org"), "*.example.org_ecc")
    acme_sh_account(tmp_path, KEY)
    written(tmp_path / "dnsapi" / "dns_cf.sh", "#!/usr/bin/env sh\n")

    found = untroubled(tmp_path)

    who = account(found)
    assert sorted((each.label, each.in_use.facts.key_type) for each in found.certificates) == [
        ("*.example.org", "ec256"),
        ("shop.example.org", "ec256"),
        ("shop.example.org", "rsa2048"),
    ]
    assert {each.account for each in found.certificates} == {who.identity}
    assert all(each.in_use.key_pem for each in found.certificates)
    assert (who.client, who.email, who.status) == ("acme.sh", "ops@example.org", "valid")
    assert who.account_url == "https://ca.example.org/acct/7"
    assert who.fits(DIRECTORY)


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        (DIRECTORY, "ca.example.org/directory"),
        ("https://acme.example.org/v2/DV90", "acme.example.org/v2/DV90"),
        ("https://127.0.0.1:14000/dir", "127.0.0.1/dir"),
        ("", "/"),
        ("https://[", "/"),
    ],
)
def test_acme_sh_keeps_a_ca_below_its_host_and_path(url: str, folder: str) -> None:
    assert ca_folder(url) == folder


def test_a_certificate_that_acme_sh_never_got_is_nothing(tmp_path: Path) -> None:
    acme_sh_account(tmp_path, KEY)
    written(tmp_path / "new.example.org_ecc" / "new.example.org.conf", "Le_Domain='x'\n")
    written(tmp_path / "new.example.org_ecc" / "new.example.org.key", keys.to_pem(KEY))

    assert untroubled(tmp_path).certificates == []


def test_its_files_are_read_and_never_run(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    acme_sh_certificate(
        tmp_path, made("shop.example.org"), "shop.example.org", server=f"$(touch {mark})"
    )
    acme_sh_account(tmp_path, KEY, url=f"'; touch {mark}; '")

    found = read(tmp_path)

    assert not mark.exists()
    assert account(found).account_url is None
    assert only(found).account == ""


def test_json_of_any_depth_and_kind_says_nothing(tmp_path: Path) -> None:
    lego_account(tmp_path, KEY)
    (tmp_path / "certificates").mkdir()
    note = next(tmp_path.rglob("account.json"))
    for text in ("[" * 100_000, "{}", '{"registration": []}', json.dumps({"email": ["x"]}), "NaN"):
        note.write_text(text)
        assert account(read(tmp_path)).account_url is None
