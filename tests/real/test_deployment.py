"""Certificates of a real CA put on a real machine over SSH, for a real nginx that is then asked."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from kmtui.core.core import Core
from kmtui.model import RequestSpec, RequestStatus, Target
from tests.real.scripted import Scripted
from tests.servers.bind import Bind
from tests.servers.nginx import Nginx
from tests.servers.pebble import Pebble
from tests.servers.process import free_port
from tests.servers.sshd import Sshd

NAME = "www.kmtui.test"
END = "-----END CERTIFICATE-----"
FILES = {
    "pair": ("fullchain.pem", "privkey.pem"),
    "combined": ("web1.pem", "web1.pem"),
    "versioned": ("current/fullchain.pem", "current/privkey.pem"),
}
"""Where nginx finds certificate and key in each layout."""
MONITORED = timedelta(days=1)


@pytest.fixture(scope="module")
def ca(pebble_factory: Callable[..., Pebble], bind: Bind) -> Pebble:
    return pebble_factory(dns_server=bind.server, http_port=free_port())


@dataclass
class Site:
    """A certificate, its target on the machine, and the server program that uses the files."""

    core: Core
    home: Path
    directory: Path
    nginx: Nginx
    layout: str

    async def issue(self) -> None:
        """Version 1, saved by itself as its successors will be."""
        spec = RequestSpec(names=(NAME,), account="main", profile="default", auto_save="always")
        request = await self.core.requests.create(spec)
        done = await self.core.requests.wait(request.id, seconds=60)
        assert done.status == RequestStatus.SAVED, done.problem

    async def add(self, *, adopt: bool = True, reload: str | None = None) -> Target:
        return await self.core.targets.add(
            *(NAME, "web1"),
            server="web1",
            directory=str(self.directory),
            layout=self.layout,
            mode=0o600,
            check_command=self.nginx.check,
            reload_command=self.nginx.reload if reload is None else reload,
            verify=self.nginx.address,
            adopt=adopt,
        )

    async def deploy(self, version: int | None = None) -> Target:
        await self.core.deployments.deploy(NAME, version=version)
        (target,) = await self.core.deployments.settled()
        return target

    async def renew(self) -> Target:
        """The target once the certificate was renewed, saved and put there."""
        (outcome,) = await self.core.renewal.wait(await self.core.renewal.renew([NAME], force=True))
        assert outcome.request is not None
        assert outcome.request.status == RequestStatus.SAVED, outcome.request.problem
        (target,) = await self.core.deployments.settled()
        return target

    async def serves(self, number: int) -> bool:
        """Whether nginx shows that version: for 0.1 s after a reload an old worker may answer."""
        wanted = await self.fingerprint(number)
        return await asyncio.to_thread(_until, lambda: self.nginx.served() == wanted)

    async def fingerprint(self, number: int) -> str:
        return (await self.core.certificates.version(NAME, number)).sha256

    def in_place(self) -> str:
        """Fingerprint of the certificate that lies where nginx reads it."""
        leaf, end, _ = (self.directory / FILES[self.layout][0]).read_text().partition(END)
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(leaf + end)).hexdigest()

    async def alerts(self) -> list[str]:
        return [alert.what for alert in await self.core.alerts.all(within=MONITORED)]


@pytest.fixture
async def site(
    registered: Path, sshd: Sshd, ca: Pebble, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Site]:
    """A certificate with version 1, and an nginx that serves what somebody put there by hand."""
    layout = getattr(request, "param", "pair")
    home = Path(shutil.copytree(registered, tmp_path / "home"))
    with ExitStack() as stack:
        nginx = stack.enter_context(nginx_by_hand(tmp_path / "tls", layout))
        core = await Core.open(home / "data", actor="tester@here")
        await core.access.unlock_with_key_file(home / "vault.key")
        at = f"127.0.0.1:{ca.http_port}"
        await core.end_servers.add("here", kind="standalone", settings={"listen": at, "probe": at})
        await core.mappings.add(NAME, server="here")
        await core.end_servers.add(
            "web1", kind="ssh", settings=sshd.settings(), secrets=sshd.secrets
        )
        found = Site(core, home, tmp_path / "tls", nginx, layout)
        await found.issue()
        yield found
        await core.close(seconds=5)


def nginx_by_hand(directory: Path, layout: str) -> Nginx:
    """An nginx with a self-signed certificate where a layout has its files."""
    certificate, key = (directory / name for name in FILES[layout])
    place = directory / "2024-05" if layout == "versioned" else directory
    place.mkdir(parents=True)
    if layout == "versioned":
        (directory / "current").symlink_to("2024-05")
    made = directory.parent / "made.key"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-subj", "/CN=by hand", "-days", "2"),
            *("-keyout", made, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    key.write_text(made.read_text() + (certificate.read_text() if key == certificate else ""))
    return Nginx(certificate=certificate, key=key)


@pytest.mark.parametrize("site", FILES, indirect=True)
async def test_each_version_is_taken_up_from_its_renewal_to_its_proof(site: Site) -> None:
    before = site.nginx.served()
    await site.add()

    first = await site.deploy()
    assert await site.serves(1)
    second = await site.renew()

    assert (first.state, first.version) == ("verified", 1), first.error
    assert (second.state, second.version) == ("verified", 2), second.error
    assert await site.serves(2)
    assert before not in (await site.fingerprint(1), await site.fingerprint(2))
    assert await site.alerts() == []
    left = [path.name for path in site.directory.rglob("*.kmtui*") if path.is_file()]
    assert left == ([".web1.pem.kmtui-adopted"] if site.layout == "combined" else [])
    for path in site.directory.rglob("*"):
        if "2024-05" not in path.parts and path.is_file() and b"PRIVATE" in path.read_bytes():
            assert path.stat().st_mode & 0o777 == 0o600, path


async def test_files_that_somebody_put_there_are_not_replaced_unasked(site: Site) -> None:
    before, content = site.nginx.served(), (site.directory / "privkey.pem").read_bytes()
    await site.add(adopt=False)

    refused = await site.deploy()

    assert "that kmtui did not put" in refused.error
    assert (site.nginx.served(), (site.directory / "privkey.pem").read_bytes()) == (before, content)
    await site.core.targets.update(NAME, "web1", adopt=True)
    await site.core.recovery.run()
    await site.core.deployments.settled()
    assert await site.serves(1)


async def test_a_failing_check_keeps_the_old_version_until_it_passes(site: Site) -> None:
    await site.add()
    await site.deploy()
    site.nginx.spoil()

    failed = await site.renew()

    assert (failed.state, failed.version, failed.wanted_version) == ("failed", 1, 2)
    assert "no_such_directive" in failed.error
    assert "in effect is again what was before" in failed.error
    assert site.in_place() == await site.fingerprint(1)
    assert await site.serves(1)
    assert await site.alerts() == ["not-deployed"]

    # when: the operator has mended it
    site.nginx.mend()
    mended = await site.deploy()
    assert mended.state == "verified", mended.error
    assert await site.serves(2)
    assert await site.alerts() == []


async def test_a_server_that_was_not_reloaded_is_stale_until_it_is(site: Site) -> None:
    await site.add(reload="")
    before = site.nginx.served()

    stale = await site.deploy()

    assert (stale.state, stale.version) == ("stale", 1)
    assert f"{site.nginx.address} serves another certificate" in stale.error
    assert site.in_place() == await site.fingerprint(1), "it is there to be loaded"
    assert await site.alerts() == ["stale"]
    ((_, served),) = await site.core.deployments.verify(NAME)
    assert served is not None
    assert (served.outcome, served.sha256, served.issuer) == ("stale", before, "by hand")

    # when: somebody reloads it
    await (await asyncio.create_subprocess_exec("/bin/sh", "-c", site.nginx.reload)).wait()
    assert await site.serves(1)
    _until(lambda: all(site.nginx.served() != before for _ in range(5)))
    ((target, served),) = await site.core.deployments.verify(NAME)
    assert served is not None
    assert (target.state, served.outcome) == ("verified", "verified")
    assert await site.alerts() == []


async def test_an_earlier_version_is_put_back_and_stays(site: Site) -> None:
    await site.add()
    await site.deploy()
    await site.renew()
    assert await site.serves(2)

    await site.core.deployments.roll_back(NAME, 1)
    (back,) = await site.core.deployments.settled()
    run = await site.core.renewal.run()

    assert (back.state, back.version) == ("verified", 1), back.error
    assert await site.serves(1)
    assert run.deployed == ()
    assert (await site.renew()).version == 3
    assert await site.serves(3)


async def test_a_machine_that_is_away_is_tried_again_and_the_renewal_is_kept(
    site: Site, sshd: Sshd
) -> None:
    await site.add()
    before = site.nginx.served()
    sshd.stop()

    failed = await site.renew()

    sshd.start()
    assert (failed.state, failed.version, failed.wanted_version) == ("failed", None, 2)
    assert (failed.failures, failed.next_attempt_at is not None) == (1, True)
    assert site.nginx.served() == before
    await site.deploy()
    assert await site.serves(2)


async def test_a_command_that_is_killed_is_gone_on_with_by_the_next(site: Site) -> None:
    # given: a command killed while the new files are in effect and being checked
    await site.add()
    await site.deploy()
    await site.core.certificates.set(NAME, auto_save="ask")
    await site.core.renewal.wait(await site.core.renewal.renew([NAME], force=True))
    waiting = site.home / "waiting"
    check = f"touch {waiting}; sleep 2; {site.nginx.check}"
    await site.core.targets.update(NAME, "web1", check_command=check)
    run = Scripted(site.home)
    process = run.start("cert", "save", NAME)
    await asyncio.to_thread(_until, waiting.exists)
    process.kill()
    process.communicate(timeout=30)
    assert (await site.core.targets.get(NAME, "web1")).state == "uploading"

    # when
    await site.core.targets.update(NAME, "web1", check_command=site.nginx.check)
    (resumed,) = run("resume")["targets"]

    # then
    assert (resumed["state"], resumed["version"]) == ("verified", 2), resumed
    assert await site.serves(2)
    history = await site.core.targets.history(NAME, "web1")
    assert [row.outcome for row in history] == ["verified", "interrupted", "verified"]
    assert "PRIVATE KEY" not in run.output + (site.home / "log").read_text()


def _until(happened: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return True
