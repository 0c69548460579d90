"""What a hostile or broken CA does, as data: where, what, how soon it must end, and the reason.

A deadline is in seconds; it is the longest the client was told to wait, on the way there, for what
does not come.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from kmtui.core.acme.session import NONCE_SECONDS
from tests.torture.hostile import acts, chains
from tests.torture.hostile.acts import Act

CONNECT, CALL, POLL = 2.0, 3.0, 1.0
"""Seconds the client gives a connection, a whole call, and a state that it polls for."""
SLOW = re.escape(f"no answer within {CALL:g} s")
UNCONNECTED = re.escape(f"no connection within {CONNECT:g} s")
ELSEWHERE = "a host its directory does not name"


@dataclass(frozen=True)
class Behaviour:
    """One way of being hostile."""

    number: int
    does: str
    at: str
    """The resource whose reply is the hostile one; ``connection``: before any request."""
    act: Act
    reason: str
    """A pattern; what the operator is told must match it."""
    deadline: float = CALL + POLL
    tls: str = "good"


def _all() -> list[Behaviour]:
    at = Behaviour
    html = acts.instead(b"<!doctype html><p>It works!", headers={"Content-Type": "text/html"})
    sized = {"Content-Length": str(1 << 30)}
    chunked = {"Transfer-Encoding": "chunked"}
    packed = {"Content-Encoding": "gzip", **chunked}
    escapes = b'{"type": "x:dns", "detail": "\\u001b[2J' + b"A" * (10 << 20) + b'"}'
    surrogates = (
        b'{"type": "x:caa", "detail": "no\\ud800 CAA", "subproblems": [{"type": "\\udfff"}]}'
    )
    deep = b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    crowd = b'{"a": [' + b"{}," * 80_000 + b"{}]}"
    many = [{"type": "dns", "value": "www.example.org"}] * 1001
    processing = acts.edited(status="processing", certificate=None)
    plain = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno"
    return [
        at(1, "sends one byte at a time", "directory",
           acts.endless(sized, [b" "], pause=0.05), SLOW),
        at(2, "sends headers without end", "directory",
           acts.repeated(b"X-More: more\r\n"), "too (long|large|big)|too many"),
        at(3, "announces its answer for ever", "order",
           acts.repeated(b"HTTP/1.1 103 Early Hints\r\n\r\n", first=b""), SLOW),
        at(4, "sends a body of 1 GiB", "directory", acts.endless(sized), "larger than 1048576"),
        at(5, "sends chunks without end", "certificate",
           acts.endless(chunked, [b"10000\r\n" + acts.PIECE + b"\r\n"]), "larger than 1048576"),
        at(6, "sends one-byte chunks without end", "certificate",
           acts.endless(chunked, [b"1\r\nx\r\n" * 5000]), f"more than 10000 pieces|{SLOW}"),
        at(7, "sends a gzip bomb", "directory",
           acts.instead(acts.bomb(), headers={"Content-Encoding": "gzip"}), "larger than 1048576"),
        at(8, "sends rubbish without end after a gzip stream", "directory",
           acts.endless(packed, [b"10000\r\n" + acts.PIECE + b"\r\n"],
                        before=acts.chunk(acts.gzipped(b"{}"))), "larger than 1048576"),
        at(9, "nests JSON 100,000 deep", "new-order",
           acts.instead(deep, status=201), "order is not readable JSON"),
        at(10, "writes NaN", "new-order",
           acts.instead(b'{"status": NaN}', status=201), "order is not readable JSON"),
        at(11, "writes a number of 200,000 digits", "new-order",
           acts.instead(b'{"a": ' + b"9" * 200_000 + b"}"), "order is not readable JSON"),
        at(12, "fills its answer with 80,000 objects", "new-order",
           acts.instead(crowd, status=201), "lacks 'status'"),
        at(13, "sends invalid UTF-8", "new-order",
           acts.instead(b'{"status": "\xff\xfe"}'), "order is not readable JSON"),
        at(14, "gives a status that is a number", "order",
           acts.edited(status=7), "'status' that is not text"),
        at(15, "sends a list for an object", "authorization",
           acts.instead(b"[{}]"), "authorization is not a JSON object"),
        at(16, "is a web page", "directory", html, "not an ACME server"),
        at(17, "is a web page half way", "order", html, "order is not readable JSON.*It works!"),
        at(18, "gives no nonce", "new-nonce", acts.headed(Replay_Nonce=""), "no usable nonce"),
        at(19, "rejects every nonce", "new-order",
           acts.problem(400, "badNonce", "not mine"), "kept rejecting fresh request numbers",
           deadline=NONCE_SECONDS),
        at(20, "never gets done", "order", processing, "still working on it"),
        at(21, "has the CSR sent to another host", "order",
           acts.edited(finalize="https://elsewhere.test/finalize"), ELSEWHERE),
        at(22, "has the CSR sent in the clear", "order",
           acts.edited(finalize="http://elsewhere.test/finalize"), "not https"),
        at(23, "has the CSR sent to a file", "order",
           acts.edited(finalize="file:///etc/passwd"), "a URL that"),
        at(24, "asks to come back in 31 years", "new-order",
           acts.problem(429, "rateLimited", "later", Retry_After="1000000000"), "rate limit"),
        at(25, "asks to come back before now", "order",
           acts.headed(processing, Retry_After="-1000000000"), "not settled"),
        at(26, "asks to come back in 1970", "order",
           acts.headed(processing, Retry_After="Thu, 01 Jan 1970 00:00:00 GMT"), "not settled"),
        *(at(number, f"redirects by {status}", "new-order",
             acts.instead(b"", status=status, headers={"Location": "https://elsewhere.test/"}),
             "redirect to https://elsewhere.test/, which kmtui does not follow")
          for number, status in enumerate((301, 302, 307, 308), start=27)),
        at(31, "gives a token that climbs out of its directory", "authorization",
           acts.challenged("../../etc/cron.d/x"), "no token that is safe to publish"),
        at(32, "refuses in 10 MiB of terminal commands", "new-order",
           acts.instead(escapes, status=400), "larger than 1048576"),
        at(33, "refuses in half characters", "new-order",
           acts.instead(surrogates, status=403), "no\ud800 CAA"),
        at(34, "certifies another key", "certificate", chains.of(key=True), "for another key"),
        at(35, "certifies other names", "certificate",
           chains.of(names=["www.example.org", "evil.test"]), "other names.*evil.test"),
        at(36, "issues what expired", "certificate", chains.of(begins=-90), "expired already"),
        at(37, "issues for the day after tomorrow", "certificate",
           chains.of(begins=2), "begins only on"),
        at(38, "sends a chain of 1,000 certificates", "certificate",
           chains.of(length=1000), "larger than|more than 10 certificates"),
        at(39, "sends a private key along", "certificate",
           chains.followed_by_a_key(), "PRIVATE KEY block where only certificates may be"),
        at(40, "says everything twice in a certificate", "certificate",
           chains.with_an_extension_twice(), "certificate that cannot be read"),
        at(41, "shows an expired TLS certificate", "directory", acts.usual(),
           "not trusted: certificate has expired", tls="expired"),
        at(42, "shows the TLS certificate of another host", "directory", acts.usual(),
           "not trusted: .*(mismatch|not valid for)", tls="another host"),
        at(43, "shows a TLS certificate of its own making", "directory", acts.usual(),
           "not trusted: self.signed", tls="self-signed"),
        at(44, "speaks TLS 1.0", "directory", acts.usual(),
           "cannot be reached: it hung up during the TLS handshake", tls="1.0"),
        at(45, "speaks no TLS", "connection", acts.raw(plain),
           "cannot be reached: .*(wrong version|SSL|record)", tls="none"),
        at(46, "never shakes hands", "connection", acts.silent(),
           UNCONNECTED, tls="none"),
        at(47, "shakes hands one byte at a time", "connection",
           acts.raw(b"\x16\x03\x03\x40\x00", then=b"\0", pause=0.05),
           UNCONNECTED, tls="none"),
        at(48, "hangs up at once", "connection", acts.raw(b""), "cannot be reached", tls="none"),
        at(49, "resets the connection in the middle", "order",
           acts.broken_off(reset=True), "answer did not arrive"),
        at(50, "hangs up in the middle", "order",
           acts.broken_off(reset=False), "answer did not arrive"),
        at(51, "sends nothing", "order", acts.instead(b""), "order is not readable JSON"),
        at(52, "changes the protocol", "order",
           acts.instead(b"", status=101), "not readable JSON|did not arrive"),
        at(53, "puts the account on another host", "new-account",
           acts.headed(Location="https://elsewhere.test/account"), ELSEWHERE),
        at(54, "does not say where the order is", "new-order",
           acts.headed(Location=""), "did not say where the order is"),
        at(55, "orders fewer names", "new-order", acts.edited(identifiers=[]), "for other names"),
        at(56, "orders the same name 1,001 times", "new-order",
           acts.edited(identifiers=many), "more than 1000 entries"),
        at(57, "fails a challenge and leaves it pending", "authorization",
           acts.challenged("token", error={"type": "x:dns", "detail": "NXDOMAIN"}), "NXDOMAIN"),
        at(58, "forgets the certificate of a valid order", "order",
           acts.edited(certificate=None), "names no certificate"),
    ]  # fmt: skip


BEHAVIOURS = _all()
