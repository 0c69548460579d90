"""``kmtui backup``: the whole inventory in one file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kmtui.cli.group import group
from kmtui.cli.output import Output, counted
from kmtui.cli.passphrases import read_passphrase
from kmtui.cli.session import with_core
from kmtui.core.errors import InvalidInput
from kmtui.text import one_line

if TYPE_CHECKING:
    from kmtui.core.backup import Backup
    from kmtui.core.core import Core
    from kmtui.core.sealed_file import SealingKey

app = group()

SealPassphrase = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Passphrase that the backup itself is sealed with."),
]
SealKeyFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Key file that the backup itself is sealed with."),
]


@app.command("backup")
def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    seal_passphrase_file: SealPassphrase = None,
    seal_key_file: SealKeyFile = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace FILE when it is there already.")
    ] = False,
) -> int:
    """Copy the inventory to FILE, also while it is in use, and look through the copy.

    As it is, the copy shows what is public (names, dates, history) to whoever has it; keys and
    passwords in it open with the vault's passphrase or key file. With a --seal option nothing
    shows without that, too.

    \b
    kmtui backup /backup/kmtui.db
    kmtui backup /backup/kmtui.sealed --seal-key-file /root/backup.key --force
    """
    key = sealing_key(seal_passphrase_file, seal_key_file)

    async def act(core: Core, out: Output) -> None:
        made = await core.backups.make(file, key=key, replace=force)
        out.answer(
            {
                "backup": {
                    "path": str(made.path),
                    "octets": made.octets,
                    "sealed_by": made.sealed_by or None,
                    "vault": list(made.vault),
                    "certificates": made.certificates,
                }
            },
            _lines(made),
        )

    return with_core(context, act)


def sealing_key(passphrase_file: Path | None, key_file: Path | None) -> SealingKey | None:
    """What opens the backup itself, where it is sealed. Raises InvalidInput, VaultError."""
    from kmtui.core.sealed_file import SealingKey

    if passphrase_file is not None and key_file is not None:
        raise InvalidInput("a backup is sealed in one way", field="seal-key-file")
    if passphrase_file is not None:
        return SealingKey.of_passphrase(read_passphrase(passphrase_file))
    return SealingKey.of_key_file(key_file) if key_file is not None else None


def _lines(made: Backup) -> list[str]:
    ways = " or ".join(way.replace("-", " ") for way in made.vault) or "nothing yet"
    what = f"{counted(made.certificates, 'certificate')}, {made.octets} octets"
    lines = [f"{one_line(str(made.path))}: {what}"]
    if made.sealed_by:
        lines.append(
            f"it opens with its own {made.sealed_by.replace('-', ' ')}; keys and passwords inside"
            f" need the vault's {ways}, too: keep both, and not beside it"
        )
    else:
        lines.append(
            "names, dates and history in it can be read by whoever has it; keys and passwords"
            f" need the vault's {ways}: keep that elsewhere"
        )
    return lines
