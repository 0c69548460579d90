"""A directory of certificates and keys in no known order, and whatever lies below it."""

from __future__ import annotations

from collections.abc import Iterator

from kmtui.core.errors import InvalidInput
from kmtui.core.imports.files import Password, pour
from kmtui.core.imports.found import Trouble
from kmtui.core.imports.pool import Pool
from kmtui.core.imports.tree import FIELD, Tree

DEEPEST = 8
"""Directories below the one that was named."""


def read_directory(tree: Tree, pool: Pool, password: Password) -> list[Trouble]:
    """Pour everything in it into a pool; what cannot be read is returned.

    Files of other kinds are passed over. Links are not followed: one within leads to a file that is
    read by itself, any other leads out.
    """
    troubles: list[Trouble] = []
    links = found = 0
    for path, is_link in _paths(tree, "", DEEPEST):
        if is_link:
            links += 1
            continue
        try:
            found += pour(tree, path, pool, password)
        except InvalidInput as error:
            troubles.append(Trouble(tree.shown(path), error))
    if links and not found:
        troubles.append(Trouble(str(tree.root), _only_links(tree, links)))
    return troubles


def _paths(tree: Tree, folder: str, deep: int) -> Iterator[tuple[str, bool]]:
    """Files and links by path, each with whether it is a link."""
    for name, kind in tree.entries(folder):
        path = f"{folder}/{name}" if folder else name
        if kind == "directory" and deep:
            yield from _paths(tree, path, deep - 1)
        elif kind in ("file", "link"):
            yield path, kind == "link"


def _only_links(tree: Tree, links: int) -> InvalidInput:
    return InvalidInput(
        f"{tree.root} holds nothing but {links} links, which are not followed",
        field=FIELD,
        hint="name the files, or the directory that they lead to; for certbot's live/NAME that "
        "is the directory above live",
    )
