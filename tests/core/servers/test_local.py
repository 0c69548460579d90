"""The web root on this machine: what it writes, whose files it touches, what it leaves behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from kmtui.core.errors import EndServerError, ProtocolViolation
from kmtui.core.servers.local import WebRoot
from kmtui.core.servers.server import Shared

TOKEN = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
OTHER = "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"
ANSWER = f"{TOKEN}.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"


@pytest.fixture
def webroot(tmp_path: Path) -> Path:
    root = tmp_path / "www"
    root.mkdir()
    return root


@pytest.fixture
def server(webroot: Path) -> WebRoot:
    return WebRoot({"webroot": str(webroot)}, {}, Shared())


@pytest.fixture
def strict_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


def everything_in(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


@pytest.mark.usefixtures("strict_umask")
async def test_writes_the_answer_where_a_web_server_finds_and_may_read_it(
    server: WebRoot, webroot: Path
) -> None:
    await server.present(TOKEN, ANSWER)

    file = webroot / ".well-known" / "acme-challenge" / TOKEN
    assert file.read_text() == ANSWER
    assert file.stat().st_mode & 0o777 == 0o644
    assert file.parent.stat().st_mode & 0o777 == 0o755
    assert file.parent.parent.stat().st_mode & 0o777 == 0o755


async def test_clean_up_leaves_nothing_behind(server: WebRoot, webroot: Path) -> None:
    handle = await server.present(TOKEN, ANSWER)

    await server.clean_up(handle)
    await server.clean_up(handle)

    assert everything_in(webroot) == []


async def test_directories_of_others_stay(server: WebRoot, webroot: Path) -> None:
    (webroot / ".well-known").mkdir()

    await server.clean_up(await server.present(TOKEN, ANSWER))

    assert everything_in(webroot) == [".well-known"]


@pytest.mark.parametrize("first_out", [0, 1])
async def test_two_answers_at_once_leave_nothing_behind(webroot: Path, first_out: int) -> None:
    shared = Shared()
    servers = [WebRoot({"webroot": str(webroot)}, {}, shared) for _ in range(2)]
    handles = [
        await servers[0].present(TOKEN, ANSWER),
        await servers[1].present(OTHER, "other"),
    ]

    await servers[first_out].clean_up(handles[first_out])
    assert (webroot / ".well-known" / "acme-challenge").is_dir()
    await servers[1 - first_out].clean_up(handles[1 - first_out])

    assert everything_in(webroot) == []


async def test_presenting_again_after_a_crash_is_the_same(server: WebRoot, webroot: Path) -> None:
    await server.present(TOKEN, ANSWER)
    file = webroot / ".well-known" / "acme-challenge" / TOKEN
    file.write_text(ANSWER[:17])  # cut short by the crash

    handle = await server.present(TOKEN, ANSWER)

    assert file.read_text() == ANSWER
    await server.clean_up(handle)
    assert everything_in(webroot) == []


async def test_a_handle_of_the_journal_alone_removes_the_file(
    server: WebRoot, webroot: Path
) -> None:
    await server.present(TOKEN, ANSWER)

    await server.clean_up({"token": TOKEN, "key_authorization": ANSWER})

    assert not (webroot / ".well-known" / "acme-challenge" / TOKEN).exists()


async def test_a_file_with_other_content_is_neither_replaced_nor_removed(
    server: WebRoot, webroot: Path
) -> None:
    file = webroot / ".well-known" / "acme-challenge" / TOKEN
    file.parent.mkdir(parents=True)
    file.write_text("somebody else's")

    with pytest.raises(EndServerError, match="File exists"):
        await server.present(TOKEN, ANSWER)
    await server.clean_up({"token": TOKEN, "key_authorization": ANSWER, "made": []})

    assert file.read_text() == "somebody else's"


@pytest.mark.parametrize("planted", ["link", "fifo", "directory"])
async def test_planted_things_are_not_followed_and_not_removed(
    server: WebRoot, webroot: Path, tmp_path: Path, planted: str
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("")
    place = webroot / ".well-known" / "acme-challenge" / TOKEN
    place.parent.mkdir(parents=True)
    match planted:
        case "link":
            place.symlink_to(victim)
        case "fifo":
            os.mkfifo(place)
        case _:
            place.mkdir()

    with pytest.raises(EndServerError):
        await server.present(TOKEN, ANSWER)
    await server.clean_up({"token": TOKEN, "key_authorization": ANSWER})

    assert victim.read_text() == ""
    assert place in list(place.parent.iterdir())


async def test_a_linked_challenge_directory_is_refused(
    server: WebRoot, webroot: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (webroot / ".well-known").symlink_to(outside)

    with pytest.raises(EndServerError) as refused:
        await server.present(TOKEN, ANSWER)

    assert "symbolic link" in refused.value.hint
    assert everything_in(outside) == []


@pytest.mark.parametrize(
    "token",
    ["../../etc/cron.d/x", "short", "a" * 129, TOKEN + "\n", "a/" * 15, "." * 30, "é" * 30, ""],
)
async def test_a_token_that_is_no_token_writes_nothing(
    server: WebRoot, webroot: Path, token: str
) -> None:
    with pytest.raises(ProtocolViolation):
        await server.present(token, ANSWER)
    with pytest.raises(ProtocolViolation):
        await server.clean_up({"token": token, "key_authorization": ANSWER})

    assert everything_in(webroot) == []


async def test_check_reports_and_leaves_nothing(server: WebRoot, webroot: Path) -> None:
    report = await server.check()

    assert [line.ok for line in report] == [True, True]
    assert everything_in(webroot) == []


async def test_check_of_a_missing_web_root_is_a_finding(tmp_path: Path) -> None:
    server = WebRoot({"webroot": str(tmp_path / "absent")}, {}, Shared())

    (line,) = await server.check()

    assert not line.ok
    assert "is not a directory" in line.text


async def test_directories_made_by_a_run_that_was_cut_off_are_removed_by_the_next(
    webroot: Path,
) -> None:
    server = WebRoot({"webroot": str(webroot)}, {}, Shared())
    noted = await server.intended(TOKEN, ANSWER)
    assert everything_in(webroot) == []
    await server.present(TOKEN, ANSWER)

    after_the_kill = WebRoot({"webroot": str(webroot)}, {}, Shared())
    await after_the_kill.clean_up(await after_the_kill.present(TOKEN, ANSWER, noted))

    assert everything_in(webroot) == []
