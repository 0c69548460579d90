"""Words of a CA that no encoding holds: the request ends with them, and everything can be read."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest

from kmtui.model import ListQuery, RequestStatus
from tests.torture.edge_cases.conftest import Desk

WORDS = "half \ud800 nothing \0 escape \x1b[2J turned \u202e"


def say(document: object) -> httpx.Response:
    return httpx.Response(200, content=json.dumps(document).encode())


def told(desk: Desk) -> httpx.Response:
    return say(desk.ca.authorizations["/authz/1-0"])


def refused_at_order(desk: Desk) -> None:
    document = {
        "type": f"urn:{WORDS}",
        "detail": WORDS,
        "instance": f"https://ca.test/{WORDS}",
        "subproblems": [
            {"type": WORDS, "detail": WORDS, "identifier": {"type": "dns", "value": WORDS}}
        ],
    }
    body = json.dumps(document).encode()
    desk.ca.script["/new-order"].append(httpx.Response(403, content=body))


def refused_at_challenge(desk: Desk) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        authorization = desk.ca.authorizations["/authz/1-0"]
        authorization["status"] = "invalid"
        for challenge in authorization["challenges"]:
            challenge["error"] = {"type": WORDS, "detail": WORDS}
        return say(authorization["challenges"][0])

    desk.ca.script["/authz/1-0"].extend([lambda request: told(desk)] * 9)
    desk.ca.script["/chall/1-0/http-01"].append(fail)


def offered(desk: Desk) -> None:
    def place(request: httpx.Request) -> httpx.Response:
        made = desk.ca.answer(request)
        desk.ca.authorizations["/authz/1-0"]["challenges"] = [{"type": WORDS}]
        return made

    desk.ca.script["/authz/1-0"].extend([lambda request: told(desk)] * 9)
    desk.ca.script["/new-order"].append(place)


@pytest.mark.parametrize("spoken", [refused_at_order, refused_at_challenge, offered])
async def test_words_no_encoding_holds_are_kept_with_the_request(
    desk: Desk, spoken: Callable[[Desk], None]
) -> None:
    spoken(desk)

    request = await desk.obtain("www.example.org")

    assert request.status == RequestStatus.FAILED
    assert request.problem is not None
    assert "escape \x1b[2J turned \u202e" in request.problem.what + request.problem.detail
    assert await desk.log(request)
    trail = await desk.core.activity.page(ListQuery(now=desk.wall()))
    assert any(entry.outcome == "failed" for entry in trail)
    assert [each.id for each in await desk.core.requests.page(ListQuery(now=desk.wall()))]
