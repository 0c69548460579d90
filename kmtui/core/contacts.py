"""Which CAs answer: what was heard of each is remembered, so that one gone silent is told.

A CA that is closed for good looks like any outage for the first days. Clients tell what they hear;
it is kept in memory and written down when somebody asks, after an unattended run, and at the end.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

from sqlmodel import Session

from kmtui.core.context import Context
from kmtui.core.errors import KmtuiError
from kmtui.db import settings
from kmtui.model import Authority, Contact

SETTING = "contact."
"""The settings that hold the contacts begin so; the name of the CA follows."""
NOTED_AGAIN = timedelta(hours=1)
"""A CA that answers all the time is written down this often."""
_TIMES = ("answered_at", "failing_since", "failed_at")


class Contacts:
    """When each CA answered last."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._heard: dict[str, Contact] = {}
        """What is not stored yet, by CA."""

    def heard(self, ca: str, error: KmtuiError | None) -> None:
        """Take in that a CA answered (`error` None), or why it did not."""
        now = self._context.clock()
        if error is None:
            news = Contact(ca=ca, answered_at=now)
        else:
            news = Contact(ca=ca, failing_since=now, failed_at=now, error=error.message)
        self._heard[ca] = merged(self._heard.get(ca), news)

    async def all(self) -> dict[str, Contact]:
        """What is known of each CA that was ever asked anything, by its name."""
        await self.store()
        known = await self._context.db.read(_stored)
        # In read-only mode nothing was written.
        return known | {ca: merged(known.get(ca), news) for ca, news in self._heard.items()}

    async def store(self) -> None:
        """Write down what was heard since the last time. Raises DatabaseError."""
        if not self._heard or self._context.access.read_only:
            return
        heard = dict(self._heard)
        await self._context.db.write(lambda session: _store(session, heard.values()))
        self._heard = {ca: news for ca, news in self._heard.items() if news is not heard.get(ca)}

    def forget(self, session: Session, ca: str) -> None:
        """Forget a CA that is removed, in the transaction that removes it."""
        self._heard.pop(ca, None)
        settings.delete(session, SETTING + ca)


def silence(authority: Authority, contact: Contact) -> str:
    """Since when a CA has not answered, why, and the way out, in one sentence."""
    since = contact.answered_at or contact.failing_since
    asked = "has not answered" if contact.answered_at else "never answered"
    day = f" since {since.astimezone(UTC):%Y-%m-%d %H:%M}" if since else ""
    return (
        f"{authority.title} {asked}{day}: {contact.error};"
        f" kmtui ca check {authority.name} asks it, kmtui cert move leaves it"
    )


def merged(former: Contact | None, news: Contact) -> Contact:
    """What is known after `news`; merging the same news again changes nothing."""
    if former is None or news.answered_at is not None:
        return news
    return replace(
        news,
        answered_at=former.answered_at,
        failing_since=former.failing_since or news.failing_since,
    )


def _store(session: Session, heard: Iterable[Contact]) -> None:
    for news in heard:
        former = _parsed(news.ca, settings.get(session, SETTING + news.ca))
        if former is None or not _says_nothing_new(former, news):
            fields = asdict(merged(former, news))
            text = {name: value.isoformat() for name in _TIMES if (value := fields[name])}
            settings.put(session, SETTING + news.ca, json.dumps({**text, "error": fields["error"]}))


def _says_nothing_new(former: Contact, news: Contact) -> bool:
    """Whether the CA answers, as it did a moment before."""
    if former.word != "ok" or news.word != "ok":
        return False
    return abs(news.at - former.at) < NOTED_AGAIN


def _stored(session: Session) -> dict[str, Contact]:
    texts = settings.list_all(session).items()
    names = [(name.removeprefix(SETTING), text) for name, text in texts if name.startswith(SETTING)]
    found = (_parsed(ca, text) for ca, text in names)
    return {contact.ca: contact for contact in found if contact is not None}


def _parsed(ca: str, text: str | None) -> Contact | None:
    """A stored contact; None when nothing sensible is stored."""
    try:
        stored = json.loads(text or "")
        times = {name: datetime.fromisoformat(stored[name]) for name in _TIMES if name in stored}
        return Contact(ca=ca, error=str(stored["error"]), **times)
    except (ValueError, TypeError, KeyError):
        return None
