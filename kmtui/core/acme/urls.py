"""Which URLs an ACME client may call: https, or plain http to this machine (RFC 8555 section 6.1).

A CA hands out the URL of every object, so each one is untrusted: it is checked before each call.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

import httpx

from kmtui.core.acme.problems import violation
from kmtui.core.errors import InvalidInput, ProtocolViolation

LONGEST = 2048
"""Characters; the longest URLs seen at public CAs have about 200."""
_PRINTABLE = re.compile(r"[!-~]*")


def is_loopback(host: str) -> bool:
    """Whether the host is this machine by its very name: 127.0.0.0/8, ::1 or localhost."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class UrlPolicy:
    """What one CA may make us call, seen from the directory URL an operator trusts."""

    def __init__(self, directory_url: str) -> None:
        """Raises InvalidInput when the directory URL itself is not acceptable."""
        try:
            self._home = _parsed(directory_url).host
        except _Objection as why:
            raise InvalidInput(
                f"the directory URL {why}", field="directory_url", hint="https://host/path"
            ) from why
        self._at_home = is_loopback(self._home)
        self._hosts = frozenset({self._home})

    def admit(self, endpoints: Iterable[str]) -> None:
        """Take the hosts of a directory's services for the CA's own. Raises ProtocolViolation."""
        hosts = {self._home}
        for url in endpoints:
            try:
                host = _parsed(url).host
                self._require_not_here(host)
            except _Objection as why:
                raise _violation(url, why) from why
            hosts.add(host)
        self._hosts = frozenset(hosts)

    def allows(self, url: str) -> bool:
        """Whether the URL may be called."""
        try:
            self.parsed(url)
        except ProtocolViolation:
            return False
        return True

    def check(self, url: str) -> str:
        """The URL itself when it may be called. Raises ProtocolViolation."""
        self.parsed(url)
        return url

    def parsed(self, url: str) -> httpx.URL:
        """The URL to call, when it may be called. Raises ProtocolViolation."""
        try:
            parsed = _parsed(url)
            self._require_not_here(parsed.host)
            self._require_ours(parsed.host)
        except _Objection as why:
            raise _violation(url, why) from why
        return parsed

    def _require_not_here(self, host: str) -> None:
        """A CA elsewhere has no business with services of the machine kmtui runs on."""
        if not self._at_home and is_loopback(host):
            raise _Objection("points at this machine")

    def _require_ours(self, host: str) -> None:
        """Nor with those of anybody else: a CA's objects live where its services are."""
        if host not in self._hosts and not (self._at_home and is_loopback(host)):
            raise _Objection(f"points at {host}, a host its directory does not name")


class _Objection(ValueError):
    """What is wrong with a URL, to be read after "a URL that"."""


def _violation(url: str, why: _Objection) -> ProtocolViolation:
    return violation(f"the CA handed out a URL that {why}", detail=url)


def _parsed(url: str) -> httpx.URL:
    """The URL, when any CA may have it called; raises _Objection."""
    if len(url) > LONGEST:
        raise _Objection(f"is longer than {LONGEST} characters")
    if not _PRINTABLE.fullmatch(url):
        raise _Objection("holds blanks or characters that belong to no URL")
    try:
        # The parser that will make the call also judges it, so both see the same host.
        parsed = httpx.URL(url)
        host = parsed.host
    except (httpx.InvalidURL, ValueError) as error:  # the latter for an A-label that is none
        raise _Objection("cannot be read") from error
    if not host:
        raise _Objection("names no host")
    if parsed.port is not None and not 0 < parsed.port < 65536:
        raise _Objection("names an impossible port")
    if parsed.userinfo:
        raise _Objection("carries a user name or password")
    if parsed.scheme != "https" and not (parsed.scheme == "http" and is_loopback(host)):
        raise _Objection("is not https")
    return parsed
