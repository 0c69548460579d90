"""``kmtui cert import``: certificates, keys and accounts that other programs have."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kmtui.cli.documents import moment
from kmtui.cli.outcome import batch_exit_code
from kmtui.cli.output import Output, error_document, table
from kmtui.cli.session import with_core
from kmtui.cli.values import read_text
from kmtui.core.errors import InvalidInput
from kmtui.status import date
from kmtui.text import Secret

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kmtui.core.core import Core
    from kmtui.core.imports.outcome import Imported


def import_(
    context: typer.Context,
    places: Annotated[
        list[str],
        typer.Argument(metavar="PATH", help="Files, directories, or https://HOST[:PORT]."),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would come; store nothing.")
    ] = False,
    live: Annotated[
        bool, typer.Option("--live", help="Each PATH is HOST:PORT: what that server shows now.")
    ] = False,
    password_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Password of PKCS #12 files and encrypted keys."),
    ] = None,
) -> int:
    """Take over certificates with their keys and accounts; nothing is reissued, no CA is asked.

    A directory may be the state of certbot (/etc/letsencrypt), lego (.lego) or acme.sh
    (~/.acme.sh), with its accounts; any other is searched for PEM, DER, PKCS #7 and PKCS #12
    files. What is here already is left as it is. The other client goes on renewing until it is
    told not to.

    \b
    kmtui cert import /etc/letsencrypt --dry-run
    kmtui cert import shop.pem shop.key
    kmtui cert import shop.p12 --password-file password
    kmtui cert import www.example.org:443 --live
    """

    async def act(core: Core, out: Output) -> int:
        from kmtui.core.imports.outcome import in_short

        found = await core.imports.look(places, live=live, password=_password(password_file))
        act = core.imports.foresee if dry_run else core.imports.carry_out
        outcomes = await act(found)
        out.answer(
            {"dry_run": dry_run, "imports": [_document(each) for each in outcomes]},
            [*_table(outcomes), "", in_short(outcomes, foreseen=dry_run)],
        )
        for each in outcomes:
            if each.error is not None and not out.json:
                out.note(f"{each.error.message}")
                if each.error.hint:
                    out.note(f"  hint: {each.error.hint}")
        return batch_exit_code([each.error.exit_code if each.error else 0 for each in outcomes])

    return with_core(context, act, change=not dry_run)


def _password(path: Path | None) -> Secret[bytes] | None:
    if path is None:
        return None
    password = read_text(path, "password-file").rstrip("\r\n").encode()
    if not password:
        raise InvalidInput(f"{path} is empty", field="password-file")
    return Secret(password)


def _document(row: Imported) -> dict[str, Any]:
    return {
        "type": row.kind,
        "name": row.name,
        "outcome": str(row.fate),
        "from": row.where,
        "id": row.id,
        "names": list(row.names),
        "versions": row.versions,
        "versions_without_key": row.keyless,
        "keys_added": row.keys,
        "not_after": moment(row.not_after),
        "account": row.account,
        "ca": row.ca,
        "error": None if row.error is None else error_document(row.error),
    }


def _table(outcomes: Sequence[Imported]) -> list[str]:
    from kmtui.core.imports.outcome import key_words

    return table(
        ["what", "name", "outcome", "versions", "key", "not after", "account", "ca", "from"],
        [
            (
                row.kind,
                row.name,
                str(row.fate),
                row.versions or None,
                key_words(row),
                row.not_after and date(row.not_after),
                row.account,
                row.ca,
                row.where,
            )
            for row in outcomes
        ],
    )
