"""What the contract of DNS providers needs of a vendor: its outside, and a view from the inside.

A vendor is a real server or a stateful fake on loopback. The provider under test reaches it as it
would reach the real one; the test looks at the zone from the other side, and writes there as other
people do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Protocol, TypeAlias

Strings: TypeAlias = tuple[str, ...]
"""One TXT value as the strings it is made of, without quotes."""


class Vendor(Protocol):
    """One vendor at work. Names are lower case without final dot."""

    provider: ClassVar[str]
    """Its name in the registry."""
    calls: list[str]
    """Every call that arrived, oldest first: ``METHOD path`` or what the protocol has instead."""

    @property
    def settings(self) -> dict[str, str]:
        """Settings of a DNS account that works here (never `zones`)."""
        ...

    @property
    def secrets(self) -> dict[str, str]:
        """Its secrets: canaries, that is, values that occur nowhere else."""
        ...

    @property
    def received(self) -> str:
        """All that arrived but bodies and authentication headers: where no secret may be."""
        ...

    def add_zone(
        self, name: str, *, nameservers: tuple[str, ...] = ("ns1.vendor.test", "ns2.vendor.test")
    ) -> str:
        """One more zone of the account, empty; its id. A name may be there twice, where the vendor
        allows it."""
        ...

    def txt(self, fqdn: str) -> list[Strings]:
        """The TXT values at a name, sorted."""
        ...

    def ttl(self, fqdn: str) -> int | None:
        """The TTL of the TXT set at a name, of its oldest value where each has its own."""
        ...

    def put(self, fqdn: str, value: Strings, *, ttl: int = 3600) -> None:
        """Somebody else adds a value."""
        ...

    def drop(self, fqdn: str, value: Strings) -> None:
        """Somebody else removes a value."""
        ...

    def before_write(self, act: Callable[[], None], *, times: int = 1) -> None:
        """Do something right before the next writes take effect: what others do in between."""
        ...

    def too_fast(self, *, times: int = 1, seconds: int = 1) -> None:
        """The next calls are refused by the vendor's rate limit, in its own words."""
        ...

    def fail(self, *, times: int = 1) -> None:
        """The next calls fail as the vendor's servers fail: a page of HTML where it has one."""
        ...

    @property
    def writes(self) -> int:
        """How many calls changed or tried to change a zone."""
        ...
