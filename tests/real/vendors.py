"""Vendors of DNS whose zones a real name server shows to everybody, and accounts there."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from functools import partial
from typing import ClassVar, Protocol

from tests.dns.fake import Value
from tests.dns.fakes.azure import FakeAzure
from tests.dns.fakes.cloudflare import FakeCloudflare
from tests.dns.fakes.cloudns import FakeCloudns
from tests.dns.fakes.dnsmadeeasy import FakeDnsMadeEasy
from tests.dns.fakes.godaddy import FakeGoDaddy
from tests.dns.fakes.route53 import FakeRoute53
from tests.dns.vendor import Strings, Vendor
from tests.real.scripted import Scripted
from tests.servers.bind import Bind

FOREIGN = (("made of", "two strings"), ("somebody-elses-challenge",))
TTL = 1800


class Shown(Protocol):
    """What the tests need of a vendor; see `tests.dns.vendor.Vendor`."""

    provider: ClassVar[str]

    @property
    def settings(self) -> dict[str, str]: ...

    @property
    def secrets(self) -> dict[str, str]: ...

    @property
    def received(self) -> str: ...

    def txt(self, fqdn: str) -> list[Strings]: ...

    def ttl(self, fqdn: str) -> int | None: ...

    def put(self, fqdn: str, value: Strings, *, ttl: int = ...) -> None: ...


class Fake(Vendor, Protocol):
    """A fake vendor: see `tests.dns.fake.FakeVendor`."""

    on_change: Callable[[str, list[Value]], None] | None

    def start(self) -> None: ...

    def stop(self) -> None: ...


class OwnServer:
    """The name server itself, changed by RFC 2136."""

    provider: ClassVar[str] = "rfc2136"
    received = ""

    def __init__(self, bind: Bind) -> None:
        self._bind = bind

    @property
    def settings(self) -> dict[str, str]:
        return {"server": self._bind.server, "tsig_name": self._bind.tsig.name}

    @property
    def secrets(self) -> dict[str, str]:
        return {"tsig_secret": self._bind.tsig.secret}

    def txt(self, fqdn: str) -> list[Strings]:
        return self._bind.txt_set(fqdn)[1]

    def ttl(self, fqdn: str) -> int | None:
        return self._bind.txt_set(fqdn)[0]

    def put(self, fqdn: str, value: Strings, *, ttl: int = 3600) -> None:
        self._bind.set_txt(fqdn, [*self.txt(fqdn), value], ttl)


FAKES: tuple[type[Fake], ...] = (
    FakeAzure,
    FakeCloudflare,
    FakeRoute53,
    FakeGoDaddy,
    FakeCloudns,
    FakeDnsMadeEasy,
)
PROVIDERS = (OwnServer.provider, *(fake.provider for fake in FAKES))


def vendor(provider: str, bind: Bind, stack: ExitStack, *zones: str) -> Shown:
    """The vendor at work with these zones, until `stack` is closed; `bind` serves what it holds."""
    if provider != OwnServer.provider:
        return fake_vendor(provider, bind, stack, *zones)
    assert set(zones) <= {zone.name for zone in bind.zones}
    return OwnServer(bind)


def fake_vendor(provider: str, bind: Bind, stack: ExitStack, *zones: str) -> Fake:
    """The same, when it is none but a fake."""
    fake = next(kind for kind in FAKES if kind.provider == provider)()
    fake.on_change = partial(publish, bind)
    fake.start()
    stack.callback(fake.stop)
    for zone in zones:
        fake.add_zone(zone, nameservers=(f"ns1.{zone}",))
    return fake


def publish(bind: Bind, fqdn: str, values: Sequence[Value]) -> None:
    """Let everybody see what a vendor holds at a name."""
    bind.set_txt(fqdn, [value.strings for value in values], values[0].ttl if values else 60)


def add_account(run: Scripted, bind: Bind, shown: Shown, name: str) -> None:
    """A DNS account at the vendor, its secrets in files as an operator keeps them."""
    words = {"resolvers": bind.server, "propagation_timeout": "60", **shown.settings}
    options = [word for pair in words.items() for word in ("--set", "=".join(pair))]
    for field, secret in shown.secrets.items():
        path = run.home / f"{name}.{field}"
        path.write_text(secret)
        options += ["--secret", f"{field}=@{path}"]
    run("dns", "add", name, "--provider", shown.provider, *options)


def put_foreign(at: Shown, lab: Bind, *names: str) -> None:
    """Values of others stand at these names, at the vendor and for everybody."""
    for name in names:
        for value in FOREIGN:
            at.put(name, value, ttl=TTL)
        assert lab.txt_set(name) == (TTL, list(FOREIGN))


def require_untouched(at: Shown, lab: Bind, *names: str) -> None:
    """They are as they were, and nothing else is there."""
    for name in names:
        assert (at.ttl(name), at.txt(name)) == (TTL, list(FOREIGN))
        assert lab.txt_set(name) == (TTL, list(FOREIGN))


def left_behind(run: Scripted) -> list[str]:
    """Names in the clean-up journal that are not done with."""
    with closing(sqlite3.connect(run.home / "data" / "kmtui.db")) as database:
        found = database.execute("SELECT name FROM cleanup WHERE state != 'done'")
        return [name for (name,) in found]
