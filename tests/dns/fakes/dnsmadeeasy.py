"""DNS Made Easy's interface V2.0 as far as TXT records need it, with its limit and odd replies."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any, ClassVar

from aiohttp import web

from kmtui.core.clock import utc_now
from tests.dns.fake import FakeVendor, FakeZone, Handler, Value
from tests.dns.vendor import Strings

KEY = "3c2aCanary-Key-77f0-9d1e-b0c4e5a6f7d8"
SECRET = "Canary-5ecret-41d2-8f6a-0e9b7c3d2a1f"

_STRINGS = re.compile(r'"([^"]*)"')


class FakeDnsMadeEasy(FakeVendor):
    """An account; what is special about it is set on its attributes."""

    provider: ClassVar[str] = "dnsmadeeasy"

    def __init__(self, *, delay: float = 0.0) -> None:
        super().__init__(delay=delay)
        self.limit, self.window = 150, 300.0
        """Calls in any so many seconds."""
        self.others = 0
        """Calls of other programs that count now."""
        self.refused = 0
        """How many calls came too fast."""
        self.clock_ahead = timedelta()
        """Of this host's clock."""
        self.shown = "quoted"
        """How values are shown: "quoted" as in reality, "bare" or "split" into two strings."""
        self.rows_per_page = 100
        self.refusal: str | None = None
        """Why each new or removed record is refused with a 400."""
        self.instead: Handler | None = None
        """What answers calls about records in place of everything here."""
        self.more: dict[str, Any] = {}
        """What the description of a zone holds beside, or instead of, the usual."""
        self.dates: list[str] = []
        """Of the signatures of all calls."""
        self._times: list[float] = []

    @property
    def base_url(self) -> str:
        return f"{super().base_url}/V2.0"

    @property
    def settings(self) -> dict[str, str]:
        return {"base_url": self.base_url}

    @property
    def secrets(self) -> dict[str, str]:
        return {"api_key": KEY, "api_secret": SECRET}

    def routes(self) -> list[web.RouteDef]:
        records = "/V2.0/dns/managed/{zone}/records"
        return [
            web.get("/V2.0/dns/managed/", self._zones),
            web.get("/V2.0/dns/managed/name", self._zone_by_name),
            web.get(records, self._list),
            web.post(f"{records}/", self._create),
            web.delete(records + "/{record}", self._delete),
        ]

    def new_zone_id(self, name: str) -> str:
        return str(878950 + next(self.ids))

    def put(self, fqdn: str, value: Strings, *, ttl: int = 3600) -> None:
        text = " ".join(f'"{string}"' for string in value)
        self.change(fqdn, [*self.values(fqdn), Value(self._id(), value, ttl, text)])

    def too_fast_reply(self, seconds: int) -> web.Response:
        self.refused += 1
        reply = _error(400, "Rate limit exceeded")
        reply.headers["x-dnsme-requestsRemaining"] = "0"
        return reply

    async def _handle(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.dates.append(request.headers.get("x-dnsme-requestDate", ""))
        now = time.monotonic()
        self._times = [*(each for each in self._times if each > now - self.window), now]
        left = self.limit - self.others - len(self._times)
        handle = self._signed(handler) if left >= 0 else self._refuse
        reply = await super()._handle(request, handle)
        reply.headers.setdefault("x-dnsme-requestsRemaining", str(max(0, left)))
        reply.headers["x-dnsme-requestLimit"] = str(self.limit)
        reply.headers["x-dnsme-requestId"] = f"dme-{len(self.calls)}"
        reply.headers["Date"] = format_datetime(utc_now() + self.clock_ahead, usegmt=True)
        return reply

    async def _refuse(self, request: web.Request) -> web.StreamResponse:
        return self.too_fast_reply(0)

    def _signed(self, handler: Handler) -> Handler:
        async def checked(request: web.Request) -> web.StreamResponse:
            key, date, mac = (
                request.headers.get(f"x-dnsme-{part}", "")
                for part in ("apiKey", "requestDate", "hmac")
            )
            if not (key and date and mac):
                return _error(403, "Missing API key or HMAC")
            if key != KEY:
                return _page(403, "Forbidden")
            expected = hmac.new(SECRET.encode(), date.encode(), hashlib.sha1).hexdigest()
            late = utc_now() + self.clock_ahead - parsedate_to_datetime(date)
            if not hmac.compare_digest(mac, expected) or abs(late) > timedelta(seconds=30):
                return _error(403, "Unable to verify HMAC")
            if self.instead is not None and "records" in request.path:
                return await self.instead(request)
            return await handler(request)

        return checked

    # The calls

    async def _zones(self, request: web.Request) -> web.Response:
        return self._paged(
            request, [{"id": int(z.id), "name": z.name, "folderId": 1} for z in self.zones]
        )

    async def _zone_by_name(self, request: web.Request) -> web.Response:
        name = request.query["domainname"]
        zone = next((zone for zone in self.zones if zone.name == name), None)
        if zone is None:
            return _page(404, "Not Found")
        servers = [
            {"fqdn": f"{server.upper()}.", "ipv4": "192.0.2.1", "ipv6": "2001:db8::1"}
            for server in zone.nameservers
        ]
        return web.json_response(
            {
                "id": int(zone.id),
                "name": zone.name,
                "nameServers": servers,
                "delegateNameServers": ["ns1.registrar.test."],
                "pendingActionId": 0,
                "gtdEnabled": False,
                **self.more,
            }
        )

    async def _list(self, request: web.Request) -> web.Response:
        zone = self._zone(request)
        if zone is None:
            return _page(404, "Not Found")
        wanted = request.query.get("recordName", "")
        rows = [{"id": 1, "type": "A", "name": "", "value": "192.0.2.9", "ttl": 60}]
        rows += [
            self._row(value, name)
            for fqdn, values in zone.values.items()
            for name in [_relative(fqdn, zone)]
            if name == wanted or not wanted  # An empty name is no filter.
            for value in values
        ]
        return self._paged(request, rows if not wanted else rows[1:])

    async def _create(self, request: web.Request) -> web.Response:
        zone, record = self._zone(request), await request.json()
        if zone is None:
            return _page(404, "Not Found")
        if self.refusal:
            return _error(400, self.refusal)
        name, sent = record["name"], record["value"]
        fqdn = f"{name}.{zone.name}" if name else zone.name
        there = zone.values.get(fqdn, [])
        if sent in ["".join(value.strings) for value in there]:
            return _error(
                400,
                f"Record with this type (TXT), name ({name}), and value "
                f'("\\"{sent}\\"") already exists.',
            )
        value = Value(self._id(), tuple(_STRINGS.findall(sent)) or (sent,), record["ttl"])
        self.change(fqdn, [*there, value], zone)
        place = f"{self.base_url}/dns/managed/{zone.id}/records/{value.id}"
        return web.json_response(self._row(value, name), status=201, headers={"Location": place})

    async def _delete(self, request: web.Request) -> web.Response:
        zone, wanted = self._zone(request), request.match_info["record"]
        if self.refusal:
            return _error(400, self.refusal)
        for fqdn, values in list(zone.values.items()) if zone else ():
            kept = [value for value in values if value.id != wanted]
            if len(kept) < len(values):
                self.change(fqdn, kept, zone)
                return web.Response(status=200)
        return _page(404, "Not Found")

    # Its zones

    def _id(self) -> str:
        return str(60000000 + next(self.ids))

    def _zone(self, request: web.Request) -> FakeZone | None:
        wanted = request.match_info["zone"]
        return next((zone for zone in self.zones if zone.id == wanted), None)

    def _row(self, value: Value, name: str) -> dict[str, Any]:
        plain = "".join(value.strings)
        shown = {"bare": plain, "split": f'"{plain[:2]}" "{plain[2:]}"', "quoted": f'"{plain}"'}
        return {
            "id": int(value.id),
            "type": "TXT",
            "name": name,
            "value": value.text or shown[self.shown],
            "ttl": value.ttl,
            "sourceId": 878950,
            "gtdLocation": "DEFAULT",
            "failover": False,
        }

    def _paged(self, request: web.Request, rows: list[dict[str, Any]]) -> web.Response:
        page, size = int(request.query.get("page", "0")), self.rows_per_page
        return web.json_response(
            {
                "totalPages": max(1, -(-len(rows) // size)),
                "totalRecords": len(rows),
                "page": page,
                "data": rows[page * size : (page + 1) * size],
            }
        )


def _relative(fqdn: str, zone: FakeZone) -> str:
    return fqdn.removesuffix(zone.name).removesuffix(".")


def _error(status: int, *words: str) -> web.Response:
    body = json.dumps({"error": list(words)})
    return web.Response(status=status, text=body, content_type="application/json")


def _page(status: int, title: str) -> web.Response:
    text = f"<html><head><title>{title}</title></head></html>"
    return web.Response(status=status, text=text, content_type="text/html")
