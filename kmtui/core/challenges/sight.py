"""What one name server shows: of a TXT record, or of the zone it should serve."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum

import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

from kmtui.core.dns.cuts import NameServer
from kmtui.core.dns.names import text_of
from kmtui.core.dns.query import (
    NoReply,
    answer_of,
    ask,
    cname_of,
    is_authoritative,
    rcode_text,
    txt_values,
)
from kmtui.model import ServerSight


class Verdict(StrEnum):
    """What a server's reply means; the value completes "ns1.example.org (192.0.2.1) …"."""

    ASKING = "is being asked"
    SEEN = "has it"
    MISSING = "does not have it"
    WRONG = "answers wrongly"
    SILENT = "does not answer"


@dataclass(frozen=True, slots=True)
class Sight:
    """One server's latest answer."""

    server: NameServer
    verdict: Verdict
    detail: str = ""
    """The reason in a few words, or the values seen: untrusted."""
    milliseconds: float | None = None

    @property
    def row(self) -> ServerSight:
        """The same for storing and showing."""
        return ServerSight(
            name=self.server.name,
            address=self.server.address,
            seen=self.verdict is Verdict.SEEN,
            detail=self.detail,
            milliseconds=self.milliseconds,
        )

    def __str__(self) -> str:
        who = f"{self.server.name} ({self.server.address or 'no address'})"
        detail = f" ({self.detail})" if self.detail else ""
        return f"{who} {self.verdict}{detail}"


async def look_for_values(
    server: NameServer,
    name: dns.name.Name,
    wanted: AbstractSet[str],
    *,
    recurse: bool,
    patience: float,
) -> Sight:
    """Whether the server shows all `wanted` TXT values at `name`; other values are no matter.

    A resolver (`recurse`) may follow aliases and need not be authoritative.
    """
    reply = await _reply(server, name, dns.rdatatype.TXT, recurse=recurse, patience=patience)
    if isinstance(reply, Sight):
        return reply
    took = reply.time * 1000
    if reply.rcode() == dns.rcode.NXDOMAIN:
        return Sight(server, Verdict.MISSING, "NXDOMAIN", took)
    alias = cname_of(reply, name)
    if alias is not None and not recurse:
        target = text_of(alias)
        return Sight(server, Verdict.MISSING, f"alias to {target}", took)
    if recurse:
        values = tuple(value for rrset in reply.answer for value in txt_values(rrset))
    else:
        values = txt_values(answer_of(reply, name, dns.rdatatype.TXT))
    if wanted <= set(values):
        return Sight(server, Verdict.SEEN, "", took)
    return Sight(server, Verdict.MISSING, _shown(values), took)


def _shown(values: Sequence[str]) -> str:
    """Some of the values seen instead: a stranger's record may be long."""
    if not values:
        return "no TXT"
    some = [value if len(value) <= 80 else value[:79] + "…" for value in values[:4]]
    more = f" and {len(values) - 4} more" if len(values) > 4 else ""
    return f"TXT {', '.join(some)}{more}"


async def look_for_zone(server: NameServer, zone: dns.name.Name, *, patience: float) -> Sight:
    """Whether the server answers for the zone at all."""
    reply = await _reply(server, zone, dns.rdatatype.SOA, recurse=False, patience=patience)
    if isinstance(reply, Sight):
        return reply
    took = reply.time * 1000
    if answer_of(reply, zone, dns.rdatatype.SOA) is None:
        return Sight(server, Verdict.WRONG, "no SOA", took)
    return Sight(server, Verdict.SEEN, "", took)


async def _reply(
    server: NameServer,
    name: dns.name.Name,
    rdtype: dns.rdatatype.RdataType,
    *,
    recurse: bool,
    patience: float,
) -> dns.message.Message | Sight:
    """A reply that says yes or no, or the sight of a server that cannot say."""
    if server.endpoint is None:
        return Sight(server, Verdict.SILENT, "no address")
    try:
        reply = await ask(server.endpoint, name, rdtype, recurse=recurse, patience=patience)
    except NoReply as error:
        return Sight(server, Verdict.SILENT, error.reason)
    took = reply.time * 1000
    if reply.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return Sight(server, Verdict.WRONG, rcode_text(reply), took)
    if not recurse and not is_authoritative(reply):
        return Sight(server, Verdict.WRONG, "not authoritative", took)
    return reply
