"""The practice inventory: it shows every state, issues for real, and is kept when asked to."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kmtui.core.demo.demo import Demo, open_demo
from kmtui.core.deployment.layouts import paths
from kmtui.core.inspection import parse_chain
from kmtui.core.keys import load_private_key, spki_sha256
from kmtui.model import (
    CertificateStatus,
    ListQuery,
    RequestSpec,
    RequestStatus,
    Target,
    VersionStatus,
)
from kmtui.status import certificate_status, version_status


@asynccontextmanager
async def opened(directory: Path, *, read_only: bool = False) -> AsyncIterator[Demo]:
    demo = await open_demo(directory, pace=0, lag=0, read_only=read_only)
    try:
        yield demo
    finally:
        await demo.close()


def everything() -> ListQuery:
    return ListQuery(now=datetime.now(UTC), include_archived=True, limit=1000)


async def issue(demo: Demo, *names: str) -> RequestStatus:
    request = await demo.core.requests.create(RequestSpec(names=names, account="practice"))
    ended = await demo.core.requests.wait(request.id, seconds=30)
    assert ended.status == RequestStatus.AVAILABLE, ended.problem
    return RequestStatus(ended.status)


def is_there(target: Target) -> bool:
    """Whether the files of a target are where it says."""
    return all(Path(path).exists() for path in paths(target).values())


async def test_a_new_demo_shows_every_state_and_issues(tmp_path: Path) -> None:
    # given a new demo
    async with opened(tmp_path) as demo:
        core = demo.core
        assert core.sandbox
        assert core.access.mode == "RW"

        # then there is a certificate, version and ended request in every state
        certificates = await core.certificates.page(everything())
        now = datetime.now(UTC)
        states = {certificate_status(certificate, now) for certificate in certificates}
        assert states == set(CertificateStatus)
        histories = {c.name: await core.certificates.history(c.id) for c in certificates}
        versions = [version for history in histories.values() for version in history]
        assert {version_status(version, now) for version in versions} == set(VersionStatus)
        requests = await core.requests.page(everything())
        assert {request.status for request in requests} >= {
            RequestStatus.SAVED,
            RequestStatus.AVAILABLE,
            RequestStatus.FAILED,
            RequestStatus.CANCELLED,
            RequestStatus.PARKED,
        }
        assert {len(history) for history in histories.values()} >= {0, 1, 8}

        # and versions lie where they belong, all but one that a check refused
        targets = await core.targets.all()
        assert {target.state for target in targets} == {"deployed", "failed"}
        for target in targets:
            history = await core.targets.history(target.certificate, target.name)
            assert {line.outcome for line in history} <= {"deployed", "failed"}
            assert is_there(target)
            assert target.state == "deployed" or (target.error and target.hint)

        # and what failed says what to do
        failed = [request for request in requests if request.status == RequestStatus.FAILED]
        assert all(r.problem and r.problem.what and r.problem.hint for r in failed)
        assert all([await core.requests.log(request.id) for request in failed])

        # and a request goes its whole way, by both challenge types
        await issue(demo, "new.kmtui.test", "*.kmtui.test", "new.shop.test", "*.shop.test")


async def test_samples_are_real_certificates_with_their_keys(tmp_path: Path) -> None:
    async with opened(tmp_path) as demo:
        shop = await demo.core.certificates.version("shop", 8)

        # the chain leads to the sandbox's root, and the key that opens is the leaf's
        leaf, intermediate = parse_chain(shop.chain_pem)
        leaf.verify_directly_issued_by(intermediate)
        key = load_private_key(await demo.core.certificates.private_key_pem(shop))
        assert spki_sha256(key) == shop.spki_sha256


async def test_the_past_is_written_in_the_order_of_time(tmp_path: Path) -> None:
    async with opened(tmp_path) as demo:
        lines = await demo.core.activity.page(everything())
        requests = await demo.core.requests.page(everything())

    newest_first = [line.at for line in lines]
    assert newest_first == sorted(newest_first, reverse=True)
    assert newest_first[0] <= datetime.now(UTC)
    by_number = [request.created_at for request in requests]
    assert by_number == sorted(by_number, reverse=True)


async def test_a_kept_demo_goes_on_where_it_was_left(tmp_path: Path) -> None:
    # given a demo that was used, and left
    async with opened(tmp_path) as demo:
        await issue(demo, "mine.kmtui.test")
        root = demo.sandbox.root_pem
        account = await demo.core.accounts.get("practice")

    # when it is opened again while other ports are free
    state = tmp_path / "sandbox" / "sandbox.json"
    kept = json.loads(state.read_text())
    state.write_text(json.dumps({**kept, "ports": {}}))
    async with opened(tmp_path) as demo:
        # then it is the same CA with the same account, at its new address
        assert demo.sandbox.root_pem == root
        again = await demo.core.accounts.get("practice")
        assert again.id == account.id
        assert again.directory_url == demo.sandbox.directory_url != account.directory_url
        # and nothing was filled in twice, and it still issues by both challenge types
        assert (await demo.core.certificates.get("mine.kmtui.test")).unsaved_version == 1
        await issue(demo, "more.kmtui.test", "more.shop.test")


@pytest.mark.parametrize("read_only", [True, False])
async def test_a_demo_is_read_only_when_asked(tmp_path: Path, read_only: bool) -> None:
    async with opened(tmp_path, read_only=read_only) as demo:
        assert demo.core.access.mode == ("RO" if read_only else "RW")
        assert await demo.core.certificates.count(everything()) > 30
