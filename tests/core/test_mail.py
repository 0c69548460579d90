"""Mail through a real SMTP server: protected, readable, and each refusal told in its words."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from kmtui.core.errors import InvalidInput, NotificationFailed
from kmtui.core.mail import MailSecurity, MailServer, mail_server, message, send
from kmtui.text import Secret
from tests.core.smtp_sink import SmtpSink

AT = datetime(2026, 10, 1, 7, 12, tzinfo=UTC)
PASSWORD = "canary-5Zt9QvXw"


def to(sink: SmtpSink, **fields: Any) -> MailServer:
    security = MailSecurity.TLS if sink.tls else MailSecurity.STARTTLS
    wanted = {
        "port": sink.port,
        "security": security,
        "sender": "kmtui@example.org",
        "recipients": ["ops@example.org", "night@example.org"],
        "ca_bundle": sink.ca_bundle,
    }
    return mail_server("127.0.0.1", **{**wanted, **fields})


async def sent(
    server: MailServer, subject: str = "hello", text: str = "words", password: str = ""
) -> None:
    letter = message(server, subject, text, AT)
    await asyncio.to_thread(send, server, letter, Secret(password) if password else None)


@pytest.mark.parametrize("tls", [False, True])
async def test_a_mail_arrives_encrypted_with_its_login_and_headers(tls: bool) -> None:
    async with SmtpSink(tls=tls, users={"ca": PASSWORD}) as sink:
        await sent(to(sink, user="ca"), "two certificates", "first\nsecond: grün", PASSWORD)

    (found,) = sink.delivered
    assert (found.encrypted, found.login) == (True, ("ca", PASSWORD))
    assert (found.sender, found.recipients) == (
        "kmtui@example.org",
        ["ops@example.org", "night@example.org"],
    )
    assert found.mail["Subject"] == "two certificates"
    assert found.mail["Auto-Submitted"] == "auto-generated"
    assert found.mail["Date"] == "Thu, 01 Oct 2026 07:12:00 +0000"
    assert found.text == "first\nsecond: grün\n"
    assert PASSWORD.encode() not in found.octets


async def test_text_of_others_neither_forges_headers_nor_reaches_a_terminal() -> None:
    async with SmtpSink() as sink:
        await sent(
            to(sink), "shop\r\nBcc: eve@example.org\r\n\r\nforged", "a\x1b[2J\u202eb\n.\nafter"
        )

    (found,) = sink.delivered
    assert "Bcc" not in found.mail
    assert found.recipients == ["ops@example.org", "night@example.org"]
    assert found.text == "a\ufffd[2J\ufffdb\n.\nafter\n"


async def test_without_encryption_nothing_is_sent() -> None:
    async with SmtpSink(starttls=False, users={"ca": PASSWORD}) as sink:
        with pytest.raises(NotificationFailed, match="STARTTLS"):
            await sent(to(sink, user="ca"), password=PASSWORD)

    assert sink.delivered == []


async def test_a_server_that_nobody_vouches_for_gets_nothing() -> None:
    async with SmtpSink() as sink:
        with pytest.raises(NotificationFailed, match="certificate") as caught:
            await sent(replace(to(sink), ca_bundle=""))

    assert sink.delivered == []
    assert "kmtui notify test" in caught.value.hint


@pytest.mark.parametrize(
    ("sink", "fields", "said"),
    [
        (SmtpSink(users={"ca": "other"}), {"user": "ca"}, "refuses the login: 535"),
        (SmtpSink(), {"recipients": ["nobody@example.org"]}, "550 5.1.1 no such user"),
        (
            SmtpSink(),
            {"recipients": ["ops@example.org", "nobody@example.org"]},
            "does not take nobody@example.org",
        ),
        (SmtpSink(refuse={"MAIL": "451 4.7.1 greylisted"}), {}, "451 4.7.1 greylisted"),
        (SmtpSink(refuse={"DATA": "554 \x1b[2Jspam"}), {}, "554 \ufffd"),
    ],
)
async def test_what_a_server_refuses_is_told_in_its_words_and_without_the_password(
    sink: SmtpSink, fields: dict[str, Any], said: str
) -> None:
    async with sink:
        with pytest.raises(NotificationFailed) as caught:
            await sent(to(sink, **fields), password=PASSWORD)

    assert said in caught.value.message
    assert PASSWORD not in f"{caught.value} {caught.value.hint}"


async def test_a_server_that_is_not_there_is_told() -> None:
    async with SmtpSink() as sink:
        server = to(sink)

    with pytest.raises(NotificationFailed, match=rf"no mail through 127.0.0.1:{sink.port}"):
        await sent(server)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"host": ""}, "smtp-host"),
        ({"host": "not a host"}, "smtp-host"),
        ({"port": 0x10000}, "smtp-port"),
        ({"security": "ssl"}, "smtp-security"),
        ({"security": "none"}, "smtp-security"),
        ({"sender": "kmtui"}, "from"),
        ({"sender": "a@b\r\nBcc: c@d"}, "from"),
        ({"recipients": []}, "to"),
        ({"recipients": ["Ops <ops@example.org>"]}, "to"),
        ({"ca_bundle": "rubbish"}, "smtp-ca"),
    ],
)
def test_settings_that_cannot_work_name_their_option(fields: dict[str, Any], field: str) -> None:
    wanted = {"host": "mail.example.org", "sender": "a@example.org", "recipients": ["b@c.test"]}

    with pytest.raises(InvalidInput) as caught:
        mail_server(**{**wanted, **fields})

    assert caught.value.field == field


def test_the_usual_port_follows_from_the_security_and_may_be_written_with_the_host() -> None:
    def port(host: str, **fields: Any) -> int:
        return mail_server(host, sender="a@b.test", recipients=["c@d.test"], **fields).port

    assert port("mail.example.org") == 587
    assert port("mail.example.org", security="tls") == 465
    assert port("mail.example.org:2525") == 2525
    assert port("localhost", security="none") == 25
