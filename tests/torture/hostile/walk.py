"""A client's way through hostile CAs, in a process of its own that is watched: time, memory, files.

Reads ``[{"number", "directory"}…]``, the root of their TLS and a client's deadlines as JSON from
stdin; writes one JSON object of outcomes to stdout.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from kmtui.core.acme import AcmeClient, Pace, Signer, key_authorization
from kmtui.core.errors import KmtuiError, ProtocolViolation
from kmtui.core.inspection import verify_issued
from kmtui.core.keys import spki_sha256
from tests.core.acme.fake_ca import csr

NAME = "www.example.org"
AT_ONCE = 4
ACCOUNT_KEY = ec.generate_private_key(ec.SECP256R1())
KEY = ec.generate_private_key(ec.SECP256R1())
CSR = csr(KEY, NAME)
WRITING = ("os.mkdir", "os.rename", "os.link", "os.symlink", "os.truncate", "sqlite3.connect")
written: list[str] = []
Seconds = dict[str, float]
"""How long the client waits: `connect`, `call`, `poll`."""
turns: list[float] = [0.0]
"""The longest turns on the event loop so far, in seconds of processor time."""


async def certificate(directory: str, trust: str, seconds: Seconds) -> None:
    """Account, order, proof, certificate: what each request for a certificate asks of its CA."""
    pace = Pace(shortest=0.05, longest=0.2, usual=0.2)
    async with AcmeClient(
        directory,
        ca_bundle=trust,
        pace=pace,
        patience=0.2,
        deadline=seconds["call"],
        connect_deadline=seconds["connect"],
    ) as ca:
        account = await ca.new_account(ACCOUNT_KEY, contact=[], terms_agreed=True)
        signer = Signer(ACCOUNT_KEY, account.url)
        order = await ca.new_order(signer, [NAME])
        for url in order.authorizations:
            challenge = (await ca.authorization(signer, url)).challenge("http-01")
            assert challenge is not None
            assert key_authorization(challenge.token, ACCOUNT_KEY)
            await ca.answer(signer, challenge.url)
            await ca.poll_authorization(signer, url, deadline=seconds["poll"])
        order = await ca.poll_order(signer, order.url, until={"ready"}, deadline=seconds["poll"])
        order = await ca.finalize(signer, order, CSR, deadline=seconds["poll"])
        order = await ca.poll_order(signer, order.url, until={"valid"}, deadline=seconds["poll"])
        if order.certificate is None:
            raise ProtocolViolation("the CA says the order is valid and names no certificate")
        chain = await ca.certificate(signer, order.certificate)
        spki = spki_sha256(KEY.public_key())
        verify_issued(chain.pem, spki_sha256=spki, names=[NAME], now=datetime.now(UTC))


async def outcome(at_once: asyncio.Semaphore, directory: str, trust: str, seconds: Seconds) -> Any:
    async with at_once:
        told: dict[str, Any] = {"error": None, "said": "", "hint": ""}
        started = time.monotonic()
        try:
            await certificate(directory, trust, seconds)
        except KmtuiError as error:
            detail = error.problem.detail if error.problem else ""
            told |= {
                "said": f"{error.message}\n{detail}",
                "hint": error.hint,
                "error": "KmtuiError",
            }
        except Exception as error:
            told |= {"said": repr(error), "error": type(error).__name__}
        return told | {"seconds": time.monotonic() - started}


async def visit(cas: list[dict[str, Any]], trust: str, seconds: Seconds) -> dict[str, Any]:
    polite = next(ca["directory"] for ca in cas if ca["number"] == 0)
    await certificate(polite, trust, seconds)  # everything is imported and warm
    before, written[:] = memory("VmRSS"), []
    at_once = asyncio.Semaphore(AT_ONCE)
    beat = asyncio.create_task(longest_turn())
    outcomes = await asyncio.gather(
        *(outcome(at_once, ca["directory"], trust, seconds) for ca in cas)
    )
    beat.cancel()
    return {
        "outcomes": {ca["number"]: one for ca, one in zip(cas, outcomes, strict=True)},
        "grown": memory("VmHWM") - before,
        "turn": turns[-1],
        "written": written,
    }


async def longest_turn() -> None:
    """Note how much work was done before somebody who wants to run every 10 ms got to it."""
    while True:
        before = time.thread_time()
        await asyncio.sleep(0.01)
        turns.append(max(turns[-1], time.thread_time() - before))


def memory(which: str) -> int:
    """Bytes of this process that are in memory now (VmRSS), or were at most (VmHWM)."""
    with open("/proc/self/status") as status:
        (line,) = (line for line in status if line.startswith(which))
    return int(line.split()[1]) * 1024


def watch(event: str, arguments: tuple[Any, ...]) -> None:
    """Note what is opened for writing, made or moved anywhere."""
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        written.append(str(arguments[0]))
    elif event in WRITING:
        written.append(f"{event} {arguments[0]}")


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    sys.addaudithook(watch)
    json.dump(asyncio.run(visit(asked["cas"], asked["trust"], asked["seconds"])), sys.stdout)
