"""Options of ``server add`` and ``server update``: what an end server may be told."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from kmtui.cli.values import read_text, secrets, settings
from kmtui.core.errors import InvalidInput

Webroot = Annotated[
    str | None, typer.Option(metavar="DIR", help="What the web server serves as /.")
]
Listen = Annotated[
    str | None, typer.Option(metavar="HOST:PORT", help="Where to listen; :PORT is everywhere.")
]
Probe = Annotated[
    str | None, typer.Option(metavar="HOST:PORT", help="Look here before the CA does.")
]
Host = Annotated[str | None, typer.Option(metavar="HOST", help="The machine to log in to.")]
Port = Annotated[str | None, typer.Option(metavar="PORT", help="Its SSH port; 22.")]
User = Annotated[str | None, typer.Option(metavar="USER", help="Who logs in there.")]
Identity = Annotated[
    Path | None, typer.Option(metavar="FILE", help="A private key; sealed in the vault.")
]
PasswordFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Its first line is the password; sealed too.")
]
Agent = Annotated[
    str | None, typer.Option(metavar="SOCKET", help="An ssh-agent instead of a key of the vault.")
]
HostKey = Annotated[
    str | None, typer.Option(metavar="SHA256:…", help="Fingerprint of the server's key.")
]
KnownHosts = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Its lines that name the server are kept.")
]
Sudo = Annotated[
    bool | None, typer.Option("--sudo/--no-sudo", help="Files and commands as root, by sudo -n.")
]
Setting = Annotated[
    list[str] | None, typer.Option("--set", metavar="K=V", help="Another setting; repeatable.")
]
Secret = Annotated[
    list[str] | None,
    typer.Option(metavar="K=REF", help="A secret: K=@FILE, K=env:VAR or K=cmd:COMMAND."),
]

CREDENTIALS = ("identity", "password", "agent")
"""Of these an end server has one."""


PLAIN = ("webroot", "listen", "probe", "host", "port", "user", "agent", "host_key")
"""Options that are settings by the same name."""


def given(params: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Settings and secrets of a command's parameters. Raises InvalidInput, never with a secret."""
    wanted = {name: params[name] for name in PLAIN if params[name] is not None}
    if params["known_hosts"] is not None:
        wanted["known_hosts"] = read_text(params["known_hosts"], "known-hosts")
    if params["sudo"] is not None:
        wanted["sudo"] = "yes" if params["sudo"] else "no"
    hidden = {}
    if params["identity"] is not None:
        hidden["identity"] = read_text(params["identity"], "identity")
    if params["password_file"] is not None:
        text = read_text(params["password_file"], "password-file")
        hidden["password"] = text.partition("\n")[0].rstrip("\r")
    return (
        _joined(wanted, settings(params["setting"] or ())),
        _joined(hidden, secrets(params["secret"] or (), os.environ)),
    )


def _joined(named: dict[str, str], more: dict[str, str]) -> dict[str, str]:
    for name in named.keys() & more.keys():
        raise InvalidInput(f"{name} is given twice", field=name)
    return named | more


def replaced(
    wanted: Mapping[str, str], hidden: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Settings and secrets of a change; another credential takes the former one away."""
    chosen = [name for name in CREDENTIALS if wanted.get(name) or hidden.get(name)]
    plain, secret = dict(wanted), dict(hidden)
    if len(chosen) == 1:
        for name in CREDENTIALS:
            if name not in chosen:
                (plain if name == "agent" else secret).setdefault(name, "")
        if chosen != ["identity"]:
            secret.setdefault("identity_passphrase", "")
    return plain, secret


@contextmanager
def naming_options() -> Iterator[None]:
    """Let a refusal begin with the option that it is about."""
    try:
        yield
    except InvalidInput as error:
        option = _OPTIONS.get(error.field)
        if option is None or option in error.message:
            raise
        raise InvalidInput(
            f"{option}: {error.message}", field=error.field, hint=error.hint
        ) from error


_OPTIONS = {
    name: "--" + name.replace("_", "-")
    for name in (
        *("webroot", "listen", "probe", "host", "port", "user", "identity", "agent", "host_key"),
        *("known_hosts", "sudo", "kind"),
    )
} | {"password": "--password-file", "identity_passphrase": "--secret identity_passphrase"}
"""What a field is called on the command line."""
