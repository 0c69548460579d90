"""A fake Microsoft Entra ID, and the identity services of machines that run on Azure."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiohttp import web
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT = "66666666-7777-8888-9999-000000000000"
SECRET = "canary~client.secret-8Q"
ARM = "https://management.azure.com"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class FakeIdentities:
    """Gives tokens to one application by any proof, and to the identities of one machine."""

    def __init__(self, audience: str = ARM) -> None:
        self.audience = audience
        self.tokens: dict[str, str] = {}
        """Valid ones, and who got each."""
        self.lifetime: object = "3599"
        """As it is sent: the older endpoint writes numbers as strings."""
        self.certificates: list[x509.Certificate] = []
        self.federated: set[str] = set()
        """Tokens of other issuers that are trusted; each is what a workload has."""
        self.machine: set[str] = set()
        """Client ids of the identities assigned to the machine; ``system`` is its own."""
        self.refusal: tuple[int, str, str] | None = None
        """Status, ``error`` and description of what the login host says instead."""
        self.imds_statuses: list[int] = []
        """What the metadata service answers first."""
        self.header = "canary-identity-header"
        self.arc_challenges: Path | None = None
        self.arc_realm: str | None = None
        """The file that Azure Arc names, when it is not one of its own."""
        self.asked: list[dict[str, str]] = []
        """The query of each call of an identity service."""
        self._serial = itertools.count(1)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/{tenant}/oauth2/v2.0/token", self._sign_in),
            web.get("/metadata/identity/oauth2/token", self._imds),
            web.get("/msi/token", self._app_service),
            web.get("/arc/token", self._arc),
            web.get("/oidc", self._oidc),
        ]

    def issue(self, to: str) -> dict[str, Any]:
        token = f"eyJcanary.{to}.{next(self._serial)}"
        self.tokens[token] = to
        return {
            "token_type": "Bearer",
            "expires_in": self.lifetime,
            "ext_expires_in": self.lifetime,
            "access_token": token,
        }

    # Microsoft Entra ID

    async def _sign_in(self, request: web.Request) -> web.Response:
        if self.refusal:
            return _refused(*self.refusal)
        form = {name: str(value) for name, value in (await request.post()).items()}
        tenant, client = request.match_info["tenant"], form.get("client_id")
        url = f"http://{request.host}{request.path}"
        if tenant != TENANT:
            return _refused(400, "invalid_request", f"AADSTS90002: Tenant '{tenant}' not found.")
        if client != CLIENT:
            return _refused(400, "unauthorized_client", f"AADSTS700016: No app '{client}' here.")
        if (form.get("grant_type"), form.get("scope")) != (
            "client_credentials",
            f"{self.audience}/.default",
        ):
            return _refused(400, "invalid_scope", "AADSTS1002012: The scope is not valid.")
        if "client_secret" in form:
            if form["client_secret"] != SECRET:
                text = "AADSTS7000215: Invalid client secret provided."
                return _refused(401, "invalid_client", text)
        elif form.get("client_assertion_type") != JWT_BEARER:
            return _refused(401, "invalid_client", "AADSTS7000216: No assertion is there.")
        elif form["client_assertion"] not in self.federated:
            fault = self._fault(form["client_assertion"], url)
            if fault:
                return _refused(401, "invalid_client", fault)
        return web.json_response(self.issue("application"))

    def _fault(self, assertion: str, url: str) -> str:
        try:
            header, claims, signature = (_unbase64(part) for part in assertion.split("."))
            named = json.loads(header)
        except ValueError:
            return "AADSTS70021: No matching federated identity record found."
        certificate = next((c for c in self.certificates if _x5t(c) == named.get("x5t")), None)
        if certificate is None or named["alg"] != "RS256":
            return "AADSTS700027: The certificate is not registered on application."
        key = certificate.public_key()
        assert isinstance(key, RSAPublicKey)
        try:
            key.verify(signature, assertion.rpartition(".")[0].encode(), PKCS1v15(), SHA256())
        except InvalidSignature:
            return "AADSTS700027: Client assertion failed signature validation."
        claimed = json.loads(claims)
        if not claimed["nbf"] - 300 <= time.time() <= claimed["exp"] or not claimed["jti"]:
            return "AADSTS700024: Client assertion is not within its valid time range."
        if claimed["aud"] != url:
            return "AADSTS700023: Client assertion audience claim does not match."
        if (claimed["iss"], claimed["sub"]) != (CLIENT, CLIENT):
            return "AADSTS700021: Client assertion application identifier doesn't match."
        return ""

    # The machine

    async def _imds(self, request: web.Request) -> web.Response:
        if self.imds_statuses:
            return web.Response(status=self.imds_statuses.pop(0), text="<html>")
        return self._for_machine(request, "2018-02-01")

    async def _app_service(self, request: web.Request) -> web.Response:
        if request.headers.get("X-IDENTITY-HEADER") != self.header:
            return web.json_response({"statusCode": 401, "message": "no header"}, status=401)
        return self._for_machine(request, "2019-08-01", absolute=True)

    async def _arc(self, request: web.Request) -> web.Response:
        assert self.arc_challenges is not None
        file = self.arc_challenges / "challenge.key"
        if "Authorization" not in request.headers:
            file.write_text("canary-arc-key\n")
            named = self.arc_realm or str(file)
            return web.Response(status=401, headers={"WWW-Authenticate": f"Basic realm={named}"})
        if request.headers["Authorization"] != "Basic canary-arc-key":
            return web.Response(status=403)
        return self._for_machine(request, "2020-06-01", absolute=True)

    def _for_machine(
        self, request: web.Request, version: str, *, absolute: bool = False
    ) -> web.Response:
        self.asked.append(dict(request.query))
        if request.headers.get("Metadata") != "true":
            return web.json_response({"error": "bad_request"}, status=400)
        if request.query.get("resource") != f"{self.audience}/":
            return web.json_response({"error": "invalid_resource"}, status=400)
        assert request.query.get("api-version") == version
        wanted = request.query.get("client_id", "system")
        if wanted not in self.machine:
            said = {"error": "invalid_request", "error_description": "Identity not found"}
            return web.json_response(said, status=400)
        answer = self.issue(f"machine-{wanted}")
        answer["expires_on"] = str(int(time.time()) + 86400)
        if absolute:
            del answer["expires_in"]
        return web.json_response(answer)

    # GitHub Actions

    async def _oidc(self, request: web.Request) -> web.Response:
        fitting = (
            request.query.get("audience") == "api://AzureADTokenExchange"
            and request.query.get("job") == "7"
            and request.headers.get("Authorization") == "Bearer canary-request-token"
        )
        if not fitting:
            return web.json_response({"message": "no"}, status=403)
        return web.json_response({"value": next(iter(self.federated)), "count": 1})


def _refused(status: int, error: str, description: str) -> web.Response:
    """Microsoft Entra ID's words."""
    body: Mapping[str, object] = {
        "error": error,
        "error_description": f"{description}\r\nTrace ID: 0000\r\nCorrelation ID: 1111",
        "error_codes": [int("".join(filter(str.isdigit, description.partition(":")[0])) or 0)],
        "trace_id": "0000",
    }
    return web.json_response(body, status=status, headers={"x-ms-request-id": "entra-request-1"})


def _x5t(certificate: x509.Certificate) -> str:
    digest = hashlib.sha1(certificate.public_bytes(Encoding.DER), usedforsecurity=False).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
