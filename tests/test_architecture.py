"""Rules of the code that no type checker knows; import-linter holds the layers (pyproject.toml)."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "kmtui"
LONGEST_FILE = 400
"""Lines; a file that needs more owns more than one noun."""

NOT_OURS = {".git", ".venv", ".cache", "__pycache__", "build", "dist", ".hypothesis"}


def source_files(root: Path = PACKAGE) -> list[Path]:
    return sorted(path for path in root.rglob("*.py") if not NOT_OURS & set(path.parts))


def project_files() -> Iterator[Path]:
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [
            name
            for name in folders
            if name not in NOT_OURS and not name.endswith(("_cache", "-info"))
        ]
        yield from (Path(folder, name) for name in names)


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text(), str(path)))


def places(files: list[Path], wrong: Callable[[ast.AST], bool]) -> list[str]:
    """Where in `files` a node is wrong, as "path:line"."""
    return [
        f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
        for path in files
        for node in nodes(path)
        if wrong(node)
    ]


def called(node: ast.AST) -> str:
    """The name of what a node calls: "run" for `run()`, "os.system" for `os.system()`, else ""."""
    return ast.unparse(node.func) if isinstance(node, ast.Call) else ""


# --- size and naming ------------------------------------------------------------------------------


def test_no_file_grows_beyond_what_one_reader_holds() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines())
        for path in source_files() + source_files(ROOT / "tests")
    }

    assert {path: lines for path, lines in lengths.items() if lines > LONGEST_FILE} == {}


def test_no_file_is_a_drawer() -> None:
    drawers = re.compile(r"(^|_)(utils?|helpers?|common|misc|managers?|handlers?)$")

    assert [str(path) for path in source_files() if drawers.search(path.stem)] == []


def test_every_module_says_what_it_is() -> None:
    silent = [path for path in source_files() if not ast.get_docstring(ast.parse(path.read_text()))]

    assert silent == []


# --- who may import whom, where a list is shorter than a contract ---------------------------------

MAY_IMPORT = {
    "core/acme": {"kmtui.core.acme", "kmtui.core.errors", "kmtui.model"},
    "db": {"kmtui.db", "kmtui.core.errors", "kmtui.model"},
    "model": {"kmtui.model"},
    "text.py": set(),
    "bindings.py": {"kmtui.model", "kmtui.text"},
    "status.py": {"kmtui.model", "kmtui.text"},
    "core/errors.py": {"kmtui.model"},
}


@pytest.mark.parametrize("place", MAY_IMPORT)
def test_parts_import_only_what_they_are_allowed(place: str) -> None:
    allowed = MAY_IMPORT[place]
    files = [PACKAGE / place] if place.endswith(".py") else source_files(PACKAGE / place)

    strangers = {
        f"{path.relative_to(ROOT)} imports {module}"
        for path in files
        for module in imported(path)
        if module.startswith("kmtui")
        and module != "kmtui"
        and not any(module == name or module.startswith(f"{name}.") for name in allowed)
    }

    assert strangers == set()


def imported(path: Path) -> Iterator[str]:
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            # "from kmtui.core import errors" names a module, "from kmtui.model import X" does not.
            for alias in node.names:
                inner = ROOT / module.replace(".", "/") / alias.name
                is_module = inner.is_dir() or inner.with_suffix(".py").exists()
                yield f"{module}.{alias.name}" if is_module else module


# --- constructs that have no place here -----------------------------------------------------------

FORBIDDEN_CALLS = {
    "os.system",
    "os.popen",
    "asyncio.create_subprocess_shell",
    "eval",
    "exec",
    "yaml.load",
    "tempfile.mktemp",
    "ssl._create_unverified_context",
}
FORBIDDEN_ARGUMENTS = {("shell", True), ("verify", False), ("known_hosts", None)}
FORBIDDEN_MODULES = {"pickle", "marshal", "shelve", "yaml"}


def is_dangerous(node: ast.AST) -> bool:
    if isinstance(node, ast.Import):
        return any(alias.name in FORBIDDEN_MODULES for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        return node.module in FORBIDDEN_MODULES
    return isinstance(node, ast.Call) and (
        called(node) in FORBIDDEN_CALLS
        or any(
            isinstance(word.value, ast.Constant)
            and (word.arg, word.value.value) in FORBIDDEN_ARGUMENTS
            for word in node.keywords
        )
    )


def is_silent_failure(node: ast.AST) -> bool:
    """`except:`, `except Exception:` or `except BaseException:` with nothing in it."""
    if not isinstance(node, ast.ExceptHandler):
        return False
    broad = node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"}
    return broad and all(isinstance(line, ast.Pass | ast.Continue) for line in node.body)


def is_silent_suppression(node: ast.AST) -> bool:
    return called(node).removeprefix("contextlib.") == "suppress" and any(
        ast.unparse(kind) in {"Exception", "BaseException"}
        for kind in (node.args if isinstance(node, ast.Call) else [])
    )


def reads_environment(node: ast.AST) -> bool:
    """Picks a variable out; handing `os.environ` on to the configuration is fine."""
    if isinstance(node, ast.Attribute | ast.Subscript):
        return ast.unparse(node.value) == "os.environ" or ast.unparse(node) == "os.getenv"
    return False


def test_nothing_dangerous_is_called() -> None:
    assert places(source_files(), is_dangerous) == []


def test_no_failure_is_swallowed() -> None:
    assert places(source_files(), is_silent_failure) == []
    assert places(source_files(), is_silent_suppression) == []


def test_only_the_configuration_reads_the_environment() -> None:
    files = [path for path in source_files() if path != PACKAGE / "config.py"]

    assert places(files, reads_environment) == []


# --- foreign text ---------------------------------------------------------------------------------

DRAWN_CALLS = {"Static", "Label", "Button", "Tooltip", "self.notify", "self.app.notify"}
DRAWN_ATTRIBUTES = {"border_title", "border_subtitle", "tooltip"}
FILTERS = {"content", "text.content", "Content", "Content.assemble", "Content.from_markup"}


def is_safe_text(value: ast.expr) -> bool:
    """Whether an expression is text of ours, or went through `kmtui.text`."""
    if isinstance(value, ast.Constant):
        return True
    if isinstance(value, ast.IfExp):
        return is_safe_text(value.body) and is_safe_text(value.orelse)
    return called(value) in FILTERS


def draws_unfiltered(node: ast.AST) -> bool:
    """Textual reads a plain `str` in these places as markup, which raises, or runs an action."""
    if isinstance(node, ast.Call) and called(node) in DRAWN_CALLS:
        texts = node.args[:1] + [word.value for word in node.keywords if word.arg == "title"]
        plain_asked_for = any(
            word.arg == "markup" and ast.unparse(word.value) == "False" for word in node.keywords
        )
        return not plain_asked_for and not all(is_safe_text(text) for text in texts)
    if isinstance(node, ast.Assign):
        names = {target.attr for target in node.targets if isinstance(target, ast.Attribute)}
        return bool(names & DRAWN_ATTRIBUTES) and not is_safe_text(node.value)
    return False


def test_screens_draw_foreign_text_only_through_the_filter() -> None:
    files = [path for path in source_files() if path.parent != PACKAGE / "widgets"]

    assert places(files, draws_unfiltered) == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Static('fixed')", False),
        ("Static(content(problem.detail))", False),
        ("Static(problem.detail)", True),
        ("Static(problem.detail, markup=False)", False),
        ("Label(f'Failed: {reason}')", True),
        ("self.notify(str(error))", True),
        ("self.notify('Saved', title=name)", True),
        ("self.border_title = name", True),
        ("self.border_title = 'Accounts' if wide else ''", False),
    ],
)
def test_the_rule_for_foreign_text_sees_what_it_should(line: str, expected: bool) -> None:
    assert any(draws_unfiltered(node) for node in ast.walk(ast.parse(line))) is expected


# --- nothing of one machine, nothing of one registry ----------------------------------------------

# In pieces, so that this file does not find itself.
ELSEWHERE = re.compile(
    "|".join(
        [
            r"\bpypi\." + "org",
            r"pythonhosted\." + "org",
            r"\bdeb\.debian\." + "org",
            r"registry\.npmjs\.",
            r"proxy\.golang\.",
            r"(?<![\w.-])/(work|opt/pypi|tmp/brief)" + "/",
        ]
    )
)


def test_no_file_names_a_package_index_or_a_path_of_one_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in project_files()
        if (match := ELSEWHERE.search(path.read_text(errors="replace")))
    ]

    assert found == []


# --- start ----------------------------------------------------------------------------------------

HEAVY = {
    "textual", "rich", "sqlmodel", "sqlalchemy", "alembic", "pydantic", "acme", "josepy",
    "cryptography", "OpenSSL", "httpx", "dns", "asyncssh", "boto3",
}  # fmt: skip

PROBE = """
import sys
sys.argv = ["kmtui", sys.argv[1]]
from kmtui.__main__ import main
try:
    code = main()
except SystemExit as end:
    code = end.code
assert not code, code
print("loaded:", *sorted({name.partition(".")[0] for name in sys.modules}))
"""


def test_the_first_screen_is_painted_without_what_only_work_needs() -> None:
    probe = (
        "import sys, kmtui.app, kmtui.screens.opening, kmtui.screens.certificates\n"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )

    run = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, timeout=30
    )

    assert run.returncode == 0, run.stderr
    assert set(run.stdout.split()) & (HEAVY - {"textual", "rich"}) == set()


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_a_quick_question_loads_nothing_heavy(option: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", PROBE, option], cwd=ROOT, capture_output=True, text=True, timeout=30
    )

    assert run.returncode == 0, run.stderr
    loaded = set(run.stdout.rpartition("loaded:")[2].split())
    assert loaded & HEAVY == set()
