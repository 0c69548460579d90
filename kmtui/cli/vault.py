"""``kmtui vault``: set up and open the vault that seals every secret."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kmtui.cli import documents
from kmtui.cli.group import group, invocation
from kmtui.cli.output import Output, facts, table
from kmtui.cli.passphrases import ask_new_passphrase, ask_passphrase, can_ask, read_passphrase
from kmtui.cli.session import with_core
from kmtui.config import Options
from kmtui.core.errors import InvalidInput
from kmtui.status import when
from kmtui.text import one_line

if TYPE_CHECKING:
    from kmtui.core.core import Core

app = group("Set up and open the vault that seals every secret.")


@app.command("init")
def init(
    context: typer.Context,
    key_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Open it with this key file; made when missing."),
    ] = None,
) -> int:
    """Set the vault up, under a key file or a passphrase.

    \b
    kmtui vault init --key-file ~/.config/kmtui.key
    kmtui --passphrase-file /root/passphrase vault init
    """
    options = invocation(context).options

    async def act(core: Core, out: Output) -> None:
        chosen = key_file or options.key_file
        if chosen is not None:
            await core.access.initialise_with_key_file(chosen)
        else:
            await core.access.initialise_with_passphrase(_new_passphrase(options))
        await _answer_status(core, out)

    return with_core(context, act)


@app.command("status")
def status(context: typer.Context) -> int:
    """Show whether the vault is set up, and the ways of opening it.

    \b
    kmtui vault status
    """
    return with_core(context, _answer_status)


@app.command("passwd")
def change_passphrase(
    context: typer.Context,
    new_passphrase_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Take the new passphrase from this file.")
    ] = None,
) -> int:
    """Replace the passphrase; what is sealed stays as it is.

    \b
    kmtui vault passwd
    kmtui vault passwd --new-passphrase-file /root/new
    """
    options = invocation(context).options

    async def act(core: Core, out: Output) -> None:
        old = _given_passphrase(options) or _asked("--passphrase-file", "Old passphrase: ")
        if new_passphrase_file is not None:
            new = read_passphrase(new_passphrase_file)
        elif can_ask():
            new = ask_new_passphrase()
        else:
            raise InvalidInput(
                "no terminal to ask at",
                field="new-passphrase-file",
                hint="give --new-passphrase-file FILE",
            )
        await core.access.change_passphrase(old, new)
        await _answer_status(core, out)

    return with_core(context, act)


@app.command("add-key-file")
def add_key_file(
    context: typer.Context, file: Annotated[Path, typer.Argument(metavar="FILE")]
) -> int:
    """Let a key file open the vault too; it is made when it is missing.

    \b
    kmtui vault add-key-file /etc/kmtui/vault.key
    """

    async def act(core: Core, out: Output) -> None:
        await core.access.add_key_file(file)
        await _answer_status(core, out)

    return with_core(context, act, change=True)


@app.command("remove-slot")
def remove_slot(
    context: typer.Context,
    slot: Annotated[int, typer.Argument(metavar="ID", help="As `vault status` shows it.")],
) -> int:
    """Take away one way of opening the vault; the last one stays.

    \b
    kmtui vault remove-slot 2
    """

    async def act(core: Core, out: Output) -> None:
        await core.access.remove_slot(slot)
        await _answer_status(core, out)

    return with_core(context, act, change=True)


@app.command("seal")
def seal(
    context: typer.Context,
    yes: Annotated[
        bool, typer.Option("--yes", help="Seal them as they are now: they were looked at.")
    ] = False,
) -> int:
    """Show settings that were changed from outside kmtui; with --yes seal them as they are.

    What decides where keys and records go is sealed, and not used once it was changed by other
    programs. 1 when something is not as it was stored.

    \b
    kmtui vault seal
    kmtui vault seal --yes
    """

    from kmtui.core.seals import describe, name_of, table_of

    async def act(core: Core, out: Output) -> int:
        core.access.require_change()
        broken = await core.configuration.broken()
        found = [{"type": table_of(row), "name": name_of(row)} for row in broken]
        said = [one_line(describe(row)) for row in broken]
        if yes and broken:
            await core.configuration.seal(broken)
            said = [f"sealed: {each}" for each in said]
        elif broken:
            said = [f"changed from outside: {each}" for each in said]
            said.append("look at each of them, then: kmtui vault seal --yes")
        out.answer(
            {"broken": found, "sealed": yes}, said or ["every setting is as kmtui stored it"]
        )
        return 0 if yes or not broken else 1

    return with_core(context, act, change=True)


async def _answer_status(core: Core, out: Output) -> None:
    slots = await core.access.slots()
    state = {"initialised": core.access.initialised, "locked": core.access.locked}
    out.answer(
        {"vault": {**state, "slots": [documents.slot(slot) for slot in slots]}},
        [
            *facts([("Set up", core.access.initialised), ("Locked", core.access.locked)]),
            *table(
                ["id", "opens with", "since"],
                [(slot.id, slot.kind, when(slot.created_at)) for slot in slots],
            ),
        ],
    )


def _given_passphrase(options: Options) -> bytes | None:
    if options.passphrase_file is not None:
        return read_passphrase(options.passphrase_file)
    if options.passphrase_fd is not None:
        return read_passphrase(options.passphrase_fd)
    return None


def _new_passphrase(options: Options) -> bytes:
    given = _given_passphrase(options)
    if given is not None:
        return given
    if can_ask():
        return ask_new_passphrase()
    raise InvalidInput(
        "nothing says what shall open the vault",
        field="key-file",
        hint="give --key-file FILE, or --passphrase-file FILE before the command",
    )


def _asked(option: str, prompt: str) -> bytes:
    if not can_ask():
        raise InvalidInput(
            "no terminal to ask at", field=option.removeprefix("--"), hint=f"give {option} FILE"
        )
    return ask_passphrase(prompt)
