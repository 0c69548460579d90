"""ClouDNS's HTTP interface as recorded replies and its wiki show it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

from aiohttp import web

from tests.dns.fake import FakeVendor, FakeZone, Value
from tests.dns.vendor import Strings

AUTH_ID = "4711"
SUB_AUTH_ID = "815"
SUB_AUTH_USER = "acme"
PASSWORD = "canary pass&word=äöü"
TTLS = (60, 300, 900, 1800, 3600, 21600, 43200, 86400, 172800, 259200, 604800, 1209600, 2592000)
WRITES = ("add-record", "delete-record")

Parameters = dict[str, str]


class Refusal(Exception):
    """A reply with HTTP status 200 and the status ``Failed``."""


class FakeCloudns(FakeVendor):
    """One API user and one sub-user; zones and records as ClouDNS keeps them."""

    provider: ClassVar[str] = "cloudns"

    def __init__(self, *, delay: float = 0.0) -> None:
        super().__init__(delay=delay)
        self.methods: list[str] = []
        """The method of each call that was answered: ``records``."""
        self.form: list[Parameters] = []
        """Its parameters, with those that authorise."""
        self.kinds: dict[str, str] = {}
        """Types of zones that are not ``master``, by name."""
        self.masters: dict[str, str] = {}
        """The master zone of each cloud zone, by name."""
        self.ttls: tuple[int, ...] = TTLS
        self.refuses_duplicates = True
        self.leaves_out_ids = False
        self.refuse: dict[str, str] = {}
        """What a method answers instead: the description of the failure."""
        self.late = 0
        """How many times a zone's newest state has not arrived at two of the servers."""
        self.ignores_pages = False
        self.astray: list[web.Response] = []
        """What comes next instead of an answer."""

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/dns/{method}.json", self._told), web.get("/dns/{method}.json", _never)]

    def is_write(self, request: web.Request) -> bool:
        return request.match_info.get("method") in WRITES

    def too_fast_reply(self, seconds: int) -> web.Response:
        text = "Request blocked, 192.0.2.7 is sending more than 20 requests per second."
        return _reply({"status": "Failed", "statusDescription": text})

    @property
    def settings(self) -> dict[str, str]:
        return {"base_url": f"{self.base_url}/dns", "auth_id": AUTH_ID}

    @property
    def secrets(self) -> dict[str, str]:
        return {"auth_password": PASSWORD}

    def new_zone_id(self, name: str) -> str:
        return name

    def put(self, fqdn: str, value: Strings, *, ttl: int = 3600) -> None:
        text = value[0] if len(value) == 1 else " ".join(f'"{string}"' for string in value)
        self.change(fqdn, [*self.values(fqdn), Value(self._id(), value, ttl, text)])

    # The calls

    async def _told(self, request: web.Request) -> web.Response:
        if self.astray:
            return self.astray.pop(0)
        method = request.match_info["method"]
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.methods.append(method)
        self.form.append(dict(form))
        calls: dict[str, Callable[[Parameters], Awaitable[Any]]] = {
            "login": self._login,
            "list-zones": self._list_zones,
            "get-zone-info": self._zone_info,
            "records": self._records,
            "add-record": self._add,
            "delete-record": self._delete,
            "get-available-ttl": self._available_ttl,
            "update-status": self._update_status,
        }
        try:
            self._require_user(form)
            if method in self.refuse:
                raise Refusal(self.refuse[method])
            return _reply(await calls[method](form))
        except Refusal as refusal:
            return _reply({"status": "Failed", "statusDescription": str(refusal)})

    def _require_user(self, form: Parameters) -> None:
        names = [name for name in form if name.startswith(("auth-id", "sub-auth"))]
        password = form.get("auth-password")
        known = {"auth-id": AUTH_ID, "sub-auth-id": SUB_AUTH_ID, "sub-auth-user": SUB_AUTH_USER}
        if len(names) == 1 and password == PASSWORD and known[names[0]] == form[names[0]]:
            return
        if names == ["auth-id"]:
            raise Refusal("Invalid authentication, incorrect auth-id or auth-password.")
        wrong = "incorrect sub-auth-id, sub-auth-user or auth-password."
        raise Refusal(f"Invalid authentication, {wrong}")

    async def _login(self, form: Parameters) -> Any:
        return {"status": "Success", "statusDescription": "Success login."}

    async def _list_zones(self, form: Parameters) -> Any:
        if not form.get("page"):
            raise Refusal("Missing required parameter 'page'.")
        return self._page(form, [self._zone_object(zone) for zone in self.zones])

    async def _zone_info(self, form: Parameters) -> Any:
        zone = self._zone(form)
        master = self.masters.get(zone.name)
        return self._zone_object(zone) | ({"cloud-master": master} if master else {})

    async def _records(self, form: Parameters) -> Any:
        zone = self._zone(form)
        rows = [
            self._record_object("NS", "", Value(f"9{number}", (), 3600, server))
            for number, server in enumerate(zone.nameservers)
        ]
        rows.append(self._record_object("NS", "sub", Value("99", (), 3600, "ns.elsewhere.test")))
        rows += [
            self._record_object("TXT", _host(fqdn, zone), value)
            for fqdn, values in zone.values.items()
            for value in values
        ]
        # An empty filter is none at all.
        for name in ("host", "type"):
            if form.get(name):
                rows = [row for row in rows if row[name] == form[name]]
        return {row["id"]: row for row in self._page(form, rows)} or []

    async def _add(self, form: Parameters) -> Any:
        zone = self._zone(form)
        if form["record-type"] != "TXT":
            raise Refusal("This record type is not supported.")
        if int(form["ttl"]) not in self.ttls:
            raise Refusal("Invalid TTL. Choose from the list of the values we support.")
        fqdn = f"{form['host']}.{zone.name}" if form["host"] else zone.name
        there = zone.values.get(fqdn, [])
        if self.refuses_duplicates and any(each.text == form["record"] for each in there):
            raise Refusal("There is such a record.")
        value = Value(self._id(), (form["record"],), int(form["ttl"]), form["record"])
        self.change(fqdn, [*there, value], zone)
        added = {"status": "Success", "statusDescription": "The record was added successfully."}
        return added | ({} if self.leaves_out_ids else {"data": {"id": int(value.id)}})

    async def _delete(self, form: Parameters) -> Any:
        zone = self._zone(form)
        for fqdn, values in list(zone.values.items()):
            kept = [value for value in values if value.id != form["record-id"]]
            if len(kept) < len(values):
                self.change(fqdn, kept, zone)
                text = "The record was deleted successfully."
                return {"status": "Success", "statusDescription": text}
        raise Refusal("Invalid record-id param.")

    async def _available_ttl(self, form: Parameters) -> Any:
        self._zone(form)
        return list(self.ttls)

    async def _update_status(self, form: Parameters) -> Any:
        zone = self._zone(form)
        servers = [*zone.nameservers, "pns1.vendor.test", "pns2.vendor.test"]
        late = self.late > 0
        self.late -= late
        return [
            {
                "server": server,
                "ip4": f"192.0.2.{number}",
                "ip6": f"2001:db8::{number}",
                "updated": not (late and server.startswith("pns")),
            }
            for number, server in enumerate(servers, 1)
        ]

    # What they are about

    def _zone(self, form: Parameters) -> FakeZone:
        for zone in self.zones:
            if zone.name == form.get("domain-name"):
                return zone
        raise Refusal("Missing domain-name")

    def _zone_object(self, zone: FakeZone) -> dict[str, str]:
        kind = self.kinds.get(zone.name, "master")
        return {"name": zone.name, "type": kind, "zone": "domain", "status": "1"}

    def _record_object(self, kind: str, host: str, value: Value) -> dict[str, Any]:
        return {
            "id": value.id,
            "type": kind,
            "host": host,
            "record": value.text,
            "dynamicurl_status": 0,
            "failover": "0",
            "ttl": str(value.ttl),
            "status": 1,
        }

    def _page(self, form: Parameters, rows: list[Any]) -> list[Any]:
        per_page, page = int(form.get("rows-per-page", 100)), int(form.get("page", 1))
        if per_page not in (10, 20, 30, 50, 100):
            raise Refusal("Wrong or missing required parameter 'rows-per-page'.")
        if self.ignores_pages:
            page = 1
        return rows[(page - 1) * per_page : page * per_page]

    def _id(self) -> str:
        return str(69469250 + next(self.ids))


async def _never(request: web.Request) -> web.Response:
    raise AssertionError("a GET would have the password in its URL")


def _host(fqdn: str, zone: FakeZone) -> str:
    return fqdn.removesuffix(zone.name).removesuffix(".")


def _reply(body: Any) -> web.Response:
    return web.json_response(body)
