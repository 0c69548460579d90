"""``kmtui restore``: a backup in the inventory's place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kmtui.cli import documents
from kmtui.cli.backup import SealKeyFile, SealPassphrase, sealing_key
from kmtui.cli.group import group, invocation
from kmtui.cli.output import Output, counted, facts
from kmtui.cli.passphrases import ask_passphrase, can_ask, read_passphrase
from kmtui.config import Options
from kmtui.core.errors import ReadOnly, VaultLocked
from kmtui.status import when

if TYPE_CHECKING:
    from kmtui.core.restoring import Restoration, Unlock
    from kmtui.core.vault import Vault

app = group()


@app.command("restore")
def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    seal_passphrase_file: SealPassphrase = None,
    seal_key_file: SealKeyFile = None,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="First open every secret, and match keys with certificates."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only look through the backup; change nothing.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Although there is an inventory; it is kept.")
    ] = False,
) -> int:
    """Put a backup in the place of the inventory; what was there is kept beside it.

    Nothing is changed before the whole backup was looked through. --verify needs what opens its
    vault: --key-file or --passphrase-file before the command.

    \b
    kmtui --key-file /root/vault.key restore /backup/kmtui.db --verify
    kmtui --data /srv/kmtui restore /backup/kmtui.sealed --seal-key-file /root/backup.key
    """
    from kmtui.core import restoring

    invoked = invocation(context)
    options = invoked.options
    if options.read_only and not dry_run:
        raise ReadOnly("this is read-only mode: nothing can be changed")
    done = restoring.restore(
        options.data,
        file.absolute(),
        key=sealing_key(seal_passphrase_file, seal_key_file),
        unlock=_unlock(options) if verify else None,
        force=force,
        dry_run=dry_run,
        actor=options.actor,
        origin=options.origin,
    )
    _answer(invoked.output, done)
    return 0


def _unlock(options: Options) -> Unlock:
    """What opens the backup's vault: as given before the command, else as typed."""

    source = options.passphrase_file or options.passphrase_fd

    def unlock(vault: Vault) -> None:
        if options.key_file is not None:
            vault.unlock_with_key_file(options.key_file)
        elif source is not None:
            vault.unlock_with_passphrase(read_passphrase(source))
        elif can_ask():
            vault.unlock_with_passphrase(ask_passphrase("Passphrase of the backup's vault: "))
        else:
            raise VaultLocked(
                "the vault of the backup is locked",
                hint="give --key-file FILE or --passphrase-file FILE before the command",
            )

    return unlock


def _answer(out: Output, done: Restoration) -> None:
    out.answer(
        {
            "restore": {
                "restored": done.restored,
                "certificates": done.certificates,
                "newest": documents.moment(done.newest),
                "secrets_opened": done.secrets and done.secrets.opened,
                "kept": str(done.kept) if done.kept else None,
            }
        },
        facts(
            [
                ("Restored", done.restored),
                ("Holds", counted(done.certificates, "certificate")),
                ("Last entry", done.newest and when(done.newest)),
                ("Secrets that open", done.secrets and str(done.secrets.opened)),
                ("Kept", done.kept),
            ]
        ),
    )
