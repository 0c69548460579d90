"""The journal of what was published: an entry for each effect, and each where it was made."""

from __future__ import annotations

from kmtui.core.challenges.journal import Journal
from kmtui.core.progress import Progress
from kmtui.db import cleanup
from kmtui.model import RequestSpec
from tests.core.conftest import Bench

NAME = "_acme-challenge.api.kmtui.test"


async def noted(bench: Bench, *accounts: str) -> list[tuple[str | None, str]]:
    """The account and value of every entry, after `V` was noted with each account in turn."""
    draft = await bench.core.requests.draft(
        RequestSpec(names=("api.kmtui.test",), account="practice")
    )
    progress = await Progress.claim(bench.core.context, draft.id)
    for account in accounts:
        await Journal(bench.core.context).intend(
            progress, "dns-01", [(NAME, "V", {})], challenges=[], dns_account_id=account
        )
    found = await bench.core.context.db.read(lambda session: cleanup.pending(session, draft.id))
    return [(entry.dns_account_id, entry.value) for entry in found]


async def test_what_is_published_again_is_not_noted_again(bench: Bench) -> None:
    lab = await bench.core.dns_accounts.get("lab")

    assert await noted(bench, lab.id, lab.id) == [(lab.id, "V")]


async def test_what_another_account_publishes_is_noted_with_that_account(bench: Bench) -> None:
    # given: a mapping that was changed after a run was cut off
    lab = await bench.core.dns_accounts.get("lab")
    other = await bench.core.dns_accounts.add(
        "other",
        provider="rfc2136",
        settings=dict(lab.settings),
        secrets={"tsig_secret": bench.sandbox.tsig_secret},
        zones=[],
    )

    # then: both are cleaned up, each through its own account
    assert await noted(bench, lab.id, other.id) == [(lab.id, "V"), (other.id, "V")]
