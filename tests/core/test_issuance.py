"""The main job against the sandbox: from an order to a saved version, and every way it fails."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import dns.asyncquery
import dns.message
import pytest
from cryptography import x509
from sqlmodel import select

from kmtui.core import keys
from kmtui.core.errors import InvalidInput, Refused
from kmtui.core.inspection import parse_chain
from kmtui.db.tables import CleanupRow
from kmtui.model import ChallengeChoice, ListQuery, RequestSpec, RequestStatus
from tests.core.conftest import Bench


async def obtain(bench: Bench, *names: str, **more: object) -> str:
    request = await bench.core.requests.create(
        RequestSpec(names=names, account="practice", **more)  # type: ignore[arg-type]
    )
    await bench.core.requests.wait(request.id, seconds=30)
    return request.id


async def txt_values(bench: Bench) -> list[str]:
    """What the primary name server publishes for the names of these tests."""
    host, _, port = bench.sandbox.dns_server.rpartition(":")
    found: list[str] = []
    for name in ("kmtui.test", "api.kmtui.test"):
        query = dns.message.make_query(f"_acme-challenge.{name}", "TXT")
        reply = await dns.asyncquery.udp(query, host, port=int(port), timeout=3)
        found += [str(rdata) for rrset in reply.answer for rdata in rrset]
    return found


async def published(bench: Bench) -> None:
    """Return when something is published."""
    async with asyncio.timeout(20):
        while not await txt_values(bench):  # noqa: ASYNC110 - the name server has no event to wait for
            await asyncio.sleep(0.02)


async def test_a_request_ends_available_with_both_challenge_types(bench: Bench) -> None:
    request_id = await obtain(bench, "www.kmtui.test", "api.kmtui.test", "*.kmtui.test")

    request = await bench.core.requests.get(request_id)
    assert request.status == RequestStatus.AVAILABLE, request.problem
    assert request.version == 1
    challenges = await bench.core.requests.challenges(request_id)
    assert [(c.identifier, c.type, c.status) for c in challenges] == [
        ("www.kmtui.test", "http-01", "valid"),
        ("api.kmtui.test", "dns-01", "valid"),
        ("*.kmtui.test", "dns-01", "valid"),
    ]
    assert all(sight.seen for challenge in challenges for sight in challenge.servers)
    assert await txt_values(bench) == []
    assert await bench.core.requests.leftovers() == 0


async def test_an_available_version_is_saved_and_stays_in_the_history(bench: Bench) -> None:
    request = await bench.core.requests.get(await obtain(bench, "www.kmtui.test"))
    certificate = await bench.core.certificates.get(request.certificate_id or "")
    assert (certificate.current_version, certificate.unsaved_version) == (None, 1)

    await bench.core.certificates.save(certificate.id)

    certificate = await bench.core.certificates.get(certificate.id)
    assert (certificate.current_version, certificate.unsaved_version) == (1, None)
    assert (await bench.core.requests.get(request.id)).status == RequestStatus.SAVED
    (version,) = await bench.core.certificates.history(certificate.id)
    chain = parse_chain((await bench.core.certificates.version(certificate.id, 1)).chain_pem)
    assert version.names == ("www.kmtui.test",)
    assert len(chain) == 2
    assert chain[0].not_valid_after_utc == version.not_after
    with pytest.raises(Refused):
        await bench.core.certificates.save(certificate.id)


async def test_always_saves_by_itself_and_a_second_version_replaces_the_first(
    bench: Bench,
) -> None:
    await obtain(bench, "www.kmtui.test", auto_save="always")
    await obtain(bench, "www.kmtui.test", auto_save="always")

    certificate = await bench.core.certificates.get("www.kmtui.test")
    assert certificate.current_version == 2
    history = await bench.core.certificates.history(certificate.id)
    assert [(v.number, v.replaced_at is not None) for v in history] == [(2, False), (1, True)]
    assert history[0].spki_sha256 != history[1].spki_sha256


async def test_a_refused_name_fails_with_the_words_of_the_ca(bench: Bench) -> None:
    request = await bench.core.requests.get(await obtain(bench, "x.blocked.kmtui.test"))

    assert request.status == RequestStatus.FAILED
    assert request.problem is not None
    assert request.problem.short_type == "rejectedIdentifier"
    assert request.problem.hint
    assert [s.identifier for s in request.problem.subproblems] == ["x.blocked.kmtui.test"]


async def test_a_wrong_secret_fails_before_the_ca_is_asked_and_can_be_retried(
    bench: Bench,
) -> None:
    core, sandbox = bench.core, bench.sandbox
    await core.dns_accounts.add(
        "wrong",
        provider="rfc2136",
        settings={
            "server": sandbox.dns_server,
            "tsig_name": sandbox.tsig_name,
            "tsig_algorithm": sandbox.tsig_algorithm,
            "resolvers": sandbox.dns_resolvers,
        },
        secrets={"tsig_secret": "d3Jvbmcgc2VjcmV0IHdyb25nIHNlY3JldCB3cm9uZyE="},
        zones=[],
    )
    failed_id = await obtain(
        bench, "api.kmtui.test", choices={"": ChallengeChoice(dns_account="wrong")}
    )
    failed = await core.requests.get(failed_id)
    assert failed.status == RequestStatus.FAILED
    assert failed.problem is not None
    assert "secret" in (failed.problem.what + failed.problem.hint).lower()
    challenges = await core.requests.challenges(failed_id)
    assert [c.status for c in challenges] != ["valid"]

    again = await core.requests.retry(failed_id)
    await core.requests.wait(again.id, seconds=30)
    assert again.id != failed_id
    assert again.certificate_id == failed.certificate_id
    assert (await core.requests.get(again.id)).status == RequestStatus.FAILED
    attempts = await core.certificates.attempts(failed.certificate_id or "")
    assert [a.id for a in attempts] == [again.id, failed_id]


async def test_a_txt_record_that_stays_invisible_fails_and_is_removed(bench: Bench) -> None:
    bench.sandbox.lag = 60.0

    request = await bench.core.requests.get(await obtain(bench, "api.kmtui.test"))

    assert request.status == RequestStatus.FAILED
    assert request.problem is not None
    assert request.problem.type == "kmtui:dns-not-visible"
    (challenge,) = await bench.core.requests.challenges(request.id)
    assert {sight.seen for sight in challenge.servers} == {True, False}
    assert await txt_values(bench) == []


async def test_cancelling_removes_what_was_published(bench: Bench) -> None:
    bench.sandbox.lag = 60.0
    core = bench.core
    request = await core.requests.create(RequestSpec(names=("api.kmtui.test",), account="practice"))
    await published(bench)

    cancelled = await core.requests.cancel(request.id)

    assert cancelled.status == RequestStatus.CANCELLED
    assert await txt_values(bench) == []
    assert not core.requests.is_running(request.id)


async def test_what_takes_too_long_is_parked_and_taken_up_again(bench: Bench) -> None:
    bench.sandbox.lag = 60.0
    core = bench.core
    request = await core.requests.create(RequestSpec(names=("api.kmtui.test",), account="practice"))
    await published(bench)

    parked = await core.requests.park(request.id)

    assert parked.status == RequestStatus.PARKED
    assert parked.not_before is not None
    assert await txt_values(bench) == []
    bench.sandbox.lag = 0.0
    await core.requests.retry(request.id)
    done = await core.requests.wait(request.id, seconds=30)
    assert done.status == RequestStatus.AVAILABLE, done.problem


async def test_a_request_that_was_cut_off_goes_on_with_the_same_order_and_key(
    bench: Bench,
) -> None:
    core = bench.core
    bench.sandbox.lag = 60.0
    request = await core.requests.create(RequestSpec(names=("api.kmtui.test",), account="practice"))
    await published(bench)
    await core.jobs.close(seconds=10)
    cut = await core.requests.get(request.id)
    assert RequestStatus(cut.status).active
    assert cut.order_url

    bench.sandbox.lag = 0.0
    await core.requests.retry(request.id)
    await core.requests.wait(request.id, seconds=30)

    done = await core.requests.get(request.id)
    assert done.status == RequestStatus.AVAILABLE, done.problem
    assert done.order_url == cut.order_url


async def test_nothing_is_ordered_for_a_name_nobody_can_prove(bench: Bench) -> None:
    with pytest.raises(InvalidInput) as caught:
        await bench.core.requests.create(
            RequestSpec(names=("www.elsewhere.test",), account="practice")
        )
    assert caught.value.field == "challenge"
    query = ListQuery(now=datetime.now(UTC))
    assert await bench.core.requests.count(query) == 0


async def test_the_stored_key_is_the_certificates_key_and_lies_sealed(bench: Bench) -> None:
    request = await bench.core.requests.get(await obtain(bench, "www.kmtui.test"))
    version = await bench.core.certificates.version(request.certificate_id or "", 1)
    leaf = x509.load_pem_x509_certificate(version.chain_pem.encode())

    key_pem = await bench.core.certificates.private_key_pem(version)

    key = keys.load_private_key(key_pem)
    assert keys.spki_sha256(key) == keys.spki_sha256(leaf.public_key())
    everything = b"".join(
        path.read_bytes() for path in bench.core.data.rglob("*") if path.is_file()
    )
    body = b"".join(key_pem.splitlines()[1:-1])
    assert body not in everything.replace(b"\n", b"")
    assert b"PRIVATE KEY" not in everything
    assert bench.sandbox.tsig_secret.encode() not in everything


async def test_a_mappings_own_web_root_takes_the_file(bench: Bench, tmp_path: Path) -> None:
    own, general = tmp_path / "own", tmp_path / "general"
    for place in (own, general):
        place.mkdir()
    core = bench.core
    await core.end_servers.add("root", kind="local", settings={"webroot": str(general)})
    await core.mappings.add("files.kmtui.test", server="root", webroot=str(own))

    request = await core.requests.get(await obtain(bench, "files.kmtui.test"))

    # Nothing serves that directory, so the CA refuses; the journal tells where the file was.
    assert request.status == RequestStatus.FAILED
    lines = [line.text for line in await core.requests.log(request.id)]
    assert any("is served by root" in line for line in lines)
    assert list(own.rglob("*")) == list(general.rglob("*")) == []
    entries = await core.context.db.read(
        lambda session: [row.handle for row in session.exec(select(CleanupRow)).all()]
    )
    assert [entry["webroot"] for entry in entries] == [str(own)]
