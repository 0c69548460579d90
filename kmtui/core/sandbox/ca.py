"""The practice CA: an RFC 8555 server on plain HTTP at 127.0.0.1.

Left out on purpose: keyChange, newAuthz, external account binding, and the reuse of
authorizations, so that every request shows the whole way.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509 import Certificate

from kmtui.core.sandbox import accounts, certificates, directory, jws, renewal
from kmtui.core.sandbox.directory import DEFAULT_PROFILE, PROFILES
from kmtui.core.sandbox.http import HttpServer, Request, Response
from kmtui.core.sandbox.issuer import Issuer
from kmtui.core.sandbox.jws import SignedRequest
from kmtui.core.sandbox.nonces import Nonces
from kmtui.core.sandbox.orders import Authorization, Challenge, Order, new_order, ordered_names
from kmtui.core.sandbox.problems import Rejection
from kmtui.core.sandbox.state import Account, Issued, State
from kmtui.core.sandbox.validation import Validator

Item = TypeVar("Item", Order, Authorization, Challenge)


class PracticeCa:
    """Answers ACME requests; each validation and each issuance takes `pace` seconds."""

    def __init__(
        self,
        issuer: Issuer,
        state: State,
        validator: Validator,
        *,
        zones: Sequence[str],
        pace: float = 0.0,
        nonce_rejection: float = 0.0,
    ) -> None:
        self.base = ""
        self._issuer = issuer
        self._state = state
        self._validator = validator
        self._zones = zones
        self._pace = pace
        self._nonces = Nonces(nonce_rejection)
        self._orders: dict[str, Order] = {}
        self._authorizations: dict[str, Authorization] = {}
        self._challenges: dict[str, Challenge] = {}
        self._work: set[asyncio.Task[None]] = set()
        self._server = HttpServer(self._respond)
        self._pages: dict[str, Callable[[], Response]] = {
            "/": lambda: Response.text(directory.WELCOME),
            "/directory": lambda: Response.json(directory.document(self.base)),
            "/terms": lambda: Response.text(directory.TERMS),
            "/new-nonce": lambda: Response(204),
        }
        self._posts: dict[tuple[str, ...], Callable[[SignedRequest, str], Response]] = {
            ("new-account",): self._new_account,
            ("account",): self._account,
            ("account", "orders"): self._account_orders,
            ("new-order",): self._new_order,
            ("order",): self._order,
            ("order", "finalize"): self._finalize,
            ("authorization",): self._authorization,
            ("challenge",): self._challenge,
            ("certificate",): self._certificate,
            ("certificate", "other"): self._other_certificate,
            ("revoke-certificate",): self._revoke,
        }

    async def start(self, port: int = 0) -> None:
        """Listen on `port` (0: a free one) of 127.0.0.1; OSError when it is taken."""
        await self._server.start(port)
        self.base = f"http://127.0.0.1:{self._server.port}"

    @property
    def port(self) -> int:
        """Where the CA listens."""
        return self._server.port

    async def close(self) -> None:
        """Stop listening and give up what is under way."""
        await self._server.close()
        for task in self._work:
            task.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)

    def _respond(self, request: Request) -> Response:
        try:
            response = self._page(request) if request.method != "POST" else self._post(request)
        except Rejection as rejection:
            response = Response.json(
                rejection.document(), rejection.status, "application/problem+json"
            )
        response.headers += [
            ("Replay-Nonce", self._nonces.issue()),
            ("Cache-Control", "no-store"),
            ("Link", f'<{self.base}/directory>;rel="index"'),
        ]
        return response

    def _page(self, request: Request) -> Response:
        if request.method == "GET" and request.path.startswith(renewal.PATH):
            return self._renewal_info(request.path.removeprefix(renewal.PATH))
        page = self._pages.get(request.path)
        if request.method not in ("GET", "HEAD") or page is None:
            raise Rejection("malformed", f"Nothing to {request.method} here", status=405)
        response = page()
        if request.path == "/new-nonce" and request.method == "HEAD":
            response.status = 200  # RFC 8555 §7.2: 200 for HEAD, 204 for GET
        return response

    def _renewal_info(self, cert_id: str) -> Response:
        response = Response.json(renewal.information(self._state, cert_id))
        response.headers.append(("Retry-After", str(renewal.ASK_AGAIN)))
        return response

    def _post(self, request: Request) -> Response:
        """Verify the signed request and hand it to the resource it is for."""
        if request.headers.get("content-type") != "application/jose+json":
            raise Rejection("malformed", "Content-Type must be application/jose+json", status=415)
        noun, _, rest = request.path.strip("/").partition("/")
        item, *action = rest.split("/")
        post = self._posts.get((noun, *action))
        if post is None:
            raise Rejection("malformed", "No such resource", status=404)
        url = self.base + request.path
        signed = jws.read(request.body, url, self._nonces.use, self._account_of)
        return post(signed, item)

    # Accounts, RFC 8555 section 7.3

    def _account_of(self, url: str) -> Account:
        account = self._state.accounts.get(url.removeprefix(f"{self.base}/account/"))
        if account is None:
            raise Rejection("accountDoesNotExist", f"No account has the URL {url}")
        return account

    def _new_account(self, signed: SignedRequest, _: str) -> Response:
        account, created = accounts.register(self._state, signed)
        url = f"{self.base}/account/{account.id}"
        response = Response.json(accounts.document(account, url), 201 if created else 200)
        response.headers.append(("Location", url))
        return response

    def _account(self, signed: SignedRequest, item: str) -> Response:
        account = _signer(signed)
        if account.id != item:
            raise Rejection("unauthorized", "This is the account of another key")
        accounts.update(self._state, account, signed.payload or {})
        return Response.json(accounts.document(account, f"{self.base}/account/{account.id}"))

    def _account_orders(self, signed: SignedRequest, item: str) -> Response:
        self._account(signed, item)
        urls = [order.url for order in self._orders.values() if order.account.id == item]
        return Response.json({"orders": urls})

    # Orders, RFC 8555 section 7.4

    def _new_order(self, signed: SignedRequest, _: str) -> Response:
        account, payload = _signer(signed), signed.payload or {}
        names = ordered_names(payload.get("identifiers"), self._zones)
        profile = payload.get("profile") or DEFAULT_PROFILE
        if not isinstance(profile, str) or profile not in PROFILES:
            raise Rejection("invalidProfile", f"Profiles are {', '.join(PROFILES)}")
        if "notBefore" in payload or "notAfter" in payload:
            raise Rejection("malformed", "notBefore and notAfter are not supported")
        order = new_order(self.base, account, names, profile, payload.get("replaces"))
        self._orders[order.id] = order
        for authorization in order.authorizations:
            self._authorizations[authorization.id] = authorization
            self._challenges |= {challenge.id: challenge for challenge in authorization.challenges}
        return self._order_response(order, 201)

    def _order(self, signed: SignedRequest, item: str) -> Response:
        return self._order_response(_owned(signed, self._orders, item))

    def _order_response(self, order: Order, status: int = 200) -> Response:
        response = self._waiting(order.document(), order.status, status)
        response.headers.append(("Location", order.url))
        return response

    def _finalize(self, signed: SignedRequest, item: str) -> Response:
        order = _owned(signed, self._orders, item)
        if order.status != "ready":
            raise Rejection("orderNotReady", f"The order is {order.status}, not ready")
        key = certificates.requested_key(signed.payload or {}, order.names, order.account)
        order.processing = True
        self._begin(self._issue(order, key))
        return self._order_response(order)

    async def _issue(self, order: Order, key: CertificatePublicKeyTypes) -> None:
        await asyncio.sleep(self._pace)
        lifetime = timedelta(days=PROFILES[order.profile].days)
        order.certificate = self._issuer.issue(order.names, key, datetime.now(UTC), lifetime)
        order.certificate_url = f"{self.base}/certificate/{order.id}"
        self.record(order.certificate, order.account.id)

    def record(self, certificate: Certificate, account_id: str) -> None:
        """Note whose certificate that is, and when it had better be renewed."""
        window = renewal.stored(renewal.usual_window(certificate))
        self._state.issued[certificates.serial_hex(certificate)] = Issued(account_id, window=window)
        self._state.save()

    # Authorizations and challenges, RFC 8555 section 7.5

    def _authorization(self, signed: SignedRequest, item: str) -> Response:
        authorization = _owned(signed, self._authorizations, item)
        wished = (signed.payload or {}).get("status")
        if wished == "deactivated" and authorization.status in ("pending", "valid"):
            authorization.status = "deactivated"
        return self._waiting(authorization.document(), authorization.status)

    def _challenge(self, signed: SignedRequest, item: str) -> Response:
        challenge = _owned(signed, self._challenges, item)
        authorization = challenge.authorization
        answered = any(other.status != "pending" for other in authorization.challenges)
        if signed.payload is not None and authorization.status == "pending" and not answered:
            challenge.status = "processing"
            self._begin(self._validate(challenge, f"{challenge.token}.{signed.thumbprint}"))
        response = self._waiting(challenge.document(), challenge.status)
        response.headers.append(("Link", f'<{authorization.url}>;rel="up"'))
        return response

    async def _validate(self, challenge: Challenge, key_authorization: str) -> None:
        await asyncio.sleep(self._pace)
        try:
            name = challenge.authorization.name
            await self._validator.check(challenge.type, name, key_authorization)
        except Rejection as rejection:
            challenge.settle(rejection)
        else:
            challenge.settle(None)

    # Certificates, RFC 8555 sections 7.4.2 and 7.6

    def _certificate(self, signed: SignedRequest, item: str, *, other: bool = False) -> Response:
        order = _owned(signed, self._orders, item)
        if order.certificate is None:
            raise Rejection("malformed", "No such certificate", status=404)
        chain = self._issuer.chain_pem(order.certificate, other=other)
        response = Response.text(chain, "application/pem-certificate-chain")
        alternate = f"{order.certificate_url}{'' if other else '/other'}"
        response.headers.append(("Link", f'<{alternate}>;rel="alternate"'))
        return response

    def _other_certificate(self, signed: SignedRequest, item: str) -> Response:
        return self._certificate(signed, item, other=True)

    def _revoke(self, signed: SignedRequest, _: str) -> Response:
        held = {
            ("*." if authorization.wildcard else "") + authorization.name
            for authorization in self._authorizations.values()
            if authorization.status == "valid" and authorization.order.account is signed.account
        }
        certificates.revoke(self._state, self._issuer, signed, held)
        return Response()

    def _waiting(self, document: dict[str, Any], item_status: str, status: int = 200) -> Response:
        """The document; while something is under way, with the time to ask again."""
        response = Response.json(document, status)
        if item_status in ("pending", "processing"):
            response.headers.append(("Retry-After", str(math.ceil(self._pace))))
        return response

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)


def _signer(signed: SignedRequest) -> Account:
    if signed.account is None:
        raise Rejection("malformed", "This request is signed with kid, not jwk")
    return signed.account


def _owned(signed: SignedRequest, items: dict[str, Item], item_id: str) -> Item:
    """The item of that id, if it belongs to who asks."""
    item = items.get(item_id)
    if item is None:
        raise Rejection("malformed", "No such resource", status=404)
    if item.account is not _signer(signed):
        raise Rejection("unauthorized", "This belongs to another account")
    return item
