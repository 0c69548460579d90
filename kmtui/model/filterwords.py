"""The words of each list's filter, as help texts and errors name them."""

from __future__ import annotations

from dataclasses import dataclass

MOMENTS = "<30d, >90d, 2027-01 or 2027-01..2027-03"
"""How a time is given, in words."""
PAST = "7d or 2026-10-01"
HEX = "hexadecimal digits, the first four or more"


@dataclass(frozen=True, slots=True)
class FilterWord:
    """A qualifier: written before a colon, it says what the value behind it is compared with."""

    word: str
    takes: str
    """What may stand behind the colon."""
    tooltip: str


FILTER_WORDS: dict[str, tuple[FilterWord, ...]] = {
    "certificates": (
        FilterWord("status", "valid, due, expired, failing, archived, …", "How it stands"),
        FilterWord("expires", MOMENTS, "When it expires"),
        FilterWord("renews", MOMENTS, "When its renewal is planned"),
        FilterWord("name", "a whole name", "Has exactly this name"),
        FilterWord("account", "the start of a name", "Its account"),
        FilterWord("ca", "the start of a name", "The CA of its account"),
        FilterWord("issuer", "a part", "Who signed it"),
        FilterWord("key", "ec256, rsa, …", "The type of its key"),
        FilterWord("dns", "the start of a name", "DNS account that one of its names is mapped to"),
        FilterWord("server", "the start of a name", "End server it is put on or proved by"),
        FilterWord("target", "waiting, deployed, verified, failed, stale", "How a target stands"),
        FilterWord("serial", HEX, "Serial number of any of its versions"),
        FilterWord("sha256", HEX, "Fingerprint of any of its versions"),
        FilterWord("fingerprint", HEX, "The same"),
        FilterWord("renew", "on or off", "Whether it renews unattended"),
    ),
    "requests": (
        FilterWord("status", "failed, parked, active, …", "How it stands"),
        FilterWord("kind", "issue, renew, reissue or move", "Why it was made"),
        FilterWord("account", "the start of a name", "Its account"),
        FilterWord("ca", "the start of a name", "The CA of its account"),
        FilterWord("cert", "a label", "Its certificate"),
        FilterWord("since", PAST, "Made then or later"),
    ),
    "accounts": (
        FilterWord("ca", "the start of a name", "Its CA"),
        FilterWord("status", "valid, deactivated, …", "How it stands"),
    ),
    "dns": (
        FilterWord("provider", "the start of a name", "Its provider"),
        FilterWord("test", "ok, failed or never", "How the last test ended"),
    ),
    "servers": (
        FilterWord("kind", "local, standalone or ssh", "What it is"),
        FilterWord("test", "ok, failed or never", "How the last test ended"),
    ),
    "activity": (
        FilterWord("who", "a part", "Who acted"),
        FilterWord("what", "a part", "What was done"),
        FilterWord("on", "a part", "What it was done to"),
        FilterWord("outcome", "ok, failed or started", "How it ended"),
        FilterWord("object", "an id", "What it was done to, by its id"),
        FilterWord("since", PAST, "Done then or later"),
    ),
}
"""By the list that knows them; a test holds them against the queries."""
