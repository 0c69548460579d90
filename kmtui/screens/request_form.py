"""The form of a request: its fields, and the specification that was typed into it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from kmtui.core.names import split_names
from kmtui.model import (
    Account,
    ChallengeChoice,
    ChallengeType,
    CheckLine,
    DnsAccount,
    EndServer,
    KeyType,
    RequestSpec,
    SaveMode,
)
from kmtui.widgets.details import Fact
from kmtui.widgets.fields import FieldSpec, Options, Value

AS_MAPPED = ("", "as mapped")

FIELDS = (
    FieldSpec(
        name="names",
        label="Names",
        kind="lines",
        required=True,
        help="One per line, or with spaces or commas between; *.example.org is a wildcard.",
    ),
    FieldSpec(
        name="account",
        label="Account",
        kind="choice",
        required=True,
        help="Who asks, and with that which CA.",
    ),
    FieldSpec(
        name="challenge",
        label="Challenge",
        kind="choice",
        choices=(AS_MAPPED, *ChallengeType),
        help="How control of every name is proved; as mapped: each name by its own mapping.",
    ),
    FieldSpec(
        name="dns",
        label="DNS account",
        kind="choice",
        choices=(AS_MAPPED,),
        help="Where the TXT records of all names are written.",
    ),
    FieldSpec(
        name="server",
        label="End server",
        kind="choice",
        choices=(AS_MAPPED,),
        help="Who answers for all names over http.",
    ),
    FieldSpec(
        name="key_type",
        label="Key type",
        kind="choice",
        choices=tuple(KeyType),
        help="Of the certificate's key, made new for this request.",
    ),
    FieldSpec(
        name="profile",
        label="Profile",
        kind="choice",
        choices=(("", "the CA's own"),),
        help="A kind of certificate that the CA offers.",
    ),
    FieldSpec(
        name="label",
        label="Label",
        help="What the certificate is called here; its first name when empty.",
    ),
    FieldSpec(
        name="save",
        label="Save",
        kind="choice",
        choices=(
            (SaveMode.ASK, "ask: a new version waits until it is saved"),
            (SaveMode.ALWAYS, "always: a new version becomes the current one"),
        ),
        help="What happens to this version and to those that renewals bring.",
    ),
)

FIELD_OF_ERROR = {"key-type": "key_type", "name": "label"}
"""Fields of the form by the core's word for them, where the two differ."""


def account_options(accounts: Sequence[Account]) -> Options:
    """The accounts a request can be made with."""
    return tuple(
        (account.name, f"{account.name} · {account.ca}")
        for account in accounts
        if account.status == "valid"
    )


def answerer_options(rows: Sequence[DnsAccount] | Sequence[EndServer]) -> Options:
    """DNS accounts or end servers, after the mappings."""
    return (AS_MAPPED, *(row.name for row in rows))


def values_of(spec: RequestSpec, account: str) -> dict[str, Value]:
    """A specification as it stands in the form; `account` is the account's name."""
    choice = spec.choices.get("") or ChallengeChoice()
    type_ = choice.type or (
        ChallengeType.DNS_01
        if choice.dns_account
        else ChallengeType.HTTP_01
        if choice.server
        else ""
    )
    return {
        "names": "\n".join(spec.names),
        "account": account,
        "challenge": type_,
        "dns": choice.dns_account or "",
        "server": choice.server or "",
        "key_type": spec.key_type,
        "profile": spec.profile or "",
        "label": spec.label or "",
        "save": spec.auto_save,
    }


def spec_of(values: Mapping[str, Value], before: RequestSpec | None) -> RequestSpec:
    """The specification typed into the form.

    What the form does not ask for (choices for single names, a signing request) stays as it was
    `before`.
    """
    text = {name: value for name, value in values.items() if isinstance(value, str)}
    names = tuple(dict.fromkeys(split_names(text["names"])))
    kept = before or RequestSpec(names=(), account="")
    choices = {name: choice for name, choice in kept.choices.items() if name in names}
    if text["challenge"]:
        choices[""] = ChallengeChoice(
            type=text["challenge"],
            dns_account=text.get("dns") or None,
            server=text.get("server") or None,
        )
    return replace(
        kept,
        names=names,
        account=text["account"],
        key_type=text["key_type"],
        profile=text.get("profile") or None,
        label=text["label"] or None,
        auto_save=text["save"],
        choices=choices,
    )


def check_facts(lines: Sequence[CheckLine]) -> list[Fact]:
    """An advisory check, a line each."""
    marks = {True: ("+", "good"), False: ("x", "bad"), None: ("-", "muted")}
    return [(marks[line.ok][0], (line.text, marks[line.ok][1])) for line in lines]


def outlook(spec: RequestSpec) -> list[Fact]:
    """What will happen, as sentences."""
    count = len(spec.names)
    names = "one name" if count == 1 else f"{count} names"
    key = (
        "The signing request that was given is used; its key stays where it is."
        if spec.csr_pem
        else f"A new {spec.key_type} key is made and sealed in the vault."
    )
    profile = f" of the profile {spec.profile}" if spec.profile else ""
    save = (
        "The version becomes the current one by itself."
        if spec.auto_save == SaveMode.ALWAYS
        else "The version waits until s saves it; until then nothing else changes."
    )
    sentences = (
        key,
        f"{spec.account or 'An account'} orders a certificate{profile} for {names}.",
        "Control of each name is proved as said below; what is published for it is removed again.",
        save,
    )
    return [
        ("", ("What will happen", "strong")),
        *((f"{place}.", sentence) for place, sentence in enumerate(sentences, 1)),
    ]
