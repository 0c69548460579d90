"""Reading below a directory of others: links only within, nothing huge, nothing that blocks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from kmtui.core.errors import InvalidInput
from kmtui.core.imports import tree as trees
from kmtui.core.imports.tree import MOST_OCTETS, Tree, read_file
from tests.core.imports.made import written


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A directory to read, beside one that is nobody's business."""
    written(tmp_path / "secrets" / "key.pem", "private")
    written(tmp_path / "root" / "archive" / "a" / "cert1.pem", "first")
    return tmp_path / "root"


@pytest.fixture
def tree(root: Path) -> Iterator[Tree]:
    with Tree(root) as tree:
        yield tree


def test_files_and_names_are_read_by_their_way(tree: Tree, root: Path) -> None:
    written(root / "archive" / "b", "")
    os.mkfifo(root / "archive" / "fifo")
    (root / "archive" / "link").symlink_to("a")

    assert tree.read("archive/a/cert1.pem") == b"first"
    assert tree.read("archive/./a/../a//cert1.pem") == b"first"
    assert tree.entries("archive") == [
        ("a", "directory"),
        ("b", "file"),
        ("fifo", "other"),
        ("link", "link"),
    ]
    assert tree.names("archive", kind="file") == ["b"]


def test_what_is_not_there_is_nothing(tree: Tree) -> None:
    assert tree.read("archive/a/cert2.pem") is None
    assert tree.read("archive/a/cert1.pem/beyond") is None
    assert tree.text("none/at/all") is None
    assert tree.entries("none") == []
    assert tree.entries("archive/a/cert1.pem") == []
    assert tree.link("archive/a/cert1.pem") == ""


@pytest.mark.parametrize(
    "target",
    [
        "../archive/a/cert1.pem",
        "{root}/archive/a/cert1.pem",
        "../live/again",
        "../../root/../root/archive/a/cert1.pem",
    ],
)
def test_a_link_within_is_followed(tree: Tree, root: Path, target: str) -> None:
    (root / "live").mkdir()
    (root / "live" / "again").symlink_to("../archive/a/cert1.pem")
    (root / "live" / "cert.pem").symlink_to(target.format(root=root))

    if target.startswith("../../"):
        # Its way leaves the tree, wherever it comes to in the end.
        with pytest.raises(InvalidInput, match="leads out"):
            tree.read("live/cert.pem")
    else:
        assert tree.read("live/cert.pem") == b"first"
    assert tree.link("live/cert.pem") == target.format(root=root)


@pytest.mark.parametrize(
    "target", ["../../secrets/key.pem", "{tmp}/secrets/key.pem", "/etc/passwd"]
)
def test_a_link_that_leads_out_is_refused(
    tree: Tree, root: Path, tmp_path: Path, target: str
) -> None:
    (root / "live").mkdir()
    (root / "live" / "cert.pem").symlink_to(target.format(tmp=tmp_path))
    (root / "folder").symlink_to("../secrets")

    for path in ("live/cert.pem", "folder/key.pem", "../secrets/key.pem"):
        with pytest.raises(InvalidInput, match="leads out") as caught:
            tree.read(path)
        assert caught.value.field == "path"
    with pytest.raises(InvalidInput, match="leads out"):
        tree.entries("folder")


def test_a_tree_behind_a_link_is_read_by_its_real_place(root: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to("root")
    (root / "absolute").symlink_to(f"{tmp_path}/alias/archive/a/cert1.pem")

    with Tree(tmp_path / "alias") as tree:
        assert tree.read("archive/a/cert1.pem") == b"first"
        assert tree.read("absolute") == b"first"


def test_links_that_go_in_circles_end(tree: Tree, root: Path) -> None:
    (root / "one").symlink_to("two")
    (root / "two").symlink_to("one")

    with pytest.raises(InvalidInput, match="symbolic links"):
        tree.read("one")


def test_a_fifo_and_a_directory_are_no_files(tree: Tree, root: Path) -> None:
    os.mkfifo(root / "fifo")

    for path in ("fifo", "archive"):
        with pytest.raises(InvalidInput, match="not a regular file"):
            tree.read(path)
    with pytest.raises(InvalidInput, match="not a regular file"):
        read_file(root / "fifo")


def test_a_file_that_is_too_large_is_refused_by_name(tree: Tree, root: Path) -> None:
    written(root / "large", b"x" * (MOST_OCTETS + 1))
    written(root / "fits", b"x" * MOST_OCTETS)

    assert len(tree.read("fits") or b"") == MOST_OCTETS
    with pytest.raises(InvalidInput, match=r"large is larger than 256 KiB"):
        tree.read("large")


def test_a_tree_of_very_many_files_is_given_up(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trees, "MOST_FILES", 3)

    with Tree(root) as tree:
        tree.entries("archive")
        tree.read("archive/a/cert1.pem")
        tree.read("archive/a/cert1.pem")
        with pytest.raises(InvalidInput, match="more than 3 files"):
            tree.read("archive/a/cert1.pem")


def test_what_is_looked_at_again_counts_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(100):
        (root / f"f{number}").write_text("x")
    monkeypatch.setattr(trees, "MOST_FILES", len(list(root.iterdir())))

    with Tree(root) as tree:
        for _ in range(5):
            names = tree.names()
            assert all(tree.read(name) == b"x" for name in names if name.startswith("f"))


def test_what_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no-such-place"):
        Tree(tmp_path / "no-such-place")
    with pytest.raises(InvalidInput, match="no-such-file"):
        read_file(tmp_path / "no-such-file")


def test_descriptors_are_given_back(tree: Tree, root: Path, tmp_path: Path) -> None:
    (root / "out").symlink_to("/etc/passwd")
    before = len(os.listdir("/proc/self/fd"))

    for _ in range(10):
        tree.read("archive/a/cert1.pem")
        tree.entries("archive/a")
        with pytest.raises(InvalidInput):
            tree.read("out")

    assert len(os.listdir("/proc/self/fd")) == before
