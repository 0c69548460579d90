"""What cron and monitors start: an empty environment, no terminal, the root as directory.

Each state of an inventory has its exit code and its line; mail goes out from there, and holds no
secret.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import Session

from kmtui.core.core import Core
from kmtui.core.mail import mail_server
from kmtui.core.notify_settings import NotifySettings
from kmtui.core.schedule import CREDENTIAL
from kmtui.db import accounts, certificates, requests, targets
from kmtui.model import Problem, RequestStatus, TargetState
from tests.cli.conftest import CANARY
from tests.core.deployment import stock
from tests.core.smtp_sink import SmtpSink
from tests.core.test_renewal import make_due
from tests.db import samples


@dataclass
class Said:
    code: int
    out: str
    err: str


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Core]:
    """A certificate `shop` with ninety days to live, of an account at a CA that is down."""
    core = await Core.open(tmp_path / "data", actor="tester@here")
    await core.access.initialise_with_key_file(tmp_path / "vault.key")
    await core.cas.add("house", directory_url="https://127.0.0.1:1/directory")
    account = samples.account("main", ca="house")
    shop = samples.certificate(
        "shop", created_at=core.context.clock(), account_id=account.id, account=account.name
    )

    def store(session: Session) -> None:
        accounts.insert(session, account)
        certificates.insert(session, shop)

    await core.context.db.write(store)
    await stock.version(core, shop)
    yield core
    await core.close(seconds=5)


async def cron(
    core: Core, *words: str, key: Path | None = None, credentials: Path | None = None
) -> Said:
    """A command as cron starts it, or systemd with a directory of credentials."""
    environment = {"PATH": "/usr/bin:/bin"}
    if credentials:
        environment["CREDENTIALS_DIRECTORY"] = str(credentials)
    opening = ["--key-file", str(key)] if key else []
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "kmtui", "--data", str(core.data), *opening, *words),
        env=environment,
        cwd="/",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    out, err = await process.communicate()
    return Said(process.returncode or 0, out.decode(), err.decode())


async def all_fine(core: Core) -> None:
    """Nothing happened."""


async def one_expiring(core: Core) -> None:
    row = await stock.certificate(core, "mail")
    await stock.version(core, row, lasts=timedelta(days=11))


async def one_failed(core: Core) -> None:
    shop = await core.certificates.get("shop")
    failed = samples.request(
        *shop.names,
        certificate_id=shop.id,
        kind="renew",
        status=RequestStatus.FAILED,
        finished_at=core.context.clock(),
        problem=Problem(
            type="urn:ietf:params:acme:error:caa",
            detail="CAA forbids it",
            what="A CAA record forbids this CA",
            hint="change the record",
        ),
    )
    await core.context.db.write(lambda session: requests.insert(session, failed))
    await make_due(core, shop)


async def one_stale(core: Core) -> None:
    target = await core.targets.add("shop", "edge", hook="/bin/true")
    fields = {
        "state": TargetState.STALE,
        "error": "another certificate is served",
        "next_attempt_at": None,
    }
    await core.context.db.write(lambda session: targets.update(session, target.id, **fields))


STATES: tuple[tuple[Callable[[Core], Awaitable[None]], int, str, str], ...] = (
    (all_fine, 0, "", ""),
    (one_expiring, 1, "expires", "mail: expires on "),
    (one_failed, 1, "failed", "shop: the last failure needs a human: change the record"),
    (one_stale, 1, "stale", "shop: target edge: another certificate is served"),
)


@pytest.mark.parametrize(("state", "code", "what", "begins"), STATES)
async def test_check_has_a_code_and_a_line_for_each_state_without_any_key(
    core: Core, state: Callable[[Core], Awaitable[None]], code: int, what: str, begins: str
) -> None:
    await state(core)

    text, document = await asyncio.gather(cron(core, "check"), cron(core, "check", "--json"))

    assert (text.code, document.code) == (code, code)
    assert (text.err, document.err) == ("", "")
    assert len(text.out.splitlines()) == (1 if begins else 0)
    assert text.out.startswith(begins)
    alerts = json.loads(document.out)["alerts"]
    assert [alert["what"] for alert in alerts] == ([what] if what else [])


async def test_a_locked_vault_keeps_check_from_nothing_and_the_run_from_everything(
    core: Core, tmp_path: Path
) -> None:
    other = tmp_path / "other.key"
    other.write_bytes(bytes(32))
    other.chmod(0o600)

    check, run, wrong = await asyncio.gather(
        cron(core, "check"), cron(core, "renew", "--due"), cron(core, "renew", "--due", key=other)
    )

    assert (check.code, check.out) == (0, "")
    assert (run.code, wrong.code) == (4, 4)
    for said in (run, wrong):
        assert said.out == ""
        assert "Traceback" not in said.err
    assert "--key-file" in run.err
    assert await core.alerts.last_run() is None


async def test_a_credential_of_systemd_opens_the_vault(core: Core, tmp_path: Path) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir(mode=0o500)
    key = credentials / CREDENTIAL
    key.write_bytes((tmp_path / "vault.key").read_bytes())
    key.chmod(0o400)

    run = await cron(core, "renew", "--due", credentials=credentials)

    assert (run.code, run.out.splitlines()[-1]) == (0, "1 certificate, 0 due")
    last = await core.alerts.last_run()
    assert last is not None
    assert (last.due, last.failed, last.error) == (0, 0, "")


async def test_the_run_mails_what_failed_and_no_secret(core: Core, tmp_path: Path) -> None:
    async with SmtpSink(users={"ca": CANARY}) as sink:
        server = mail_server(
            "127.0.0.1",
            port=sink.port,
            sender="kmtui@example.org",
            recipients=["ops@example.org"],
            user="ca",
            ca_bundle=sink.ca_bundle,
        )
        await core.notifications.set(NotifySettings(mail=server, digest=False), password=CANARY)
        await core.dns_accounts.add(
            "cloud",
            provider="cloudflare",
            settings={},
            zones=["example.org"],
            secrets={"api_token": f"dns-{CANARY}"},
        )
        await one_failed(core)
        await one_stale(core)

        run = await cron(core, "renew", "--due", key=tmp_path / "vault.key")
        check = await cron(core, "check")
    (mail,) = sink.delivered
    assert "2 new things need a look" in str(mail.mail["Subject"])
    assert "shop: target edge: another certificate is served" in mail.text
    assert (mail.encrypted, mail.login) == (True, ("ca", CANARY))
    # As it went over the line, and as it is read: quoted-printable would hide a word.
    said = mail.octets.decode() + str(mail.mail["Subject"]) + mail.text
    said += run.out + run.err + check.out + check.err
    vault_key = (tmp_path / "vault.key").read_bytes()
    key = await core.certificates.private_key_pem(await core.certificates.version("shop", 1))
    body = "".join(key.decode().splitlines()[1:-1])
    for secret in (
        *(CANARY, "PRIVATE KEY", body[:40], body[-40:], base64.b64encode(CANARY.encode()).decode()),
        *(vault_key.hex(), base64.b64encode(vault_key).decode()),
    ):
        assert secret not in said
    assert check.code == 1
    assert len(check.out.splitlines()) == 2
