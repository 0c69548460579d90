"""Cloudflare's v4 interface as recorded replies and its documentation show it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

from aiohttp import web

from tests.dns.fake import FakeVendor, FakeZone, Value
from tests.dns.vendor import Strings

TOKEN = "cf-canary-token-aaaaaaaaaaaaaaaaaaaaaaaaaa"
ZONE_TOKEN = "cf-canary-zones-bbbbbbbbbbbbbbbbbbbbbbbbbb"
EMAIL = "operator@example.org"
KEY = "c0ffee00canary00key00cccccccccccccccc"
ACCOUNT = "ac" * 16
STRINGS = re.compile(r'"((?:[^"\\]|\\.)*)"')


class Refusal(Exception):
    """A reply without success: status, then each code with its text and its chain."""

    def __init__(self, status: int, code: int, message: str, *chain: tuple[int, str]) -> None:
        self.status = status
        self.error: dict[str, Any] = {"code": code, "message": message}
        if chain:
            self.error["error_chain"] = [{"code": c, "message": text} for c, text in chain]


class FakeCloudflare(FakeVendor):
    """One user's token, zone token and global key; zones and records as Cloudflare keeps them."""

    provider: ClassVar[str] = "cloudflare"

    def __init__(self, *, delay: float = 0.0) -> None:
        super().__init__(delay=delay)
        self.credentials: list[dict[str, str]] = []
        """Of each call: the headers that authorise it, lower case."""
        self.odd: dict[str, dict[str, Any]] = {}
        """Members of a zone's object that are not as usual, by zone id."""
        self.may_list_zones = self.may_read_zones = self.may_edit = True
        """What the token may do; the zone token may read zones."""
        self.token_status = "active"
        self.owner = "user"
        """``account``: the token belongs to an account, and verifying is possible only there."""
        self.refuse_next: Refusal | None = None
        self.aliases: set[str] = set()
        """Names that hold a CNAME record."""
        self.comments: dict[str, str] = {}
        """By record id."""
        self.astray = ""
        """``redirect`` or ``page``: what somebody between answers instead."""

    def routes(self) -> list[web.RouteDef]:
        zone, records = "/client/v4/zones/{zone}", "/client/v4/zones/{zone}/dns_records"
        return [
            web.get("/client/v4/zones", self._told(self._list_zones)),
            web.get(zone, self._told(self._get_zone)),
            web.get(records, self._told(self._list_records)),
            web.post(records, self._told(self._create)),
            web.delete(records + "/{record}", self._told(self._delete)),
            web.get("/client/v4/user/tokens/verify", self._told(self._verify("user"))),
            web.get("/client/v4/accounts/{a}/tokens/verify", self._told(self._verify("account"))),
        ]

    def too_fast_reply(self, seconds: int) -> web.Response:
        body = {"success": False, "errors": [{"code": 971, "message": "Please wait"}]}
        return web.json_response(body, status=429, headers={"Retry-After": str(seconds)})

    @property
    def settings(self) -> dict[str, str]:
        return {"base_url": f"{self.base_url}/client/v4"}

    @property
    def secrets(self) -> dict[str, str]:
        return {"api_token": TOKEN}

    def new_zone_id(self, name: str) -> str:
        return hashlib.md5(f"{name} {next(self.ids)}".encode()).hexdigest()

    def put(self, fqdn: str, value: Strings, *, ttl: int = 3600) -> None:
        text = " ".join(f'"{string}"' for string in value)
        self.put_as(fqdn, text, ttl=ttl)

    def put_as(self, fqdn: str, text: str, *, ttl: int = 3600) -> None:
        """Somebody else adds a record with this very content."""
        strings = tuple(STRINGS.findall(text)) if text.startswith('"') else (text,)
        self.change(fqdn, [*self.values(fqdn), Value(self._record_id(), strings, ttl, text)])

    # The calls

    def _told(self, call: Callable[[web.Request], Awaitable[Any]]) -> Any:
        """The call's result in Cloudflare's envelope, or why it was refused."""

        async def handle(request: web.Request) -> web.Response:
            ray = {"CF-RAY": "8a0000000000canary-FRA"}
            if self.astray == "redirect":
                raise web.HTTPTemporaryRedirect(f"{self.base_url}/elsewhere")
            if self.astray:
                return web.Response(text="<html>Please log in</html>", content_type="text/html")
            try:
                self._require_credential(request)
                if refusal := self.refuse_next:
                    self.refuse_next = None
                    raise refusal
                result, more = await call(request)
            except Refusal as refusal:
                body = {"success": False, "errors": [refusal.error], "messages": [], "result": None}
                return web.json_response(body, status=refusal.status, headers=ray)
            body = {"success": True, "errors": [], "messages": [], "result": result, **more}
            return web.json_response(body, headers=ray)

        return handle

    def _require_credential(self, request: web.Request) -> None:
        given = {
            name: value
            for name, value in ((n.lower(), v) for n, v in request.headers.items())
            if name == "authorization" or name.startswith("x-auth-")
        }
        self.credentials.append(given)
        if set(given) == {"authorization"}:
            scheme, _, token = given["authorization"].partition(" ")
            if scheme != "Bearer" or not re.fullmatch(r"[A-Za-z0-9_-]{40,}", token):
                text = "Invalid format for Authorization header"
                raise Refusal(400, 6003, "Invalid request headers", (6111, text))
            if token not in (TOKEN, ZONE_TOKEN):
                raise Refusal(403, 9109, "Invalid access token")
        elif set(given) == {"x-auth-email", "x-auth-key"}:
            if not re.fullmatch(r"[0-9a-z]{37}", given["x-auth-key"]):
                text = "Invalid format for X-Auth-Key header"
                raise Refusal(400, 6003, "Invalid request headers", (6103, text))
            if (given["x-auth-email"], given["x-auth-key"]) != (EMAIL, KEY):
                raise Refusal(403, 9103, "Unknown X-Auth-Key or X-Auth-Email")
        else:
            text = "Invalid format for X-Auth-Key header"
            raise Refusal(400, 6003, "Invalid request headers", (6103, text))

    def _with_zone_token(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == f"Bearer {ZONE_TOKEN}"

    async def _list_zones(self, request: web.Request) -> tuple[Any, dict[str, Any]]:
        if not (self.may_list_zones or self._with_zone_token(request)):
            right = "com.cloudflare.api.account.zone.list"
            raise Refusal(403, 0, f'Actor requires permission "{right}" to list zones')
        name = request.query.get("name")
        found = [zone for zone in self.zones if name in (None, zone.name)]
        return self._page(request, [self._zone_object(zone) for zone in found], most=50)

    async def _get_zone(self, request: web.Request) -> tuple[Any, dict[str, Any]]:
        if not (self.may_read_zones or self._with_zone_token(request)):
            raise Refusal(403, 10000, "Authentication error")
        return self._zone_object(self._zone(request)), {}

    async def _list_records(self, request: web.Request) -> tuple[Any, dict[str, Any]]:
        zone = self._zone(request)
        self._require_edit(request)
        name = request.query.get("name.exact")
        found = [
            self._record_object(fqdn, value)
            for fqdn, values in zone.values.items()
            for value in values
            if request.query.get("type") in (None, "TXT") and name in (None, fqdn)
        ]
        return self._page(request, found[::-1], most=5_000_000)  # Newest first.

    async def _create(self, request: web.Request) -> tuple[Any, dict[str, Any]]:
        zone = self._zone(request)
        self._require_edit(request)
        wanted = json.loads(await request.text())
        name, content, ttl = wanted["name"], wanted["content"], wanted["ttl"]
        if name != zone.name and not name.endswith(f".{zone.name}"):
            name = f"{name}.{zone.name}"
        if ttl != 1 and not 60 <= ttl <= 86400:
            text = "Invalid TTL. Must be between 60 and 86400 seconds, or 1 for Automatic."
            raise Refusal(400, 1004, "DNS Validation Error", (9021, text))
        if name in self.aliases:
            raise Refusal(400, 81053, "An A, AAAA, or CNAME record with that host already exists.")
        strings = tuple(STRINGS.findall(content)) if content.startswith('"') else (content,)
        there = zone.values.get(name, [])
        if any("".join(value.strings) == "".join(strings) for value in there):
            raise Refusal(400, 81058, "An identical record already exists.")
        value = Value(self._record_id(), strings, ttl, content)
        self.change(name, [*there, value], zone)
        self.comments[value.id] = wanted.get("comment", "")
        return self._record_object(name, value, wanted.get("comment")), {}

    async def _delete(self, request: web.Request) -> tuple[Any, dict[str, Any]]:
        zone = self._zone(request)
        self._require_edit(request)
        record_id = request.match_info["record"]
        for fqdn, values in list(zone.values.items()):
            kept = [value for value in values if value.id != record_id]
            if len(kept) < len(values):
                self.change(fqdn, kept, zone)
                return {"id": record_id}, {}
        raise Refusal(404, 81044, "Record does not exist.")

    def _verify(self, owner: str) -> Callable[[web.Request], Awaitable[Any]]:
        async def verify(request: web.Request) -> tuple[Any, dict[str, Any]]:
            if owner != self.owner:
                raise Refusal(401, 1000, "Invalid API Token")
            return {"id": "70" * 16, "status": self.token_status}, {}

        return verify

    # What they are about

    def _zone(self, request: web.Request) -> FakeZone:
        zone_id = request.match_info["zone"]
        if not re.fullmatch(r"[0-9a-f]{32}", zone_id):
            path = request.path.removeprefix("/client/v4")
            invalid = "invalid object identifier"
            raise Refusal(
                400, 7003, f"Could not route to {path}, perhaps your {invalid}?", (7000, "No route")
            )
        for zone in self.zones:
            if zone.id == zone_id:
                return zone
        raise Refusal(403, 10000, "Authentication error")

    def _require_edit(self, request: web.Request) -> None:
        if not self.may_edit or self._with_zone_token(request):
            raise Refusal(403, 10000, "Authentication error")

    def _zone_object(self, zone: FakeZone) -> dict[str, Any]:
        edit = ["#dns_records:edit"] if self.may_edit else []
        return {
            "id": zone.id,
            "name": zone.name,
            "status": "active",
            "paused": False,
            "type": "full",
            "name_servers": list(zone.nameservers),
            "account": {"id": ACCOUNT, "name": "Example"},
            "permissions": [*edit, "#dns_records:read", "#zone:read"],
        } | self.odd.get(zone.id, {})

    def _record_object(self, name: str, value: Value, comment: str | None = None) -> dict[str, Any]:
        return {
            "id": value.id,
            "name": name,
            "type": "TXT",
            "content": value.text,
            "proxiable": False,
            "proxied": False,
            "ttl": value.ttl,
            "settings": {},
            "meta": {},
            "comment": comment,
            "tags": [],
        }

    def _page(
        self, request: web.Request, found: list[dict[str, Any]], *, most: int
    ) -> tuple[Any, dict[str, Any]]:
        page, per_page = (
            int(request.query.get(name, d)) for name, d in (("page", 1), ("per_page", 20))
        )
        per_page = min(per_page, most)
        shown = found[(page - 1) * per_page : page * per_page]
        info = {
            "page": page,
            "per_page": per_page,
            "count": len(shown),
            "total_count": len(found),
            "total_pages": -(-len(found) // per_page),
        }
        return shown, {"result_info": info}

    def _record_id(self) -> str:
        return f"{next(self.ids):032x}"
