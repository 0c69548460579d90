"""Renewal from the screens: what is due and why, what went wrong, and renewing by key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from textual.pilot import Pilot

from kmtui.core.core import Core
from kmtui.db import rate_events, renewal
from kmtui.db.requests import names_hash
from kmtui.model import (
    Account,
    Certificate,
    Problem,
    RenewalPlan,
    RequestKind,
    RequestSpec,
    RequestStatus,
)
from tests.core.conftest import Bench
from tests.db.samples import Filled
from tests.screens.workbench import NARROW, WIDE, opened, press, shows
from tests.terminal import screen_text

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
NAME = "shop.example.org"
PROBLEM = Problem(
    type="urn:ietf:params:acme:error:dns",
    detail="NXDOMAIN for [/b]\x1b[31m",
    what="The CA could not find the DNS record.",
    hint="publish it",
    instance="https://ca.example.test/help",
)


@pytest.fixture
async def account(core: Core, filled: Filled) -> Account:
    """A valid account at a CA that is known here."""
    await core.cas.add("example-ca", directory_url="https://ca.example.test/directory")
    return filled.account()


def issued(filled: Filled, account: Account, days_left: float, name: str = NAME) -> Certificate:
    """A certificate of 90 days, so many of them left."""
    certificate = filled.certificate(
        name, account_id=account.id, account=account.name, ca=account.ca
    )
    end = datetime.now(UTC) + days_left * DAY
    begin = end - 90 * DAY
    filled.version(certificate, saved=True, not_before=begin, not_after=end, issued_at=begin)
    return certificate


def failed(filled: Filled, certificate: Certificate, **fields: Any) -> None:
    filled.request(
        certificate.name,
        certificate_id=certificate.id,
        kind=RequestKind.RENEW,
        **{
            "status": RequestStatus.FAILED,
            "problem": PROBLEM,
            "created_at": datetime.now(UTC) - HOUR,
            **fields,
        },
    )


def suggested(filled: Filled, certificate: Certificate, begin: timedelta) -> None:
    """What the CA said about the first version."""
    start = datetime.now(UTC) + begin
    plan = RenewalPlan(
        certificate_id=certificate.id,
        version_number=1,
        source="ari",
        window_start=start,
        window_end=start + DAY,
        explanation_url="https://ca.example.test/incident",
        renew_at=start,
    )
    filled.db.write_sync(lambda session: renewal.put(session, [plan]))


async def told(core: Core, size: tuple[int, int] = NARROW) -> str:
    """The screen of the only certificate."""
    async with opened(core, "certificates", size) as pilot:
        await shows(pilot, "1 certificate")
        await press(pilot, "enter")
        return await shows(pilot, "renewal ")


async def obtain(bench: Bench, name: str) -> None:
    """A saved version of a name in the sandbox."""
    spec = RequestSpec(names=(name,), account="practice", auto_save="always")
    request = await bench.core.requests.create(spec)
    ended = await bench.core.requests.wait(request.id, seconds=30)
    assert ended.status == RequestStatus.SAVED, ended.problem


async def open_only(pilot: Pilot[Any]) -> str:
    await shows(pilot, "1 certificate")
    await press(pilot, "enter")
    return await shows(pilot, "renewal ")


async def test_not_due_says_from_when_and_why(core: Core, filled: Filled, account: Account) -> None:
    issued(filled, account, 80.5)

    text = await told(core)

    assert "renewal  not due before 20" in text
    assert "a third of its life will be left" in text
    assert "last try nobody asked for a version yet" in text
    assert "by kmtui renew --due" in text


async def test_due_by_the_ca_shows_window_and_its_reason(
    core: Core, filled: Filled, account: Account
) -> None:
    suggested(filled, issued(filled, account, 80.5), -2 * HOUR)

    text = await told(core, WIDE)

    assert "renewal  due since 20" in text
    assert "the CA suggests renewing between" in text
    assert "the CA's reason: https://ca.example.test/incident" in text
    assert "next try by the next kmtui renew --due; r renews now" in text


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_a_failure_says_what_was_tried_what_went_wrong_and_when_again(
    core: Core, filled: Filled, account: Account, size: tuple[int, int]
) -> None:
    certificate = issued(filled, account, 20.5)
    again = datetime.now(UTC) + HOUR
    failed(filled, certificate, not_before=again)

    text = await told(core, size)

    assert "due since 20" in text
    assert "but failed" in text
    assert "last try #1 renew" in text
    assert "failed: The CA could not find the DNS record." in text
    assert "dns “NXDOMAIN for [/b]" in text
    assert f"next try {again:%H:%M} by kmtui renew --due; r renews now" in text


async def test_what_needs_a_human_says_what_to_do_and_where(
    core: Core, filled: Filled, account: Account
) -> None:
    failed(filled, issued(filled, account, 20.5), not_before=None)

    text = await told(core, WIDE)

    assert "next try needs you: publish it, https://ca.example.test/help; r renews" in text


async def test_repeated_failure_proposes_to_switch_it_off(
    core: Core, filled: Filled, account: Account
) -> None:
    certificate = issued(filled, account, 20.5)
    for _ in range(5):
        failed(filled, certificate, not_before=datetime.now(UTC) + HOUR)

    text = await told(core)

    assert "but failed 5 times in a row" in text
    assert "advice   5 renewals failed in a row: w keeps it off until it is repaired" in text


async def test_the_attempts_tell_when_the_next_one_is(
    core: Core, filled: Filled, account: Account
) -> None:
    again = datetime.now(UTC) + HOUR
    failed(filled, issued(filled, account, 20.5), not_before=again)

    async with opened(core, "certificates") as pilot:
        await open_only(pilot)
        text = await press(pilot, "tab")

    assert f"next {again:%H:%M} · dns: NXDOMAIN" in text


async def test_the_pane_of_the_list_tells_the_verdict(
    core: Core, filled: Filled, account: Account
) -> None:
    failed(filled, issued(filled, account, 20.5), not_before=None)

    async with opened(core, "certificates", WIDE) as pilot:
        text = await shows(pilot, "next try needs you")

    assert "last try #1 renew" in text


async def test_w_and_v_switch_auto_renew_and_auto_save(
    core: Core, filled: Filled, account: Account
) -> None:
    certificate = issued(filled, account, 20.5)

    async with opened(core, "certificates") as pilot:
        await open_only(pilot)
        await press(pilot, "w")
        await shows(pilot, "renewal  off: nothing renews it unattended")
        await press(pilot, "v")
        await shows(pilot, "policy   auto-renew off · auto-save always")
        await press(pilot, "w", "v")
        await shows(pilot, "policy   auto-renew on · auto-save ask")

    stored = await core.certificates.get(certificate.id)
    assert (stored.auto_renew, stored.auto_save) == (True, "ask")


async def test_r_asks_before_it_renews_what_is_not_due(bench: Bench) -> None:
    await obtain(bench, "www.kmtui.test")

    async with opened(bench.core, "certificates") as pilot:
        await open_only(pilot)
        await press(pilot, "r")
        await shows(pilot, "www.kmtui.test: due on 20")
        await press(pilot, "n")
        assert len(await bench.core.certificates.attempts("www.kmtui.test")) == 1

        await press(pilot, "r")
        await shows(pilot, "Renew now?")
        await press(pilot, "y")
        await shows(pilot, "renewed: www.kmtui.test")

    assert (await bench.core.certificates.get("www.kmtui.test")).current_version == 2


async def test_marked_ones_are_renewed_after_a_panel_that_counts_the_hidden(bench: Bench) -> None:
    for name in ("api.kmtui.test", "www.kmtui.test"):
        await obtain(bench, name)

    async with opened(bench.core, "certificates") as pilot:
        await shows(pilot, "2 certificates")
        await press(pilot, "a", "slash", *"api", "enter", "r")
        text = await shows(pilot, "RENEW 2 certificates")
        # Both expire in the same second, or do not.
        names = ["api.kmtui.test", "www.kmtui.test"]
        both = [", ".join(names), ", ".join(reversed(names))]
        order = next(each for each in both if f"renewed  {each}" in text)
        assert f"not due  2 yet: {order}" in text
        assert "hidden   1 of them by the filter" in text

        await press(pilot, "y")
        await shows(pilot, f"renewed: {order}  (= lists each)")
        text = await press(pilot, "equals_sign")
        assert "2 renewed" in text
        assert "v2 is current now" in text


def set_aside(filled: Filled, certificate: Certificate) -> str:
    """Its renewal waits; the time when it goes on."""
    until = datetime.now(UTC) + HOUR
    failed(filled, certificate, status=RequestStatus.PARKED, not_before=until)
    return f"{until:%H:%M}"


async def test_one_whose_request_waits_leads_to_it_instead_of_asking_for_another(
    core: Core, filled: Filled, account: Account
) -> None:
    until = set_aside(filled, issued(filled, account, 20.5))

    async with opened(core, "certificates") as pilot:
        await shows(pilot, "1 certificate")
        await press(pilot, "r")
        text = await shows(pilot, "renew: r on Requests goes on now")
        assert "Renew now?" not in text

        # then: its own screen does not promise that r goes on either
        await press(pilot, "enter")
        await shows(
            pilot, f"next try {until} by itself while kmtui runs, or with kmtui resume; r in its"
        )


async def test_of_several_those_whose_request_waits_are_not_counted_among_the_renewed(
    core: Core, filled: Filled, account: Account
) -> None:
    issued(filled, account, 20.5, "free.example.org")
    set_aside(filled, issued(filled, account, 20.5, "waits.example.org"))

    async with opened(core, "certificates") as pilot:
        await shows(pilot, "2 certificates")
        await press(pilot, "a", "r")
        text = await shows(pilot, "RENEW 1 certificate")
        assert "renewed  free.example.org" in text
        assert "blocked  waits.example.org: request #" in text


async def test_one_that_cannot_be_renewed_is_told_apart(bench: Bench, filled: Filled) -> None:
    await obtain(bench, "www.kmtui.test")
    filled.certificate("empty.kmtui.test")

    async with opened(bench.core, "certificates") as pilot:
        await shows(pilot, "2 certificates")
        await press(pilot, "a", "r")
        await shows(pilot, "RENEW 2 certificates")
        await press(pilot, "y")
        await shows(pilot, "renewed: www.kmtui.test; 1 not started  (= lists each)")

        text = await press(pilot, "exclamation_mark")
        assert "1 of 2 were not started" in text
        assert "empty.kmtui.test has no account" in text
        text = await press(pilot, "escape", "equals_sign")
        assert "1 renewed   1 not started" in text


async def test_capital_r_renews_what_is_due_as_the_unattended_run(bench: Bench) -> None:
    await obtain(bench, "www.kmtui.test")
    await obtain(bench, "api.kmtui.test")
    www = await bench.core.certificates.get("www.kmtui.test")
    plan = RenewalPlan(
        certificate_id=www.id,
        version_number=1,
        source="lifetime",
        renew_at=datetime.now(UTC) - HOUR,
    )
    await bench.core.context.db.write(lambda session: renewal.put(session, [plan]))

    async with opened(bench.core, "certificates") as pilot:
        await shows(pilot, "2 certificates")
        await press(pilot, "R")
        assert "due      www.kmtui.test" in await shows(pilot, "RENEW WHAT IS DUE: 1 certificate")
        await press(pilot, "y")
        await shows(pilot, "renewed: www.kmtui.test", seconds=20)

    assert (await bench.core.certificates.get("api.kmtui.test")).current_version == 1


async def test_a_used_up_limit_is_passed_over_when_the_operator_knows_better(bench: Bench) -> None:
    # given: our own count says that three certificates for this name were issued this week
    await obtain(bench, "www.kmtui.test")
    for number in range(3):
        await bench.core.context.db.write(
            lambda session, number=number: rate_events.add(  # type: ignore[misc]
                session,
                at=datetime.now(UTC),
                ca="sandbox",
                what="certificate",
                per="names",
                scopes=[names_hash(("www.kmtui.test",))],
                request_id=f"earlier-{number}",
            )
        )

    async with opened(bench.core, "certificates") as pilot:
        # when
        await open_only(pilot)
        await press(pilot, "r", "y")

        # then: it says what it would be too many of, and goes on when told to
        text = await shows(pilot, "OVER THE LIMIT www.kmtui.test")
        assert "that would be too many" in text
        await press(pilot, "n")
        assert len(await bench.core.certificates.attempts("www.kmtui.test")) == 1

        await press(pilot, "r", "y")
        await shows(pilot, "y issue anyway")
        await press(pilot, "y")
        await shows(pilot, "renewed: www.kmtui.test")


async def test_read_only_greys_what_renews(core: Core, filled: Filled, account: Account) -> None:
    issued(filled, account, 20.5)
    core.access.read_only = True

    async with opened(core, "certificates") as pilot:
        await open_only(pilot)
        for key, word in (("r", "renew"), ("w", "auto-renew"), ("v", "auto-save")):
            await press(pilot, key)
            assert f"{word}: this is read-only mode" in screen_text(pilot.app)
