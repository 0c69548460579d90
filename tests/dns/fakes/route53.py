"""Route 53 on loopback: moto's, and in front of it what moto takes lightly.

moto compares a DELETE with the journal of all former changes instead of with what is there, lists
only zones of exactly the name asked for, has every change everywhere at once, checks no signature
and refuses nobody. All of that is done here; the state itself is moto's.
"""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from typing import Any, ClassVar
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

import aiohttp
from aiohttp import web

from tests.dns.fake import FakeVendor, Value
from tests.dns.fakes.route53_batch import read_batch, what_is_wrong
from tests.dns.fakes.sigv4 import Keys, access_key_of, is_signed
from tests.dns.vendor import Strings

ACCOUNT = "123456789012"
USER = f"arn:aws:iam::{ACCOUNT}:user/kmtui"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/dns"
XMLNS = "https://route53.amazonaws.com/doc/2013-04-01/"

OPERATIONS = (
    ("GET", r"/[\d-]+/hostedzonesbyname", "ListHostedZonesByName"),
    ("GET", r"/[\d-]+/hostedzone/(?P<zone>\w+)", "GetHostedZone"),
    ("GET", r"/[\d-]+/hostedzone/(?P<zone>\w+)/rrset", "ListResourceRecordSets"),
    ("POST", r"/[\d-]+/hostedzone/(?P<zone>\w+)/rrset/?", "ChangeResourceRecordSets"),
    ("GET", r"/[\d-]+/change/(?P<change>\w+)", "GetChange"),
)

_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')


class FakeRoute53(FakeVendor):
    """An AWS account with one user."""

    provider: ClassVar[str] = "route53"

    def __init__(self, *, delay: float = 0.0) -> None:
        super().__init__(delay=delay)
        self.keys = Keys("AKIAKMTUITESTUSER001", "canary/secret+access+key/0123456789abcdef")
        self.known = {self.keys.access_key_id: self.keys}
        self.denied: set[str] = set()
        """Operations that the user has no right to."""
        self.denied_names: set[str] = set()
        """Names that a condition of the policy keeps from being changed."""
        self.refusals: dict[str, tuple[str, str]] = {}
        """By operation: the code and the text of its refusal."""
        self.pending = 0
        """How many times GetChange says PENDING of each change from now on."""
        self.external_id = ""
        self.role_seconds = 3600
        """How long the credentials of an assumed role are good for."""
        self.skew = 0.0
        """Seconds by which the Date of errors differs from this host's."""
        self.signers: list[tuple[str, str]] = []
        """Of each call: what was asked, and the access key id it was signed with."""
        self.roles: list[dict[str, str]] = []
        """What was asked for with each role."""
        self.batches: list[list[tuple[str, str]]] = []
        """Of each change that was taken: action and name."""
        self._changes: dict[str, int] = {}
        self._one_at_a_time = asyncio.Lock()
        self.upstream = _moto()
        """moto itself."""
        self._aws().reset()

    # What the contract needs

    @property
    def settings(self) -> dict[str, str]:
        return {"base_url": self.base_url, "access_key_id": self.keys.access_key_id}

    @property
    def secrets(self) -> dict[str, str]:
        return {"secret_access_key": self.keys.secret_access_key}

    def add_zone(
        self,
        name: str,
        *,
        nameservers: tuple[str, ...] = ("ns1.vendor.test", "ns2.vendor.test"),
        private: bool = False,
    ) -> str:
        zone = self._aws().create_hosted_zone(f"{name}.", private)
        zone.delegation_set.name_servers = list(nameservers)
        for rrset in zone.rrsets:
            if rrset.type == "NS":
                rrset.records = [f"{server}." for server in nameservers]
        return str(zone.resource_id)

    def txt(self, fqdn: str) -> list[Strings]:
        found = self._txt(fqdn)
        return sorted(tuple(_STRING.findall(value)) for value in found.records) if found else []

    def ttl(self, fqdn: str) -> int | None:
        found = self._txt(fqdn)
        return int(found.ttl) if found else None

    def put(self, fqdn: str, value: Strings, *, ttl: int = 3600) -> None:
        found = self._txt(fqdn)
        values = list(found.records) if found else []
        values.append(" ".join(f'"{string}"' for string in value))
        self.put_set(fqdn, values, ttl=int(found.ttl) if found else ttl)

    def drop(self, fqdn: str, value: Strings) -> None:
        found = self._txt(fqdn)
        values = found.records if found else []
        left = [kept for kept in values if tuple(_STRING.findall(kept)) != value]
        self.put_set(fqdn, left, ttl=int(found.ttl) if found else 60)

    def put_set(
        self, fqdn: str, values: list[str], *, type_: str = "TXT", ttl: int = 60, **more: str
    ) -> None:
        """A record set of somebody else's; none when there are no values."""
        name = f"{fqdn}."
        zone = self._zone_of(fqdn)
        if values:
            zone.upsert_rrset(
                {"Name": name, "Type": type_, "TTL": ttl, "ResourceRecords": values, **more}
            )
        else:
            zone.delete_rrset({"Name": name, "Type": type_})
        self._publish(fqdn)

    def by_hand(
        self, zone_id: str, action: str, name: str, ttl: int, records: list[dict[str, str]]
    ) -> None:
        """A change that moto itself takes, so that its journal has it."""
        record_set = {"Name": name, "Type": "TXT", "TTL": ttl, "ResourceRecords": records}
        self._aws().change_resource_record_sets(
            zone_id, [{"Action": action, "ResourceRecordSet": record_set}]
        )

    def too_fast_reply(self, seconds: int) -> web.Response:
        return self._error(400, "Throttling", "Rate exceeded")

    def is_write(self, request: web.Request) -> bool:
        return _operation(request)[0] == "ChangeResourceRecordSets"

    # The proxy

    def routes(self) -> list[web.RouteDef]:
        return [web.route("*", "/{rest:.*}", self._answer)]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        operation, found = _operation(request, body)
        if key := access_key_of(request.headers):
            self.signers.append((operation, key))
        if refusal := self._refusal(request, operation, found, body):
            return refusal
        match operation:
            case "ListHostedZonesByName":
                return self._zones_from(request)
            case "GetChange":
                return self._change(found["change"])
            case "ChangeResourceRecordSets":
                async with self._one_at_a_time:
                    return await self._changed(request, found["zone"], body)
            case "AssumeRole" | "AssumeRoleWithWebIdentity":
                return await self._role(request, body)
        return await self._forwarded(request, body)

    def _refusal(
        self, request: web.Request, operation: str, found: dict[str, str], body: bytes
    ) -> web.Response | None:
        if operation == "AssumeRoleWithWebIdentity":
            return None  # The token is the credential.
        keys = self.known.get(access_key_of(request.headers))
        raw_path, _, query = request.raw_path.partition("?")
        if keys is None or request.headers.get("X-Amz-Security-Token", "") != keys.session_token:
            return self._error(
                403,
                "InvalidClientTokenId",
                "The security token included in the request is invalid.",
            )
        if not is_signed(keys, request.method, raw_path, query, request.headers, body):
            return self._error(
                403,
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided. "
                f"Canonical headers: x-amz-security-token:{keys.session_token}",
            )
        if operation in self.refusals:
            return self._error(400, *self.refusals[operation])
        if operation in self.denied:
            return self._error(403, "AccessDenied", _denial(operation, found.get("zone", "*")))
        return None

    def _zones_from(self, request: web.Request) -> web.Response:
        """Zones in order of their reversed names, starting at the name asked for."""
        most = int(request.query.get("maxitems", "100"))
        start = request.query.get("dnsname", "")
        start_id = request.query.get("hostedzoneid", "")

        def place(name: str, zone_id: str) -> tuple[str, str]:
            return ".".join(reversed(name.rstrip(".").split("."))) + ".", zone_id

        zones = sorted(
            self._aws().zones.values(), key=lambda zone: place(zone.name, zone.resource_id)
        )
        if start:
            first = place(start, start_id)
            zones = [zone for zone in zones if place(zone.name, zone.resource_id) >= first]
        listed = "".join(
            f"<HostedZone><Id>/hostedzone/{zone.resource_id}</Id><Name>{zone.name}</Name>"
            "<CallerReference>x</CallerReference><Config>"
            f"<PrivateZone>{str(zone.private_zone).lower()}</PrivateZone></Config></HostedZone>"
            for zone in zones[:most]
        )
        next_ = zones[most:][:1]
        more = "".join(
            f"<NextDNSName>{zone.name}</NextDNSName>"
            f"<NextHostedZoneId>{zone.resource_id}</NextHostedZoneId>"
            for zone in next_
        )
        return _xml(
            f'<ListHostedZonesByNameResponse xmlns="{XMLNS}"><HostedZones>{listed}</HostedZones>'
            f"<IsTruncated>{str(bool(next_)).lower()}</IsTruncated>{more}"
            f"<MaxItems>{most}</MaxItems></ListHostedZonesByNameResponse>"
        )

    def _change(self, change: str) -> web.Response:
        if change not in self._changes:
            return self._error(404, "NoSuchChange", "Could not find resource with ID: " + change)
        self._changes[change] -= 1
        status = "PENDING" if self._changes[change] >= 0 else "INSYNC"
        return _xml(
            f'<GetChangeResponse xmlns="{XMLNS}"><ChangeInfo><Id>/change/{change}</Id>'
            f"<Status>{status}</Status><SubmittedAt>2026-11-23T12:00:00Z</SubmittedAt>"
            "</ChangeInfo></GetChangeResponse>"
        )

    async def _changed(self, request: web.Request, zone_id: str, body: bytes) -> web.Response:
        zone = self._aws().zones.get(zone_id)
        if zone is None:
            text = "No hosted zone found with ID: " + zone_id
            return self._error(404, "NoSuchHostedZone", text)
        batch = read_batch(body)
        if self.denied_names & {change.name for change in batch}:
            return self._error(403, "AccessDenied", _denial("ChangeResourceRecordSets", zone_id))
        if wrong := what_is_wrong(zone, batch):
            return self._error(400, "InvalidChangeBatch", f"[{', '.join(wrong)}]")
        # What was just compared with the zone is all that the journal needs to know.
        zone.rr_changes.clear()
        zone.rr_changes.extend(each.as_created() for each in batch if each.action == "DELETE")
        reply = await self._forwarded(request, body)
        if reply.status == 200:
            self.batches.append([(change.action, change.name) for change in batch])
            change_id = f"C{len(self._changes):020d}"
            self._changes[change_id] = self.pending
            text = (reply.text or "").replace("C2682N5HXP0BZ4", change_id)
            reply.text = text.replace("INSYNC", "PENDING") if self.pending else text
            for name in {change.name for change in batch}:
                self._publish(name)
        return reply

    async def _role(self, request: web.Request, body: bytes) -> web.Response:
        asked = dict(parse_qsl(body.decode()))
        self.roles.append(asked)
        if asked.get("ExternalId", "") != self.external_id:
            return self._error(403, "AccessDenied", _denial("AssumeRole", "role"))
        reply = await self._forwarded(request, body)
        if reply.status == 200:
            text = reply.text or ""
            names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
            keys = Keys(*(text.split(f"<{name}>")[1].split("<")[0] for name in names))
            self.known[keys.access_key_id] = keys
            end = (datetime.now(UTC) + timedelta(seconds=self.role_seconds)).isoformat()
            reply.text = re.sub("<Expiration>.*?<", f"<Expiration>{end}<", text)
        return reply

    async def _forwarded(self, request: web.Request, body: bytes) -> web.Response:
        kept = ("Authorization", "Content-Type", "X-Amz-Date", "X-Amz-Security-Token")
        headers = {name: request.headers[name] for name in kept if name in request.headers}
        async with (
            aiohttp.ClientSession() as client,
            client.request(
                request.method, self.upstream + request.raw_path, data=body, headers=headers
            ) as reply,
        ):
            return web.Response(
                status=reply.status, text=await reply.text(), content_type="text/xml"
            )

    def _error(self, status: int, code: str, text: str) -> web.Response:
        date = datetime.now(UTC) + timedelta(seconds=self.skew)
        request_id = f"request-{next(self.ids)}"
        return _xml(
            f'<ErrorResponse xmlns="{XMLNS}"><Error><Type>Sender</Type><Code>{code}</Code>'
            f"<Message>{escape(text)}</Message></Error><RequestId>{request_id}</RequestId>"
            "</ErrorResponse>",
            status=status,
            headers={
                "x-amzn-RequestId": request_id,
                "Date": format_datetime(date, usegmt=True),
            },
        )

    # moto from inside

    def _aws(self) -> Any:
        from moto.route53.models import route53_backends

        return route53_backends[ACCOUNT]["aws"]

    def _zone_of(self, fqdn: str) -> Any:
        zones = [
            zone
            for zone in self._aws().zones.values()
            if f".{fqdn}.".endswith(f".{zone.name}") and not zone.private_zone
        ]
        return max(zones, key=lambda zone: len(zone.name))

    def _publish(self, fqdn: str) -> None:
        if self.on_change:
            ttl = self.ttl(fqdn) or 0
            self.on_change(fqdn, [Value("", strings, ttl) for strings in self.txt(fqdn)])

    def _txt(self, fqdn: str) -> Any:
        sets = self._zone_of(fqdn).rrsets
        return next((s for s in sets if s.type == "TXT" and s.name == f"{fqdn}."), None)


def _denial(operation: str, zone: str) -> str:
    action, resource = f"route53:{operation}", f"arn:aws:route53:::hostedzone/{zone}"
    if operation == "AssumeRole":
        action, resource = f"sts:{operation}", ROLE
    return (
        f"User: {USER} is not authorized to perform: {action} on resource: {resource} because no "
        f"identity-based policy allows the {action} action"
    )


def _operation(request: web.Request, body: bytes = b"") -> tuple[str, dict[str, str]]:
    """What a request asks for, and the ids in its path."""
    for method, path, name in OPERATIONS:
        found = re.fullmatch(path, request.path)
        if found and request.method == method:
            return name, found.groupdict()
    return dict(parse_qsl(body.decode())).get("Action", ""), {}


def _xml(text: str, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(status=status, text=text, content_type="text/xml", headers=headers)


@cache
def _moto() -> str:
    """The address of this process's moto, which is started once."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    return f"http://{host}:{port}"
