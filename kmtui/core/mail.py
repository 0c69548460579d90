"""Mail over SMTP: encrypted unless the server is this machine, and never with a secret inside."""

from __future__ import annotations

import ipaddress
import re
import smtplib
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from enum import StrEnum

from kmtui.core.addresses import Address, parse_address
from kmtui.core.errors import InvalidInput, NotificationFailed
from kmtui.text import Secret, one_line, plain

SECONDS = 30.0
"""For each answer of the mail server."""
MOST_RECIPIENTS = 20
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}")
"""An address without quotes, comments or names (RFC 5321 section 4.1.2)."""


class MailSecurity(StrEnum):
    """How the way to a mail server is protected."""

    STARTTLS = "starttls"
    """Asked for before anything is sent (RFC 3207); without it nothing is sent."""
    TLS = "tls"
    """From the first octet (RFC 8314)."""
    NONE = "none"


PORTS = {MailSecurity.STARTTLS: 587, MailSecurity.TLS: 465, MailSecurity.NONE: 25}


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Where mail goes out, from whom and to whom."""

    host: str
    port: int
    security: str
    sender: str
    recipients: tuple[str, ...]
    user: str = ""
    """Who logs in; empty for a server that takes mail without."""
    ca_bundle: str = ""
    """PEM roots that replace the system's trust."""


def mail_server(
    host: str,
    *,
    port: int | None = None,
    security: str = MailSecurity.STARTTLS,
    sender: str,
    recipients: Sequence[str],
    user: str = "",
    ca_bundle: str = "",
) -> MailServer:
    """The settings, checked. Raises InvalidInput that names the option."""
    if security not in set(MailSecurity):
        raise InvalidInput("security is starttls, tls or none", field="smtp-security")
    wanted = parse_address(host, field="smtp-host", default_port=PORTS[MailSecurity(security)])
    address = Address(wanted.host, port or wanted.port)
    if not address.host:
        raise InvalidInput("mail needs a server", field="smtp-host")
    if not 0 < address.port < 65536:
        raise InvalidInput(f"{port} is not a port", field="smtp-port")
    if security == MailSecurity.NONE and not _is_this_machine(address.host):
        raise InvalidInput(
            "mail goes unencrypted only to this machine itself",
            field="smtp-security",
            hint="use starttls or tls; private CAs are trusted with --smtp-ca FILE",
        )
    if not recipients or len(recipients) > MOST_RECIPIENTS:
        raise InvalidInput(f"give 1 to {MOST_RECIPIENTS} recipients", field="to")
    for field, mailbox in (("from", sender), *(("to", each) for each in recipients)):
        if not _ADDRESS.fullmatch(mailbox):
            raise InvalidInput(f"{mailbox!r} is not a plain e-mail address", field=field)
    if ca_bundle:
        _trust(ca_bundle)
    return MailServer(
        host=address.host,
        port=address.port,
        security=security,
        sender=sender,
        recipients=tuple(recipients),
        user=user,
        ca_bundle=ca_bundle,
    )


def message(server: MailServer, subject: str, text: str, at: datetime) -> EmailMessage:
    """The mail with this subject and text; what others wrote is filtered.

    RFC 3834: it says that nobody wrote it, so that nobody is away on its behalf.
    """
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = one_line(subject, 200)
    mail["From"] = server.sender
    mail["To"] = ", ".join(server.recipients)
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = make_msgid(domain=server.sender.rpartition("@")[2])
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(plain(text, 1024 * 1024))
    return mail


def send(server: MailServer, mail: EmailMessage, password: Secret[str] | None) -> None:
    """Hand a mail over; all recipients were taken when this returns. Blocks.

    Raises NotificationFailed.
    """
    try:
        with _connected(server) as session:
            if server.user:
                session.login(server.user, password.reveal() if password else "")
            refused = session.send_message(mail)
    except smtplib.SMTPAuthenticationError as error:
        raise _failed(server, f"it refuses the login: {_said(error)}", "the password") from error
    except smtplib.SMTPRecipientsRefused as error:
        refused = error.recipients
    except smtplib.SMTPResponseException as error:
        raise _failed(server, f"it says {_said(error)}", "sender and recipients") from error
    except ssl.SSLError as error:
        raise _failed(server, f"no TLS: {_reason(error)}", "its certificate") from error
    except (OSError, smtplib.SMTPException, UnicodeError) as error:
        raise _failed(server, str(error) or type(error).__name__, "host and port") from error
    if refused:
        first, (code, reply) = next(iter(refused.items()))
        said = f"it does not take {first}: {code} {_text(reply)}"
        raise _failed(server, said, "sender and recipients")


def _connected(server: MailServer) -> smtplib.SMTP:
    """Raises OSError (ssl's among it), SMTPException."""
    context = _trust(server.ca_bundle)
    host, port, here = server.host, server.port, socket.gethostname()
    if server.security == MailSecurity.TLS:
        return smtplib.SMTP_SSL(host, port, here, timeout=SECONDS, context=context)
    session = smtplib.SMTP(host, port, here, timeout=SECONDS)
    if server.security == MailSecurity.STARTTLS:
        try:
            session.starttls(context=context)
            session.ehlo()
        except BaseException:
            session.close()
            raise
    return session


def _trust(ca_bundle: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cadata=ca_bundle or None)
    except ssl.SSLError as error:
        raise InvalidInput("this holds no root certificate in PEM form", field="smtp-ca") from error


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _failed(server: MailServer, what: str, look_at: str) -> NotificationFailed:
    where = Address(server.host, server.port)
    return NotificationFailed(
        f"no mail through {where}: {what}",
        hint=f"look at {look_at}, then: kmtui notify test",
    )


def _said(error: smtplib.SMTPResponseException) -> str:
    return f"{error.smtp_code} {_text(error.smtp_error)}"


def _reason(error: ssl.SSLError) -> str:
    refused = getattr(error, "verify_message", "")
    return f"its certificate: {refused}" if refused else error.reason or str(error)


def _text(reply: bytes | str) -> str:
    return one_line(reply.decode(errors="replace") if isinstance(reply, bytes) else reply, 300)
