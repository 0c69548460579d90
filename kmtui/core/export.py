"""Export: versions written to files in the formats of other programs, each one audited.

A private key leaves in the clear only where that is asked for; the other formats that hold one seal
it under a password, and what a stolen file of theirs withstands is the password alone.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sqlmodel import Session

from kmtui.core import inspection, keys
from kmtui.core.certificates import Certificates
from kmtui.core.context import Context
from kmtui.core.errors import DatabaseError, InvalidInput, KmtuiError, NotFound, Refused, VaultError
from kmtui.core.formats.material import Material
from kmtui.core.formats.registry import Format, KeyPlace, Part, format_named
from kmtui.core.private_files import (
    make_private_directory,
    refuse_inventory,
    write_private_files,
)
from kmtui.model import Certificate, Version
from kmtui.text import Secret

OUT = "out"
"""The option and form field for where files go."""
PASSWORD_LETTERS = 24
"""Letters and digits of a password made here: more than 140 bits, and nothing to escape."""
SHORT_PASSWORD = 16
"""An operator's own password with fewer characters is warned about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportWish:
    """What is to be written, and where."""

    format: str
    """A name of `registry.FORMATS`."""
    out: Path
    directory: bool = False
    """Whether `out` is a directory, made when it is missing. Several certificates always take one,
    with a directory in it for each."""
    version: int | None = None
    """None: the current version, or the one that waits to be saved while there is none."""
    with_key: bool = False
    """Whether the key goes along in the clear, in formats that do not seal it."""
    part: str | None = None
    """A `Part` that is wanted alone, where the format has parts; None: all that the format has."""
    password: Secret[str] | None = None
    """For the formats that seal the key."""
    replace: bool = False
    """Whether files that are there already are replaced, each in one step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What became of one certificate."""

    certificate: Certificate
    version: int | None = None
    files: tuple[Path, ...] = ()
    has_key: bool = False
    """Whether the private key is in these files."""
    error: KmtuiError | None = None


class Exports:
    """Writes versions to files."""

    def __init__(self, context: Context, certificates: Certificates) -> None:
        self._context = context
        self._certificates = certificates

    async def export(self, words: Sequence[str], wish: ExportWish) -> list[Exported]:
        """Export certificates, each named by label, id or a name that only one has.

        What stands in the way of one is its outcome. Raises, before anything is written,
        InvalidInput for a wish that fits none of them, NotFound and Ambiguous; VaultLocked and
        ReadOnly.
        """
        self._context.access.require_change()
        chosen = _checked(wish, several=len(words) > 1)
        found = [await self._certificates.get(word) for word in words]
        wanted = list({certificate.id: certificate for certificate in found}.values())
        if len(words) == 1:
            return [await self._export(wanted[0], chosen, wish)]
        await asyncio.to_thread(make_private_directory, wish.out, field=OUT)
        return [
            await self._export(
                certificate,
                chosen,
                replace(wish, directory=True, out=wish.out / folder_of(certificate)),
                # No operator named it, so a link in its place is not theirs.
                follow=False,
            )
            for certificate in wanted
        ]

    async def _export(
        self, certificate: Certificate, chosen: Format, wish: ExportWish, *, follow: bool = True
    ) -> Exported:
        """One certificate: intent, files, result; `follow` a link to a directory."""
        with_key = chosen.sealed or wish.with_key or wish.part == Part.KEY
        where = wish.out.absolute()
        part = f" ({wish.part})" if wish.part else ""
        what = f"{chosen.title}{part} {'with' if with_key else 'without'} its key to {where}"
        await self._record(certificate, "started", what)
        try:
            version = await self._version(certificate, wish.version)
            what = f"version {version.number} as {what}"
            material = await self._material(certificate, version, with_key=with_key)
            contents = await asyncio.to_thread(_contents, chosen, material, wish)
            await asyncio.to_thread(self._write, contents, wish, follow)
        except (VaultError, DatabaseError):
            raise
        except KmtuiError as error:
            await self._record(certificate, "failed", f"{what}: {error.message}")
            return Exported(certificate=certificate, error=error)
        await self._record(certificate, "ok", what)
        return Exported(
            certificate=certificate,
            version=version.number,
            files=tuple(contents),
            has_key=with_key,
        )

    async def _version(self, certificate: Certificate, number: int | None) -> Version:
        wanted = number or certificate.current_version or certificate.unsaved_version
        if wanted is None:
            raise NotFound(f"{certificate.name} has no version yet")
        return await self._certificates.version(certificate.id, wanted)

    async def _material(
        self, certificate: Certificate, version: Version, *, with_key: bool
    ) -> Material:
        """The version's chain and, with it or not, its key."""
        pem = None
        if with_key:
            if not version.has_key:
                raise Refused(
                    f"version {version.number} of {certificate.name} came without its private key",
                    hint="formats without a key can be written: pem, der, p7b",
                )
            pem = await self._certificates.private_key_pem(version)
        return await asyncio.to_thread(_material, certificate.name, version, pem)

    def _write(self, contents: Mapping[Path, bytes], wish: ExportWish, follow: bool) -> None:
        for path in contents:
            refuse_inventory(path, self._context.db.path.parent, field=OUT)
        if wish.directory:
            make_private_directory(wish.out.absolute(), field=OUT, follow=follow)
        write_private_files(contents, field=OUT, replace=wish.replace)

    async def _record(self, certificate: Certificate, outcome: str, detail: str) -> None:
        def store(session: Session) -> None:
            self._context.record(
                session, "export", "certificate", certificate.id, certificate.name, outcome, detail
            )

        await self._context.db.write(store)


def new_password() -> Secret[str]:
    """A password nobody guesses, for one export."""
    letters = string.ascii_letters + string.digits
    return Secret("".join(secrets.choice(letters) for _ in range(PASSWORD_LETTERS)))


def password_advice(password: Secret[str]) -> str:
    """What to say about a password of an operator's own; empty when it is long enough, and every
    program reads it alike: Java opens no PKCS #12 with a letter outside ASCII in its password.
    """
    if not password.reveal().isascii():
        return "the password has letters that Java does not take, and others read differently"
    if len(password.reveal()) >= SHORT_PASSWORD:
        return ""
    return (
        f"the password has fewer than {SHORT_PASSWORD} characters: whoever gets the file can try "
        "millions a second"
    )


def folder_of(certificate: Certificate) -> str:
    """A name for the directory of a certificate, whatever characters its label has."""
    readable = certificate.name.replace("*.", "wildcard.")
    safe = re.sub(r"[^A-Za-z0-9._-]", "_", readable)[:100]
    if safe == certificate.name and safe[0].isalnum():
        return safe
    # Two labels may look alike now, and none may be hidden or look like an option.
    return f"{safe.lstrip('.-_') or 'certificate'}-{certificate.id[:8]}"


def _checked(wish: ExportWish, *, several: bool) -> Format:
    """The format, after a look at whether the wish makes sense. Raises InvalidInput."""
    chosen = format_named(wish.format)
    if several and wish.version is not None:
        raise InvalidInput("a version is one certificate's: name one certificate", field="version")
    if chosen.sealed and not wish.password:
        raise InvalidInput(f"{chosen.title} needs a password", field="password-file")
    if wish.password and not chosen.sealed:
        raise InvalidInput(
            f"{chosen.title} has no password",
            field="password-file",
            hint="p12 seals the key under one",
        )
    if wish.with_key and chosen.key == KeyPlace.NOWHERE:
        raise InvalidInput(f"{chosen.title} holds no key", field="with-key", hint="choose p12")
    if wish.part:
        _check_part(wish, chosen)
    elif wish.with_key and chosen.key == KeyPlace.BESIDE and not (wish.directory or several):
        raise InvalidInput(
            f"a {chosen.title} file holds the certificate or its key, not both",
            field="with-key",
            hint="give a directory to write both to: --out DIR/",
        )
    return chosen


def _check_part(wish: ExportWish, chosen: Format) -> None:
    if wish.part not in chosen.parts:
        raise InvalidInput(
            f"{chosen.title} has no part called {wish.part!r}",
            field="part",
            hint=f"one of: {', '.join(chosen.parts)}" if chosen.parts else "pem and der have parts",
        )
    if wish.with_key and wish.part != Part.KEY:
        raise InvalidInput(
            f"the {wish.part} alone is without its key",
            field="with-key",
            hint="leave the part out, or ask for the key alone",
        )


def _material(name: str, version: Version, key_pem: bytes | None) -> Material:
    """Raises Refused for a key that is another certificate's."""
    key = None if key_pem is None else keys.load_private_key(key_pem)
    if key is not None and keys.spki_sha256(key) != version.spki_sha256:
        raise Refused(
            f"the key stored for version {version.number} of {name} is not its key",
            hint="renew the certificate: the new version gets a key of its own",
        )
    return Material(name, inspection.parse_chain(version.chain_pem), key)


def _contents(chosen: Format, material: Material, wish: ExportWish) -> Mapping[Path, bytes]:
    """What each file gets."""
    password = wish.password.reveal() if wish.password else ""
    out = wish.out.absolute()
    if not (wish.directory or wish.part):
        return {out: chosen.write(material, password)}
    files = chosen.files(material, password)
    if wish.part:
        name = chosen.parts[wish.part]
        if name not in files:
            raise Refused(f"{material.name} has no issuers in its chain")
        files = {name: files[name]}
        if not wish.directory:
            return {out: files[name]}
    return {out / name: content for name, content in files.items()}
