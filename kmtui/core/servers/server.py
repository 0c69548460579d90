"""End server: a place that serves http-01 answers (RFC 8555 section 8.3).

A kind of end server is one file with one class, named once in `KINDS`. Forms and command options
are generated from its `title` and `fields`; nothing else knows the kinds by name.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol, TypeAlias, cast

from kmtui.core.errors import InvalidInput, ProtocolViolation
from kmtui.core.servers.listener import PATH, Listeners
from kmtui.model import Field

WELL_KNOWN = tuple(PATH.strip("/").split("/"))
"""The directories below a web root where answers live (RFC 8555 section 8.3)."""

PROBE = Field(
    name="probe",
    label="Probe address",
    help="HOST:PORT asked instead of the name itself before the CA is; for a lab or a split DNS",
)
"""A field that every kind has: where the advisory probe of http-01 connects to."""

# RFC 8555 section 8.3: base64url without padding, at least 128 bits. The token comes from a CA and
# becomes a file name and a URL path, so it is checked again here, where it is used.
TOKEN = re.compile(r"[A-Za-z0-9_-]{22,128}")

Handle: TypeAlias = dict[str, Any]
"""What `clean_up` needs, JSON-able. Always has `token` and `key_authorization`."""


class ReportLine(NamedTuple):
    """One finding of a check."""

    ok: bool
    text: str


class Shared:
    """What the end servers of one process share: listeners, and directories that kmtui made."""

    def __init__(self) -> None:
        self.listeners = Listeners()
        self.made: set[tuple[str, int]] = set()
        """Path and inode of each directory made below a web root and not yet removed."""

    async def close(self) -> None:
        """Stop every listener. Challenge files stay; their clean-up is in the journal."""
        await self.listeners.close()


class EndServer(Protocol):
    """One configured end server.

    Built as ``cls(settings, secrets, shared)``; that MUST be quick, MUST NOT touch the outside
    world, and raises InvalidInput (with `field`) on bad settings.
    """

    kind: ClassVar[str]
    title: ClassVar[str]
    fields: ClassVar[tuple[Field, ...]]

    def __init__(
        self, settings: Mapping[str, str], secrets: Mapping[str, str], shared: Shared
    ) -> None: ...

    async def check(self) -> Sequence[ReportLine]:
        """Try what a challenge would need and leave nothing behind; never raises for a finding."""
        ...

    async def present(self, token: str, key_authorization: str) -> Handle:
        """Make the answer readable at /.well-known/acme-challenge/TOKEN.

        MUST be repeatable: after a crash it is called again with the same values. MUST NOT change
        what is there and is not ours. Raises EndServerError, or ProtocolViolation for a token that
        is no token.
        """
        ...

    async def clean_up(self, handle: Handle) -> None:
        """Remove the answer if it is ours; absent is success, foreign content stays.

        MUST accept a handle with only `token` and `key_authorization`: a crash may come between
        the effect and the record of its handle. Raises EndServerError when it must be tried again.
        """
        ...


KINDS: dict[str, str] = {
    "local": "kmtui.core.servers.local:WebRoot",
    "standalone": "kmtui.core.servers.standalone:Standalone",
}
"""Kind to ``module:class``, in the order shown; a module is imported when first used."""


def server_class(kind: str) -> type[EndServer]:
    """The class of a kind. Raises InvalidInput for an unknown one."""
    try:
        module, _, name = KINDS[kind].partition(":")
    except KeyError:
        raise InvalidInput(
            f"no such kind of end server: {kind}", field="kind", hint="one of: " + ", ".join(KINDS)
        ) from None
    return cast(type[EndServer], getattr(importlib.import_module(module), name))


def open_server(
    kind: str, settings: Mapping[str, str], secrets: Mapping[str, str], shared: Shared
) -> EndServer:
    """The end server of a stored row; `settings` may carry a mapping's own `webroot`.

    Raises InvalidInput for settings that its fields do not allow.
    """
    cls = server_class(kind)
    check_fields(cls.fields, {**settings, **secrets})
    return cls(settings, secrets, shared)


def check_fields(fields: Sequence[Field], values: Mapping[str, str]) -> None:
    """Refuse unknown, missing and not allowed values, naming the field. Raises InvalidInput."""
    known = {field.name: field for field in fields}
    for name in values:
        if name not in known:
            raise InvalidInput(
                f"no such setting: {name}", field=name, hint="one of: " + ", ".join(known)
            )
    for field in fields:
        value = values.get(field.name) or field.default
        if field.required and not value:
            raise InvalidInput(f"{field.label} is missing", field=field.name, hint=field.help)
        if value and field.choices and value not in field.choices:
            raise InvalidInput(
                f"{field.label} cannot be {value!r}",
                field=field.name,
                hint="one of: " + ", ".join(field.choices),
            )


def check_token(token: str) -> str:
    """The token itself, when it is one. Raises ProtocolViolation."""
    if not TOKEN.fullmatch(token):
        raise ProtocolViolation(
            f"the CA sent a challenge token that is not base64url: {token[:40]!r}",
            hint="nothing was written; report this to the CA",
        )
    return token
