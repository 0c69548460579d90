"""Which URLs an ACME client may call: https, or plain http to this machine (RFC 8555 section 6.1).

A CA hands out the URL of every object, so each one is untrusted: it is checked before each call.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

import httpx

from kmtui.core.acme.problems import violation
from kmtui.core.errors import InvalidInput

LONGEST = 2048
"""Characters; the longest URLs seen at public CAs have about 200."""


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
        if why := _objection(directory_url):
            raise InvalidInput(
                f"the directory URL {why}", field="directory_url", hint="https://host/path"
            )
        self._home = httpx.URL(directory_url).host
        self._at_home = is_loopback(self._home)
        self._hosts = frozenset({self._home})

    def admit(self, endpoints: Iterable[str]) -> None:
        """Take the hosts of a directory's services for the CA's own. Raises ProtocolViolation."""
        urls = list(endpoints)
        for url in urls:
            _refuse(url, _objection(url) or self._at_this_machine(url))
        self._hosts = frozenset({self._home, *(httpx.URL(url).host for url in urls)})

    def allows(self, url: str) -> bool:
        """Whether the URL may be called."""
        return not self._why_not(url)

    def check(self, url: str) -> str:
        """The URL itself when it may be called. Raises ProtocolViolation."""
        _refuse(url, self._why_not(url))
        return url

    def _why_not(self, url: str) -> str:
        return _objection(url) or self._at_this_machine(url) or self._elsewhere(url)

    def _at_this_machine(self, url: str) -> str:
        """A CA elsewhere has no business with services of the machine kmtui runs on."""
        if is_loopback(httpx.URL(url).host) and not self._at_home:
            return "points at this machine"
        return ""

    def _elsewhere(self, url: str) -> str:
        """Nor with those of anybody else: a CA's objects live where its services are."""
        host = httpx.URL(url).host
        if host in self._hosts or (self._at_home and is_loopback(host)):
            return ""
        return f"points at {host}, a host its directory does not name"


def _refuse(url: str, why: str) -> None:
    if why:
        raise violation(f"the CA handed out a URL that {why}", detail=url)


def _objection(url: str) -> str:
    """Why no CA may have this URL called; empty when there is nothing against it."""
    if len(url) > LONGEST:
        return f"is longer than {LONGEST} characters"
    if not url.isascii() or any(c <= " " or c == "\x7f" for c in url):
        return "holds blanks or characters that belong to no URL"
    try:
        # The parser that will make the call also judges it, so both see the same host.
        parsed = httpx.URL(url)
        host = parsed.host
    except (httpx.InvalidURL, ValueError):  # the latter for an A-label that is none
        return "cannot be read"
    if not host:
        return "names no host"
    if parsed.port is not None and not 0 < parsed.port < 65536:
        return "names an impossible port"
    if parsed.userinfo:
        return "carries a user name or password"
    if parsed.scheme == "https" or (parsed.scheme == "http" and is_loopback(host)):
        return ""
    return "is not https"
