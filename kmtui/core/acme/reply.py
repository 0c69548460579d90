"""One HTTP reply of a CA, read to its end, and the headers ACME gives a meaning to."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urljoin

from kmtui.core.acme.problems import bare_problem, parse_problem, violation
from kmtui.model import Problem

if TYPE_CHECKING:
    import httpx

LONGEST_WAIT = 31 * 86400.0
"""Seconds; a Retry-After beyond a month is a month."""
LARGEST_JSON = 256 * 1024
"""Bytes; an order with 100 names has about 20 KB. Parsed, small objects take 30 times as much."""
LONGEST_LINK_HEADER = 8192
_LINK = re.compile(r"<([^<>]*)>([^<]*)")
_RELATION = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s;,\"]+))", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, headers and whole body of one reply."""

    url: str
    """The URL that was called."""
    status: int
    headers: httpx.Headers
    body: bytes
    received: datetime
    """By our own clock, UTC."""

    @property
    def nonce(self) -> str | None:
        """The fresh nonce every reply should bring, also an error (RFC 8555 section 6.5)."""
        nonce: str | None = self.headers.get("replay-nonce")
        return nonce

    @property
    def location(self) -> str | None:
        """The Location header as an absolute URL."""
        value = self.headers.get("location")
        return _absolute(self.url, value) if value else None

    @property
    def retry_after(self) -> float | None:
        """Seconds the CA asks to wait; None when it does not say, or not understandably."""
        value = self.headers.get("retry-after")
        if value is None:
            return None
        # The CA's own clock, when it tells it, keeps a wrong clock of ours out of the sum.
        return parse_retry_after(value, _http_date(self.headers.get("date")) or self.received)

    @property
    def clock_skew(self) -> float | None:
        """Seconds our clock is ahead of the CA's; None when the CA does not tell the time.

        The Date header counts whole seconds and is older by the way here: good for minutes.
        """
        theirs = _http_date(self.headers.get("date"))
        return None if theirs is None else (self.received - theirs).total_seconds()

    @property
    def links(self) -> dict[str, list[str]]:
        """Absolute URLs of all Link headers by relation (RFC 8288)."""
        return parse_links(self.headers.get_list("link"), self.url)

    def json_object(self, what: str) -> dict[str, Any]:
        """The body as a JSON object. Raises ProtocolViolation, naming it `what`."""
        if len(self.body) > LARGEST_JSON:
            raise violation(f"the CA's {what} is larger than {LARGEST_JSON} bytes", where=self.url)
        try:
            document = json.loads(self.body, parse_constant=_no_number)
        except (ValueError, RecursionError) as error:
            raise violation(
                f"the CA's {what} is not readable JSON", detail=self._excerpt(), where=self.url
            ) from error
        if not isinstance(document, dict):
            raise violation(
                f"the CA's {what} is not a JSON object", detail=self._excerpt(), where=self.url
            )
        return document

    def problem(self) -> Problem:
        """What an error reply says, whether or not it is a problem document."""
        document: Mapping[str, Any] | None = None
        try:
            # What is cut off there is not JSON any more, and told by its beginning.
            parsed = json.loads(self.body[:LARGEST_JSON], parse_constant=_no_number)
            if isinstance(parsed, dict) and ("type" in parsed or "detail" in parsed):
                document = parsed
        except (ValueError, RecursionError):
            document = None
        if document is None:
            return bare_problem(
                self.status,
                self.headers.get("content-type", "")[:80],
                self._excerpt(),
                retry_after=self.retry_after,
                where=self.url,
            )
        return parse_problem(
            document,
            http_status=self.status,
            retry_after=self.retry_after,
            # RFC 8555 section 7.3.5: a conflict names the object that is in the way.
            where=(self.status == 409 and self.location) or self.url,
            links=self.links,
        )

    def _excerpt(self) -> str:
        return self.body[:4000].decode("utf-8", "replace")


def parse_retry_after(value: str, now: datetime) -> float | None:
    """Seconds from `now`, within 0 and 31 days; None for what is neither form of RFC 9110 10.2.3.

    A date is compared as an instant: the time zone of this machine plays no part.
    """
    value = value.strip()
    if value.isascii() and value.isdigit():
        return LONGEST_WAIT if len(value) > 9 else min(float(value), LONGEST_WAIT)
    moment = _http_date(value)
    if moment is None:
        return None
    return min(max((moment - now).total_seconds(), 0.0), LONGEST_WAIT)


def parse_links(headers: list[str], base: str) -> dict[str, list[str]]:
    """Every target by relation, in order, from any number of Link headers.

    One header may hold several links, one link several relations, and quotes may be missing.
    """
    found: defaultdict[str, list[str]] = defaultdict(list)
    for header in headers:
        for target, parameters in _LINK.findall(header[:LONGEST_LINK_HEADER]):
            relation = _RELATION.search(parameters)
            url = _absolute(base, target)
            if relation and url:
                for word in (relation[1] or relation[2]).lower().split():
                    found[word].append(url)
    return dict(found)


def _absolute(base: str, target: str) -> str | None:
    try:
        return urljoin(base, target.strip())
    except ValueError:
        return None


def _http_date(value: str | None) -> datetime | None:
    if not value or len(value) > 64:
        return None
    try:
        moment = parsedate_to_datetime(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")
