"""Reissuing: differences are told first; nothing changes before the new version is saved."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from kmtui.core import keys
from kmtui.core.errors import InvalidInput, NotFound, Refused
from kmtui.core.reissue import Reissue
from kmtui.core.successors import Outcome
from kmtui.model import RequestSpec, RequestStatus
from tests.core.conftest import Bench
from tests.core.deployment import stock
from tests.core.test_renewal import issued, make_due

NAME = "www.kmtui.test"


async def reissued(bench: Bench, planned: Reissue) -> Outcome:
    core = bench.core
    (ended,) = await core.renewal.wait([await core.reissues.start(planned)])
    assert ended.request is not None, ended.error
    assert ended.request.version, ended.request.problem
    return ended


async def test_the_plan_tells_what_differs_and_changes_nothing(bench: Bench) -> None:
    core = bench.core
    before = await issued(bench)

    planned = await core.reissues.plan(
        NAME, names=["API.kmtui.test", NAME], key_type="rsa2048", profile="sixdays"
    )
    same = await core.reissues.plan(NAME)

    assert planned.names == ("api.kmtui.test", NAME)
    assert (planned.added, planned.removed) == (("api.kmtui.test",), ())
    assert planned.differing == (("key type", "ec256", "rsa2048"), ("profile", "", "sixdays"))
    assert (same.added, same.removed, same.differing) == ((), (), ())
    assert await core.certificates.get(NAME) == before


async def test_the_certificate_changes_when_the_new_version_is_saved(bench: Bench) -> None:
    core = bench.core
    before = await issued(bench, save="ask")
    await core.certificates.save(NAME)

    planned = await core.reissues.plan(NAME, names=["api.kmtui.test"], key_type="ec384")
    ended = await reissued(bench, planned)
    waiting = await core.certificates.get(before.id)
    await core.certificates.save(before.id)
    after = await core.certificates.get(before.id)

    assert ended.request is not None
    assert (ended.request.kind, ended.request.status) == ("reissue", RequestStatus.AVAILABLE)
    assert (waiting.names, waiting.key_type) == ((NAME,), "ec256")
    assert (waiting.current_version, waiting.unsaved_version) == (1, 2)
    assert (after.names, after.key_type, after.current_version) == (("api.kmtui.test",), "ec384", 2)
    assert (await core.certificates.get("api.kmtui.test")).id == before.id
    history = await core.certificates.history(before.id)
    assert [(v.why, v.names, v.key_type) for v in history] == [
        ("reissue", ("api.kmtui.test",), "ec384"),
        ("issue", (NAME,), "ec256"),
    ]


async def test_chain_and_key_policy_go_with_the_version_that_is_saved(bench: Bench) -> None:
    core = bench.core
    before = await issued(bench, save="ask")
    first = await core.certificates.save(NAME)

    planned = await core.reissues.plan(NAME, preferred_chain="Practice Root", reuse_key=True)
    await reissued(bench, planned)
    waiting = await core.certificates.get(NAME)
    second = await core.certificates.save(before.id)
    after = await core.certificates.get(NAME)

    assert planned.differing == (
        ("chain", "", "Practice Root"),
        ("renewals", "make a new key", "keep the key"),
    )
    assert (waiting.preferred_chain, waiting.reuse_key) == (None, False)
    assert (after.preferred_chain, after.reuse_key) == ("Practice Root", True)
    assert second.spki_sha256 == first.spki_sha256


async def test_what_was_reissued_is_renewed_as_it_is_now(bench: Bench) -> None:
    core = bench.core
    before = await issued(bench)
    planned = await core.reissues.plan(NAME, names=["a.kmtui.test", "b.kmtui.test"])
    await reissued(bench, planned)
    await make_due(core, await core.certificates.get(before.id))

    (outcome,) = (await core.renewal.run()).outcomes

    assert outcome.request is not None
    assert outcome.request.status == RequestStatus.SAVED, outcome.request.problem
    assert outcome.request.names == ("a.kmtui.test", "b.kmtui.test")


async def test_a_reissue_that_is_never_saved_leaves_the_next_one_as_before(bench: Bench) -> None:
    core = bench.core
    before = await issued(bench, save="ask")
    await core.certificates.save(NAME)
    await reissued(bench, await core.reissues.plan(NAME, names=["api.kmtui.test"]))

    (outcome,) = await core.renewal.wait(await core.renewal.renew([before.id]))

    assert outcome.request is not None
    assert outcome.request.names == (NAME,)


async def test_a_csr_brings_its_names_and_its_key_and_is_not_needed_again(bench: Bench) -> None:
    core = bench.core
    before = await issued(bench)
    der = keys.csr(["a.kmtui.test"], keys.generate("ec384"))
    pem = x509.load_der_x509_csr(der).public_bytes(Encoding.PEM).decode()

    planned = await core.reissues.plan(NAME, csr_pem=pem)
    await reissued(bench, planned)
    back = await core.reissues.plan(before.id)
    await reissued(bench, back)

    assert planned.names == ("a.kmtui.test",)
    assert ("key", "kept here", "kept elsewhere (CSR)") in planned.differing
    assert back.differing == (("key", "kept elsewhere (CSR)", "kept here"),)
    assert [v.has_key for v in await core.certificates.history(before.id)] == [True, False, True]


async def test_names_of_another_certificate_and_what_is_not_there_are_refused(
    bench: Bench,
) -> None:
    core = bench.core
    await issued(bench)
    await issued(bench, "api.kmtui.test")
    await stock.certificate(core, "empty")

    with pytest.raises(InvalidInput, match="exactly these names"):
        await core.reissues.plan(NAME, names=["api.kmtui.test"])
    with pytest.raises(NotFound):
        await core.reissues.plan(NAME, account="nobody")
    with pytest.raises(Refused, match="no account"):
        await core.reissues.plan("empty")
    with pytest.raises(Refused, match="no version"):
        await core.reissues.plan("empty", account="practice")
    with pytest.raises(InvalidInput):
        await core.reissues.plan(NAME, names=["not a name"])


# --- an earlier version again ---------------------------------------------------------------------


async def test_an_earlier_version_becomes_the_current_one_again_with_its_names(
    bench: Bench,
) -> None:
    core = bench.core
    before = await issued(bench)
    await core.targets.add(NAME, "lb", hook="/bin/true")
    await reissued(bench, await core.reissues.plan(NAME, names=["api.kmtui.test"]))
    await core.deployments.settled()

    used = await core.certificates.make_current(before.id, 1)
    await core.deployments.settled()

    row = await core.certificates.get(before.id)
    assert (used.number, used.replaced_at) == (1, None)
    assert (row.current_version, row.unsaved_version, row.names) == (1, None, (NAME,))
    (target,) = await core.targets.of_certificate(before.id)
    assert target.version == 1
    (outcome,) = await core.renewal.wait(await core.renewal.renew([before.id]))
    assert outcome.request is not None
    assert (outcome.request.version, outcome.request.names) == (3, (NAME,))


async def test_only_what_can_serve_becomes_current_again(bench: Bench) -> None:
    core = bench.core
    await issued(bench, save="ask")
    with pytest.raises(Refused, match="never saved"):
        await core.certificates.make_current(NAME, 1)
    await core.certificates.save(NAME)
    with pytest.raises(Refused, match="is the current one"):
        await core.certificates.make_current(NAME, 1)
    with pytest.raises(NotFound):
        await core.certificates.make_current(NAME, 9)


async def test_after_a_request_for_one_name_set_a_label_still_finds_its_certificate(
    bench: Bench,
) -> None:
    core = bench.core
    before = await issued(bench)
    await reissued(bench, await core.reissues.plan(NAME, names=["api.kmtui.test"]))

    again = await core.requests.create(RequestSpec(names=("api.kmtui.test",), account="practice"))

    assert again.certificate_id == before.id
