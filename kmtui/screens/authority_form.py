"""The form that adds a CA by its directory URL."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from kmtui.core.errors import InvalidInput
from kmtui.screens.account_forms import path_of
from kmtui.screens.formpage import FormPage
from kmtui.widgets.details import Fact
from kmtui.widgets.fields import FieldSpec

NAME, DIRECTORY, BUNDLE, PROXY = "name", "directory", "ca-bundle", "proxy"
MOST_NAMES, SINGLE, LIFETIME = "max-names", "single-account", "lifetime-days"
"""Fields, named as the options of the command."""
_AS_THE_CORE_SAYS = {"ca_bundle": BUNDLE, "directory_url": DIRECTORY}
LARGEST_BUNDLE = 1024 * 1024
"""Octets; the roots of the web are a quarter of that."""

ABOUT: Sequence[Fact] = (
    ("New CA", "an ACME server of your own, or one that gives each customer a URL."),
    ("", ""),
    ("", "The name of a CA of the catalogue takes its place: what is left empty here stays"),
    ("", "as the catalogue says."),
)


class AuthorityForm(FormPage):
    """Adds a CA; what its directory says is asked when an account is registered there."""

    CRUMBS = ("CAs", "New CA")
    WHAT = "add CA"

    def __init__(self) -> None:
        super().__init__()
        self.form.add_class("-long-labels")

    def fields(self) -> Sequence[FieldSpec]:
        return [
            FieldSpec(
                name=NAME,
                label="Name",
                required=True,
                help="How it is called here: letters, digits and hyphens.",
            ),
            FieldSpec(
                name=DIRECTORY,
                label="Directory URL",
                required=True,
                placeholder="https://…/directory",
                help="Of its ACME service (RFC 8555 section 7.1.1).",
            ),
            FieldSpec(
                name=BUNDLE,
                label="Trust",
                placeholder="the system's roots",
                help="A file of PEM roots to trust instead: its path on this machine.",
            ),
            FieldSpec(
                name=PROXY, label="Proxy", placeholder="none", help="http://host:port on the way."
            ),
            FieldSpec(
                name=MOST_NAMES, label="Names at most", help="In one certificate; empty: unknown."
            ),
            FieldSpec(
                name=LIFETIME, label="Lifetime", help="Days its certificates live; empty: unknown."
            ),
            FieldSpec(
                name=SINGLE, label="Accounts", kind="check", placeholder="it allows one only"
            ),
        ]

    async def ready(self) -> None:
        self.about.show(ABOUT)

    async def send(self) -> str:
        text = self.form.text
        try:
            authority = await self.core.cas.add(
                text(NAME),
                directory_url=text(DIRECTORY),
                ca_bundle=await _bundle(text(BUNDLE)),
                proxy=text(PROXY) or None,
                max_names=_number(text(MOST_NAMES), MOST_NAMES),
                single_account=bool(self.form.values[SINGLE]),
                lifetime_days=_number(text(LIFETIME), LIFETIME),
            )
        except InvalidInput as error:
            error.field = _AS_THE_CORE_SAYS.get(error.field, error.field)
            raise
        self.made = authority.name
        return f"{authority.name} added: t asks it, 3 n registers an account there"


async def _bundle(typed: str) -> str | None:
    """The PEM text in the file that was named. Raises InvalidInput."""
    if not typed:
        return None

    def read() -> str:
        with path_of(typed).open(encoding="ascii") as file:
            bundle = file.read(LARGEST_BUNDLE + 1)
        if len(bundle) > LARGEST_BUNDLE:
            raise ValueError
        return bundle

    try:
        return await asyncio.to_thread(read)
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or "it is not PEM text"
        raise InvalidInput(f"cannot read {typed}: {said}", field=BUNDLE) from error


def _number(typed: str, field: str) -> int | None:
    """A positive number, or None for an empty field. Raises InvalidInput."""
    if not typed:
        return None
    if not (typed.isascii() and typed.isdecimal() and 0 < int(typed) < 1_000_000):
        raise InvalidInput("a number from 1 on", field=field)
    return int(typed)
