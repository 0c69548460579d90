"""Signed DNS messages as a server reads them (TSIG, RFC 8945)."""

from __future__ import annotations

import struct
import time

import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.tsig
from dns.rdtypes.ANY.TSIG import TSIG

ERRORS: dict[type[Exception], dns.rcode.Rcode] = {
    dns.message.UnknownTSIGKey: dns.rcode.BADKEY,
    dns.tsig.BadAlgorithm: dns.rcode.BADKEY,
    dns.tsig.BadKey: dns.rcode.BADKEY,
    dns.tsig.BadSignature: dns.rcode.BADSIG,
    dns.tsig.BadTime: dns.rcode.BADTIME,
}


class UnverifiedMessage(Exception):
    """A message whose signature does not hold; `answer` is what to send back."""

    def __init__(self, answer: bytes) -> None:
        super().__init__("the signature does not hold")
        self.answer = answer


def read(wire: bytes, key: dns.tsig.Key) -> dns.message.Message:
    """The message, verified when it is signed.

    Raises UnverifiedMessage when it is signed and the signature does not hold, and
    dns.exception.DNSException when it cannot be read at all.
    """
    try:
        return dns.message.from_wire(wire, keyring={key.name: key}, ignore_trailing=True)
    except tuple(ERRORS) as error:
        raise UnverifiedMessage(_refusal(wire, key, ERRORS[type(error)])) from error


def _refusal(wire: bytes, key: dns.tsig.Key, error: dns.rcode.Rcode) -> bytes:
    message = dns.message.from_wire(wire, keyring=False, ignore_trailing=True)
    assert message.tsig is not None
    theirs = message.tsig[0]
    assert isinstance(theirs, TSIG)
    response = dns.message.make_response(message)
    response.set_rcode(dns.rcode.NOTAUTH)
    plain = response.to_wire()
    tsig = theirs.replace(mac=b"", error=error, other=b"")
    if error == dns.rcode.BADTIME:
        # RFC 8945 §5.2.3: this error is signed, with our clock as other data and their time.
        tsig = tsig.replace(other=int(time.time()).to_bytes(6, "big"))
        tsig, _ = dns.tsig.sign(  # type: ignore[no-untyped-call]
            plain, key, tsig, theirs.time_signed, theirs.mac
        )
    return _append(plain, message.tsig.name, tsig)


def _append(wire: bytes, owner: dns.name.Name, tsig: dns.rdata.Rdata) -> bytes:
    """`wire` with one more record in its additional section."""
    rdata = tsig.to_wire() or b""
    fixed = struct.pack("!HHIH", dns.rdatatype.TSIG, dns.rdataclass.ANY, 0, len(rdata))
    count = int.from_bytes(wire[10:12], "big") + 1
    record = (owner.to_wire() or b"") + fixed + rdata
    return wire[:10] + count.to_bytes(2, "big") + wire[12:] + record
