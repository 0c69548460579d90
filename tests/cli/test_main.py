"""The root command: start-up, usage errors, and errors as output and exit codes."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kmtui import __version__
from kmtui.cli import main as cli
from kmtui.cli.group import GROUPS
from kmtui.cli.output import Output, error_document
from kmtui.core.errors import (
    Ambiguous,
    DatabaseError,
    InvalidInput,
    KmtuiError,
    NotFound,
    Parked,
    WrongKey,
)
from kmtui.model import Problem, SubProblem

HEAVY = {
    "acme",
    "alembic",
    "asyncssh",
    "boto3",
    "cryptography",
    "dns",
    "httpx",
    "josepy",
    "rich",
    "sqlalchemy",
    "sqlmodel",
    "textual",
}


@pytest.fixture(autouse=True)
def unchanged_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


def answer_of(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, Any, str]:
    """Exit code, the document on standard output, and standard error."""
    code = cli.run(arguments)
    captured = capsys.readouterr()
    return code, json.loads(captured.out), captured.err


@pytest.mark.parametrize("word", ["--version", "--help"])
def test_the_first_answers_import_nothing_heavy(word: str) -> None:
    program = (
        "import sys\n"
        "from kmtui.__main__ import run\n"
        f"code = run([{word!r}])\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)\n"
        "sys.exit(code)"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert HEAVY & set(eval(done.stderr)) == set()
    assert ("kmtui " + __version__ if word == "--version" else "Usage: kmtui") in done.stdout


@pytest.mark.parametrize("name", GROUPS)
def test_every_command_explains_itself_without_core(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run([name, "--help"]) == 0

    assert f"Usage: kmtui {name}" in capsys.readouterr().out


def test_version_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    code, document, _ = answer_of(["--version", "--json"], capsys)

    assert (code, document) == (0, {"schema": 1, "version": __version__})


@pytest.mark.parametrize(
    ("arguments", "field", "message"),
    [
        (["vualt"], "", "Did you mean 'vault'?"),
        (["--no-such-option"], "", "no such option"),
        (["ca"], "", "missing command"),
        (["ca", "show"], "", "missing argument"),
        (["ca", "add", "house"], "directory", "missing option '--directory'"),
        (["request", "new", "--account", "a", "--key-type", "dsa"], "key-type", "dsa"),
        (["dns", "delete", "x"], "yes", "not done without --yes"),
        (["request", "new", "--account", "a"], "domain", "-d"),
    ],
)
def test_a_wrong_command_line_is_code_2_and_names_the_option(
    arguments: list[str], field: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, document, err = answer_of([*arguments, "--json"], capsys)

    assert code == 2
    assert document["error"]["code"] == "invalid-input"
    assert message in document["error"]["message"]
    assert not field or document["error"]["field"] == field
    assert err == ""


def test_without_a_terminal_the_screen_does_not_open(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code = cli.run(["--data", str(tmp_path)])

    assert code == 2
    assert "the screen needs a terminal" in capsys.readouterr().err


def test_a_switch_in_the_environment_is_checked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KMTUI_READ_ONLY", "maybe")

    code, document, _ = answer_of(["--json", "ca", "list"], capsys)

    assert (code, document["error"]["field"]) == (2, "KMTUI_READ_ONLY")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (KmtuiError("x"), 1),
        (InvalidInput("x", field="email"), 2),
        (WrongKey("x"), 4),
        (NotFound("x"), 5),
        (Ambiguous("x", candidates=["a", "b"]), 5),
        (DatabaseError("x"), 6),
        (Parked("x", not_before=datetime(2026, 10, 1, tzinfo=UTC)), 75),
    ],
)
def test_each_error_has_its_exit_code(
    error: KmtuiError,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise error

    monkeypatch.setattr(cli, "gather", refuse)

    found, document, _ = answer_of(["ca", "list", "--json"], capsys)

    assert found == code
    assert document["error"]["code"] == error.code


def test_a_defect_is_told_without_its_data(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def break_down(*args: object, **kwargs: object) -> None:
        raise ValueError("canary-5Zt9QvXw")

    monkeypatch.setattr(cli, "gather", break_down)

    assert cli.run(["ca", "list"]) == 1

    err = capsys.readouterr().err
    assert "canary" not in err
    assert "ValueError in test_main.py" in err
    assert "--log-file" in err


def test_an_error_carries_what_a_script_needs() -> None:
    problem = Problem(
        type="urn:ietf:params:acme:error:unauthorized",
        detail="no TXT record",
        subproblems=(SubProblem(identifier="a.example.org", type="x", detail="y"),),
    )

    document = error_document(KmtuiError("refused", hint="try again", problem=problem))

    assert document["problem"]["type"] == "urn:ietf:params:acme:error:unauthorized"
    assert document["problem"]["subproblems"][0]["identifier"] == "a.example.org"
    assert (document["message"], document["hint"]) == ("refused", "try again")


def test_foreign_text_in_an_error_does_not_command_the_terminal() -> None:
    err = io.StringIO()

    Output(stderr=err).error(KmtuiError("CA says \x1b]52;c;aGk=\x07 \u202eevil", hint="\x9b31m"))

    assert not set(err.getvalue()) & {"\x1b", "\x07", "\u202e", "\x9b"}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_command_in_good_order(number: int, code: int, tmp_path: Path) -> None:
    program = (
        "import asyncio, sys\n"
        "from contextlib import asynccontextmanager\n"
        "from types import SimpleNamespace\n"
        "from kmtui.cli import session\n"
        "from kmtui.config import gather\n"
        "from kmtui.cli.output import Output\n"
        "@asynccontextmanager\n"
        "async def opened(options):\n"
        "    try:\n"
        "        bus = SimpleNamespace(subscribe=lambda listener: lambda: None)\n"
        "        yield SimpleNamespace(bus=bus)\n"
        "    finally:\n"
        "        await asyncio.sleep(0.05)\n"
        "        print('closed', flush=True)\n"
        "async def act(core, out):\n"
        "    print('ready', flush=True)\n"
        "    await asyncio.sleep(30)\n"
        "session.opened = opened\n"
        "invoked = session.Invocation(gather({}), Output())\n"
        "try:\n"
        "    asyncio.run(session._within(invoked, act, change=False))\n"
        "except session.Interrupted as exc:\n"
        "    sys.exit(exc.exit_code)\n"
    )

    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=tmp_path
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.stdout.read() == "closed\n"

    assert process.returncode == code
