"""What comes out of a request is what was asked for, or nothing: no version, no file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from josepy.json_util import decode_b64jose

from kmtui.model import RequestStatus
from tests.core.acme.fake_ca import FakeCa, pem
from tests.torture.edge_cases.conftest import Desk

OTHER_KEY = ec.generate_private_key(ec.SECP256R1())
KEY_BLOCK = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
NAME = "www.example.org"


def leaf(
    ca: FakeCa, *, names: Sequence[str] = (NAME,), own_key: bool = True, begins: float = 0
) -> bytes:
    """A certificate for the CSR the CA got last, or for another key; `begins` in days from now."""
    payload = [payload for path, payload in ca.payloads if path.startswith("/finalize/")][-1]
    csr = x509.load_der_x509_csr(decode_b64jose(payload["csr"]))
    start = datetime.now(UTC) + timedelta(days=begins, hours=-1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(ca.root.subject)
        .public_key(csr.public_key() if own_key else OTHER_KEY.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=30))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=True
        )
        .sign(ca.root_key, hashes.SHA256())
    )
    return pem(certificate)


@pytest.mark.edge(24)
@pytest.mark.edge(30)
@pytest.mark.parametrize(
    ("chain", "why"),
    [
        (lambda ca: leaf(ca, own_key=False) + pem(ca.root), "another key"),
        (lambda ca: leaf(ca, names=[NAME, "evil.test"]) + pem(ca.root), "added: evil.test"),
        (lambda ca: leaf(ca, names=["evil.test"]) + pem(ca.root), f"missing: {NAME}"),
        (lambda ca: leaf(ca, begins=-60) + pem(ca.root), "expired already"),
        (lambda ca: leaf(ca, begins=3) + pem(ca.root), "begins only on"),
        (lambda ca: pem(ca.root), "another key"),
    ],
    ids=["key", "more", "others", "expired", "early", "root"],
)
async def test_edge_24_30_a_certificate_that_was_not_asked_for_is_never_kept(
    desk: Desk, chain: Callable[[FakeCa], bytes], why: str
) -> None:
    desk.ca.script["/cert/1"].append(lambda request: httpx.Response(200, content=chain(desk.ca)))

    request = await desk.obtain(NAME)

    assert request.status == RequestStatus.FAILED
    assert request.problem is not None
    assert why in request.problem.what
    assert request.version is None
    assert desk.published() == []
    certificate = await desk.core.certificates.get(request.certificate_id or "")
    assert (certificate.current_version, certificate.unsaved_version) == (None, None)


@pytest.mark.edge(30)
@pytest.mark.parametrize(
    ("chain", "why"),
    [
        (lambda ca: leaf(ca) + pem(ca.root) * 1000, "larger than"),
        (lambda ca: leaf(ca) + KEY_BLOCK, "PRIVATE KEY block"),
        (lambda ca: b"", "no certificate"),
    ],
    ids=["long", "secret", "nothing"],
)
async def test_edge_30_a_chain_that_cannot_be_read_is_asked_for_again_later(
    desk: Desk, chain: Callable[[FakeCa], bytes], why: str
) -> None:
    desk.ca.script["/cert/1"].append(lambda request: httpx.Response(200, content=chain(desk.ca)))

    request = await desk.obtain(NAME)

    assert request.status == RequestStatus.PARKED
    assert request.problem is not None
    assert why in request.problem.what
    assert request.version is None
    desk.wall.ahead = timedelta(days=1)
    await desk.core.recovery.run()
    done = await desk.core.requests.wait(request.id, seconds=20)
    assert done.status == RequestStatus.AVAILABLE, done.problem
    assert len(desk.ca.orders) == 1


@pytest.mark.parametrize("token", ["../../../climbed-out-of-the-web-root", "/tmp/absolute", "a\0b"])
async def test_a_token_that_is_a_path_is_written_nowhere(desk: Desk, token: str) -> None:
    def place(request: httpx.Request) -> httpx.Response:
        made = desk.ca.answer(request)
        for challenge in desk.ca.authorizations["/authz/1-0"]["challenges"]:
            challenge["token"] = token
        return made

    desk.ca.script["/new-order"].append(place)
    home = desk.webroot.parent
    before = set(home.rglob("*"))

    request = await desk.obtain(NAME)

    assert request.status == RequestStatus.FAILED
    assert request.problem is not None
    assert "no token that is safe to publish" in request.problem.what
    assert {path.name for path in set(home.rglob("*")) - before} <= {"kmtui.db-wal", "kmtui.db-shm"}
