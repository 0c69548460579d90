"""What the trail of an inventory must say after everything that was done to it."""

from __future__ import annotations

from collections import Counter

from tests.real.scripted import Scripted


def every_act_has_its_result(run: Scripted, *acts: str) -> None:
    """Each intent has a result after it, the chain holds, and these acts are in it."""
    lines = run("activity")["activity"][::-1]
    begun: Counter[tuple[str, str]] = Counter()
    done = set()
    for line in lines:
        # A request is started as "request renew", and ends as "renew".
        act = (line["action"].removeprefix("request "), str(line["object"]))
        if line["outcome"] == "started":
            begun[act] += 1
        else:
            begun[act] = max(0, begun[act] - 1)
            done.add(line["action"])
    proof = run("activity", "--verify")["verification"]

    assert not +begun, f"without a result: {+begun}"
    assert set(acts) <= done, f"not in the trail: {set(acts) - done}"
    assert (proof["intact"], proof["broken_at"]) == (True, None)
