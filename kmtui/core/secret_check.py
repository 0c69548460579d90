"""Whether every sealed value of an inventory opens, and every key belongs to its certificate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlmodel import Session

from kmtui.core import keys
from kmtui.core.acme import thumbprint
from kmtui.core.certificates import KEY_KIND
from kmtui.core.errors import InvalidInput, NotFound, TamperedSecret
from kmtui.core.secrets import unsealed
from kmtui.core.vault import Vault
from kmtui.db import accounts, requests, secrets, versions
from kmtui.db.secrets import StoredSecret
from kmtui.model import Request


@dataclass(frozen=True, slots=True)
class SecretCheck:
    """What a look at all sealed values found."""

    opened: int
    """Values that opened, and fit."""
    problems: tuple[str, ...]
    """What did not, a sentence each."""


def check(session: Session, vault: Vault) -> SecretCheck:
    """Open every sealed value, one after the other; blocks. Raises VaultLocked.

    Keys are held against what they are for: a version's against its certificate, a request's
    against its signing request, an account's against its thumbprint.
    """
    opened, problems = 0, []
    for secret in secrets.every(session):
        if problem := _problem(session, vault, secret):
            problems.append(problem)
        else:
            opened += 1
    problems += [
        f"the private key of version {version.number} of {version.certificate} is missing"
        for version in versions.without_their_key(session)
    ]
    return SecretCheck(opened=opened, problems=tuple(problems))


def _problem(session: Session, vault: Vault, secret: StoredSecret) -> str:
    """What is wrong with one value; empty when nothing is."""
    named = f"the {secret.kind} of {secret.owner_table} {secret.owner_id}"
    try:
        value = unsealed(vault, secret)
    except TamperedSecret as error:
        return error.message
    if secret.kind not in (KEY_KIND, accounts.KEY):
        return ""
    try:
        key = keys.load_private_key(value, check_numbers=False)
    except InvalidInput as error:
        return f"{named} is no key: {error.message}"
    if secret.kind == accounts.KEY:
        account = accounts.get(session, secret.owner_id)
        if account is not None and account.key_thumbprint != thumbprint(key):
            return f"{named} is not the one the account {account.name} has"
        return ""
    found = keys.spki_sha256(key)
    wrong = next((each for each, wanted in _wanted(session, secret) if wanted != found), None)
    return f"{named} does not belong to {wrong}" if wrong else ""


def _wanted(session: Session, secret: StoredSecret) -> Iterator[tuple[str, str]]:
    """What a certificate's key is for, and the hash of the public key it must have."""
    version = None
    if secret.owner_table == versions.OWNER:
        version = versions.by_id(session, secret.owner_id)
    elif request := requests.get(session, secret.owner_id):
        yield from _signing_request(session, request)
        version = versions.of_request(session, request.certificate_id or "", request.id)
    if version is not None:
        yield f"version {version.number} of {version.certificate}", version.spki_sha256


def _signing_request(session: Session, request: Request) -> Iterator[tuple[str, str]]:
    try:
        found = keys.csr_spki_sha256(requests.csr(session, request.id))
    except NotFound:
        return
    except ValueError:
        found = "unreadable"
    yield f"the signing request of request {request.number}", found
