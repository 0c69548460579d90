"""acme.sh's state: ``~/.acme.sh``, a directory for each certificate and, below ``ca``, each CA.

Its ``.conf`` files are shell variables. They are read as text and never run.
"""

from __future__ import annotations

import re
from base64 import b64decode
from urllib.parse import urlsplit

from kmtui.core.errors import InvalidInput
from kmtui.core.imports.accounts import account_from, json_object, member
from kmtui.core.imports.files import Password, pour
from kmtui.core.imports.found import Found, FoundAccount, FoundCertificate, Trouble
from kmtui.core.imports.pool import Pool, sorted_by_label
from kmtui.core.imports.tree import Tree

CLIENT = "acme.sh"
_DEEPEST_ACCOUNT = 8
_SETTING = re.compile(r"^(\w+)='([^'\n]*)'$", re.MULTILINE)
_ENCODED = re.compile(r"__ACME_BASE64__START_([A-Za-z0-9+/=]*)__ACME_BASE64__END_")
"""How it writes values that hold more than one line."""


def is_acme_sh(tree: Tree) -> bool:
    """Whether the directory is acme.sh's."""
    names = set(tree.names())
    return "account.conf" in names or {"acme.sh", "ca"} <= names


def read_acme_sh(tree: Tree, password: Password) -> Found:
    """All certificates, the newest version of each, which is all it keeps; and all accounts."""
    found = Found()
    by_folder: dict[str, FoundAccount] = {}
    for folder in _account_folders(tree, "ca", _DEEPEST_ACCOUNT):
        try:
            by_folder[folder] = _account(tree, folder)
        except InvalidInput as error:
            found.troubles.append(Trouble(tree.shown(folder), error))
    found.accounts.extend(by_folder.values())
    certificates: list[FoundCertificate] = []
    for folder in tree.names(kind="directory"):
        name = folder.removesuffix("_ecc")
        try:
            conf = tree.text(f"{folder}/{name}.conf")
            if conf is not None:
                account = by_folder.get("ca/" + ca_folder(_settings(conf).get("Le_API", "")))
                certificates += _certificates(tree, folder, name, account, password)
        except InvalidInput as error:
            found.troubles.append(Trouble(tree.shown(folder), error))
    found.certificates.extend(sorted_by_label(certificates))
    return found


def ca_folder(directory_url: str) -> str:
    """Where below ``ca`` it keeps the accounts at a CA: host without port, then path."""
    try:
        parts = urlsplit(directory_url)
        return f"{parts.hostname or ''}/{parts.path.strip('/')}"
    except ValueError:
        return "/"


def _certificates(
    tree: Tree, folder: str, name: str, account: FoundAccount | None, password: Password
) -> list[FoundCertificate]:
    """The certificate of a directory; none where none was issued yet."""
    pool = Pool()
    if not pour(tree, f"{folder}/fullchain.cer", pool, password):
        pour(tree, f"{folder}/{name}.cer", pool, password)
        pour(tree, f"{folder}/ca.cer", pool, password)
    pour(tree, f"{folder}/{name}.key", pool, password)
    return [
        FoundCertificate(
            versions=(version,), label=name, account=account.identity if account else ""
        )
        for version in pool.versions()[:1]
    ]


def _account_folders(tree: Tree, folder: str, deep: int) -> list[str]:
    entries = tree.entries(folder)
    found = [folder] if any(entry.name == "account.key" for entry in entries) else []
    if deep:
        for name, kind in entries:
            if kind == "directory":
                found += _account_folders(tree, f"{folder}/{name}", deep - 1)
    return found


def _account(tree: Tree, folder: str) -> FoundAccount:
    settings = _settings(tree.text(f"{folder}/ca.conf") or "")
    note = json_object(tree.text(f"{folder}/account.json") or "")
    place = folder.removeprefix("ca/")
    path = f"{folder}/account.key"
    return account_from(
        tree.text(path) or "",
        where=tree.shown(path),
        client=CLIENT,
        directory_url=f"https://{place}",
        fits=lambda url: ca_folder(url) == place,
        account_url=settings.get("ACCOUNT_URL"),
        contact=member(note, "contact"),
        email=settings.get("CA_EMAIL"),
        status=member(note, "status"),
    )


def _settings(text: str) -> dict[str, str]:
    return {name: _decoded(value) for name, value in _SETTING.findall(text)}


def _decoded(value: str) -> str:
    match = _ENCODED.fullmatch(value)
    try:
        return b64decode(match[1]).decode("utf-8", "replace") if match else value
    except ValueError:
        return value
