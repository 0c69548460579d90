"""``kmtui systemd``: units that make the unattended run."""

from __future__ import annotations

import getpass
import os
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from kmtui.cli.group import group, invocation

app = group()

DEFAULT_KEY = Path("/etc/kmtui/vault.key")


@app.command("systemd")
def systemd(
    context: typer.Context,
    directory: Annotated[
        str, typer.Option("--directory", metavar="DIR", help="Where the units will lie.")
    ] = "/etc/systemd/system",
) -> int:
    """Print a service and a timer for `renew --due`, with the vault's key as a credential.

    \b
    kmtui --key-file /etc/kmtui/vault.key systemd
    """
    from kmtui.core.schedule import NAME, units

    invoked = invocation(context)
    options, out = invoked.options, invoked.output
    key_file = options.key_file or DEFAULT_KEY
    if options.key_file is None:
        out.note(f"a service opens the vault by a key file: kmtui vault add-key-file {key_file}")
    found = units(
        program=_program(),
        data=options.data,
        key_file=key_file.absolute(),
        user="" if os.geteuid() == 0 else getpass.getuser(),
    )
    lines = []
    for name, text in found.items():
        lines += [f"# {directory}/{name}", *text.splitlines(), ""]
    lines += [f"# then: systemctl daemon-reload && systemctl enable --now {NAME}.timer"]
    out.answer({"units": found}, lines)
    return 0


def _program() -> list[str]:
    """How this very kmtui is started again."""
    called = Path(sys.argv[0])
    if called.name == "kmtui" and (found := shutil.which(str(called))):
        return [str(Path(found).absolute())]
    return [sys.executable, "-m", "kmtui"]
