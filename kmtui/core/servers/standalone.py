"""Standalone: the built-in listener as an end server, for a host without a web server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from kmtui.core.addresses import parse_address
from kmtui.core.errors import EndServerError
from kmtui.core.servers.server import PROBE, Handle, Shared, check_token, probe_address
from kmtui.model import CheckLine, Field


class Standalone:
    """Listens on an address only while there is something to answer."""

    kind: ClassVar[str] = "standalone"
    title: ClassVar[str] = "Built-in listener"
    notes: ClassVar[tuple[str, ...]] = (
        "kmtui itself listens, only while a challenge is checked: for machines without a web "
        "server. Port 80 needs a right: root, or CAP_NET_BIND_SERVICE.",
        "Certificates cannot be put there.",
    )
    takes_files: ClassVar[bool] = False
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            name="listen",
            label="Listen address",
            required=True,
            default=":80",
            help="HOST:PORT, or :PORT for every address; CAs always come to port 80",
        ),
        PROBE,
    )

    def __init__(
        self, settings: Mapping[str, str], secrets: Mapping[str, str], shared: Shared
    ) -> None:
        self.address = parse_address(settings.get("listen") or ":80", field="listen")
        self.probe = probe_address(settings)
        self._listeners = shared.listeners

    @staticmethod
    def stored(settings: Mapping[str, str]) -> dict[str, str]:
        """As they are given."""
        return dict(settings)

    @staticmethod
    def where(settings: Mapping[str, str]) -> str:
        """The listen address."""
        return settings.get("listen") or ":80"

    def host(self) -> None:
        """It answers challenges and keeps no files."""

    async def check(self) -> Sequence[CheckLine]:
        """Whether the address can be listened on."""
        try:
            return [CheckLine(True, await self._listeners.try_out(self.address))]
        except EndServerError as exc:
            return [CheckLine(False, f"{exc.message}; {exc.hint}")]

    async def intended(self, token: str, key_authorization: str) -> Handle:
        """The address that will answer."""
        return {
            "token": check_token(token),
            "key_authorization": key_authorization,
            "listen": str(self.address),
        }

    async def present(
        self, token: str, key_authorization: str, noted: Handle | None = None
    ) -> Handle:
        """Answer for the token from now on."""
        handle = await self.intended(token, key_authorization)
        await self._listeners.add(self.address, token, key_authorization)
        return handle

    async def clean_up(self, handle: Handle) -> None:
        """Stop answering; after a restart nothing is answered any more, which is as good."""
        address = self.address
        if "listen" in handle:
            address = parse_address(handle["listen"], field="listen")
        await self._listeners.remove(address, handle["token"], handle["key_authorization"])
