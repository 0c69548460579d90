"""What is set at a certificate rules its next version: key, chain, profile, a CSR of its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from kmtui.core import keys
from kmtui.core.core import Core
from kmtui.core.errors import AcmeError, Refused
from kmtui.core.inspection import parse_chain, short_name
from kmtui.core.ordering import refused_late
from kmtui.core.sandbox.issuer import OTHER_ROOT, ROOT
from kmtui.db import blocked_keys
from kmtui.model import Certificate, Problem, Request, RequestSpec, RequestStatus, Version
from tests.core.conftest import Bench
from tests.core.test_renewal import issued, make_due

NAME = "www.kmtui.test"


async def renewed(core: Core) -> Request:
    (outcome,) = await core.renewal.wait(await core.renewal.renew([NAME]))
    assert outcome.request is not None, outcome.error
    return outcome.request


async def versions(core: Core) -> list[Version]:
    """Newest first."""
    return await core.certificates.history(NAME)


async def log(core: Core, request: Request) -> str:
    return "\n".join(line.text for line in await core.requests.log(request.id))


# --- the key --------------------------------------------------------------------------------------


async def test_each_renewal_has_a_new_key_unless_it_is_to_be_kept(bench: Bench) -> None:
    core = bench.core
    await issued(bench)
    await renewed(core)
    await core.certificates.set(NAME, reuse_key=True)

    request = await renewed(core)

    third, second, first = await versions(core)
    assert first.spki_sha256 != second.spki_sha256 == third.spki_sha256
    assert "with the key of version 2" in await log(core, request)
    pems = [await core.certificates.private_key_pem(version) for version in (third, second)]
    assert pems[0] == pems[1]


async def test_a_key_that_must_not_or_cannot_be_kept_is_made_anew(bench: Bench) -> None:
    core = bench.core
    await issued(bench)
    await core.certificates.set(NAME, reuse_key=True)
    (first,) = await versions(core)
    now = core.context.clock()
    await core.context.db.write(
        lambda s: blocked_keys.block(s, first.spki_sha256, at=now, certificate=NAME)
    )

    compromised = await renewed(core)
    planned = await core.reissues.plan(NAME, key_type="ec384")
    (other,) = await core.renewal.wait([await core.reissues.start(planned)])

    assert other.request is not None
    assert "given up as compromised" in await log(core, compromised)
    assert "a new key: that of version 2 is ec256" in await log(core, other.request)
    assert len({version.spki_sha256 for version in await versions(core)}) == 3


# --- a signing request of its own -----------------------------------------------------------------


async def by_csr(bench: Bench) -> Certificate:
    der = keys.csr([NAME], keys.generate("ec256"))
    pem = x509.load_der_x509_csr(der).public_bytes(Encoding.PEM).decode()
    spec = RequestSpec(names=(NAME,), account="practice", auto_save="always", csr_pem=pem)
    request = await bench.core.requests.create(spec)
    done = await bench.core.requests.wait(request.id, seconds=30)
    return await bench.core.certificates.get(done.certificate_id or "")


async def test_whose_key_is_elsewhere_is_not_renewed_and_the_way_out_is_told(
    bench: Bench,
) -> None:
    core = bench.core
    await make_due(core, await by_csr(bench))

    verdict = await core.renewal.verdict(NAME)
    run = await core.renewal.run()
    (by_hand,) = await core.renewal.renew([NAME])

    assert (verdict.due, verdict.blocked) == (False, "obstacle")
    assert f"kmtui cert reissue {NAME} --csr FILE" in verdict.why
    assert run.outcomes == ()
    assert isinstance(by_hand.error, Refused)
    assert "--csr FILE" in by_hand.error.hint
    alerts = await core.alerts.all(within=timedelta(days=1))
    assert [alert.what for alert in alerts] == ["failed"]


async def test_the_same_signing_request_is_sent_again_where_that_is_wanted(bench: Bench) -> None:
    core = bench.core
    await make_due(core, await by_csr(bench))
    await core.certificates.set(NAME, reuse_key=True)

    (outcome,) = (await core.renewal.run()).outcomes

    assert outcome.request is not None
    assert outcome.request.status == RequestStatus.SAVED
    second, first = await versions(core)
    assert second.spki_sha256 == first.spki_sha256


async def test_a_key_that_was_brought_later_counts_as_kept_here(bench: Bench) -> None:
    core = bench.core
    certificate = await by_csr(bench)
    await make_due(core, certificate)
    (first,) = await versions(core)
    await core.context.db.write(
        lambda s: core.context.secrets.seal(
            s,
            owner_table="version",
            owner_id=first.id,
            kind="certificate-key",
            value=keys.to_pem(keys.generate("ec256")),
        )
    )

    (outcome,) = (await core.renewal.run()).outcomes

    assert outcome.request is not None
    assert outcome.request.status == RequestStatus.SAVED
    assert outcome.request.spec.csr_pem is None


# --- the chain ------------------------------------------------------------------------------------


async def top_issuer(core: Core, number: int) -> str:
    pem = (await core.certificates.version(NAME, number)).chain_pem
    return short_name(parse_chain(pem)[-1].issuer)


async def test_the_chain_that_leads_to_the_preferred_root_is_taken(bench: Bench) -> None:
    core = bench.core
    await issued(bench)
    await core.certificates.set(NAME, preferred_chain=OTHER_ROOT)
    await renewed(core)
    await core.certificates.set(NAME, preferred_chain="")
    await renewed(core)

    assert [await top_issuer(core, number) for number in (1, 2, 3)] == [ROOT, OTHER_ROOT, ROOT]


async def test_a_chain_that_is_not_offered_does_not_cost_the_certificate(bench: Bench) -> None:
    core = bench.core
    await issued(bench)
    await core.certificates.set(NAME, preferred_chain="Nobody's Root")

    request = await renewed(core)

    assert request.status == RequestStatus.SAVED
    said = await log(core, request)
    assert (
        f"no chain leads to Nobody's Root; the CA's own is taken, of {ROOT}, {OTHER_ROOT}" in said
    )


# --- the profile ----------------------------------------------------------------------------------


async def test_a_preferred_profile_gives_way_and_a_required_one_does_not(bench: Bench) -> None:
    core = bench.core
    await issued(bench)
    await core.certificates.set(NAME, profile="tlsclient", profile_required=False)
    preferred = await renewed(core)
    await core.certificates.set(NAME, profile_required=True)

    required = await renewed(core)

    assert preferred.status == RequestStatus.SAVED
    assert "ordering without the profile tlsclient" in await log(core, preferred)
    assert (await core.certificates.get(NAME)).profile == "tlsclient", "it may be offered again"
    assert required.status == RequestStatus.FAILED
    assert required.problem is not None
    assert required.problem.short_type == "invalidProfile"


@pytest.mark.edge(23)
def test_a_profile_retired_before_finalization_is_left_out_by_the_next_order_only() -> None:
    problem = Problem(type="urn:ietf:params:acme:error:invalidProfile", detail="gone")
    error = AcmeError("gone", problem=problem)
    spec = RequestSpec(names=(NAME,), account="a", profile="old", profile_required=False)

    late = refused_late(error, spec)

    assert late.problem is not None
    assert late.problem.type == "kmtui:profile-retired"
    assert refused_late(error, replace(spec, profile_required=True)) is error
    assert refused_late(error, replace(spec, profile=None)) is error
    other = AcmeError("no", problem=replace(problem, type="badCSR"))
    assert refused_late(other, spec) is other
