"""A fake Azure: Azure Resource Manager with public zones, and what gives tokens for it."""

from __future__ import annotations

import itertools
import re
from typing import Any, ClassVar

from aiohttp import web

from tests.dns.fake import FakeVendor, FakeZone, Value
from tests.dns.fakes.azure_identity import CLIENT, SECRET, TENANT, FakeIdentities

SUBSCRIPTION = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
LONGEST_SET = 4096
NETWORK = "Microsoft.Network"

# Ids compare without regard to case: replies say dnszones, requests dnsZones.
_PATH = re.compile(
    r"/subscriptions(?:/(?P<sub>[^/]+)(?:/resourceGroups/(?P<group>[^/]+))?"
    r"/providers/Microsoft\.Network/(?P<kind>dnsZones|privateDnsZones)"
    r"(?:/(?P<zone>[^/]+)(?:/TXT/(?P<record>[^/]+))?)?)?",
    re.IGNORECASE,
)


class FakeAzure(FakeVendor):
    """One subscription; each zone is in the first resource group that has none of its name."""

    provider: ClassVar[str] = "azure"

    def __init__(self, *, delay: float = 0.0, audience: str | None = None) -> None:
        super().__init__(delay=delay)
        self.identities = FakeIdentities(audience) if audience else FakeIdentities()
        self.metadata: dict[str, dict[str, str]] = {}
        """Of record sets, by name."""
        self.bare: set[str] = set()
        """Names of record sets that are there without any record."""
        self.private: list[str] = []
        """Names of private zones (Microsoft.Network/privateDnsZones)."""
        self.subscriptions: dict[str, str] = {SUBSCRIPTION: "Enabled"}
        self.page_size = 100
        self.denied: set[str] = set()
        """Actions that the identity's role lacks, in lower case."""
        self.locked: set[str] = set()
        """Methods that a lock on the zone forbids."""
        self.aliases: set[str] = set()
        """Names with a CNAME record."""
        self.answers: list[web.Response] = []
        """What Azure Resource Manager says next, whatever it is asked."""
        self.conditional = True
        """Whether conditions on writes are looked at."""
        self._etags: dict[str, str] = {}
        self._etag = itertools.count(1)

    @property
    def settings(self) -> dict[str, str]:
        return {
            "auth": "secret",
            "tenant_id": TENANT,
            "client_id": CLIENT,
            "subscription_id": SUBSCRIPTION,
            "base_url": self.base_url,
            "login_url": self.base_url,
        }

    @property
    def secrets(self) -> dict[str, str]:
        return {"client_secret": SECRET}

    def routes(self) -> list[web.RouteDef]:
        return [*self.identities.routes(), web.route("*", "/subscriptions{rest:.*}", self._arm)]

    def too_fast_reply(self, seconds: int) -> web.Response:
        return self.no(429, "TooManyRequests", "Too many.", headers={"Retry-After": str(seconds)})

    def is_write(self, request: web.Request) -> bool:
        return request.method in ("PUT", "DELETE")

    def new_zone_id(self, name: str) -> str:
        number = 1 + sum(zone.name == name for zone in self.zones)
        return (
            f"/subscriptions/{SUBSCRIPTION}/resourceGroups/dns-{number}"
            f"/providers/{NETWORK}/dnszones/{name}"
        )

    def change(self, fqdn: str, values: list[Value], zone: FakeZone | None = None) -> None:
        zone = zone or self.zone_of(fqdn)
        self._etags[f"{zone.id} {fqdn}"] = f"00000000-0000-0000-0000-{next(self._etag):012d}"
        super().change(fqdn, values, zone)

    def no(
        self, status: int, code: str, text: str, *, flat: bool = False, **more: Any
    ) -> web.Response:
        """An error as Azure Resource Manager writes it, or `flat` as Azure DNS does."""
        said = {"code": code, "message": text}
        headers = {"x-ms-request-id": f"arm-request-{len(self.calls)}", **more.pop("headers", {})}
        body = said if flat else {"error": said}
        return web.json_response(body, status=status, headers=headers, **more)

    # Azure Resource Manager

    async def _arm(self, request: web.Request) -> web.Response:
        if self.answers:
            return self.answers.pop(0)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or token not in self.identities.tokens:
            return self.no(401, "ExpiredAuthenticationToken", "The access token expiry is past.")
        found = _PATH.fullmatch(request.path)
        assert found, request.path
        if not found["sub"]:
            assert request.query["api-version"] == "2020-01-01"
            return self._subscriptions()
        if found["sub"].lower() not in self.subscriptions:
            text = f"The subscription '{found['sub']}' could not be found."
            return self.no(404, "SubscriptionNotFound", text)
        private = found["kind"].lower() == "privatednszones"
        assert request.query["api-version"] == ("2018-09-01" if private else "2018-05-01")
        action = self._action(request.method, record=bool(found["record"]))
        if action.lower() in self.denied:
            scope = request.path if found["zone"] else f"/subscriptions/{found['sub']}"
            return self.no(
                403,
                "AuthorizationFailed",
                f"The client '{CLIENT}' with object id 'x' does not have authorization to perform "
                f"action '{action}' over scope '{scope}' or the scope is invalid.",
            )
        if found["zone"] is None:
            return self._list(request, found["group"], private=private)
        zone = self._zone(found)
        if zone is None:
            if found["record"]:
                text = f"Parent resource '{found['zone']}' not found."
                return self.no(404, "ParentResourceNotFound", text)
            return self.no(404, "ResourceNotFound", f"'{found['zone']}' was not found.")
        if found["record"] is None:
            return web.json_response(self._shown(zone))
        return await self._record_set(request, zone, found["record"])

    def _action(self, method: str, *, record: bool) -> str:
        verb = {"GET": "read", "PUT": "write", "DELETE": "delete"}[method]
        return f"{NETWORK}/dnsZones/TXT/{verb}" if record else f"{NETWORK}/dnsZones/{verb}"

    def _zone(self, found: re.Match[str]) -> FakeZone | None:
        wanted = (
            f"/subscriptions/{found['sub']}/resourceGroups/{found['group']}"
            f"/providers/{NETWORK}/dnszones/{found['zone']}"
        )
        return next((zone for zone in self.zones if zone.id.lower() == wanted.lower()), None)

    def _subscriptions(self) -> web.Response:
        value = [
            {"subscriptionId": name, "state": state, "displayName": "one"}
            for name, state in self.subscriptions.items()
        ]
        return web.json_response({"value": value, "count": {"type": "Total", "value": len(value)}})

    def _list(self, request: web.Request, group: str | None, *, private: bool) -> web.Response:
        groups = {zone.id.split("/")[4].lower() for zone in self.zones}
        if group and group.lower() not in groups:
            text = f"Resource group '{group}' could not be found."
            return self.no(404, "ResourceGroupNotFound", text)
        if private:
            return web.json_response({"value": [_private(name) for name in self.private]})
        zones = [
            self._shown(zone)
            for zone in self.zones
            if not group or zone.id.split("/")[4].lower() == group.lower()
        ]
        start = int(request.query.get("$skipToken", "0"))
        page: dict[str, Any] = {"value": zones[start : start + self.page_size]}
        if start + self.page_size < len(zones):
            page["nextLink"] = (
                f"{self.base_url}{request.path}?api-version=2018-05-01"
                f"&%24skipToken={start + self.page_size}"
            )
        return web.json_response(page)

    def _shown(self, zone: FakeZone) -> dict[str, Any]:
        return {
            "id": zone.id,
            "name": zone.name,
            "type": f"{NETWORK}/dnszones",
            "etag": "00000002-0000-0000-0000-000000000000",
            "location": "global",
            "tags": {},
            "properties": {
                "nameServers": [f"{server.title()}." for server in zone.nameservers],
                "zoneType": "Public",
                "numberOfRecordSets": 2 + len(zone.values),
                "maxNumberOfRecordSets": 10000,
                "maxNumberOfRecordsPerRecordSet": None,
            },
        }

    # Record sets

    async def _record_set(self, request: web.Request, zone: FakeZone, record: str) -> web.Response:
        fqdn = (zone.name if record == "@" else f"{record}.{zone.name}").lower()
        there = fqdn in zone.values or fqdn in self.bare
        if request.method in self.locked:
            verb = "write" if request.method == "PUT" else "delete"
            text = f"The scope cannot perform {verb} operation because it is locked."
            return self.no(409, "ScopeLocked", text)
        if request.method == "GET":
            if not there:
                text = f"The resource record '{record}' does not exist in resource group 'x'."
                return self.no(404, "NotFound", text, flat=True)
            return self._set(zone, fqdn)
        if refusal := self._unmet(request, zone, fqdn, there=there):
            return refusal
        if request.method == "DELETE":
            self.bare.discard(fqdn)
            self.metadata.pop(fqdn, None)
            if there:
                self.change(fqdn, [], zone)
            return web.Response(status=200 if there else 204)
        return await self._put(request, zone, fqdn, there=there)

    def _unmet(
        self, request: web.Request, zone: FakeZone, fqdn: str, *, there: bool
    ) -> web.Response | None:
        if not self.conditional:
            return None
        wanted, current = request.headers.get("If-Match"), self._etags.get(f"{zone.id} {fqdn}")
        text = ""
        if wanted is not None and (not there or wanted != current):
            text = (
                f"The condition '{wanted}' in the If-Match header was not satisfied. "
                f"The current was '{current}'."
            )
        elif request.headers.get("If-None-Match") == "*" and there:
            text = f"The Record set {fqdn} exists already and hence cannot be created again."
        return self.no(412, "PreconditionFailed", text, flat=True) if text else None

    async def _put(
        self, request: web.Request, zone: FakeZone, fqdn: str, *, there: bool
    ) -> web.Response:
        properties = (await request.json())["properties"]
        records = [record["value"] for record in properties["TXTRecords"]]
        if fqdn in self.aliases:
            text = "The record could not be created because a CNAME record with the same name."
            return self.no(409, "Conflict", text, flat=True)
        if not all(string for strings in records for string in strings):
            return self.no(400, "BadRequest", "The value '' is not valid.", flat=True)
        if sum(len(string) for strings in records for string in strings) > LONGEST_SET:
            text = "The combined length of all TXT records in a record set may not exceed 4096."
            return self.no(400, "BadRequest", text, flat=True)
        self.metadata[fqdn] = properties.get("metadata", {})
        ttl = properties["TTL"]
        values = [Value(str(next(self.ids)), tuple(strings), ttl) for strings in records]
        self.change(fqdn, values, zone)
        return self._set(zone, fqdn, status=200 if there else 201)

    def _set(self, zone: FakeZone, fqdn: str, *, status: int = 200) -> web.Response:
        values = zone.values.get(fqdn, [])
        etag = self._etags.setdefault(f"{zone.id} {fqdn}", "00000000-0000-0000-0000-0000000000aa")
        record = "@" if fqdn == zone.name else fqdn.removesuffix(f".{zone.name}")
        properties: dict[str, Any] = {
            "fqdn": f"{fqdn}.",
            "TTL": values[0].ttl if values else 3600,
            "TXTRecords": [{"value": list(value.strings)} for value in values],
            "targetResource": {},
            "provisioningState": "Succeeded",
        }
        if self.metadata.get(fqdn):
            properties["metadata"] = self.metadata[fqdn]
        body = {
            "id": f"{zone.id}/TXT/{record}",
            "name": record,
            "type": f"{NETWORK}/dnszones/TXT",
            "etag": etag,
            "properties": properties,
        }
        headers = {"ETag": etag, "x-ms-request-id": f"arm-request-{len(self.calls)}"}
        return web.json_response(body, status=status, headers=headers)


def _private(name: str) -> dict[str, Any]:
    return {
        "id": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/inside"
        f"/providers/{NETWORK}/privateDnsZones/{name}",
        "name": name,
        "type": f"{NETWORK}/privateDnsZones",
        "location": "global",
        "properties": {"numberOfRecordSets": 1},
    }
