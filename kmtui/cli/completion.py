"""What the shell offers where a command line names something of the inventory.

Bash, zsh and fish ask by running the program (``kmtui --install-completion`` tells them to). Words
of a fixed list, such as formats and reasons, are offered by their types.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

OFFERED: dict[str, str | tuple[str, ...]] = {
    "* --account": "accounts",
    "* --ca": "CAs",
    "* --dns": "dns accounts",
    "* --server": "end servers",
    "* --provider": "providers",
    "* --target": "targets",
    "* --purge": "deleted certificates",
    "* --saved": "filters",
    "* CERT": "certificates",
    "cert * --version": "versions",
    "cert export --format": ("pem", "der", "p7b", "p12", "p12-legacy", "jks"),
    "cert export --part": ("leaf", "chain", "fullchain", "key"),
    "cert diff N": "versions",
    "cert diff M": "versions",
    "cert undelete CERT": "deleted certificates",
    "ca * NAME": "CAs",
    "ca add NAME": "",
    "account * NAME": "accounts",
    "account register NAME": "",
    "account add NAME": "",
    "dns * NAME": "dns accounts",
    "dns add NAME": "",
    "dns providers P": "providers",
    "server * NAME": "end servers",
    "server add NAME": "",
    "filter * --list": ("certificates", "requests", "accounts", "dns", "servers", "activity"),
    "filter delete NAME": "filters",
    "mapping delete PATTERN": "mappings",
    "request * ID": "requests",
    "target * NAME": "targets",
    "target add NAME": "",
    "notify set --smtp-security": ("starttls", "tls", "none"),
    "vault remove-slot ID": "slots",
}
"""``command parameter`` to what is offered there (a kind of `kmtui.core.completion`, or the
words themselves); empty: a new name.

``*`` stands for any commands; the rule that says most counts.
"""

ASKED = "_KMTUI_COMPLETE"
"""Set in the environment of a program that a shell asks."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One word, as Typer's `CompletionItem`."""

    value: str
    help: str = ""
    type: str = "plain"


def offer_values(command: Any, path: tuple[str, ...]) -> None:
    """Let the parameters of a command, or of all commands of a group, offer what `OFFERED` says.

    Does nothing unless a shell asks.
    """
    if ASKED not in os.environ:
        return
    for name, inner in getattr(command, "commands", {}).items():
        offer_values(inner, (*path, name))
    for parameter in command.params:
        if kind := _kind(path, _shown(parameter)):
            parameter.shell_complete = _completer(kind)


def _completer(kind: str | tuple[str, ...]) -> Any:
    def complete(context: Any, incomplete: str) -> list[Offer]:
        if not isinstance(kind, str):
            return [Offer(word) for word in kind if word.startswith(incomplete)]
        from kmtui.config import gather
        from kmtui.core.completion import completions

        data = context.find_root().params.get("data")
        options = gather(os.environ, data=data)
        within = next((value for value in _certificates(context) if value), "")
        return [Offer(word) for word in completions(options.data, kind, incomplete, within=within)]

    return complete


def _certificates(context: Any) -> Iterator[str]:
    """What was given so far for CERT."""
    for parameter in context.command.params:
        if _shown(parameter) == "CERT":
            value = context.params.get(parameter.name) or ""
            yield from [value] if isinstance(value, str) else value
    # Where an option still lacks its value, arguments are not given to their parameters.
    yield from context.args


def _shown(parameter: Any) -> str:
    """``--account``, ``CERT``: a parameter as the help shows it."""
    if parameter.param_type_name == "option":
        return str(max(parameter.opts, key=len))
    return str(parameter.metavar or parameter.name).strip("[].")


def _kind(path: tuple[str, ...], parameter: str) -> str | tuple[str, ...]:
    wholly, group = " ".join(path), path[0]
    rules = (f"{wholly} {parameter}", f"{group} * {parameter}", f"* {parameter}")
    return next((OFFERED[rule] for rule in rules if rule in OFFERED), "")
