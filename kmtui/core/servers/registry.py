"""The kinds of end server there are: one line each, imported when first used."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from kmtui.core.errors import InvalidInput
from kmtui.core.servers.server import EndServer, Shared
from kmtui.model import Field

FILE_LIMIT = 256 * 1024
"""Octets read of a file that a field asks for."""

KINDS: dict[str, str] = {
    "local": "kmtui.core.servers.local:WebRoot",
    "ssh": "kmtui.core.servers.ssh:SshServer",
    "standalone": "kmtui.core.servers.standalone:Standalone",
}
"""Kind to ``module:class``, in the order shown."""


def kinds() -> list[type[EndServer]]:
    """Every kind, in the order shown."""
    return [kind_named(kind) for kind in KINDS]


def kind_named(kind: str) -> type[EndServer]:
    """The class of a kind. Raises InvalidInput for an unknown one."""
    try:
        module, _, name = KINDS[kind].partition(":")
    except KeyError:
        raise InvalidInput(
            f"no such kind of end server: {kind}", field="kind", hint="one of: " + ", ".join(KINDS)
        ) from None
    return cast(type[EndServer], getattr(importlib.import_module(module), name))


def checked(kind: str, settings: Mapping[str, str], secrets: Mapping[str, str]) -> dict[str, str]:
    """The settings fit to be stored: known, allowed, not empty. Call it in a thread.

    Raises InvalidInput (`field`).
    """
    cls = kind_named(kind)
    plain = {name: value.strip() for name, value in settings.items() if value.strip()}
    _check(cls.fields, plain, secret=False)
    _check(cls.fields, {name: value for name, value in secrets.items() if value}, secret=True)
    cls(plain, secrets, Shared())
    return cls.stored(plain)


def contents(kind: str, values: Mapping[str, str]) -> dict[str, str]:
    """The values with the content of a file where a field wants one and its path is given.

    Call it in a thread. Raises InvalidInput (`field`).
    """
    files = {field.name for field in kind_named(kind).fields if field.file}
    return {
        name: _content(name, value) if name in files else value for name, value in values.items()
    }


def _content(name: str, value: str) -> str:
    path = Path(value.strip()).expanduser() if "\n" not in value.strip() else Path()
    if not path.is_absolute():
        return value
    try:
        with path.open("rb") as file:
            content = file.read(FILE_LIMIT + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InvalidInput(f"cannot read {path}: {reason}", field=name) from error
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise InvalidInput(f"{path} is not text", field=name) from None
    if len(content) > FILE_LIMIT:
        raise InvalidInput(f"{path} is larger than {FILE_LIMIT // 1024} KiB", field=name)
    return text


def create(
    kind: str, settings: Mapping[str, str], secrets: Mapping[str, str], shared: Shared
) -> EndServer:
    """The working end server of stored settings; a mapping's own `webroot` may replace theirs.

    Raises InvalidInput.
    """
    return kind_named(kind)(settings, secrets, shared)


def _check(fields: Sequence[Field], values: Mapping[str, str], *, secret: bool) -> None:
    known = {field.name: field for field in fields if field.secret == secret}
    for name in values:
        if name not in known:
            raise InvalidInput(
                f"no such {'secret' if secret else 'setting'}: {name}",
                field=name,
                hint="one of: " + ", ".join(known) if known else "this kind has none",
            )
    for field in known.values():
        value = values.get(field.name) or field.default
        if field.required and not value:
            raise InvalidInput(f"{field.label} is missing", field=field.name, hint=field.help)
        if value and field.choices and value not in field.choices:
            raise InvalidInput(
                f"{field.label} cannot be {value!r}",
                field=field.name,
                hint="one of: " + ", ".join(field.choices),
            )
