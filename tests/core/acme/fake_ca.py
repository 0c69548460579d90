"""A stateful ACME CA in memory (RFC 8555), with a script of misbehaviour for each path.

It checks what a strict CA checks: content type, signature (by the `acme` package, not by our own
code), nonce used once, `url` equal to the URL called, `kid` and `jwk` where they belong.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from acme.jws import JWS
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from josepy.json_util import decode_b64jose, encode_b64jose
from josepy.jwk import JWK, JWKOct

BASE = "https://ca.test"
DIRECTORY = f"{BASE}/directory"
PROBLEM = "urn:ietf:params:acme:error:"


class Lost:
    """In a script: carry the request out, then lose the answer."""


Step = httpx.Response | Exception | Lost | Callable[[httpx.Request], httpx.Response]


class Clock:
    """Monotonic time that only moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@dataclass
class Refusal(Exception):
    status: int
    type: str
    detail: str = ""
    headers: dict[str, str] = field(default_factory=dict)


def problem(status: int, type_: str, detail: str = "", **headers: str) -> httpx.Response:
    """A problem document; header names with underscores for hyphens."""
    return httpx.Response(
        status,
        json={"type": PROBLEM + type_, "detail": detail},
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


class FakeCa:
    """Give `FakeCa().transport` to an AcmeClient as `http`."""

    def __init__(self, *, meta: dict[str, Any] | None = None) -> None:
        self.meta = meta
        self.random = random.Random(7)
        self.nonce_rejection = 0.0
        self.give_nonces = True
        self.deactivates = True
        """Whether authorizations can be given up, which not every CA allows."""
        self.ready_after = 0
        """How many times an order whose authorizations are valid still says pending."""
        self.processing_for = 0
        """How many times a finalized order says processing."""
        self.script: defaultdict[str, deque[Step]] = defaultdict(deque)
        self.requests: list[tuple[str, str]] = []
        self.payloads: list[tuple[str, Any]] = []
        self.headers: list[httpx.Headers] = []
        self.nonces: set[str] = set()
        self.accounts: dict[str, dict[str, Any]] = {}
        self.keys: dict[str, JWK] = {}
        self.orders: dict[str, dict[str, Any]] = {}
        self.authorizations: dict[str, dict[str, Any]] = {}
        self.chains: dict[str, bytes] = {}
        self.chain_links: list[tuple[str, str]] = []
        self.revoked: dict[bytes, int | None] = {}
        self.root_key = ec.generate_private_key(ec.SECP256R1())
        self.root = certificate("Fake root", self.root_key, "Fake root", self.root_key, ca=True)
        self.transport = httpx.MockTransport(self.serve)

    def count(self, path: str) -> int:
        """How often a path was asked for."""
        return sum(1 for _, asked in self.requests if asked == path)

    async def serve(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.requests.append((request.method, path))
        self.headers.append(request.headers)
        step: Step | None = self.script[path].popleft() if self.script[path] else None
        if isinstance(step, httpx.Response):
            return step
        if isinstance(step, Exception):
            raise step
        if callable(step):
            return step(request)
        try:
            response = self.answer(request)
        except Refusal as refusal:
            response = problem(refusal.status, refusal.type, refusal.detail)
            response.headers.update(refusal.headers)
        if isinstance(step, Lost):
            raise httpx.ReadError("connection reset", request=request)
        if self.give_nonces and path != "/directory":
            response.headers["Replay-Nonce"] = self.fresh_nonce()
        return response

    def fresh_nonce(self) -> str:
        # The last character carries unused bits: it must come back exactly as given.
        nonce = "".join(self.random.choice("ABCDEFGHabcdefgh0123_-") for _ in range(21)) + "B"
        self.nonces.add(nonce)
        return nonce

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path == "/directory":
            return httpx.Response(200, json=self.directory())
        if path == "/new-nonce":
            response = httpx.Response(200 if request.method == "HEAD" else 204)
            response.headers["Replay-Nonce"] = self.fresh_nonce()
            return response
        payload, key, kid = self.verified(request)
        self.payloads.append((path, payload))
        if path == "/new-account":
            return self.new_account(payload, key)
        if path == "/revoke":
            return self.revoke(payload)
        if path == "/key-change":
            return self.key_change(payload, key, kid)
        if kid not in self.accounts:
            raise Refusal(400, "accountDoesNotExist", "no such account")
        kind = path.split("/")[1]
        routes = {
            "acct": self.account,
            "new-order": self.new_order,
            "order": self.order,
            "authz": self.authorization,
            "chall": self.challenge,
            "finalize": self.finalize,
            "cert": self.certificate,
        }
        if kind not in routes:
            raise Refusal(404, "malformed", "no such page")
        return routes[kind](path, payload)

    def directory(self) -> dict[str, Any]:
        directory = {
            "newNonce": f"{BASE}/new-nonce",
            "newAccount": f"{BASE}/new-account",
            "newOrder": f"{BASE}/new-order",
            "revokeCert": f"{BASE}/revoke",
            "keyChange": f"{BASE}/key-change",
            "renewalInfo": f"{BASE}/renewal-info",
            "aG9tZQ": "https://example.org/random-entries-are-ignored",
        }
        return directory if self.meta is None else {**directory, "meta": self.meta}

    def verified(self, request: httpx.Request) -> tuple[Any, JWK, str | None]:
        """Payload, key and kid of a request that obeys RFC 8555 section 6."""
        assert request.method == "POST"
        assert request.headers["content-type"] == "application/jose+json"
        assert "content-length" in request.headers
        body = json.loads(request.content)
        assert set(body) == {"protected", "payload", "signature"}, "flattened, no header (6.2)"
        protected = json.loads(decode_b64jose(body["protected"]))
        if protected["url"] != str(request.url):
            raise Refusal(403, "unauthorized", "url does not match")
        assert ("jwk" in protected) != ("kid" in protected), "exactly one of jwk and kid (6.2)"
        nonce = protected["nonce"]
        if nonce not in self.nonces or self.random.random() < self.nonce_rejection:
            self.nonces.discard(nonce)
            raise Refusal(400, "badNonce", "not a nonce of mine")
        self.nonces.discard(nonce)
        kid = protected.get("kid")
        key: Any
        if kid is not None:
            if kid not in self.keys:
                raise Refusal(400, "accountDoesNotExist", "no such kid")
            assert protected["url"] != f"{BASE}/new-account", "newAccount takes a jwk (6.2)"
            key = self.keys[kid]
        else:
            assert request.url.path in ("/new-account", "/revoke"), "kid expected (6.2)"
            key = JWK.from_json(protected["jwk"])
        if not JWS.from_json(body).verify(key):
            raise Refusal(400, "malformed", "bad signature")
        raw = decode_b64jose(body["payload"])
        return (json.loads(raw) if raw else None), key, kid

    def new_account(self, payload: Any, key: JWK) -> httpx.Response:
        url = self.account_of(key) or f"{BASE}/acct/{encode_b64jose(key.thumbprint())[:12]}"
        known = self.account_of(key) is not None
        if payload.get("onlyReturnExisting") and not known:
            raise Refusal(400, "accountDoesNotExist", "no account for this key")
        if not known:
            if (self.meta or {}).get("externalAccountRequired"):
                self.check_binding(payload, key)
            self.keys[url] = key
            self.accounts[url] = {"status": "valid", "contact": payload.get("contact", [])}
        return httpx.Response(
            200 if known else 201, json=self.accounts[url], headers={"Location": url}
        )

    def account_of(self, key: JWK) -> str | None:
        return next((url for url, known in self.keys.items() if known == key), None)

    def key_change(self, payload: Any, old_key: JWK, kid: str | None) -> httpx.Response:
        """Section 7.3.5: the old key's request carries one that the new key signed."""
        inner = JWS.from_json(payload)
        header = json.loads(inner.signature.protected)
        assert header["url"] == f"{BASE}/key-change", "the same url as outside"
        assert "nonce" not in header
        new_key: Any = JWK.from_json(header["jwk"])
        assert inner.verify(new_key)
        wish = json.loads(inner.payload)
        assert wish["account"] == kid
        assert JWK.from_json(wish["oldKey"]) == old_key
        holder = self.account_of(new_key)
        if holder is not None:
            raise Refusal(409, "malformed", "key is in use", {"Location": holder})
        self.keys[str(kid)] = new_key
        return httpx.Response(200, json=self.accounts[str(kid)])

    def check_binding(self, payload: Any, key: JWK) -> None:
        if "externalAccountBinding" not in payload:
            raise Refusal(403, "externalAccountRequired", "bind it")
        bound = JWS.from_json(payload["externalAccountBinding"])
        header = json.loads(bound.signature.protected)
        assert header == {"alg": "HS256", "kid": "eab-1", "url": f"{BASE}/new-account"}
        assert bound.verify(JWKOct(key=b"\xfb\xff secret key of the CA"))
        assert JWK.from_json(json.loads(bound.payload)) == key

    def account(self, path: str, payload: Any) -> httpx.Response:
        account = self.accounts[BASE + path]
        account.update(payload or {})
        return httpx.Response(200, json=account)

    def new_order(self, path: str, payload: Any) -> httpx.Response:
        number = len(self.orders) + 1
        authorizations = []
        for index, identifier in enumerate(payload["identifiers"]):
            url = f"/authz/{number}-{index}"
            value = identifier["value"]
            challenges = [
                {"type": type_, "url": f"{BASE}/chall/{number}-{index}/{type_}",
                 "status": "pending", "token": f"token-{number}-{index}_{type_}_of-128-bits_B"}
                for type_ in ("http-01", "dns-01", "dns-future-99")
            ]  # fmt: skip
            self.authorizations[url] = {
                "status": "pending",
                "identifier": {**identifier, "value": value.removeprefix("*.")},
                "challenges": challenges,
            } | ({"wildcard": True} if value.startswith("*.") else {})
            authorizations.append(BASE + url)
        self.random.shuffle(authorizations)
        self.orders[f"/order/{number}"] = {
            "status": "pending",
            "identifiers": payload["identifiers"],
            "authorizations": authorizations,
            "finalize": f"{BASE}/finalize/{number}",
        } | {key: payload[key] for key in ("profile", "replaces") if key in payload}
        return httpx.Response(
            201,
            json=self.orders[f"/order/{number}"],
            headers={"Location": f"{BASE}/order/{number}"},
        )

    def order(self, path: str, payload: Any) -> httpx.Response:
        order = self.orders[path]
        states = {self.authorizations[url.removeprefix(BASE)]["status"]
                  for url in order["authorizations"]}  # fmt: skip
        if order["status"] == "pending" and states <= {"valid"}:
            self.ready_after -= 1
            order["status"] = "ready" if self.ready_after < 0 else "pending"
        elif order["status"] == "processing":
            self.processing_for -= 1
            order["status"] = "valid" if self.processing_for <= 0 else "processing"
        return httpx.Response(200, json=order)

    def authorization(self, path: str, payload: Any) -> httpx.Response:
        authorization = self.authorizations[path]
        if payload is not None:
            if not self.deactivates:
                raise Refusal(400, "malformed", "authorizations cannot be deactivated here")
            authorization["status"] = payload["status"]
        return httpx.Response(200, json=authorization)

    def challenge(self, path: str, payload: Any) -> httpx.Response:
        authorization = self.authorizations[f"/authz/{path.split('/')[2]}"]
        challenge = next(c for c in authorization["challenges"] if c["url"] == BASE + path)
        if payload is not None:
            assert payload == {}, "an empty object answers a challenge (7.5.1)"
            if authorization["status"] != "pending":
                raise Refusal(400, "malformed", "authorization is not pending")
            challenge["status"] = authorization["status"] = "valid"
        return httpx.Response(200, json=challenge)

    def finalize(self, path: str, payload: Any) -> httpx.Response:
        order = self.orders[path.replace("finalize", "order")]
        if order["status"] != "ready":
            raise Refusal(403, "orderNotReady", f"order is {order['status']}")
        csr = x509.load_der_x509_csr(decode_b64jose(payload["csr"]))
        names = [identifier["value"] for identifier in order["identifiers"]]
        leaf = certificate(names[0], csr.public_key(), "Fake root", self.root_key, names=names)
        cert_path = path.replace("finalize", "cert")
        self.chains[cert_path] = pem(leaf) + pem(self.root)
        order["certificate"] = BASE + cert_path
        order["status"] = "processing" if self.processing_for else "valid"
        return httpx.Response(200, json=order)

    def certificate(self, path: str, payload: Any) -> httpx.Response:
        assert payload is None
        return httpx.Response(
            200,
            content=self.chains[path],
            headers=[("Content-Type", "application/pem-certificate-chain"), *self.chain_links],
        )

    def revoke(self, payload: Any) -> httpx.Response:
        der = decode_b64jose(payload["certificate"])
        if der in self.revoked:
            raise Refusal(400, "alreadyRevoked", "revoked already")
        self.revoked[der] = payload.get("reason")
        return httpx.Response(200)


def certificate(
    subject: str,
    public_key: Any,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    ca: bool = False,
    names: list[str] | None = None,
) -> x509.Certificate:
    """A certificate for `public_key` (or for the public half of a private key)."""
    if hasattr(public_key, "public_key"):
        public_key = public_key.public_key()
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject[:60])]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=90))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if names:
        sans = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        builder = builder.add_extension(sans, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def pem(cert: x509.Certificate) -> bytes:
    return cert.public_bytes(Encoding.PEM)


def csr(key: ec.EllipticCurvePrivateKey, *names: str) -> bytes:
    """A DER signing request for the names."""
    sans = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    signed = builder.add_extension(sans, critical=False).sign(key, hashes.SHA256())
    return signed.public_bytes(Encoding.DER)
