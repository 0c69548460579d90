"""Writes docs/commands.md: every command with its arguments, options and examples, as it is."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from kmtui.cli.group import GROUPS
from kmtui.cli.main import app

_AS_IT_IS = "\b\n"
"""Begins a paragraph whose lines the help leaves as they are."""
PAGE = Path(__file__).parents[1] / "docs" / "commands.md"
INTRODUCTION = """\
<!-- Written by `make docs` from the commands themselves: change their help instead. -->
# Commands

`kmtui` without a command opens the screen. What can be done there can be done here, by the same
code. Names, options, JSON fields and exit codes are a public interface: some are added, none is
renamed. `kmtui COMMAND --help` says what this page says.

CERT is the label of a certificate, its id, or a name that no other one has. What destroys asks for
`--yes`; without a terminal nothing prompts, and what would be asked is an error that names the
option to give.

## Before the command

{root}

## Answers

With `--json`, before or after the command, standard output is one JSON document and nothing else;
progress and remarks go to standard error. Each has `"schema": 1`. Times are ISO 8601 in UTC
(`2026-10-01T07:12:40Z`), durations seconds, serial numbers and fingerprints lower-case hexadecimal.
No private key, password or token ever is in one. An error is

```json
{{"schema": 1, "error": {{"code": "…", "message": "…", "hint": "…", "problem": null}}}}
```

with the CA's problem document (RFC 7807, RFC 8555 section 6.7) where there was one.

| exit code | means |
|---|---|
| 0 | done; of `check`: all is well |
| 1 | failed: nothing was done, or the CA, the provider or the server refused |
| 2 | the command line or a value is wrong; the message names the option |
| 3 | done in part: of several, some failed, and each is listed |
| 4 | the vault is locked, or passphrase or key file is wrong |
| 5 | not found, or ambiguous: the candidates are listed |
| 6 | the inventory cannot be used: read-only, damaged, busy, or made by a newer kmtui |
| 75 | to be tried later: `not_before` says when |
| 129, 130, 143 | ended by HUP, INT or TERM; `kmtui resume` goes on |
"""


def page() -> str:
    """The text of the page."""
    root = typer.main.get_command(app)
    context = root.make_context("kmtui", [], resilient_parsing=True)
    lines = [INTRODUCTION.format(root="\n".join(_parameters(root)))]
    for name, (_, title) in GROUPS.items():
        command = root.get_command(context, name)
        if hasattr(command, "commands"):
            lines += [f"## {name}", "", title, ""]
        for path, leaf in _leaves(command, name):
            lines += _command(path, leaf)
    return "\n".join(lines).rstrip() + "\n"


def _leaves(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "commands"):
        yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from _leaves(inner, f"{path} {name}")


def _command(path: str, command: Any) -> Iterator[str]:
    arguments = [_metavar(each) for each in command.params if each.param_type_name == "argument"]
    yield from (f"{'###' if ' ' in path else '##'} {' '.join((path, *arguments))}", "")
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        if paragraph.startswith(_AS_IT_IS):
            yield from ("```", paragraph.removeprefix(_AS_IT_IS), "```", "")
        else:
            yield from (_escaped(paragraph), "")
    if rows := list(_parameters(command)):
        yield from (*rows, "")


def _parameters(command: Any) -> Iterator[str]:
    rows = [
        f"| {_named(each)} | {_meaning(each)} |"
        for each in command.params
        if not each.hidden and (each.param_type_name == "option" or each.help)
    ]
    if rows:
        yield from ("| | |", "|---|---|", *rows)


def _named(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{_metavar(parameter)}`"
    words = [*sorted(parameter.opts, key=len), *parameter.secondary_opts]
    value = "" if parameter.is_flag else f" {_metavar(parameter)}"
    return ", ".join(f"`{word}{value}`" for word in words)


def _metavar(parameter: Any) -> str:
    if parameter.metavar:
        return str(parameter.metavar)
    choices = parameter.type_descriptor.choices
    return "|".join(str(getattr(each, "value", each)) for each in choices) if choices else "VALUE"


def _meaning(parameter: Any) -> str:
    words = [_escaped(parameter.help or "")]
    if parameter.required and parameter.param_type_name == "option":
        words.append("Required.")
    if parameter.multiple and "epeat" not in words[0]:
        words.append("Repeatable.")
    default = parameter.default
    if isinstance(default, int | float | str) and default != "" and not parameter.is_flag:
        words.append(f"Default: {getattr(default, 'value', default)}.")
    return " ".join(word for word in words if word)


def _escaped(text: str) -> str:
    return text.replace("<", "&lt;").replace("|", r"\|")


def write() -> None:
    """Write the page."""
    PAGE.write_text(page())


if __name__ == "__main__":
    write()
