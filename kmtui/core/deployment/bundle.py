"""A version as the files that servers want: the key and the chain in their usual shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes

from kmtui.core import inspection
from kmtui.core.errors import InvalidInput, Refused
from kmtui.core.keys import load_private_key, spki_sha256
from kmtui.model import Version

PRIVKEY = "privkey.pem"
CERT = "cert.pem"
CHAIN = "chain.pem"
FULLCHAIN = "fullchain.pem"
COMBINED = "combined.pem"
WITH_KEY = frozenset({PRIVKEY, COMBINED})
"""The files that are nobody else's business."""
MOST_OCTETS = inspection.MAX_PEM
"""Read of a file on a server; a chain of ten certificates is shorter."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """The files of one version by name."""

    version: Version
    files: Mapping[str, bytes] = field(repr=False)
    """`privkey.pem`, `cert.pem`, `chain.pem` (the rest of the chain, may be empty),
    `fullchain.pem` and `combined.pem` (the key, then the chain: the order that all programs take).
    """


def bundle(version: Version, key_pem: bytes) -> Bundle:
    """The files of a version with its private key; some 100 ms for RSA: call it in a thread.

    Raises Refused for a key that is another certificate's.
    """
    if spki_sha256(load_private_key(key_pem)) != version.spki_sha256:
        raise Refused(
            f"the key stored for version {version.number} of {version.certificate} is not its key",
            hint="renew the certificate: the new version gets a key of its own",
        )
    chain = [block.text.encode() for block in inspection.pem_blocks(version.chain_pem)]
    fullchain = b"".join(chain)
    return Bundle(
        version,
        {
            PRIVKEY: key_pem,
            CERT: chain[0],
            CHAIN: b"".join(chain[1:]),
            FULLCHAIN: fullchain,
            COMBINED: key_pem + fullchain,
        },
    )


def leaf_sha256(content: bytes | None) -> str | None:
    """Fingerprint of the first certificate in a file, lower-case hex; None when it has none."""
    try:
        blocks = inspection.pem_blocks(content or b"")
        first = next((block for block in blocks if block.label == "CERTIFICATE"), None)
        if first is None:
            return None
        (certificate,) = inspection.parse_chain(first.text)
    except InvalidInput:
        return None
    return certificate.fingerprint(hashes.SHA256()).hex()
