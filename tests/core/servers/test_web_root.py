"""Web roots, here and over SSH: what is written, whose files are touched, what is left behind."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from kmtui.core.errors import EndServerError, ProtocolViolation
from kmtui.core.servers.local import WebRoot
from kmtui.core.servers.server import EndServer, Shared
from kmtui.core.servers.ssh import SshServer
from tests.servers.sshd import Sshd

TOKEN = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
OTHER = "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"
ANSWER = f"{TOKEN}.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"


@pytest.fixture
def webroot(tmp_path: Path) -> Path:
    root = tmp_path / "www"
    root.mkdir()
    return root


Opened = Callable[[Shared], EndServer]
"""Makes the end server anew, as another request or the next run would."""


@pytest.fixture(params=["this machine", "over SSH"])
def opened(request: pytest.FixtureRequest, webroot: Path) -> Opened:
    """The same web root, reached in both ways."""
    if request.param == "this machine":
        return lambda shared: WebRoot({"webroot": str(webroot)}, {}, shared)
    sshd: Sshd = request.getfixturevalue("sshd")
    settings = sshd.settings(webroot=str(webroot))
    return lambda shared: SshServer(settings, sshd.secrets, shared)


@pytest.fixture
async def shared() -> AsyncIterator[Shared]:
    shared = Shared()
    yield shared
    await shared.close()


@pytest.fixture
def server(opened: Opened, shared: Shared) -> EndServer:
    return opened(shared)


@pytest.fixture
def strict_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


def everything_in(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


@pytest.mark.usefixtures("strict_umask")
async def test_writes_the_answer_where_a_web_server_finds_and_may_read_it(
    server: EndServer, webroot: Path
) -> None:
    await server.present(TOKEN, ANSWER)

    file = webroot / ".well-known" / "acme-challenge" / TOKEN
    assert file.read_text() == ANSWER
    assert file.stat().st_mode & 0o777 == 0o644
    assert file.parent.stat().st_mode & 0o777 == 0o755
    assert file.parent.parent.stat().st_mode & 0o777 == 0o755


async def test_clean_up_leaves_nothing_behind(server: EndServer, webroot: Path) -> None:
    handle = await server.present(TOKEN, ANSWER)

    await server.clean_up(handle)
    await server.clean_up(handle)

    assert everything_in(webroot) == []


async def test_a_clean_up_that_was_cut_off_is_finished(server: EndServer, webroot: Path) -> None:
    handle = await server.present(TOKEN, ANSWER)
    (webroot / ".well-known" / "acme-challenge" / TOKEN).unlink()
    (webroot / ".well-known" / "acme-challenge").rmdir()

    await server.clean_up(handle)

    assert everything_in(webroot) == []


async def test_directories_that_were_not_all_made_are_removed(
    server: EndServer, webroot: Path
) -> None:
    noted = await server.intended(TOKEN, ANSWER)
    (webroot / ".well-known").mkdir()  # and no further: the process was killed

    await server.clean_up(noted)

    assert everything_in(webroot) == []


async def test_directories_of_others_stay(server: EndServer, webroot: Path) -> None:
    (webroot / ".well-known").mkdir()

    await server.clean_up(await server.present(TOKEN, ANSWER))

    assert everything_in(webroot) == [".well-known"]


@pytest.mark.parametrize("first_out", [0, 1])
async def test_two_answers_at_once_leave_nothing_behind(
    opened: Opened, shared: Shared, webroot: Path, first_out: int
) -> None:
    servers = [opened(shared) for _ in range(2)]
    handles = [
        await servers[0].present(TOKEN, ANSWER),
        await servers[1].present(OTHER, "other"),
    ]

    await servers[first_out].clean_up(handles[first_out])
    assert (webroot / ".well-known" / "acme-challenge").is_dir()
    await servers[1 - first_out].clean_up(handles[1 - first_out])

    assert everything_in(webroot) == []


async def test_presenting_again_after_a_crash_is_the_same(server: EndServer, webroot: Path) -> None:
    await server.present(TOKEN, ANSWER)
    file = webroot / ".well-known" / "acme-challenge" / TOKEN
    file.write_text(ANSWER[:17])  # cut short by the crash

    handle = await server.present(TOKEN, ANSWER)

    assert file.read_text() == ANSWER
    await server.clean_up(handle)
    assert everything_in(webroot) == []


async def test_a_handle_of_the_journal_alone_removes_the_file(
    server: EndServer, webroot: Path
) -> None:
    await server.present(TOKEN, ANSWER)

    await server.clean_up({"token": TOKEN, "key_authorization": ANSWER})

    assert not (webroot / ".well-known" / "acme-challenge" / TOKEN).exists()


async def test_a_file_with_other_content_is_neither_replaced_nor_removed(
    server: EndServer, webroot: Path
) -> None:
    file = webroot / ".well-known" / "acme-challenge" / TOKEN
    file.parent.mkdir(parents=True)
    file.write_text("somebody else's")

    with pytest.raises(EndServerError, match=r"File exists|there already"):
        await server.present(TOKEN, ANSWER)
    await server.clean_up({"token": TOKEN, "key_authorization": ANSWER, "made": []})

    assert file.read_text() == "somebody else's"


@pytest.mark.parametrize("planted", ["link", "fifo", "directory"])
async def test_planted_things_are_not_followed_and_not_removed(
    server: EndServer, webroot: Path, tmp_path: Path, planted: str
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
    server: EndServer, webroot: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (webroot / ".well-known").symlink_to(outside)

    with pytest.raises(EndServerError) as refused:
        await server.present(TOKEN, ANSWER)

    assert "symbolic link" in refused.value.message + refused.value.hint
    assert everything_in(outside) == []


@pytest.mark.parametrize(
    "token",
    ["../../etc/cron.d/x", "short", "a" * 129, TOKEN + "\n", "a/" * 15, "." * 30, "é" * 30, ""],
)
async def test_a_token_that_is_no_token_writes_nothing(
    server: EndServer, webroot: Path, token: str
) -> None:
    with pytest.raises(ProtocolViolation):
        await server.present(token, ANSWER)
    with pytest.raises(ProtocolViolation):
        await server.clean_up({"token": token, "key_authorization": ANSWER})

    assert everything_in(webroot) == []


async def test_check_reports_and_leaves_nothing(server: EndServer, webroot: Path) -> None:
    report = await server.check()

    assert {line.ok for line in report} == {True}
    assert "written and removed" in report[-1].text
    assert everything_in(webroot) == []


async def test_check_of_a_missing_web_root_is_a_finding(server: EndServer, webroot: Path) -> None:
    os.rmdir(webroot)

    report = await server.check()

    assert report[-1].ok is False


async def test_directories_made_by_a_run_that_was_cut_off_are_removed_by_the_next(
    opened: Opened, shared: Shared, webroot: Path
) -> None:
    server = opened(shared)
    noted = await server.intended(TOKEN, ANSWER)
    assert everything_in(webroot) == []
    await server.present(TOKEN, ANSWER)

    next_run = Shared()
    after_the_kill = opened(next_run)
    await after_the_kill.clean_up(await after_the_kill.present(TOKEN, ANSWER, noted))

    assert everything_in(webroot) == []
    await next_run.close()


@pytest.mark.parametrize(("requests", "apart"), [(40, 0.0), (100, 0.01)])
async def test_many_requests_come_and_go(
    opened: Opened, shared: Shared, webroot: Path, requests: int, apart: float
) -> None:
    """All at once; then so that one removes the directories that the next is about to use."""

    async def one(number: int) -> None:
        await asyncio.sleep(number * apart)
        server = opened(shared)
        token = f"{number:043}"
        handle = await server.present(token, f"{token}.answer", await server.intended(token, ""))
        assert (webroot / ".well-known" / "acme-challenge" / token).exists()
        await server.clean_up(handle)

    await asyncio.gather(*(one(number) for number in range(requests)))

    assert everything_in(webroot) == []
