"""The form of an export in words: its fields, where files go, what becomes of the key."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kmtui.model import Certificate
from kmtui.screens.account_forms import path_of
from kmtui.widgets.details import Fact
from kmtui.widgets.fields import FieldSpec

if TYPE_CHECKING:
    from kmtui.core.formats.registry import Format

WHAT = (
    ("", "all of it"),
    ("leaf", "leaf: the certificate alone"),
    ("chain", "chain: the issuers above it"),
    ("fullchain", "fullchain: certificate and issuers"),
    ("key", "key: the private key alone, in the clear"),
)
"""Parts by their words; what a format does not have is not offered."""

FIELDS = (
    FieldSpec(
        name="format",
        label="Format",
        kind="choice",
        choices=(
            ("pem", "PEM"),
            ("der", "DER"),
            ("p7b", "PKCS #7 (p7b)"),
            ("p12", "PKCS #12 (p12, pfx)"),
            ("p12-legacy", "PKCS #12 with old ciphers"),
            ("jks", "Java keystore (jks)"),
        ),
        help="Left and right change it, a letter jumps.",
    ),
    FieldSpec(
        name="part",
        label="What",
        kind="choice",
        choices=WHAT,
        help="One part alone, or all that the format has.",
    ),
    FieldSpec(
        name="with-key",
        label="Key",
        kind="check",
        placeholder="the private key too, in the clear",
        help="Whoever reads the file can then pose as the server.",
    ),
    FieldSpec(
        name="out",
        label="To",
        required=True,
        help="A new file on this machine; with / at the end a directory, made when it is missing.",
    ),
    FieldSpec(
        name="replace",
        label="Replace",
        kind="check",
        placeholder="files that are there already",
        help="Each in one step; without it nothing is ever overwritten.",
    ),
    FieldSpec(
        name="password",
        label="Password",
        kind="choice",
        choices=(
            ("new", "a new one, shown once"),
            ("typed", "typed here"),
            ("file", "from a file"),
        ),
        help="It seals the key in the file, and is all that protects it.",
    ),
    FieldSpec(name="typed", label="Type it", secret=True, help="16 characters or more."),
    FieldSpec(name="again", label="Once more", secret=True, help="The same again."),
    FieldSpec(
        name="password-file",
        label="In file",
        placeholder="path of a file",
        help="Its first line is the password.",
    ),
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an export goes, as the disk is now."""

    out: Path
    directory: bool
    files: tuple[Path, ...]
    """What will be written; of several certificates below a directory called NAME."""
    there: Path | None
    """The first of these files that exists already; not looked for of several certificates."""


def look_at(typed: str, names: Sequence[str], *, several: bool) -> Place:
    """The place that was typed; `names` are the files a directory gets. Blocks."""
    out = path_of(typed).absolute()
    directory = several or typed.endswith(os.sep) or out.is_dir()
    if not typed:
        files: tuple[Path, ...] = ()
    elif directory:
        below = out / "NAME" if several else out
        files = tuple(below / name for name in names)
    else:
        files = (out,)
    there = None if several else next((file for file in files if os.path.lexists(file)), None)
    return Place(out, directory, files, there)


def key_fact(format_: Format, part: str, *, with_key: bool) -> Fact:
    """What becomes of the private key."""
    if format_.sealed:
        return "Key", "goes along, sealed under the password"
    if with_key or part == "key":
        return "Key", ("goes along in the clear: whoever has the file has the key", "warn")
    return "Key", ("stays here", "muted")


def preset_path(certificates: Sequence[Certificate], format_: Format, part: str) -> str:
    """A place below the working directory, in full. Blocks."""
    from kmtui.core.export import folder_of

    try:
        here = Path.cwd()
    except OSError:  # removed meanwhile
        here = Path.home()
    if len(certificates) > 1:
        return f"{here / 'certificates'}/"
    name = folder_of(certificates[0])
    return str(here / f"{name}{f'-{part}' if part else ''}.{format_.suffix}")
