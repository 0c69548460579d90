"""``kmtui notify``: how operators are told of what is new, and of the day."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kmtui.cli.group import group
from kmtui.cli.output import Output, facts
from kmtui.cli.passphrases import read_passphrase
from kmtui.cli.session import with_core
from kmtui.cli.values import Switch, duration, read_text
from kmtui.core.errors import InvalidInput

if TYPE_CHECKING:
    from kmtui.core.core import Core
    from kmtui.core.mail import MailServer
    from kmtui.core.notify_settings import NotifySettings

app = group("Mail or a command, when something is new, and daily.")


@app.command("set")
def set_(
    context: typer.Context,
    host: Annotated[
        str | None, typer.Option("--smtp-host", metavar="HOST", help="Mail server; empty for none.")
    ] = None,
    port: Annotated[int | None, typer.Option("--smtp-port", metavar="N", min=1)] = None,
    security: Annotated[
        str | None, typer.Option("--smtp-security", metavar="S", help="starttls, tls or none.")
    ] = None,
    user: Annotated[
        str | None, typer.Option("--smtp-user", metavar="USER", help="Who logs in; empty for none.")
    ] = None,
    password_file: Annotated[
        Path | None, typer.Option("--smtp-password-file", metavar="FILE", help="Its password.")
    ] = None,
    ca: Annotated[
        Path | None,
        typer.Option("--smtp-ca", metavar="FILE", help="Roots of a private CA, in PEM form."),
    ] = None,
    sender: Annotated[
        str | None, typer.Option("--from", metavar="ADDRESS", help="Who mails.")
    ] = None,
    recipients: Annotated[
        list[str] | None, typer.Option("--to", metavar="ADDRESS", help="Who is told; repeatable.")
    ] = None,
    command: Annotated[
        str | None,
        typer.Option(metavar="COMMAND", help="Program and arguments, no shell; empty for none."),
    ] = None,
    within: Annotated[
        str | None, typer.Option(metavar="14d", help="How much life is too little.")
    ] = None,
    digest: Annotated[
        Switch | None, typer.Option(help="Whether the day is told, also when all is well.")
    ] = None,
) -> int:
    """Say how operators are told; what is not given stays as it is.

    A command finds KMTUI_NOTICE (alarm, digest or test), KMTUI_NOTICE_SUBJECT and
    KMTUI_NOTICE_TEXT in its environment.

    \b
    kmtui notify set --smtp-host mail.example.org --from ca@example.org --to ops@example.org
    kmtui notify set --smtp-user ca --smtp-password-file /root/smtp
    kmtui notify set --command '/usr/local/bin/page ops'
    """

    async def act(core: Core, out: Output) -> None:
        from kmtui.core.notify_settings import NotifySettings

        former = await core.notifications.settings() or NotifySettings()
        wanted = replace(
            former,
            mail=_mail(former.mail, host, port, security, user, ca, sender, recipients),
            command=former.command if command is None else tuple(_words(command)),
            within_days=duration(within, "within").days if within else former.within_days,
            digest=former.digest if digest is None else digest == Switch.ON,
        )
        password = None
        if password_file is not None:
            password = read_passphrase(password_file).decode(errors="strict")
        elif user == "" or host == "":
            password = ""
        _answer(out, await core.notifications.set(wanted, password=password))

    return with_core(context, act, change=True)


@app.command("show")
def show(context: typer.Context) -> int:
    """Show how operators are told; the password is never shown.

    \b
    kmtui notify show
    """

    async def act(core: Core, out: Output) -> None:
        _answer(out, await core.notifications.settings())

    return with_core(context, act, change=True)


@app.command("test")
def test(context: typer.Context) -> int:
    """Send a message now, every way that is set.

    \b
    kmtui notify test
    """

    async def act(core: Core, out: Output) -> None:
        await core.notifications.test()
        out.answer({"sent": True}, ["the message was handed over; see whether it arrives"])

    return with_core(context, act, change=True)


@app.command("off")
def off(context: typer.Context) -> int:
    """Tell nobody any more; settings and password are destroyed.

    \b
    kmtui notify off
    """

    async def act(core: Core, out: Output) -> None:
        await core.notifications.clear()
        _answer(out, None)

    return with_core(context, act, change=True)


def _mail(
    former: MailServer | None,
    host: str | None,
    port: int | None,
    security: str | None,
    user: str | None,
    ca: Path | None,
    sender: str | None,
    recipients: list[str] | None,
) -> MailServer | None:
    """The mail server as it is wanted, from what is given and what is there."""
    from kmtui.core.mail import MailSecurity, mail_server

    if host == "":
        return None
    given = (host, port, security, user, ca, sender, recipients)
    if former is None:
        if all(each is None for each in given):
            return None
        if host is None or sender is None or recipients is None:
            raise InvalidInput("mail needs --smtp-host, --from and --to", field="smtp-host")
    new_way = security is not None and port is None
    return mail_server(
        host or (former.host if former else ""),
        port=port if host or new_way or former is None else port or former.port,
        security=security or (former.security if former else MailSecurity.STARTTLS),
        sender=sender or (former.sender if former else ""),
        recipients=recipients or (former.recipients if former else ()),
        user=(former.user if former else "") if user is None else user,
        ca_bundle=read_text(ca, "smtp-ca") if ca else former.ca_bundle if former else "",
    )


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError as error:
        raise InvalidInput(f"not a command line: {error}", field="command") from error


def _answer(out: Output, settings: NotifySettings | None) -> None:
    if settings is None:
        out.answer({"notify": None}, ["nobody is told anything: kmtui notify set"])
        return
    mail = settings.mail
    out.answer({"notify": _document(settings)}, facts(_facts(settings, mail)))


def _document(settings: NotifySettings) -> dict[str, Any]:
    mail = settings.mail
    return {
        "mail": mail
        and {
            "host": mail.host,
            "port": mail.port,
            "security": mail.security,
            "user": mail.user or None,
            "password": settings.has_password,
            "from": mail.sender,
            "to": list(mail.recipients),
            "own_ca": bool(mail.ca_bundle),
        },
        "command": list(settings.command) or None,
        "within_days": settings.within_days,
        "digest": settings.digest,
    }


def _facts(settings: NotifySettings, mail: MailServer | None) -> list[tuple[str, object]]:
    return [
        ("Mail server", mail and f"{mail.host}:{mail.port} ({mail.security})"),
        ("Logs in as", mail and mail.user),
        ("Password", "sealed" if settings.has_password else ""),
        ("From", mail and mail.sender),
        ("To", mail and mail.recipients),
        ("Command", shlex.join(settings.command)),
        ("Tells within", f"{settings.within_days} days of the end"),
        ("Daily digest", settings.digest),
    ]
