"""``kmtui demo``: the screen on a practice inventory, with a CA and name server in this process."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from kmtui.cli.group import group, invocation
from kmtui.cli.screen import open_screen

app = group()


@app.command("demo")
def demo(
    context: typer.Context,
    keep: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep the practice inventory here for the next time."),
    ] = None,
) -> int:
    """Practise on a sandbox CA and name server; nothing leaves this machine.

    \b
    kmtui demo
    kmtui demo --keep ~/practice
    """
    options = invocation(context).options
    if keep is not None:
        return open_screen(replace(options, data=keep.absolute()), demo=True)
    with tempfile.TemporaryDirectory(prefix="kmtui-demo-") as directory:
        return open_screen(replace(options, data=Path(directory)), demo=True)
