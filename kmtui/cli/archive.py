"""``kmtui cert delete`` and ``kmtui cert undelete``: out of the lists, and back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kmtui.cli import documents
from kmtui.cli.outcome import FAILED, batch_exit_code
from kmtui.cli.output import Output, error_document
from kmtui.cli.session import with_core
from kmtui.cli.values import require_yes
from kmtui.core.errors import InvalidInput
from kmtui.text import one_line

if TYPE_CHECKING:
    from kmtui.core.archive import Deletion
    from kmtui.core.core import Core


def delete(
    context: typer.Context,
    certificates: Annotated[
        list[str] | None,
        typer.Argument(metavar="CERT", help="Labels, ids, or names that only one has."),
    ] = None,
    purge: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Destroy the keys of the deleted one of this label now."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Although a target still serves it.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Really do it.")] = False,
) -> int:
    """Take certificates out of the lists; they stay valid at the CA, and in the history.

    They are not renewed and not deployed any more. For 30 days `cert undelete` brings them back;
    then the unattended run destroys their private keys.

    \b
    kmtui cert delete shop --yes
    kmtui cert delete --purge shop
    """
    if bool(certificates) == bool(purge):
        raise InvalidInput(
            "name the certificates to delete, or the deleted one to purge", field="purge"
        )
    if certificates:
        require_yes(yes, f"delete {', '.join(certificates)}")

    async def act(core: Core, out: Output) -> int:
        if purge:
            row = await core.archive.purge(purge)
            document = documents.certificate(row, datetime.now(UTC))
            said = f"the keys of {one_line(purge)} are destroyed; its history stays"
            out.answer({"certificate": document}, [said])
            return 0
        done = await core.archive.delete(certificates or (), force=force)
        return _answer(out, done, "is deleted; it stays valid at its CA")

    return with_core(context, act, change=True)


def undelete(
    context: typer.Context,
    certificates: Annotated[
        list[str],
        typer.Argument(metavar="CERT", help="Labels or ids; `cert list --all` shows them."),
    ],
) -> int:
    """Bring deleted certificates back, with the settings they had.

    \b
    kmtui cert undelete shop
    """

    async def act(core: Core, out: Output) -> int:
        return _answer(out, await core.archive.undelete(certificates), "is back")

    return with_core(context, act, change=True)


def _answer(out: Output, done: Sequence[Deletion], said: str) -> int:
    """Each with what became of it; a single one that failed ends as its error."""
    if len(done) == 1 and done[0].error is not None:
        raise done[0].error
    now = datetime.now(UTC)
    rows: list[dict[str, Any]] = [
        documents.certificate(each.certificate, now)
        | {"error": each.error and error_document(each.error)}
        for each in done
    ]
    lines = [
        f"{one_line(each.certificate.name)} {said}"
        if each.error is None
        else one_line(f"{each.error.message}; {each.error.hint}".rstrip("; "))
        for each in done
    ]
    out.answer({"certificates": rows}, lines)
    return batch_exit_code([0 if each.error is None else FAILED for each in done])
