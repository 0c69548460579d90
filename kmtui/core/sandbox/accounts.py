"""Accounts at the practice CA: registration, contacts, deactivation (RFC 8555 section 7.3)."""

from __future__ import annotations

import re
from typing import Any

from kmtui.core.sandbox.jws import SignedRequest
from kmtui.core.sandbox.problems import Rejection
from kmtui.core.sandbox.state import Account, State

ADDRESS = re.compile(r"[^@\s,?]+@[^@\s,?]+\.[^@\s,?]+")
"""One address and no hfields (RFC 8555 section 7.3)."""


def register(state: State, signed: SignedRequest) -> tuple[Account, bool]:
    """The account of the key, and whether it was made just now."""
    if signed.account is not None:
        raise Rejection("malformed", "newAccount is signed with jwk, not kid")
    payload = signed.payload or {}
    account_id = signed.thumbprint[:16]
    if account := state.accounts.get(account_id):
        if account.status != "valid":
            raise Rejection("unauthorized", f"The account of this key is {account.status}")
        return account, False
    if payload.get("onlyReturnExisting"):
        raise Rejection("accountDoesNotExist", "No account has this key")
    if payload.get("termsOfServiceAgreed") is not True:
        raise Rejection("malformed", "You must agree to the terms of service")
    account = Account(account_id, signed.jwk, _contact(payload.get("contact", [])))
    state.accounts[account_id] = account
    state.save()
    return account, True


def update(state: State, account: Account, payload: dict[str, Any]) -> None:
    """Change the contacts, or deactivate; everything else is ignored (RFC 8555 section 7.3.2)."""
    if payload.get("contact") is not None:
        account.contact = _contact(payload["contact"])
    if payload.get("status") == "deactivated":
        account.status = "deactivated"
    state.save()


def document(account: Account, url: str) -> dict[str, Any]:
    """The account object (RFC 8555 section 7.1.2)."""
    return {
        "status": account.status,
        "contact": account.contact,
        "termsOfServiceAgreed": True,
        "orders": url + "/orders",
    }


def _contact(contact: object) -> list[str]:
    if not isinstance(contact, list) or not all(isinstance(url, str) for url in contact):
        raise Rejection("malformed", "contact is a list of URLs")
    for url in contact:
        scheme, _, address = url.partition(":")
        if scheme != "mailto":
            raise Rejection("unsupportedContact", f"Only mailto: contacts are supported: {url}")
        if not ADDRESS.fullmatch(address):
            raise Rejection("invalidContact", f"Not one e-mail address: {url}")
    return contact
