"""certbot's state: ``/etc/letsencrypt``, with every version it ever got below ``archive``.

``renewal/NAME.conf`` says who renews a certificate, ``live/NAME`` links to the version in use, and
``accounts/HOST/PATH/ID`` holds the registrations at the CA ``https://HOST/PATH``.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from kmtui.core.errors import InvalidInput
from kmtui.core.imports.accounts import account_from, json_object, member
from kmtui.core.imports.files import Password, pour
from kmtui.core.imports.found import Found, FoundAccount, FoundCertificate, FoundVersion, Trouble
from kmtui.core.imports.pool import Pool, sorted_by_label
from kmtui.core.imports.tree import Tree

CLIENT = "certbot"
_VERSION = re.compile(r"(?:fullchain|cert|chain|privkey)([0-9]{1,6})\.pem")
_SETTING = re.compile(r"^\s*(\w+)\s*=\s*(.*?)\s*$", re.MULTILINE)
_DEEPEST_ACCOUNT = 8
"""Directories below ``accounts``: one for each part of the CA's path."""


def is_certbot(tree: Tree) -> bool:
    """Whether the directory is certbot's."""
    names = set(tree.names())
    return "archive" in names and bool(names & {"renewal", "live"})


def read_certbot(tree: Tree, password: Password) -> Found:
    """All certificates, versions and accounts."""
    found = Found()
    by_id: dict[str, FoundAccount] = {}
    for identity, folder in _account_folders(tree, "accounts", _DEEPEST_ACCOUNT):
        try:
            by_id[identity] = _account(tree, folder)
        except InvalidInput as error:
            found.troubles.append(Trouble(tree.shown(folder), error))
    found.accounts.extend(by_id.values())
    certificates = []
    for label, folder in _lineages(tree).items():
        try:
            settings = _settings(tree.text(f"renewal/{label}.conf") or "")
            versions = _versions(tree, folder, password, found)
        except InvalidInput as error:
            found.troubles.append(Trouble(tree.shown(folder), error))
            continue
        if versions:
            account = by_id.get(settings.get("account", ""))
            certificates.append(
                FoundCertificate(
                    versions=tuple(versions.values()),
                    label=label,
                    current=_in_use(tree, label, versions),
                    account=account.identity if account else "",
                    renewed=bool(settings),
                )
            )
    found.certificates.extend(sorted_by_label(certificates))
    return found


def _lineages(tree: Tree) -> dict[str, str]:
    """The directory with the versions of each certificate, by certbot's name for it."""
    named = {
        name.removesuffix(".conf"): ""
        for name in tree.names("renewal", kind="file")
        if name.endswith(".conf")
    }
    for name in named:
        target = tree.link(f"live/{name}/cert.pem")
        folder = posixpath.basename(posixpath.dirname(target)) or name
        named[name] = f"archive/{folder}"
    taken = set(named.values())
    for name in tree.names("archive", kind="directory"):
        if f"archive/{name}" not in taken:
            named[name] = f"archive/{name}"
    return named


def _versions(tree: Tree, folder: str, password: Password, found: Found) -> dict[int, FoundVersion]:
    """The versions by certbot's number, the lowest first; one that cannot be read is a trouble."""
    numbers = {int(m[1]) for name in tree.names(folder) if (m := _VERSION.fullmatch(name))}
    versions: dict[int, FoundVersion] = {}
    for number in sorted(numbers):
        try:
            for version in _version(tree, folder, number, password):
                versions[number] = version
        except InvalidInput as error:
            found.troubles.append(Trouble(f"{tree.shown(folder)} version {number}", error))
    return versions


def _version(tree: Tree, folder: str, number: int, password: Password) -> Iterator[FoundVersion]:
    pool = Pool()
    if not pour(tree, f"{folder}/fullchain{number}.pem", pool, password):
        pour(tree, f"{folder}/cert{number}.pem", pool, password)
        pour(tree, f"{folder}/chain{number}.pem", pool, password)
    pour(tree, f"{folder}/privkey{number}.pem", pool, password)
    yield from pool.versions()[:1]


def _in_use(tree: Tree, label: str, versions: dict[int, FoundVersion]) -> str:
    """Fingerprint of the version that ``live`` links to; empty when that is none of them."""
    name = posixpath.basename(tree.link(f"live/{label}/cert.pem"))
    match = _VERSION.fullmatch(name)
    version = versions.get(int(match[1])) if match else None
    return version.facts.sha256 if version else ""


def _settings(text: str) -> dict[str, str]:
    """What a renewal file says, whatever section it says it in."""
    return {name: value.strip("\"'") for name, value in _SETTING.findall(text)}


def _account_folders(tree: Tree, folder: str, deep: int) -> Iterator[tuple[str, str]]:
    """The directories that hold an account, by the account's id: their own name.

    A directory may be a link to another within: certbot links a CA's former URL to the present one.
    What is reached by both counts once, under the URL that comes last: the higher version.
    """
    for name in tree.names(folder):
        path = f"{folder}/{name}"
        try:
            within = tree.names(path)
        except InvalidInput:
            continue  # a link that leads out is not certbot's
        if "private_key.json" in within:
            yield name, path
        elif deep:
            yield from _account_folders(tree, path, deep - 1)


def _account(tree: Tree, folder: str) -> FoundAccount:
    directory_url = "https://" + posixpath.dirname(folder).removeprefix("accounts/")
    registration = json_object(tree.text(f"{folder}/regr.json") or "")
    path = f"{folder}/private_key.json"
    return account_from(
        tree.text(path) or "",
        where=tree.shown(path),
        client=CLIENT,
        directory_url=directory_url,
        fits=lambda url: url == directory_url,
        account_url=member(registration, "uri"),
        contact=member(registration, "body", "contact"),
        status=member(registration, "body", "status"),
    )
