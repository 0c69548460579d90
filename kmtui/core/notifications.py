"""Telling operators: by mail, by a command, or both, when something is new, and once a day.

What was told is not told again before the next digest. What did not get through is tried again by
the next run, and stands in `check` until then.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlmodel import Session

from kmtui.core import child, last_run, notices, notify_settings
from kmtui.core.alerts import NOT_TOLD, UNSENT, Alerts
from kmtui.core.context import Context
from kmtui.core.errors import KmtuiError, NotificationFailed, Refused, TamperedSecret
from kmtui.core.notices import Notice, State
from kmtui.core.notify_settings import NotifySettings
from kmtui.core.servers.local_command import plain_environment
from kmtui.db import renewal, settings, versions
from kmtui.model import Alert
from kmtui.text import one_line

TOLD = "notify.told"
"""The setting that holds what was told, and when the last digest went out."""
A_DAY = timedelta(hours=23, minutes=30)
"""Between two digests: an hourly run comes a little earlier or later."""
SOON = timedelta(days=7)
MOST_ISSUED = 500
COMMAND_SECONDS = 60.0
MOST_OUTPUT = 16 * 1024


@dataclass(frozen=True, slots=True)
class _Told:
    """What operators know already."""

    alerts: frozenset[str] = frozenset()
    digest_at: datetime | None = None

    @classmethod
    def read(cls, session: Session) -> _Told:
        try:
            stored = json.loads(settings.get(session, TOLD) or "")
            at = stored["digest_at"]
            moment = datetime.fromisoformat(at) if at else None
            return cls(frozenset(map(str, stored["alerts"])), moment)
        except (ValueError, TypeError, KeyError):
            return cls()

    def put(self, session: Session) -> None:
        at = self.digest_at.isoformat() if self.digest_at else None
        text = json.dumps({"alerts": sorted(self.alerts), "digest_at": at})
        settings.put(session, TOLD, text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What became of the messages of one run."""

    sent: str = ""
    """`alarm` or `digest`; empty when there was nothing to tell."""
    problems: tuple[str, ...] = ()


class Notifications:
    """Settings, and messages that follow from them."""

    def __init__(self, context: Context, alerts: Alerts) -> None:
        self._context = context
        self._alerts = alerts

    async def settings(self) -> NotifySettings | None:
        """How operators are told; None when they are not. Raises VaultLocked, TamperedSecret."""
        return await notify_settings.read(self._context.secrets)

    async def set(self, wanted: NotifySettings, *, password: str | None = None) -> NotifySettings:
        """Store how operators are told; `password` None keeps the one there is, empty takes it.

        Raises InvalidInput, VaultLocked, ReadOnly.
        """
        self._context.access.require_change()
        notify_settings.refuse_useless(wanted)

        def store(session: Session) -> NotifySettings:
            self._record(session, "notify set", detail=wanted.described)
            return notify_settings.put(session, self._context.secrets, wanted, password)

        return await self._context.db.write(store)

    async def clear(self) -> None:
        """Tell nobody any more; the settings and the password are destroyed."""
        self._context.access.require_change()

        def forget(session: Session) -> None:
            notify_settings.delete(session)
            settings.delete(session, UNSENT)
            settings.delete(session, TOLD)
            self._record(session, "notify off")

        await self._context.db.write(forget)

    async def test(self) -> None:
        """Send a message now, every way that is set. Raises Refused, NotificationFailed."""
        self._context.access.require_change()
        wanted = await self.settings()
        if wanted is None:
            raise Refused("nobody is told anything yet", hint="kmtui notify set --help")
        notice = notices.test(self._host, self._context.actor)
        problems = await self._send(wanted, notice)
        await self._keep(notice, problems)
        if problems:
            raise problems[0]

    async def tell(self) -> Telling:
        """Tell what is new, or send the day's digest, where operators are to be told.

        What does not get through is kept as a problem. Raises VaultLocked.
        """
        self._context.access.require_change()
        try:
            wanted = await self.settings()
        except TamperedSecret as error:
            # The run itself must not fail over that; it stands in `check`.
            await self._keep(Notice("alarm", "", ""), [error])
            return Telling(problems=(_line(error),))
        if wanted is None:
            return Telling()
        state, told = await self._look(wanted)
        due = told.digest_at is None or state.now - told.digest_at >= A_DAY
        if wanted.digest and due:
            notice, told = notices.digest(state), replace(told, digest_at=state.now)
        elif state.new:
            notice = notices.alarm(state)
        else:
            await self._context.db.write(_known(told, state.alerts).put)
            return Telling()
        problems = await self._send(wanted, notice)
        await self._keep(notice, problems)
        lines = tuple(map(_line, problems))
        if len(problems) == wanted.ways:
            return Telling(problems=lines)
        # One way is enough to know; the same by the other way would come with every run.
        await self._context.db.write(_known(told, state.alerts, added=state.new).put)
        return Telling(sent=notice.kind, problems=lines)

    async def _look(self, wanted: NotifySettings) -> tuple[State, _Told]:
        alerts = [
            alert
            for alert in await self._alerts.all(within=timedelta(days=wanted.within_days))
            if alert.what != NOT_TOLD
        ]
        now = self._context.clock()

        def look(session: Session) -> tuple[State, _Told]:
            told = _Told.read(session)
            since = told.digest_at or now - timedelta(days=1)
            return State(
                host=self._host,
                now=now,
                alerts=alerts,
                new=[alert for alert in alerts if _key(alert) not in told.alerts],
                issued=versions.issued_since(session, since, limit=MOST_ISSUED),
                soon=renewal.due(session, now + SOON),
                certificates=renewal.in_force(session),
                last_run=last_run.read(session),
            ), told

        return await self._context.db.read(look)

    async def _send(self, wanted: NotifySettings, notice: Notice) -> list[NotificationFailed]:
        """Every way that is set; what did not work."""
        problems = []
        for way in (self._by_mail, self._by_command):
            try:
                await way(wanted, notice)
            except NotificationFailed as error:
                problems.append(error)
        return problems

    async def _by_mail(self, wanted: NotifySettings, notice: Notice) -> None:
        if wanted.mail is None:
            return
        from kmtui.core import mail

        secrets = self._context.secrets
        password = await notify_settings.password(secrets) if wanted.has_password else None
        letter = mail.message(wanted.mail, notice.subject, notice.text, self._context.clock())
        await asyncio.to_thread(mail.send, wanted.mail, letter, password)

    async def _by_command(self, wanted: NotifySettings, notice: Notice) -> None:
        if not wanted.command:
            return
        program = wanted.command[0]
        told = {
            "KMTUI_NOTICE": notice.kind,
            "KMTUI_NOTICE_SUBJECT": notice.subject,
            "KMTUI_NOTICE_TEXT": notice.text,
        }
        try:
            ended = await child.run(
                wanted.command,
                environment={**await asyncio.to_thread(plain_environment), **told},
                seconds=COMMAND_SECONDS,
                most_output=MOST_OUTPUT,
            )
        except TimeoutError:
            raise NotificationFailed(
                f"{program} did not end within {COMMAND_SECONDS:g} seconds",
                hint="run it by hand: it may wait for an answer",
            ) from None
        except (OSError, ValueError) as error:
            said = getattr(error, "strerror", None) or str(error)
            raise NotificationFailed(
                f"cannot run {program}: {said}", hint="it must be there and executable"
            ) from error
        if ended.code:
            lines = ended.output.decode(errors="replace").strip().splitlines()
            last = f": {one_line(lines[-1], 300)}" if lines else ""
            raise NotificationFailed(
                f"{program} ended with {ended.code}{last}", hint="kmtui notify test runs it again"
            )

    async def _keep(self, notice: Notice, problems: Sequence[KmtuiError]) -> None:
        """What did not get through stands in `check` until something does."""
        said = "; ".join(problem.message for problem in problems)

        def store(session: Session) -> None:
            if problems:
                settings.put(session, UNSENT, said)
                self._record(session, "notify", "failed", f"{notice.kind}: {said}")
            else:
                settings.delete(session, UNSENT)
                self._record(session, "notify", detail=f"{notice.kind}: {notice.subject}")

        await self._context.db.write(store)

    def _record(self, session: Session, action: str, outcome: str = "ok", detail: str = "") -> None:
        self._context.record(session, action, "inventory", None, "", outcome, detail)

    @property
    def _host(self) -> str:
        return self._context.actor.rpartition("@")[2]


def _line(problem: KmtuiError) -> str:
    return f"{problem.message}; {problem.hint}"


def _known(told: _Told, standing: Sequence[Alert], *, added: Sequence[Alert] = ()) -> _Told:
    """What operators know now: of what was told, only what still stands can be forgotten about."""
    keys = {_key(alert) for alert in standing}
    return replace(told, alerts=(told.alerts & keys) | {_key(alert) for alert in added})


def _key(alert: Alert) -> str:
    """The same thing keeps its key, whatever its text says about how often it failed."""
    return " ".join(filter(None, (alert.what, alert.certificate, alert.target, alert.ca)))
