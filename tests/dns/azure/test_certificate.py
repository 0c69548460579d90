"""Azure DNS: an application that signs in with a certificate, however it is written."""

from __future__ import annotations

import base64
import logging

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import PrivateFormat

from kmtui.core.dns.azure import AzureDns
from kmtui.core.errors import InvalidInput
from tests.dns.azure.account import NAME, OpenAzure, publish, refused
from tests.dns.azure.certificates import PASSWORD, application
from tests.dns.fakes.azure import FakeAzure

TRADITIONAL = PrivateFormat.TraditionalOpenSSL


def with_certificate(
    fake: FakeAzure, open_azure: OpenAzure, text: bytes, password: str = ""
) -> AzureDns:
    fake.identities.certificates.append(application().certificate)
    secrets = {"certificate": text.decode(), "certificate_password": password}
    return open_azure({"auth": "certificate"}, secrets={k: v for k, v in secrets.items() if v})


@pytest.mark.parametrize(
    ("text", "password"),
    [
        pytest.param(lambda app: app.pem(), "", id="PEM"),
        pytest.param(lambda app: app.pem(), "not needed", id="PEM with a password beside it"),
        pytest.param(lambda app: app.pem(form=TRADITIONAL), "", id="PKCS 1"),
        pytest.param(lambda app: app.key_pem() + app.certificate_pem, "", id="key first"),
        pytest.param(
            lambda app: application(number=2).certificate_pem + app.pem(), "", id="second of two"
        ),
        pytest.param(lambda app: app.pem(PASSWORD), PASSWORD, id="sealed PEM"),
        pytest.param(lambda app: app.pem(PASSWORD, TRADITIONAL), PASSWORD, id="sealed PKCS 1"),
        pytest.param(lambda app: base64.b64encode(app.pfx()), "", id="PFX"),
        pytest.param(lambda app: base64.encodebytes(app.pfx(PASSWORD)), PASSWORD, id="sealed PFX"),
    ],
)
async def test_a_certificate_signs_in_however_it_is_written(
    fake: FakeAzure, open_azure: OpenAzure, text: object, password: str
) -> None:
    assert callable(text)

    zone = await with_certificate(fake, open_azure, text(application()), password).find_zone(NAME)

    assert zone.id == fake.zones[0].id


async def test_the_test_shows_thumbprint_and_end_of_the_certificate(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    report = await with_certificate(fake, open_azure, application().pem()).check()

    thumbprint = application().certificate.fingerprint(SHA1()).hex().upper()
    assert any(thumbprint in line.text and line.ok for line in report.lines)


async def test_a_certificate_that_ends_soon_is_mentioned(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    soon = application(days=10)
    fake.identities.certificates.append(soon.certificate)

    report = await with_certificate(fake, open_azure, soon.pem()).check()

    assert report.ok
    assert any("it ends on" in line.text and line.ok is None for line in report.lines)


async def test_a_certificate_that_has_ended_is_not_tried(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    error = await refused(
        with_certificate(fake, open_azure, application(days=-1).pem()).find_zone(NAME)
    )

    assert error.kind == "auth"
    assert "expired" in error.message
    assert fake.calls == []


async def test_a_certificate_that_is_not_registered_is_told_as_that(
    fake: FakeAzure, open_azure: OpenAzure
) -> None:
    error = await refused(
        with_certificate(fake, open_azure, application(number=1).pem()).find_zone(NAME)
    )

    assert error.raw_code == "AADSTS700027"


@pytest.mark.parametrize(
    ("text", "password", "field", "why"),
    [
        (lambda app: app.certificate_pem, "", "certificate", "private key .* missing"),
        (lambda app: app.key_pem(), "", "certificate", "no certificate"),
        (lambda app: app.pem(PASSWORD), "", "certificate_password", "has a password"),
        (lambda app: app.pem(PASSWORD), "wrong", "certificate_password", "this password"),
        (lambda _: application("ec").pem(), "", "certificate", "RSA"),
        (
            lambda app: app.certificate_pem + application(number=1).key_pem(),
            "",
            "certificate",
            "does not belong",
        ),
        (lambda app: app.certificate_pem + app.key_pem()[:300], "", "certificate", "missing"),
        (
            lambda app: (
                app.certificate_pem
                + b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
            ),
            "",
            "certificate",
            "cannot be read",
        ),
        (lambda _: b"thumbprint 0123", "", "certificate", "neither PEM nor"),
        (lambda _: b"AAAA", "", "certificate", "neither PEM nor"),
        (lambda app: app.pem() * 40, "", "certificate", "too large"),
    ],
)
def test_a_certificate_that_cannot_work_is_refused_in_the_form(
    fake: FakeAzure,
    open_azure: OpenAzure,
    text: object,
    password: str,
    field: str,
    why: str,
) -> None:
    assert callable(text)

    with pytest.raises(InvalidInput, match=why) as caught:
        with_certificate(fake, open_azure, text(application()), password)

    assert caught.value.field == field


@pytest.mark.parametrize("password", ["", "wrong"])
async def test_a_pfx_file_with_another_password_is_told_at_its_first_use(
    fake: FakeAzure, open_azure: OpenAzure, password: str
) -> None:
    text = base64.b64encode(application().pfx(PASSWORD))

    error = await refused(with_certificate(fake, open_azure, text, password).find_zone(NAME))

    assert error.kind == "auth"
    assert "password" in error.message
    assert "certificate_password" in error.hint


async def test_nothing_of_a_certificate_reaches_logs_or_urls(
    fake: FakeAzure, open_azure: OpenAzure, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    text = application().pem(PASSWORD)

    await publish(with_certificate(fake, open_azure, text, PASSWORD), "ours")

    seen = caplog.text + fake.received
    key = application().key_pem(PASSWORD).decode().splitlines()[1]
    tokens = list(fake.identities.tokens)
    assert not [secret for secret in (PASSWORD, key, *tokens) if secret in seen]
