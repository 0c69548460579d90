"""GoDaddy's Domains API as far as TXT records need it, with its restrictions and odd ways."""

from __future__ import annotations

import json
import re
from typing import Any, ClassVar

from aiohttp import web

from tests.dns.fake import FakeVendor, FakeZone, Handler, Value
from tests.dns.vendor import Strings

KEY = "3mM44UbCanaryKey_9FzT"
SECRET = "Canary7SecretOfGoDaddyQx"
SHORTEST_TTL = 600

_STRINGS = re.compile(r'"([^"]*)"')


class FakeGoDaddy(FakeVendor):
    """An account; what is wrong with it is set on its attributes."""

    provider: ClassVar[str] = "godaddy"

    def __init__(self, *, delay: float = 0.0) -> None:
        super().__init__(delay=delay)
        self.denied: set[str] = set()
        """Methods that a valid key is denied, as accounts below the plan's limit are."""
        self.denied_domains: set[str] = set()
        self.protected: str | None = None
        """Domain Protection: writes succeed; "nothing" or an "empty" record is stored."""
        self.busy: list[web.Response] = []
        """What the next writes are answered while another change is under way."""
        self.quota_used_up = False
        self.aliases: set[str] = set()
        """Names that hold a CNAME record, beside which nothing can be."""
        self.extra: dict[str, Any] = {}
        """What each record has beside the documented members."""
        self.instead: Handler | None = None
        """What answers calls about records in place of everything here."""
        self.most_writes_at_once = 0
        self._writes_now = 0
        self.headers_seen: list[dict[str, str]] = []
        self.bodies: list[Any] = []
        """What was written, oldest first; None for a deletion."""

    @property
    def settings(self) -> dict[str, str]:
        return {"base_url": self.base_url}

    @property
    def secrets(self) -> dict[str, str]:
        return {"api_key": KEY, "api_secret": SECRET}

    def routes(self) -> list[web.RouteDef]:
        at_name = "/v1/domains/{domain}/records/TXT/{name}"
        return [
            web.get("/v1/domains", self._domains),
            web.get("/v1/domains/{domain}", self._domain),
            web.get("/v1/domains/{domain}/records/NS", self._name_servers),
            web.patch("/v1/domains/{domain}/records", self._patch),
            web.get(at_name, self._get),
            web.put(at_name, self._put),
            web.delete(at_name, self._delete),
        ]

    def new_zone_id(self, name: str) -> str:
        return name

    def too_fast_reply(self, seconds: int) -> web.Response:
        return _error(429, "TOO_MANY_REQUESTS", "Too many requests", retryAfterSec=seconds)

    async def _handle(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.headers_seen.append(dict(request.headers))
        writing = self.is_write(request)
        self._writes_now += writing
        self.most_writes_at_once = max(self.most_writes_at_once, self._writes_now)
        reply = await super()._handle(request, self._allowed(handler))
        self._writes_now -= writing
        reply.headers["X-Request-Id"] = f"godaddy-{len(self.calls)}"
        return reply

    def _allowed(self, handler: Handler) -> Handler:
        async def checked(request: web.Request) -> web.StreamResponse:
            given = request.headers.get("Authorization", "")
            if not given.startswith("sso-key "):
                return _error(
                    401, "MISSING_CREDENTIALS", "Unauthorized : Credentials must be specified"
                )
            if given != f"sso-key {KEY}:{SECRET}":
                words = "Unauthorized : Could not authenticate API key/secret"
                return _error(401, "UNABLE_TO_AUTHENTICATE", words)
            if self.quota_used_up:
                return _error(429, "QUOTA_EXCEEDED", "monthly quota exceeded")
            domain = request.match_info.get("domain", "")
            if request.method in self.denied or domain in self.denied_domains:
                return _error(403, "ACCESS_DENIED", "Authenticated user is not allowed access")
            if self.instead is not None and "records" in request.path:
                return await self.instead(request)
            if self.busy and self.is_write(request):
                return self.busy.pop(0)
            return await handler(request)

        return checked

    # The calls

    async def _domains(self, request: web.Request) -> web.Response:
        return web.json_response(
            [
                {"domain": zone.name, "status": "ACTIVE", "authCode": "transfer"}
                for zone in self.zones
            ]
        )

    async def _domain(self, request: web.Request) -> web.Response:
        raise AssertionError("its answer holds the owner's address and the transfer code")

    async def _name_servers(self, request: web.Request) -> web.Response:
        name = request.match_info["domain"]
        zone = self._zone(request)
        if zone is None and "_" in name:
            return _error(422, "INVALID_DOMAIN", f"The domain {name} is not valid")
        if zone is None:
            return _no_zone(name)
        records = [("@", f"{server.upper()}.") for server in zone.nameservers]
        records.append(("handed-down", "ns1.elsewhere.test"))
        return web.json_response(
            [{"type": "NS", "name": at, "data": data, "ttl": 3600} for at, data in records]
        )

    async def _get(self, request: web.Request) -> web.Response:
        zone, name = self._zone(request), request.match_info["name"]
        if zone is None:
            return _no_zone(request.match_info["domain"])
        return web.json_response(
            [{**_shown(value, name), **self.extra} for value in self._at(zone, name)]
        )

    async def _patch(self, request: web.Request) -> web.Response:
        zone, records = self._zone(request), await request.json()
        if zone is None:
            return _no_zone(request.match_info["domain"])
        self.bodies.append(records)
        if wrong := _wrong(records):
            return wrong
        for record in records:
            there = self._at(zone, record["name"])
            fqdn = _fqdn(zone, record["name"])
            if fqdn in self.aliases or _strings(record["data"]) in [v.strings for v in there]:
                conflict = f"{record['type']} record name [{record['name']}] conflicts"
                return _error(
                    422,
                    "DUPLICATE_RECORD",
                    "Another record with the same attributes already exists",
                    fields=[{"code": "DUPLICATE_RECORD", "message": conflict, "path": "records"}],
                )
        for record in records:
            fqdn = _fqdn(zone, record["name"])
            self._store(zone, fqdn, [*self._at(zone, record["name"]), self._value(record)])
        return web.Response(status=200)

    async def _put(self, request: web.Request) -> web.Response:
        zone, records = self._zone(request), await request.json()
        if zone is None:
            return _no_zone(request.match_info["domain"])
        self.bodies.append(records)
        if wrong := _wrong(records):
            return wrong
        if records:  # It takes no notice of an empty list.
            fqdn = _fqdn(zone, request.match_info["name"])
            self._store(zone, fqdn, [self._value(record) for record in records])
        return web.Response(status=200)

    async def _delete(self, request: web.Request) -> web.Response:
        zone = self._zone(request)
        if zone is None:
            return _no_zone(request.match_info["domain"])
        self.bodies.append(None)
        fqdn = _fqdn(zone, request.match_info["name"])
        if fqdn not in zone.values:
            return _error(404, "NOT_FOUND", "The record was not found")
        self._store(zone, fqdn, [])
        return web.Response(status=204)

    # Its zones

    def _zone(self, request: web.Request) -> FakeZone | None:
        name = request.match_info["domain"]
        return next((zone for zone in self.zones if zone.name == name), None)

    def _at(self, zone: FakeZone, name: str) -> list[Value]:
        return zone.values.get(_fqdn(zone, name), [])

    def _value(self, record: dict[str, Any]) -> Value:
        data = record["data"]
        return Value(str(next(self.ids)), _strings(data), record["ttl"], data)

    def _store(self, zone: FakeZone, fqdn: str, values: list[Value]) -> None:
        if self.protected is None:
            self.change(fqdn, values, zone)
        elif self.protected == "empty":
            self.change(fqdn, [Value(str(next(self.ids)), ("",), SHORTEST_TTL)], zone)


def _strings(data: str) -> Strings:
    """What name servers serve for a record's data: quotes begin strings."""
    return tuple(_STRINGS.findall(data)) if data.startswith('"') else (data,)


def _shown(value: Value, name: str) -> dict[str, Any]:
    joined = (
        value.strings[0] if len(value.strings) == 1 else " ".join(f'"{s}"' for s in value.strings)
    )
    return {"type": "TXT", "name": name, "data": value.text or joined, "ttl": value.ttl}


def _fqdn(zone: FakeZone, name: str) -> str:
    return zone.name if name == "@" else f"{name}.{zone.name}"


def _wrong(records: list[dict[str, Any]]) -> web.Response | None:
    for index, record in enumerate(records):
        if record["ttl"] < SHORTEST_TTL:
            field = {
                "code": "UNEXPECTED_VALUE",
                "message": f"must have a minimum value of {SHORTEST_TTL}",
                "path": f"records[{index}].ttl",
            }
            words = "Request body doesn't fulfill schema, see details in `fields`"
            return _error(422, "INVALID_BODY", words, fields=[field])
    return None


def _no_zone(name: str) -> web.Response:
    return _error(404, "NOT_FOUND", f"Domain {name} not found for shopper")


def _error(status: int, code: str, message: str, **more: Any) -> web.Response:
    body = json.dumps({"code": code, "message": message, **more})
    return web.Response(status=status, text=body, content_type="application/json")


def busy_replies() -> list[web.Response]:
    """Both ways to say that another change of the zone is under way."""
    return [
        _error(409, "CONFLICT", "The zone is being changed"),
        _error(422, "INVALID_STATE", "Resource is being used in another request"),
    ]
