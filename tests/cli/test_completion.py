"""Bash, zsh and fish complete commands, options and what the inventory knows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer._completion_classes import BashComplete

from kmtui.cli.completion import ASKED, OFFERED
from kmtui.cli.main import app
from kmtui.core.completion import completions
from kmtui.core.formats.registry import FORMATS, Part
from kmtui.core.saved_filters import LISTS
from kmtui.db.files import FILE_NAME
from tests.cli.conftest import Run
from tests.cli.tree import commands, parameter_names

PROGRAM = [sys.executable, "-m", "kmtui"]


def asked(line: str, shell: str = "bash", **environ: str) -> list[str]:
    """What the program tells a shell for a line that ends at the cursor."""
    words = line.split(" ")
    question = {
        "bash": {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)},
        "zsh": {"_TYPER_COMPLETE_ARGS": line},
        "fish": {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    }[shell]
    done = subprocess.run(
        PROGRAM,
        env=os.environ | question | environ | {ASKED: f"complete_{shell}"},
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    assert done.stderr == ""
    return done.stdout.split("\n")[:-1] if done.stdout.strip() else []


@pytest.fixture
def inventory(ready: Run, tmp_path: Path) -> str:
    for label in ("shop", "shop-old", "mail"):
        ready(
            *("request", "new", "-d", f"{label}.kmtui.test", "--account", "main"),
            *("--name", label, "--save", "always"),
        )
    ready("cert", "delete", "shop-old", "--yes")
    ready("filter", "add", "lost", "status:failing")
    ready("target", "add", "shop", "edge", "--exec", "/bin/true")
    return str(tmp_path / "data")


def test_what_the_inventory_knows_is_offered_without_a_key(inventory: str) -> None:
    offered = {
        line: asked(line, KMTUI_DATA=inventory)
        for line in (
            *("kmtui cert show ", "kmtui cert show sh", "kmtui cert undelete ", "kmtui request "),
            *("kmtui cert renew shop ", "kmtui cert use shop --version ", "kmtui cert move x --a"),
            *("kmtui cert set shop --account ", "kmtui target show shop ", "kmtui ca check la"),
            *("kmtui request show ", "kmtui dns test ", "kmtui server test ", "kmtui account up"),
            *("kmtui cert list --saved ", "kmtui filter delete l"),
            *("kmtui mapping delete ", "kmtui mapping add x --dns ", "kmtui vault remove-slot "),
        )
    }

    assert offered == {
        "kmtui cert show ": ["mail", "shop"],
        "kmtui cert show sh": ["shop"],
        "kmtui cert undelete ": ["shop-old"],
        "kmtui cert renew shop ": ["mail", "shop"],
        "kmtui cert use shop --version ": ["1"],
        "kmtui cert move x --a": ["--account"],
        "kmtui cert set shop --account ": ["main"],
        "kmtui target show shop ": ["edge"],
        "kmtui ca check la": ["lab"],
        "kmtui request ": ["new", "check", "list", "show", "retry", "cancel", "log"],
        "kmtui request show ": ["3", "2", "1"],
        "kmtui dns test ": ["ns"],
        "kmtui server test ": ["web"],
        "kmtui account up": ["update"],
        "kmtui cert list --saved ": ["lost"],
        "kmtui filter delete l": ["lost"],
        "kmtui mapping delete ": [".kmtui.test", "www.kmtui.test"],
        "kmtui mapping add x --dns ": ["ns"],
        "kmtui vault remove-slot ": ["1"],
    }
    assert asked(f"kmtui --data {inventory} cert show m") == ["mail"]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("kmtui ba", ["backup"]),
        ("kmtui cert rev", ["revoke"]),
        ("kmtui cert revoke --rea", ["--reason"]),
        ("kmtui cert revoke --reason s", ["superseded"]),
        ("kmtui cert export shop --format p", ["pem", "p7b", "p12", "p12-legacy"]),
        ("kmtui ca show letsencrypt-", ["letsencrypt-staging"]),
        ("kmtui dns add x --provider clo", ["cloudflare", "cloudns"]),
        ("kmtui request new --key-type rsa4", ["rsa4096"]),
        ("kmtui account register ", []),
        ("kmtui cert show x", []),
    ],
)
def test_commands_options_and_fixed_words_need_no_inventory(
    line: str, offered: list[str], tmp_path: Path
) -> None:
    assert asked(line, KMTUI_DATA=str(tmp_path / "none")) == offered
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("shell", "answer"),
    [
        ("zsh", '_arguments \'*: :(("revoke":"Revoke a version'),
        ("fish", "revoke\tRevoke a version"),
    ],
)
def test_zsh_and_fish_are_told_what_a_command_does(shell: str, answer: str) -> None:
    told = asked("kmtui cert rev", shell)

    assert len(told) == 1
    assert told[0].startswith(answer)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_is_given_a_script(shell: str) -> None:
    done = subprocess.run(
        PROGRAM,
        env=os.environ | {ASKED: f"source_{shell}"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert ASKED in done.stdout
    assert "kmtui" in done.stdout


def test_bash_itself_completes_with_the_script(tmp_path: Path) -> None:
    program = tmp_path / "kmtui"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m kmtui "$@"\n')
    program.chmod(0o700)
    script = f"""
        eval "$({ASKED}=source_bash kmtui)"
        COMP_WORDS=(kmtui cert revoke x --reason ke) COMP_CWORD=5
        $(complete -p kmtui | sed 's/.*-F \\([^ ]*\\) .*/\\1/') kmtui
        echo "${{COMPREPLY[@]}}"
    """

    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "keyCompromise\n"


def test_a_label_that_a_shell_could_take_for_a_command_is_not_offered(
    run: Run, tmp_path: Path
) -> None:
    run("vault", "init")
    run("ca", "add", "fine", "--directory", "https://ca.example.org/directory")
    import sqlite3

    with sqlite3.connect(tmp_path / "data" / FILE_NAME) as raw:
        raw.execute("UPDATE ca SET name = '$(touch x)' WHERE name = 'fine'")

    assert completions(tmp_path / "data", "CAs", "$") == []


def test_a_damaged_inventory_offers_nothing(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"SQLite format 3\0" + b"rubbish" * 100)

    assert completions(tmp_path, "certificates", "") == []


def test_every_rule_is_about_a_parameter_that_exists() -> None:
    known = {
        rule
        for path, command in commands()
        for shown in parameter_names(command)
        for rule in (f"{path} {shown}", f"{path.split()[0]} * {shown}", f"* {shown}")
    }

    assert set(OFFERED) - known == set()
    assert OFFERED["cert export --format"] == tuple(FORMATS)
    assert OFFERED["cert export --part"] == tuple(Part)
    assert OFFERED["filter * --list"] == tuple(LISTS)


def test_every_command_is_offered_with_all_its_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ASKED, "complete_bash")
    shell = BashComplete(typer.main.get_command(app), {}, "kmtui", ASKED)

    def offered(words: list[str], begun: str) -> set[str]:
        return {each.value for each in shell.get_completions(words, begun)}

    for name, command in commands():
        *groups, last = name.split()
        assert last in offered(groups, last[:1])
        options = {each for each in parameter_names(command) if each.startswith("--")}
        assert options - offered(name.split(), "--") == set()
