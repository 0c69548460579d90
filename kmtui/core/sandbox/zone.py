"""One DNS zone of the sandbox: its records, its recent past, and dynamic updates (RFC 2136).

Past contents are kept for a while so that the secondary can answer from them: that is how an
operator sees a change reach one name server after the other.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from dns.rcode import Rcode
from dns.rdataclass import ANY, IN, NONE
from dns.rdatatype import CNAME, NS, SOA, A

TTL = 60
KEPT_AT_APEX = (SOA, NS)
HOST_ADDRESS = dns.rdata.from_text(IN, A, "127.0.0.1")


class Records(NamedTuple):
    """The records of one name and type; `ttl` in seconds."""

    ttl: int
    rdatas: tuple[dns.rdata.Rdata, ...]


Key = tuple[dns.name.Name, dns.rdatatype.RdataType]


@dataclass(frozen=True)
class Snapshot:
    """What a zone held from `since` on (monotonic seconds)."""

    origin: dns.name.Name
    since: float
    records: Mapping[Key, Records]

    def find(self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> dns.rrset.RRset | None:
        """The records of that name and type; every plain host name has the address 127.0.0.1."""
        found = self.records.get((name, rdtype))
        if found is None and rdtype == A and _is_host(name) and (name, CNAME) not in self.records:
            found = Records(TTL, (HOST_ADDRESS,))
        return dns.rrset.from_rdata_list(name, found.ttl, found.rdatas) if found else None

    def exists(self, name: dns.name.Name) -> bool:
        """Whether the name, or one below it, has any record (RFC 8020: else NXDOMAIN)."""
        return _is_host(name) or any(owner.is_subdomain(name) for owner, _ in self.records)

    def soa(self) -> dns.rrset.RRset:
        """The SOA record, which says how fresh this content is."""
        found = self.find(self.origin, SOA)
        assert found is not None
        return found


class Zone:
    """The zone `origin`; `servers` are the addresses of ns1, ns2 and so on."""

    def __init__(self, origin: dns.name.Name, servers: Sequence[str], *, keep: float) -> None:
        self.origin = origin
        self.keep = keep
        self._serial = 1
        records: dict[Key, Records] = {}
        hosts = [dns.name.from_text(f"ns{i}", origin) for i in range(1, len(servers) + 1)]
        _put(records, origin, NS, [host.to_text() for host in hosts])
        for host, address in zip(hosts, servers, strict=True):
            _put(records, host, A, [address])
        self._snapshots = [self._snapshot(-math.inf, records)]

    def at(self, moment: float) -> Snapshot:
        """What the zone held at that monotonic time, or the oldest content still known."""
        past = (s for s in reversed(self._snapshots) if s.since <= moment)
        return next(past, self._snapshots[0])

    def update(
        self,
        prerequisites: Sequence[dns.rrset.RRset],
        changes: Sequence[dns.rrset.RRset],
        now: float,
    ) -> Rcode:
        """Check all prerequisites, then make all changes or none (RFC 2136 section 3)."""
        before = self._snapshots[-1].records
        if not all(rrset.name.is_subdomain(self.origin) for rrset in (*prerequisites, *changes)):
            return Rcode.NOTZONE
        if (unmet := _unmet(before, prerequisites)) is not None:
            return unmet
        after = dict(before)
        for rrset in changes:
            self._change(after, rrset)
        if after != before:
            self._serial += 1
            self._forget(now - self.keep)
            self._snapshots.append(self._snapshot(now, after))
        return Rcode.NOERROR

    def _change(self, records: dict[Key, Records], rrset: dns.rrset.RRset) -> None:
        name, rdtype = rrset.name, rrset.rdtype
        kept = name == self.origin and rdtype in KEPT_AT_APEX
        if rrset.deleting is None:
            _add(records, rrset)
        elif rrset.deleting == ANY and rdtype == dns.rdatatype.ANY:
            for key in [key for key in records if key[0] == name]:
                if not (name == self.origin and key[1] in KEPT_AT_APEX):
                    del records[key]
        elif kept:
            return  # RFC 2136 §3.4.2.4: the SOA and the last NS stay
        elif rrset.deleting == ANY:
            records.pop((name, rdtype), None)
        elif found := records.get((name, rdtype)):
            left = tuple(rdata for rdata in found.rdatas if rdata not in rrset)
            if left:
                records[name, rdtype] = found._replace(rdatas=left)
            else:
                del records[name, rdtype]

    def _snapshot(self, since: float, records: dict[Key, Records]) -> Snapshot:
        ns1 = dns.name.from_text("ns1", self.origin)
        mailbox = dns.name.from_text("hostmaster", self.origin)
        _put(records, self.origin, SOA, [f"{ns1} {mailbox} {self._serial} 60 10 3600 1"])
        return Snapshot(self.origin, since, records)

    def _forget(self, before: float) -> None:
        oldest_needed = self.at(before)
        self._snapshots = self._snapshots[self._snapshots.index(oldest_needed) :]


def _is_host(name: dns.name.Name) -> bool:
    return not any(label.startswith(b"_") for label in name.labels)


def _put(
    records: dict[Key, Records],
    name: dns.name.Name,
    rdtype: dns.rdatatype.RdataType,
    texts: Iterable[str],
) -> None:
    rdatas = tuple(dns.rdata.from_text(IN, rdtype, text) for text in texts)
    records[name, rdtype] = Records(TTL, rdatas)


def _add(records: dict[Key, Records], rrset: dns.rrset.RRset) -> None:
    key = rrset.name, rrset.rdtype
    # RFC 2136 §3.4.2.2: what would put a CNAME beside other data is silently left out.
    beside = {rdtype for owner, rdtype in records if owner == rrset.name} - {rrset.rdtype}
    if CNAME in beside or (rrset.rdtype == CNAME and beside) or rrset.rdtype == SOA:
        return
    old = () if rrset.rdtype == CNAME or key not in records else records[key].rdatas
    records[key] = Records(rrset.ttl, tuple(dict.fromkeys((*old, *rrset))))


def _unmet(
    records: Mapping[Key, Records], prerequisites: Sequence[dns.rrset.RRset]
) -> Rcode | None:
    """The response code of the first prerequisite that does not hold (RFC 2136 section 3.2)."""
    wanted: dict[Key, set[dns.rdata.Rdata]] = {}
    for rrset in prerequisites:
        key = rrset.name, rrset.rdtype
        any_type = rrset.rdtype == dns.rdatatype.ANY
        present = any(o == rrset.name for o, _ in records) if any_type else key in records
        if rrset.deleting == ANY and not present:
            return Rcode.NXDOMAIN if any_type else Rcode.NXRRSET
        if rrset.deleting == NONE and present:
            return Rcode.YXDOMAIN if any_type else Rcode.YXRRSET
        if rrset.deleting is None:
            wanted.setdefault(key, set()).update(rrset)
    same = all(key in records and set(records[key].rdatas) == want for key, want in wanted.items())
    return None if same else Rcode.NXRRSET
