"""A group of commands, and how the groups are found without importing them all."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from kmtui.cli.completion import Offer, offer_values

if TYPE_CHECKING:
    from kmtui.cli.session import Invocation

GROUPS: dict[str, tuple[str, str]] = {
    "demo": ("kmtui.cli.demo:app", "Practise on a sandbox CA and name server in this process."),
    "vault": ("kmtui.cli.vault:app", "Set up and open the vault that seals every secret."),
    "ca": ("kmtui.cli.authorities:app", "Certificate authorities: known, retired, your own."),
    "account": ("kmtui.cli.accounts:app", "ACME accounts at CAs."),
    "dns": ("kmtui.cli.dns:app", "DNS accounts that answer dns-01."),
    "server": ("kmtui.cli.servers:app", "End servers that answer http-01."),
    "mapping": ("kmtui.cli.mappings:app", "Which names are proved how."),
    "request": ("kmtui.cli.requests:app", "Ask for certificates and watch them come."),
    "cert": ("kmtui.cli.certificates:app", "Certificates and all their versions."),
    "filter": ("kmtui.cli.filters:app", "Filters kept under a name."),
    "target": ("kmtui.cli.targets:app", "Where certificates are put, and what is served there."),
    "renew": ("kmtui.cli.renew:app", "The unattended run: whatever is due."),
    "notify": ("kmtui.cli.notify:app", "Mail or a command, when something is new, and daily."),
    "systemd": ("kmtui.cli.systemd:app", "Units that make the unattended run."),
    "check": ("kmtui.cli.check:app", "Whether anything needs an operator."),
    "resume": ("kmtui.cli.resume:app", "Go on with everything that was cut off."),
    "cleanup": ("kmtui.cli.cleanup:app", "Remove records and files that were left behind."),
    "activity": ("kmtui.cli.activity:app", "The audit trail: what anyone ever did."),
    "backup": ("kmtui.cli.backup:app", "Copy the whole inventory to a file."),
    "restore": ("kmtui.cli.restore:app", "Put a backup in the inventory's place."),
}
"""Command to ``module:app`` and its line in the help, in the order shown."""


def group(help_text: str = "", **settings: Any) -> typer.Typer:
    """A Typer application that stays light: no rich, no completion options of its own."""
    return typer.Typer(
        cls=Group,
        help=help_text,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=False,
        **settings,
    )


def invocation(context: typer.Context) -> Invocation:
    """What the root command made of the global options."""
    from kmtui.cli.session import Invocation

    found = context.find_object(Invocation)
    assert found is not None
    return found


class Group(TyperGroup):
    """A group whose help tells the whole of what each command does."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The list in the help; nothing in it is cut."""
        told = {name: command.get_short_help_str(1000) for name, command in self.commands.items()}
        with formatter.section("Commands"):
            formatter.write_dl(list(told.items()))


class Root(TyperGroup):
    """The root command: imports a group's module only when that group is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names in the order of `GROUPS`."""
        return list(GROUPS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command or group of that name, None when there is none."""
        if cmd_name not in GROUPS:
            return None
        place, help_text = GROUPS[cmd_name]
        module, _, name = place.partition(":")
        app: typer.Typer = getattr(importlib.import_module(module), name)
        command = typer.main.get_command(app)
        command.name = cmd_name
        command.short_help = help_text
        offer_values(command, (cmd_name,))
        return command

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """What a shell offers for the first word, found without importing anything."""
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        found = {name: text for name, (_, text) in GROUPS.items() if name.startswith(incomplete)}
        return [Offer(name, text) for name, text in found.items()]

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The list in the help, written without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_text) for name, (_, help_text) in GROUPS.items()])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As the base class, which proposes similar names from `commands`."""
        names: Any = dict.fromkeys(GROUPS)
        self.commands = names
        return super().resolve_command(ctx, args)
