"""Certificates and state directories as other clients have them, made by an issuer of the tests."""

from __future__ import annotations

import base64
import itertools
import json
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from kmtui.core import keys
from kmtui.core.account_keys import to_jwk
from tests.core.issuer import NOW, chain_of_issuers

ROOT, INTERMEDIATE = chain_of_issuers()
ISSUER = INTERMEDIATE.certificate
"""Made once: each look at the property signs another one."""
ROOT_CERTIFICATE = ROOT.certificate
_SERIALS = itertools.count(0x1000)


@dataclass(frozen=True)
class Made:
    """A certificate with its key and chain."""

    leaf: x509.Certificate
    key: keys.PrivateKey

    @property
    def cert_pem(self) -> str:
        return self.leaf.public_bytes(Encoding.PEM).decode()

    @property
    def chain_pem(self) -> str:
        return ISSUER.public_bytes(Encoding.PEM).decode()

    @property
    def fullchain_pem(self) -> str:
        return self.cert_pem + self.chain_pem

    @property
    def key_pem(self) -> str:
        return keys.to_pem(self.key).decode()


def made(
    *names: str,
    key_type: str = "ec256",
    begins: datetime = NOW - timedelta(days=1),
    days: int = 90,
) -> Made:
    """A certificate for these names, by default one that began yesterday."""
    key = keys.generate(key_type)
    leaf = INTERMEDIATE.issue(
        names or ("shop.example.org",),
        key,
        begins=begins,
        lasts=timedelta(days=days),
        serial=next(_SERIALS),
    )
    return Made(leaf, key)


def history(*names: str, versions: int = 3) -> list[Made]:
    """One certificate's versions, 60 days apart, the last one valid."""
    return [
        made(*names, begins=NOW - timedelta(days=1 + 60 * back))
        for back in reversed(range(versions))
    ]


def written(path: Path, text: str | bytes) -> Path:
    """A file, its directories made where they are missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(os.fsencode(text) if isinstance(text, str) else text)
    return path


def certbot_lineage(
    root: Path,
    name: str,
    versions: list[Made],
    *,
    current: int | None = None,
    server: str = "https://ca.example.org/directory",
    account: str = "0123abcd",
    conf: bool = True,
) -> None:
    """A certificate in certbot's state; `current` is the number that ``live`` links to."""
    current = current or len(versions)
    (root / "live" / name).mkdir(parents=True)
    (root / "renewal").mkdir(exist_ok=True)
    for number, each in enumerate(versions, start=1):
        parts = {
            "cert": each.cert_pem,
            "chain": each.chain_pem,
            "fullchain": each.fullchain_pem,
            "privkey": each.key_pem,
        }
        for part, text in parts.items():
            written(root / "archive" / name / f"{part}{number}.pem", text)
    for part in ("cert", "chain", "fullchain", "privkey"):
        link = root / "live" / name / f"{part}.pem"
        link.symlink_to(f"../../archive/{name}/{part}{current}.pem")
    written(root / "live" / "README", "This directory contains your keys and certificates.\n")
    if conf:
        written(
            root / "renewal" / f"{name}.conf",
            f"version = 2.1.0\narchive_dir = {root}/archive/{name}\n"
            f"cert = {root}/live/{name}/cert.pem\n\n[renewalparams]\naccount = {account}\n"
            f"server = {server}\nauthenticator = webroot\n[[webroot_map]]\n{name} = /var/www\n",
        )


def certbot_account(
    root: Path,
    key: keys.PrivateKey,
    *,
    place: str = "ca.example.org/directory",
    identity: str = "0123abcd",
    url: str | None = "https://ca.example.org/acct/7",
) -> Path:
    """A registration in certbot's state."""
    folder = root / "accounts" / place / identity
    written(folder / "private_key.json", to_jwk(key))
    registration = {"body": {"contact": ["mailto:ops@example.org"]}} | ({"uri": url} if url else {})
    written(folder / "regr.json", json.dumps(registration))
    written(folder / "meta.json", json.dumps({"creation_host": "web1"}))
    return folder


def lego_certificate(root: Path, each: Made, name: str, *, host: str = "ca.example.org") -> None:
    """A certificate in lego's state."""
    folder = root / "certificates"
    written(folder / f"{name}.crt", each.fullchain_pem)
    written(folder / f"{name}.issuer.crt", each.chain_pem)
    written(folder / f"{name}.key", each.key_pem)
    note = {"domain": name.replace("_", "*"), "certUrl": f"https://{host}/cert/1"}
    written(folder / f"{name}.json", json.dumps(note))


def lego_account(
    root: Path,
    key: keys.PrivateKey,
    *,
    host: str = "ca.example.org",
    email: str = "ops@example.org",
    url: str = "https://ca.example.org/acct/7",
    version: int = 4,
) -> None:
    """A registration in the state of lego 4 or 5."""
    folder = root / "accounts" / host.replace(":", "_") / email
    if version == 4:
        registration: dict[str, object] = {"body": {"status": "valid"}, "uri": url}
        written(folder / "keys" / f"{email}.key", keys.to_pem(key))
    else:
        folder /= "EC256"
        registration = {"status": "valid", "accountURL": url}
        written(folder / f"{email}.key", keys.to_pem(key))
    note = {"email": email, "registration": registration}
    written(folder / "account.json", json.dumps(note))


def acme_sh_certificate(
    root: Path,
    each: Made,
    folder: str,
    *,
    name: str | None = None,
    server: str = "https://ca.example.org/directory",
) -> None:
    """A certificate in acme.sh's state."""
    name = name or folder.removesuffix("_ecc")
    written(root / folder / f"{name}.cer", each.cert_pem)
    written(root / folder / f"{name}.key", each.key_pem)
    written(root / folder / "ca.cer", "\n" + each.chain_pem)
    written(root / folder / "fullchain.cer", each.fullchain_pem)
    hook = base64.b64encode(b"systemctl reload nginx").decode()
    written(
        root / folder / f"{name}.conf",
        f"Le_Domain='{name}'\nLe_Alt='no'\nLe_Webroot='/var/www'\nLe_API='{server}'\n"
        f"Le_ReloadCmd='__ACME_BASE64__START_{hook}__ACME_BASE64__END_'\n",
    )


def acme_sh_account(
    root: Path,
    key: keys.PrivateKey,
    *,
    place: str = "ca.example.org/directory",
    url: str = "https://ca.example.org/acct/7",
) -> None:
    """A registration in acme.sh's state."""
    folder = root / "ca" / place
    written(root / "account.conf", "ACCOUNT_EMAIL='ops@example.org'\n")
    written(folder / "account.key", keys.to_pem(key))
    written(
        folder / "ca.conf", f"CA_KEY_HASH='x='\nACCOUNT_URL='{url}'\nCA_EMAIL='ops@example.org'\n"
    )
    written(folder / "account.json", json.dumps({"status": "valid"}))
