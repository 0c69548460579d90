"""A place on this machine that an operator named: which kind it is, and what is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from kmtui.core.errors import InvalidInput
from kmtui.core.imports import files
from kmtui.core.imports.acme_sh import is_acme_sh, read_acme_sh
from kmtui.core.imports.certbot import is_certbot, read_certbot
from kmtui.core.imports.directory import read_directory
from kmtui.core.imports.files import Password
from kmtui.core.imports.found import Found, Trouble
from kmtui.core.imports.lego import is_lego, read_lego
from kmtui.core.imports.pool import Pool
from kmtui.core.imports.tree import FIELD, Tree, read_file

STATES: tuple[tuple[Callable[[Tree], bool], Callable[[Tree, Password], Found]], ...] = (
    (is_certbot, read_certbot),
    (is_lego, read_lego),
    (is_acme_sh, read_acme_sh),
)
"""How the state directory of each client is told, and read; any other is searched for files."""


def read_places(paths: Sequence[Path], password: Password) -> Found:
    """Everything in files and directories. Files are taken together, wherever they lie: a key in
    one belongs to the certificate in another.

    Blocks, for seconds where there is much: call it in a thread. What cannot be read is among the
    troubles.
    """
    found, pool = Found(), Pool()
    for path in paths:
        try:
            if path.is_dir():
                found.add(_read_tree(path, pool, password))
            else:
                _read_named(path, pool, password)
        except InvalidInput as error:
            found.troubles.append(Trouble(str(path), error))
    found.certificates.extend(pool.certificates())
    return found


def _read_tree(path: Path, pool: Pool, password: Password) -> Found:
    with Tree(path) as tree:
        for is_state, read in STATES:
            if is_state(tree):
                return read(tree, password)
        return Found(troubles=read_directory(tree, pool, password))


def _read_named(path: Path, pool: Pool, password: Password) -> None:
    if not files.read(read_file(path), str(path), password).pour(pool, str(path)):
        raise InvalidInput(
            f"{path} holds neither a certificate nor a key",
            field=FIELD,
            hint="PEM, DER, PKCS #7 and PKCS #12 files can be read",
        )
