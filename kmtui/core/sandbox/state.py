"""What a kept sandbox remembers: ports, TSIG secret, accounts, and whose a certificate is."""

from __future__ import annotations

import base64
import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Account:
    """An ACME account (RFC 8555 section 7.1.2); its id is derived from its key."""

    id: str
    jwk: dict[str, str]
    contact: list[str]
    status: str = "valid"


@dataclass
class Issued:
    """An issued certificate: the id of its account ("" for none) and how it was revoked."""

    account: str
    revocation_reason: int | None = None
    window: tuple[str, str] | None = None
    """When it had better be renewed, RFC 3339 times; None for one of an older sandbox."""
    explanation: str = ""
    """A page that says why the window is where it is."""


def _new_secret() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


@dataclass
class State:
    """Everything but keys; `save` writes it when there is a directory to keep it in."""

    directory: Path | None = None
    ports: dict[str, int] = field(default_factory=dict)
    tsig_secret: str = field(default_factory=_new_secret, repr=False)
    accounts: dict[str, Account] = field(default_factory=dict)
    """By account id."""
    issued: dict[str, Issued] = field(default_factory=dict)
    """By serial number, lower-case hex."""

    @classmethod
    def open(cls, directory: Path | None) -> State:
        """The state kept in `directory`, or a new one; the directory is made when missing."""
        if directory is None:
            return cls()
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = directory / "sandbox.json"
        if not path.exists():
            return cls(directory)
        kept: dict[str, Any] = json.loads(path.read_text())
        return cls(
            directory,
            kept["ports"],
            kept["tsig_secret"],
            {key: Account(**account) for key, account in kept["accounts"].items()},
            {serial: Issued(**issued) for serial, issued in kept["issued"].items()},
        )

    def save(self) -> None:
        """Write everything down, if it is to be kept."""
        if self.directory is None:
            return
        document = {
            "ports": self.ports,
            "tsig_secret": self.tsig_secret,
            "accounts": {key: asdict(account) for key, account in self.accounts.items()},
            "issued": {serial: asdict(issued) for serial, issued in self.issued.items()},
        }
        write_private(self.directory / "sandbox.json", json.dumps(document, indent=1))


def write_private(path: Path, text: str) -> None:
    """Replace `path` in one step by a file that only its owner can read."""
    partial = path.with_suffix(".new")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    partial.replace(path)
