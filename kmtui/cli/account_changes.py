"""``kmtui account export-key``, ``roll-key``, ``delete``, ``deactivate``: keys and ends."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kmtui.cli import documents
from kmtui.cli.output import Output, counted
from kmtui.cli.session import with_core
from kmtui.cli.values import require_yes
from kmtui.core.errors import InvalidInput
from kmtui.model import KeyType
from kmtui.text import one_line

if TYPE_CHECKING:
    from kmtui.core.core import Core

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name or id of the account.")]
Yes = Annotated[bool, typer.Option("--yes", help="Really do it.")]


class KeyFormat(StrEnum):
    """How an exported key is written."""

    PEM = "pem"
    JWK = "jwk"


def export_key(
    context: typer.Context,
    name: Name,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to; made with mode 0600.")],
    format: Annotated[
        KeyFormat, typer.Option(help="PEM (PKCS#8), or JWK as certbot has it.")
    ] = KeyFormat.PEM,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
) -> int:
    """Write an account's private key to a file.

    It is not encrypted: whoever has the file has the account.

    \b
    kmtui account export-key main --out main.pem
    """

    async def act(core: Core, output: Output) -> None:
        row = await core.accounts.export_key(name, out, format=format.value, replace=force)
        output.answer(
            {"account": documents.account(row), "file": str(out), "format": format.value},
            [
                f"the key of {one_line(row.name)} is in {one_line(str(out))}, not encrypted",
                f"kmtui account add NAME --ca {row.ca} --key FILE brings the account back with it",
            ],
        )

    return with_core(context, act, change=True)


def roll_key(
    context: typer.Context,
    name: Name,
    key_type: Annotated[
        KeyType | None, typer.Option(help="Type of the new key; else that of the old one.")
    ] = None,
) -> int:
    """Replace an account's key by a new one.

    Account, URL and certificates stay; copies of the old key are worth nothing afterwards. A change
    that is cut off is finished by kmtui resume.

    \b
    kmtui account roll-key main
    """

    async def act(core: Core, output: Output) -> None:
        row = await core.accounts.roll_key(name, key_type=key_type)
        output.answer(
            {"account": documents.account(row)},
            [
                f"{one_line(row.name)} has a new key ({row.key_type}): {row.key_thumbprint}",
                "keys that were exported before are worth nothing now",
            ],
        )

    return with_core(context, act, change=True)


def delete(
    context: typer.Context,
    name: Name,
    key_out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where its key goes; made with mode 0600.")
    ] = None,
    discard_key: Annotated[
        bool, typer.Option("--discard-key", help="Give the key up, and with it the account.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Although certificates renew with it.")
    ] = False,
    yes: Yes = False,
) -> int:
    """Forget an account here.

    At its CA it lives on, and kmtui account add brings it back with its key.

    \b
    kmtui account delete main --key-out main.pem --yes
    """
    require_yes(yes, f"delete account {name}")

    async def act(core: Core, output: Output) -> None:
        row = await core.accounts.get(name)
        orphaned = await core.accounts.delete(
            row.id, key_out=key_out, discard_key=discard_key, force=force
        )
        said = [f"account {one_line(row.name)} is deleted here; at {row.ca} it lives on"]
        if key_out is not None:
            said.append(f"its key is in {one_line(str(key_out))}, not encrypted")
        if orphaned:
            said.append(
                f"{counted(len(orphaned), 'certificate')} without an account now: "
                "kmtui cert set CERT --account A"
            )
        output.answer(
            {
                "account": documents.account(row),
                "key_file": str(key_out) if key_out else None,
                "certificates_without_account": orphaned,
            },
            said,
        )

    return with_core(context, act, change=True)


def deactivate(context: typer.Context, name: Name, yes: Yes = False) -> int:
    """Give an account up at its CA, for ever.

    Neither it nor its key can be used again. Its certificates stay valid until they expire; without
    --yes this says which of them will renew no more.

    \b
    kmtui account deactivate old --yes
    """

    async def act(core: Core, output: Output) -> None:
        row = await core.accounts.get(name)
        renewing = await core.accounts.renewing(row.id)
        listed = ", ".join(renewing) or "none"
        if not yes:
            raise InvalidInput(
                f"deactivate account {row.name}: not done without --yes. It can never come back; "
                f"certificates that would renew no more: {listed}",
                field="yes",
                hint="give those another account first (kmtui cert set CERT --account A); "
                "then add --yes",
            )
        row = await core.accounts.deactivate(row.id)
        said = [f"account {one_line(row.name)} is deactivated at {row.ca}, for ever"]
        if renewing:
            said.append(f"certificates that renew no more: {one_line(listed)}")
        output.answer({"account": documents.account(row), "renewing": renewing}, said)

    return with_core(context, act, change=yes)
