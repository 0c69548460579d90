"""lego's state: ``.lego`` with ``certificates`` and ``accounts``, of version 4 and 5.

``certificates/NAME.crt`` is the whole chain, ``NAME.key`` its key and ``NAME.json`` where it came
from. ``accounts/HOST_PORT`` holds the registrations at a CA, of which it keeps only the host.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from urllib.parse import urlsplit

from kmtui.core.errors import InvalidInput
from kmtui.core.imports.accounts import account_from, json_object, member
from kmtui.core.imports.files import Password, pour
from kmtui.core.imports.found import Found, FoundAccount, FoundCertificate, Trouble
from kmtui.core.imports.pool import Pool, sorted_by_label
from kmtui.core.imports.tree import Tree

CLIENT = "lego"
_DEEPEST_ACCOUNT = 4
"""Directories below ``accounts``: host, e-mail address and, from version 5 on, key type."""
_URL = ("uri", "accountURL", "location")
"""What versions call the account's URL."""


def is_lego(tree: Tree) -> bool:
    """Whether the directory is lego's."""
    return {"accounts", "certificates"} <= set(tree.names(kind="directory"))


def read_lego(tree: Tree, password: Password) -> Found:
    """All certificates, the newest version of each, which is all it keeps; and all accounts."""
    found = Found()
    for folder in _account_folders(tree, "accounts", _DEEPEST_ACCOUNT):
        try:
            found.accounts.append(_account(tree, folder))
        except InvalidInput as error:
            found.troubles.append(Trouble(tree.shown(folder), error))
    certificates: list[FoundCertificate] = []
    for name in tree.names("certificates", kind="file"):
        if name.endswith(".crt") and not name.endswith(".issuer.crt"):
            stem = f"certificates/{name.removesuffix('.crt')}"
            try:
                certificates += _certificate(tree, stem, found.accounts, password)
            except InvalidInput as error:
                found.troubles.append(Trouble(tree.shown(f"{stem}.crt"), error))
    found.certificates.extend(sorted_by_label(certificates))
    return found


def _certificate(
    tree: Tree, stem: str, accounts: list[FoundAccount], password: Password
) -> Iterator[FoundCertificate]:
    pool = Pool()
    pour(tree, f"{stem}.crt", pool, password)
    pour(tree, f"{stem}.issuer.crt", pool, password)
    pour(tree, f"{stem}.key", pool, password)
    note = json_object(tree.text(f"{stem}.json") or "")
    host = _host(member(note, "certUrl"))
    at_ca = [account for account in accounts if host and account.fits(f"https://{host}/")]
    for version in pool.versions()[:1]:
        yield FoundCertificate(
            versions=(version,),
            # Which of several accounts at one CA asked for it is not kept.
            account=at_ca[0].identity if len(at_ca) == 1 else "",
        )


def _account_folders(tree: Tree, folder: str, deep: int) -> Iterator[str]:
    entries = tree.entries(folder)
    if any(entry.name == "account.json" for entry in entries):
        yield folder
    if deep:
        for name, kind in entries:
            if kind == "directory":
                yield from _account_folders(tree, f"{folder}/{name}", deep - 1)


def _account(tree: Tree, folder: str) -> FoundAccount:
    note = json_object(tree.text(f"{folder}/account.json") or "")
    registration = member(note, "registration")
    found = (member(registration, name) for name in _URL)
    account_url = next((url for url in found if isinstance(url, str)), None)
    host = _host(account_url) or _named_host(folder)
    path = _key_path(tree, folder)
    return account_from(
        tree.text(path) or "",
        where=tree.shown(path),
        client=CLIENT,
        directory_url=f"https://{host}/",
        fits=lambda url: _host(url) == host,
        account_url=account_url,
        contact=member(registration, "body", "contact") or member(registration, "contact"),
        email=member(note, "email"),
        status=member(registration, "body", "status") or member(registration, "status"),
    )


def _key_path(tree: Tree, folder: str) -> str:
    """The only key beside an account's note, or in ``keys`` below it. Raises InvalidInput."""
    for place in (folder, f"{folder}/keys"):
        names = [name for name in tree.names(place, kind="file") if name.endswith(".key")]
        if len(names) == 1:
            return f"{place}/{names[0]}"
    raise InvalidInput(f"{tree.shown(folder)} has no key of the account", field="path")


def _named_host(folder: str) -> str:
    """The host in the directory's name, where lego writes the colon of a port as ``_``."""
    name = folder.split("/")[1] if "/" in folder else posixpath.basename(folder)
    return name.replace("_", ":").lower()


def _host(url: object) -> str:
    """Host and port of a URL, lower case; empty for anything else."""
    try:
        return urlsplit(url).netloc.lower() if isinstance(url, str) else ""
    except ValueError:
        return ""
