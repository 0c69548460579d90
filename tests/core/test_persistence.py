"""An order that may have a certificate is not given up for one answer that makes no sense."""

from __future__ import annotations

from typing import cast

import pytest

from kmtui.core.acme import AcmeClient, Order, Signer
from kmtui.core.acme.problems import parse_problem, refusal, unreachable, violation
from kmtui.core.decisions import PAUSES
from kmtui.core.errors import AcmeError, StillProcessing
from kmtui.core.persistence import insisting

ORDER = "https://ca.example.org/order/1"
SIGNER = cast(Signer, None)
NONSENSE = violation("the CA's order is no JSON", where=ORDER)
REFUSED = refusal(parse_problem({"type": "malformed", "detail": "no"}, http_status=404))
DOWN = unreachable("kmtui:ca-unreachable", "refused", where=ORDER)


class Ca:
    """A CA that says one thing about every order."""

    def __init__(self, status: str = "", error: AcmeError | None = None) -> None:
        self._status = status
        self._error = error

    async def order(self, signer: Signer, url: str) -> Order:
        if self._error is not None:
            raise self._error
        document = {"status": self._status, "identifiers": [], "authorizations": []}
        return Order.parse(document, url=url)


async def outcome(ca: Ca, error: AcmeError, *, retries: int = 0) -> AcmeError:
    with pytest.raises(AcmeError) as caught:
        async with insisting(cast(AcmeClient, ca), SIGNER, ORDER, retries=retries):
            raise error
    return caught.value


@pytest.mark.parametrize("error", [NONSENSE, REFUSED], ids=["nonsense", "refused"])
@pytest.mark.parametrize("ca", [Ca("processing"), Ca("valid"), Ca(error=NONSENSE), Ca(error=DOWN)])
async def test_what_may_have_been_issued_is_asked_for_again(ca: Ca, error: AcmeError) -> None:
    raised = await outcome(ca, error)

    assert isinstance(raised, StillProcessing)
    assert raised.problem is not None
    assert raised.problem.type == "kmtui:certificate-unread"
    assert error.message in raised.message
    assert raised.hint


@pytest.mark.parametrize("status", ["pending", "ready", "invalid"])
async def test_an_order_without_a_certificate_fails_as_it_did(status: str) -> None:
    assert await outcome(Ca(status), REFUSED) is REFUSED


async def test_what_passes_by_itself_stays_what_it_is() -> None:
    assert await outcome(Ca("valid"), DOWN) is DOWN


async def test_it_is_given_up_after_a_day() -> None:
    assert await outcome(Ca("valid"), NONSENSE, retries=len(PAUSES)) is NONSENSE
