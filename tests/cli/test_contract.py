"""The public contract: commands and options, help, JSON answers, exit codes."""

from __future__ import annotations

import io
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kmtui.cli import main as cli
from kmtui.core.sandbox.sandbox import Sandbox
from tests.cli.conftest import CANARY, Run
from tests.cli.contract import COMMANDS, GLOBAL, SHAPES
from tests.cli.life import LIFE, SILENT
from tests.cli.test_main import HEAVY
from tests.cli.tree import commands, parameter_names, parsed

ROOT = Path(__file__).parents[2]
TREE = dict(commands())


# --- what there is --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COMMANDS)
def test_the_contract_is_kept(name: str) -> None:
    assert name in TREE

    assert set(COMMANDS[name].split()) - set(parameter_names(TREE[name])) == set()


def test_the_options_before_a_command_are_kept() -> None:
    import typer

    root = typer.main.get_command(cli.app)

    assert set(GLOBAL.split()) - set(parameter_names(root)) == set()


@pytest.mark.parametrize("name", TREE)
def test_the_help_of_each_command_has_an_example(name: str) -> None:
    words = re.escape(name)

    assert re.search(rf"^ *kmtui (--\S+ \S+ )*{words}\b", TREE[name].help, re.MULTILINE)


def examples() -> list[str]:
    """Command lines that the help of commands and the pages propose."""
    helps = [
        line for command in TREE.values() for line in command.help.replace("\\\n", " ").splitlines()
    ]
    pages = [
        line
        for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))
        for line in page.read_text().replace("\\\n", " ").splitlines()
        if line.startswith("    ")
    ]
    lines = dict.fromkeys(line.strip() for line in (*helps, *pages))
    return [line for line in lines if re.match(r"kmtui [-\w]", line)]


@pytest.mark.parametrize("line", examples())
def test_each_example_is_a_command_line_that_is_understood(line: str) -> None:
    words = shlex.split(re.split(r" [|&>]", line)[0], comments=True)

    assert parsed(words[1:]) in TREE


def test_help_is_told_without_what_only_work_needs() -> None:
    program = (
        "import sys\n"
        "from kmtui.__main__ import run\n"
        f"codes = [run([*name.split(), '--help']) for name in {list(TREE)!r}]\n"
        "print(sum(codes), sorted({name.partition('.')[0] for name in sys.modules}))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    failed, _, modules = done.stdout.splitlines()[-1].partition(" ")
    assert failed == "0"
    assert HEAVY & set(re.findall(r"\w+", modules)) == set()


# --- what they answer -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answered:
    """What one command line of `LIFE` said."""

    code: int
    stdout: str
    stderr: str


def said(*arguments: str) -> Answered:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = cli.run(list(arguments))
    return Answered(code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("life")


@pytest.fixture(scope="module")
def answers(folder: Path, sandbox: Sandbox) -> Iterator[dict[str, Answered]]:
    """The answers of a whole life, by command line as it stands in `LIFE`."""
    for name, text in {"tsig": sandbox.tsig_secret, "old": CANARY, "new": CANARY + "2"}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o600)
    (folder / "other").mkdir()
    values = {
        "d": folder,
        "directory": sandbox.directory_url,
        "dns": sandbox.dns_server,
        "tsig_name": sandbox.tsig_name,
        "algorithm": sandbox.tsig_algorithm,
        "resolvers": sandbox.dns_resolvers,
        "http": f"127.0.0.1:{sandbox.http_port}",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name in ("KMTUI_PASSPHRASE_FILE", "CREDENTIALS_DIRECTORY"):
            patch.delenv(name, raising=False)
        patch.setenv("KMTUI_DATA", str(folder / "data"))
        patch.setenv("KMTUI_KEY_FILE", str(folder / "vault.key"))
        yield {line: said(*shlex.split(line.format(**values)), "--json") for line, *_ in LIFE}


@pytest.mark.parametrize(("line", "holds", "code"), LIFE, ids=[line for line, *_ in LIFE])
def test_each_command_answers_with_one_document(
    line: str, holds: str, code: int, answers: dict[str, Answered]
) -> None:
    answered = answers[line]

    assert answered.code == code, answered.stdout + answered.stderr
    document = json.loads(answered.stdout)
    assert document["schema"] == 1
    assert set(holds.split()) - set(document) == set()
    for name in holds.split():
        assert missing(name, document[name]) == {}


def missing(name: str, value: Any) -> dict[str, set[str]]:
    """Fields of the contract that an object, or an object of a list, does not have."""
    objects = value if isinstance(value, list) else [value]
    shape = SHAPES.get(name.removesuffix("s") if isinstance(value, list) else name, "")
    lacking = {
        f"{name} {at}": set(shape.split()) - set(each)
        for at, each in enumerate(objects)
        if isinstance(each, dict)
    }
    return {place: fields for place, fields in lacking.items() if fields}


def test_every_command_is_asked() -> None:
    asked = {parsed(shlex.split(line)) for line, *_ in LIFE}

    assert set(TREE) - asked - set(SILENT) == set()


def test_no_answer_holds_a_secret(
    answers: dict[str, Answered], folder: Path, sandbox: Sandbox
) -> None:
    pem = (folder / "shop.pem").read_text()
    key = re.search(r"PRIVATE KEY-----\n(\S+)", pem)
    assert key
    secrets = (
        *(sandbox.tsig_secret, CANARY, key[1], (folder / "p12").read_text().strip()),
        *("PRIVATE KEY", (folder / "third.pem").read_text().splitlines()[1]),
    )

    told = "".join(each.stdout + each.stderr for each in answers.values())

    assert [secret for secret in secrets if secret in told] == []


def test_json_is_asked_for_before_or_after_the_command(answers: dict[str, Answered]) -> None:
    assert said("--json", "cert", "list").stdout == said("cert", "list", "--json").stdout


def test_times_serials_and_fingerprints_have_one_form(answers: dict[str, Answered]) -> None:
    versions = json.loads(answers["cert history shop"].stdout)["versions"]

    assert len(versions) == 2
    for version in versions:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", version["issued_at"])
        assert re.fullmatch(r"[1-9a-f][0-9a-f]*", version["serial"])
        assert re.fullmatch(r"[0-9a-f]{64}", version["sha256"])


@pytest.mark.parametrize(
    ("line", "code", "error"),
    [
        ("cert show nothing", 5, "not-found"),
        ("request new -d 'not a name' --account main", 2, "invalid-input"),
        ("cert revoke shop --reason nonsense --yes", 2, "invalid-input"),
        ("cert delete shop", 2, "invalid-input"),
        ("server delete web --yes", 1, "refused"),
        ("--key-file /nowhere ca list", 4, None),
        ("--read-only mapping delete .kmtui.test", 6, "read-only"),
        ("--data /proc/nowhere ca list", 6, None),
        ("account roll-key main", 1, "acme"),
    ],
)
def test_an_error_is_a_document_with_its_exit_code(
    line: str, code: int, error: str | None, answers: dict[str, Answered]
) -> None:
    answered = said(*shlex.split(line), "--json")

    assert answered.code == code
    document = json.loads(answered.stdout)
    assert document["schema"] == 1
    assert {"code", "message", "hint", "problem"} <= set(document["error"])
    assert document["error"]["message"]
    assert error is None or document["error"]["code"] == error


def test_the_vault_is_asked_for_only_where_something_is_changed(run: Run) -> None:
    run("vault", "init")

    assert run("cert", "list", unlocked=False)["certificates"] == []
    assert run("renew", "--due", "--dry-run", unlocked=False)["due"] == 0
