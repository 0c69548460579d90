"""Past-tense facts, published after the commit that made them true, and the bus that carries them.

An event names a thing that changed; who listens reads the thing again from where it lives.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """Something about one object changed; `id` is the object's id."""

    id: str


class RequestChanged(Event):
    """A request got another status, step, or result."""


class ChallengeChanged(Event):
    """A challenge of the request `id` was presented, seen, answered or decided."""


class RequestLogged(Event):
    """The log of the request `id` grew."""


class CertificateChanged(Event):
    """A certificate got a version, a current version, a revocation or another setting."""


class AccountChanged(Event):
    """An account was registered, changed or removed."""


class DnsAccountChanged(Event):
    """A DNS account was added, tested, changed or removed."""


class EndServerChanged(Event):
    """An end server was added, tested, changed or removed."""


class TargetChanged(Event):
    """A target was added, changed or removed, or something happened there."""


@dataclass(frozen=True, slots=True)
class DeploymentStepped(Event):
    """The deployment to the target `id` came a step further."""

    certificate: str
    target: str
    """Names of the certificate and the target."""
    text: str
    """One line about the step; may hold words of a server, unfiltered."""


class MappingChanged(Event):
    """A mapping was added or removed."""


class AuthorityChanged(Event):
    """A CA was added or removed."""


class FilterChanged(Event):
    """A filter of the list `id` was kept or forgotten."""


class VaultChanged(Event):
    """The vault was initialised, unlocked, locked, or its slots changed."""


Listener = Callable[[Event], None]


class Bus:
    """Hands each event to every listener, in the event loop, in the order of subscription.

    A listener MUST be quick and MUST NOT raise.
    """

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Add a listener; call what is returned to remove it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def publish(self, *events: Event) -> None:
        """Tell every listener."""
        for event in events:
            for listener in tuple(self._listeners):
                listener(event)
