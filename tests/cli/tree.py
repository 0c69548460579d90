"""All commands, from the tree that the program itself goes by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from kmtui.cli.main import app

Command = Any
"""A command of Typer's tree."""


def commands() -> list[tuple[str, Command]]:
    """Each command that does something, with its words: ``cert save``."""
    root = typer.main.get_command(app)
    return list(_leaves(root, root.make_context("kmtui", [], resilient_parsing=True), ()))


def parameter_names(command: Command) -> list[str]:
    """``CERT``, ``--version``: how each parameter is called on the command line."""
    return [
        max(each.opts, key=len)
        if each.param_type_name == "option"
        else (each.metavar or each.name).strip("[].")
        for each in command.params
    ]


def _leaves(command: Command, context: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Command]]:
    if not hasattr(command, "list_commands"):
        yield " ".join(path), command
        return
    for name in command.list_commands(context):
        yield from _leaves(command.get_command(context, name), context, (*path, name))


def parsed(words: list[str]) -> str:
    """The command that a command line leads to, its options and arguments read on the way.

    Nothing is run. Raises typer's usage errors where the program would.
    """
    command = typer.main.get_command(app)
    context: Any = command.make_context("kmtui", [word for word in words if word != "--json"])
    path: list[str] = []
    while hasattr(command, "list_commands"):
        name, command, rest = command.resolve_command(
            context, [*context._protected_args, *context.args]
        )
        context = command.make_context(name, rest, parent=context)
        path.append(name)
    return " ".join(path)
