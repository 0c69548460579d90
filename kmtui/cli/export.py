"""``kmtui cert export``: certificates and keys as files for other programs."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kmtui.cli.outcome import batch_exit_code
from kmtui.cli.output import Output, error_document
from kmtui.cli.session import with_core
from kmtui.cli.values import read_text
from kmtui.core.errors import InvalidInput, Refused
from kmtui.text import Secret, one_line

if TYPE_CHECKING:
    from kmtui.core.core import Core
    from kmtui.core.export import Exported


def export(
    context: typer.Context,
    certificates: Annotated[
        list[str],
        typer.Argument(metavar="CERT", help="Labels, ids, or names that only one has."),
    ],
    format_: Annotated[
        str,
        typer.Option("--format", metavar="FORMAT", help="pem, der, p7b, p12, p12-legacy or jks."),
    ],
    out: Annotated[
        str,
        typer.Option(
            metavar="PATH", help="A file, or a directory (DIR/) for separate files in it."
        ),
    ],
    version: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Not the current version.")
    ] = None,
    with_key: Annotated[
        bool, typer.Option("--with-key", help="pem, der: the private key too, in the clear.")
    ] = False,
    part: Annotated[
        str | None,
        typer.Option(
            metavar="PART", help="pem, der: one part alone: leaf, chain, fullchain or key."
        ),
    ] = None,
    password_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="p12, jks: your password, in place of a new one."),
    ] = None,
    password_out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="p12, jks: write the new password there, mode 0600."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace files that are there already.")
    ] = False,
) -> int:
    """Write certificates to files (mode 0600) in the format another program reads.

    \b
    pem         the chain as text, what nearly every server reads; in a directory
                cert.pem, chain.pem, fullchain.pem and, --with-key, privkey.pem
    der         the certificate alone, for devices that take no text
    p7b         the chain without a key: Windows, appliances that made the key themselves
    p12         key and chain under a password: Windows, Java 8 and newer, appliances
    p12-legacy  the same with 3DES and SHA-1, only for what cannot open p12: Windows
                before Server 2019, Java before 8u301, old macOS and appliances
    jks         Java's former own format, weakly protected; only for what refuses p12

    p12 and jks get a new password, which is shown once and kept nowhere. Several certificates get
    a directory each, below PATH.

    \b
    kmtui cert export shop --format pem --with-key --out /etc/ssl/shop/
    kmtui cert export shop --format pem --part key --out shop.key
    kmtui cert export shop --format p12 --out shop.p12
    kmtui cert export shop mail --format jks --out stores/ --password-out stores.password
    """

    directory = out.endswith(os.sep) or Path(out).is_dir()

    async def act(core: Core, out_: Output) -> int:
        from kmtui.core.export import ExportWish

        if password_out is not None:
            _check_place(password_out, Path(out), core.data)
        password = _password(format_, password_file, password_out, force, out_)
        wish = ExportWish(
            format=format_,
            out=Path(out),
            directory=directory,
            version=version,
            with_key=with_key,
            part=part,
            password=password,
            replace=force,
        )
        done = await core.exports.export(certificates, wish)
        if len(done) == 1 and done[0].error is not None:
            raise done[0].error
        if password and not password_file and any(each.error is None for each in done):
            _hand_over(password, password_out, force, out_)
        documents = [_document(each, format_) for each in done]
        document: dict[str, Any] = {"exports": documents}
        if len(done) == 1:
            document["export"] = documents[0]
        out_.answer(document, [line for each in done for line in _lines(each)])
        return batch_exit_code([each.error.exit_code if each.error else 0 for each in done])

    return with_core(context, act, change=True)


def _password(
    format_: str, given: Path | None, kept_in: Path | None, force: bool, out: Output
) -> Secret[str] | None:
    """The operator's password, or a new one that somebody will see; None where none is needed.

    Raises InvalidInput, Refused.
    """
    from kmtui.core.export import new_password, password_advice
    from kmtui.core.formats.registry import format_named

    if given and kept_in:
        raise InvalidInput("your password or a new one, not both", field="password-out")
    if given:
        password = Secret(read_text(given, "password-file").rstrip("\r\n"))
        if not password:
            raise InvalidInput(f"{given} is empty", field="password-file")
        if advice := password_advice(password):
            out.note(f"kmtui: {advice}")
        return password
    if not format_named(format_).sealed:
        if kept_in:
            raise InvalidInput(f"{format_} has no password", field="password-out")
        return None
    if kept_in is None and not sys.stderr.isatty():
        raise InvalidInput(
            "nobody is here to read the new password",
            field="password-out",
            hint="--password-out FILE keeps it, --password-file FILE takes one of yours",
        )
    if kept_in and not force and os.path.lexists(kept_in):
        raise Refused(f"{kept_in} exists already", hint="name another file, or give --force")
    return new_password()


def _check_place(kept_in: Path, out: Path, data: Path) -> None:
    """Whether the new password can go there: nobody has it once the files are written.

    Raises InvalidInput.
    """
    from kmtui.core.private_files import refuse_inventory

    refuse_inventory(kept_in, data, field="password-out")
    place, files = kept_in.resolve(), out.resolve()
    if files in (place, *place.parents):
        raise InvalidInput(
            f"{kept_in} is among the files that the password opens", field="password-out"
        )
    if not place.parent.is_dir():
        raise InvalidInput(f"there is no directory {kept_in.parent}", field="password-out")


def _hand_over(password: Secret[str], kept_in: Path | None, force: bool, out: Output) -> None:
    """Give the new password to whoever asked for the files: nothing else has it."""
    from kmtui.core.private_files import write_private

    if kept_in is None:
        out.note(f"password: {password.reveal()}")
        out.note("It is shown this once and kept nowhere.")
        return
    try:
        line = f"{password.reveal()}\n".encode()
        write_private(kept_in, line, field="password-out", replace=force)
    except (InvalidInput, Refused) as error:
        error.hint = "nobody has the password of the files now: export again with --force"
        raise


def _document(done: Exported, format_: str) -> dict[str, Any]:
    return {
        "certificate": done.certificate.name,
        "version": done.version,
        "format": format_,
        "files": [str(path) for path in done.files],
        "has_key": done.has_key,
        "error": None if done.error is None else error_document(done.error),
    }


def _lines(done: Exported) -> list[str]:
    name = one_line(done.certificate.name)
    if done.error is not None:
        return [f"{name}: FAILED, {one_line(done.error.message)}"]
    what = f"{name}: version {done.version}{', with its key' if done.has_key else ''}"
    return [what, *(f"  {one_line(str(path))}" for path in done.files)]
