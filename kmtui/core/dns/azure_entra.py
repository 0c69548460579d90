"""Signing in as an application at Microsoft Entra ID: secret, certificate, workload identity."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

from kmtui.core.clock import utc_now
from kmtui.core.dns.api import Api, Reply
from kmtui.core.dns.azure_certificate import (
    ClientCertificate,
    is_pem,
    pfx_octets,
    read_certificate,
)
from kmtui.core.dns.azure_errors import SIGN_IN_PASSING, Identity, Saying, sign_in_error
from kmtui.core.dns.azure_token import NotOffered, Token, is_one_word
from kmtui.core.dns.settings import base_url
from kmtui.core.errors import InvalidInput
from kmtui.model import CheckLine

TITLE = "Microsoft Entra ID"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LARGEST_TOKEN_FILE = 64 * 1024
EXCHANGE = "api://AzureADTokenExchange"
"""The audience of tokens of others that Microsoft Entra ID takes."""
SOON = 30
"""Days: a certificate that ends earlier is mentioned."""


class Entra:
    """The token endpoint of a login host, asked for one kind of token."""

    def __init__(self, login_url: str, scope: str) -> None:
        self._scope = scope
        self.api = Api(TITLE, login_url, request_id=("x-ms-request-id",))

    def url(self, tenant: str, host: str = "") -> str:
        """The token endpoint of a tenant, at another login host if need be."""
        return f"{host or self.api.base_url}/{quote(tenant)}/oauth2/v2.0/token"

    async def token(
        self, tenant: str, client_id: str, proof: Mapping[str, str], *, host: str = ""
    ) -> Token:
        """A token for the application that `proof` shows us to be. Raises DnsProviderError."""
        form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "scope": self._scope,
            **proof,
        }
        reply = await self.api.call("POST", self.url(tenant, host), form=form, passing=_passing)
        if reply.ok and (token := Token.read(reply.json())):
            return token
        said = Saying.of(reply)
        if reply.ok or not said.code:
            raise self.api.unreadable(reply)
        raise sign_in_error(self.api, said, Identity(tenant, client_id), reply)


class ClientSecretSignIn:
    """An application with a secret."""

    title: ClassVar[str] = "client secret"

    def __init__(self, entra: Entra, tenant: str, client_id: str, secret: str) -> None:
        self._entra, self._tenant, self._client_id, self._secret = entra, tenant, client_id, secret

    async def token(self, *, alone: bool) -> Token:
        """See SignIn.token."""
        if not self._secret:
            raise NotOffered("no `client_secret` is set")
        proof = {"client_secret": self._secret}
        return await self._entra.token(self._tenant, self._client_id, proof)

    def lines(self) -> tuple[CheckLine, ...]:
        """See SignIn.lines."""
        return ()


class CertificateSignIn:
    """An application with a certificate."""

    title: ClassVar[str] = "certificate"

    def __init__(
        self, entra: Entra, tenant: str, client_id: str, text: bytes, password: bytes
    ) -> None:
        """Raises InvalidInput for text that is no certificate; a PFX file is opened later."""
        self._entra, self._tenant, self._client_id = entra, tenant, client_id
        self._text, self._password = text, password
        self._certificate: ClientCertificate | None = None
        if is_pem(text):
            self._certificate = read_certificate(text, password)
        elif text:
            pfx_octets(text)

    async def token(self, *, alone: bool) -> Token:
        """See SignIn.token."""
        if not self._text:
            raise NotOffered("no `certificate` is set")
        if self._certificate is None:
            self._certificate = await self._opened()
        if self._certificate.expires < utc_now():
            raise self._entra.api.error(
                f"the certificate of application {self._client_id} has expired "
                f"({self._certificate.expires:%Y-%m-%d})",
                kind="auth",
                hint="upload a new one to the app registration and set `certificate`",
            )
        assertion = self._certificate.assertion(self._entra.url(self._tenant), self._client_id)
        proof = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
        return await self._entra.token(self._tenant, self._client_id, proof)

    async def _opened(self) -> ClientCertificate:
        try:
            return await asyncio.to_thread(read_certificate, self._text, self._password)
        except InvalidInput as error:
            raise self._entra.api.error(error.message, kind="auth", hint=error.hint) from error

    def lines(self) -> tuple[CheckLine, ...]:
        """See SignIn.lines."""
        if self._certificate is None:
            return ()
        expires, thumbprint = self._certificate.expires, self._certificate.thumbprint
        soon = (expires - utc_now()).days < SOON
        text = f"its thumbprint is {thumbprint}, it ends on {expires:%Y-%m-%d}"
        return (CheckLine(None if soon else True, text),)


class WorkloadSignIn:
    """An application that trusts the tokens of another issuer: Kubernetes, GitHub Actions.

    The platform says in environment variables where the workload's own token is found.
    """

    title: ClassVar[str] = "workload identity"

    def __init__(
        self,
        entra: Entra,
        tenant: str,
        client_id: str,
        environment: Mapping[str, str],
        *,
        login_url: str = "",
    ) -> None:
        """Without `login_url` the platform may name the login host."""
        self._entra = entra
        self._host = login_url or environment.get("AZURE_AUTHORITY_HOST", "").rstrip("/")
        self._environment = environment
        self._tenant = tenant or environment.get("AZURE_TENANT_ID", "")
        self._client_id = client_id or environment.get("AZURE_CLIENT_ID", "")

    async def token(self, *, alone: bool) -> Token:
        """See SignIn.token. The workload's own token is fetched anew each time: it rotates."""
        file = self._environment.get("AZURE_FEDERATED_TOKEN_FILE", "")
        request_url = self._environment.get("ACTIONS_ID_TOKEN_REQUEST_URL", "")
        if not file and not request_url:
            raise NotOffered(
                "AZURE_FEDERATED_TOKEN_FILE is not in the environment",
                hint="on Kubernetes label the pod azure.workload.identity/use=true; on GitHub "
                "Actions give the job the permission id-token: write",
            )
        if not self._tenant or not self._client_id:
            raise NotOffered("tenant and application are unknown", hint="set both as settings")
        if self._host and not _is_base_url(self._host):
            raise NotOffered("AZURE_AUTHORITY_HOST is not an https URL")
        own = await (asyncio.to_thread(self._read, Path(file)) if file else self._ask(request_url))
        proof = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": own}
        return await self._entra.token(self._tenant, self._client_id, proof, host=self._host)

    def lines(self) -> tuple[CheckLine, ...]:
        """See SignIn.lines."""
        return (CheckLine(None, f"application {self._client_id} of tenant {self._tenant}"),)

    def _read(self, file: Path) -> str:
        try:
            with file.open("rb") as stream:
                text = stream.read(LARGEST_TOKEN_FILE).decode("ascii", "replace").strip()
        except OSError as error:
            raise self._no_token(f"cannot read {file}: {error.strerror}") from error
        if not is_one_word(text):
            raise self._no_token(f"{file} holds no token")
        return text

    async def _ask(self, url: str) -> str:
        """GitHub's token for this job."""
        secret = self._environment.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "")
        if not is_one_word(secret) or not _is_base_url(url):
            raise self._no_token("ACTIONS_ID_TOKEN_REQUEST_URL or _TOKEN cannot be used")
        api = Api("GitHub Actions", url)
        separator = "&" if "?" in url else "?"
        try:
            reply = await api.call(
                "GET",
                f"{url}{separator}audience={quote(EXCHANGE, safe='')}",
                headers={"Authorization": f"Bearer {secret}"},
            )
        finally:
            await api.aclose()
        answer = reply.json()
        text = answer.get("value") if isinstance(answer, dict) else None
        if not reply.ok or not is_one_word(text):
            raise self._no_token(f"GitHub gave none (HTTP {reply.status})")
        return text

    def _no_token(self, why: str) -> Exception:
        return self._entra.api.error(
            f"this workload has no token of its own: {why}",
            kind="auth",
            hint="see whether the platform still gives kmtui its token",
        )


def _is_base_url(text: str) -> bool:
    try:
        return bool(base_url(text))
    except ValueError:
        return False


def _passing(reply: Reply) -> bool:
    return not reply.ok and Saying.of(reply).code in SIGN_IN_PASSING | {"temporarily_unavailable"}
