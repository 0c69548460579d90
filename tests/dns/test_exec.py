"""Own commands keep the contract of DNS providers, and are kept within their limits."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from kmtui.core.dns.exec import Exec
from kmtui.core.dns.names import parse_name
from kmtui.core.dns.patience import patience
from kmtui.core.dns.provider import Surroundings, TxtHandle, Zone
from kmtui.core.dns.registry import open_provider
from kmtui.core.dns_accounts import OpenedDns
from kmtui.core.errors import DnsProviderError, InvalidInput
from tests.dns.bind import SERVED
from tests.dns.contract import Contract
from tests.dns.fakes.hook import HookVendor
from tests.dns.setting import NAME, ZONE

HERE = Zone(id=ZONE, name=parse_name(ZONE))


class TestExecContract(Contract):
    cannot: ClassVar[dict[int, str]] = {
        13: "commands list no zones",
        14: "commands do not say which name servers serve a zone",
        21: "commands have no limit of their own; they may end with 75, and are run later",
    }
    tells_wrong_secrets: ClassVar[bool] = False
    one_write: ClassVar[bool] = False
    zones: ClassVar[tuple[str, ...]] = SERVED

    @pytest.fixture
    def vendor(self, tmp_path: Path) -> Iterator[HookVendor]:
        vendor = HookVendor(tmp_path)
        vendor.start()
        yield vendor
        vendor.stop()

    async def test_a_command_finds_all_it_needs_in_its_environment(
        self, vendor: HookVendor, account: OpenedDns, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        zone = await account.find_zone(f"_acme-challenge.www.{ZONE}")

        handles = await account.provider.add(zone, f"_acme-challenge.www.{ZONE}", {"v-1"}, 300)
        await account.provider.remove(handles)

        usual = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        both = {
            "LANG": "C.UTF-8",
            **usual,
            "KMTUI_FQDN": f"_acme-challenge.www.{ZONE}",
            "KMTUI_NAME": "_acme-challenge.www",
            "KMTUI_ZONE": ZONE,
            "KMTUI_VALUE": "v-1",
        }
        present, clean_up = (
            {k: v for k, v in each.items() if k != "LC_CTYPE"} for each in vendor.environments
        )
        assert present == {**both, "KMTUI_ACTION": "present", "KMTUI_TTL": "300"}
        assert clean_up == {**both, "KMTUI_ACTION": "cleanup"}


def script(directory: Path, body: str, name: str = "hook") -> str:
    path = directory / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o700)
    return str(path)


def account(present: str, **settings: str) -> Exec:
    provider = open_provider("exec", {"present": present, "zones": ZONE, **settings}, {})
    assert isinstance(provider, Exec)
    return provider


async def failure(provider: Exec) -> DnsProviderError:
    with pytest.raises(DnsProviderError) as caught:
        await provider.add(HERE, NAME, {"v"}, 60)
    return caught.value


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("dns-hook", "absolute path"),
        ("./dns-hook", "absolute path"),
        ("", "missing"),
        ("/opt/hook 'open", "quotation"),
    ],
)
def test_a_command_that_cannot_be_is_bad_input(line: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason) as caught:
        account(line)

    assert caught.value.field == "present"


def test_a_cleanup_command_that_cannot_be_names_its_field() -> None:
    with pytest.raises(InvalidInput) as caught:
        account("/opt/hook", cleanup="hook")

    assert caught.value.field == "cleanup"


async def test_arguments_are_passed_on_as_they_are_and_no_shell_reads_them(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    hook = script(tmp_path, f'printf "%s|" "$@" > {seen}')

    await account(f"{hook} 'one two' '$HOME' '*' ';true'").add(HERE, NAME, {"v"}, 60)

    assert seen.read_text() == "one two|$HOME|*|;true|"


async def test_removing_may_be_a_command_of_its_own(tmp_path: Path) -> None:
    log = tmp_path / "log"
    publish = script(tmp_path, f'echo "publish $KMTUI_VALUE" >> {log}', "publish")
    remove = script(tmp_path, f'echo "remove $KMTUI_VALUE" >> {log}', "remove")
    provider = account(publish, cleanup=remove)

    await provider.remove(await provider.add(HERE, NAME, {"v"}, 60))

    assert log.read_text() == "publish v\nremove v\n"


@pytest.mark.parametrize(
    ("code", "kind"), [(1, "invalid_request"), (75, "transient"), (77, "permission")]
)
async def test_a_failure_is_told_with_the_last_line(tmp_path: Path, code: int, kind: str) -> None:
    hook = script(tmp_path, f"echo first; echo 'no such zone' >&2; echo; exit {code}")

    error = await failure(account(hook))

    assert error.kind == kind
    assert error.raw_code == str(code)
    assert error.hint
    assert error.message == (
        f"the present command {hook} ended with code {code} ({NAME}): no such zone"
    )


async def test_endless_output_is_cut_and_does_not_stall(tmp_path: Path) -> None:
    hook = script(tmp_path, "head -c 3000000 /dev/zero | tr '\\0' x; exit 1")

    error = await failure(account(hook))

    assert len(error.message) < 600


async def test_a_command_that_is_missing_says_so() -> None:
    error = await failure(account("/nowhere/hook"))

    assert error.message == (
        "the present command /nowhere/hook cannot be started: No such file or directory"
    )


@pytest.mark.parametrize("limit", ["setting", "patience", "cancel"])
async def test_a_command_is_ended_with_all_it_started(tmp_path: Path, limit: str) -> None:
    mark = tmp_path / "mark"
    hook = script(tmp_path, f"(sleep 5; touch {mark}) & touch {tmp_path}/started; sleep 30")
    provider = account(hook, timeout="1" if limit == "setting" else "60")
    began = time.monotonic()

    if limit == "cancel":
        adding = asyncio.create_task(provider.add(HERE, NAME, {"v"}, 60))
        while not (tmp_path / "started").exists():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        adding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await adding
    else:
        with patience(0.5 if limit == "patience" else 60):
            error = await failure(provider)
        assert (error.kind, "did not end within" in error.message) == ("transient", True)
    ended = time.monotonic() - began
    await asyncio.sleep(max(0.0, 5.5 - ended))

    assert ended < 20
    assert not mark.exists()


async def test_every_value_is_removed_although_one_fails(tmp_path: Path) -> None:
    log = tmp_path / "log"
    hook = script(tmp_path, f'echo "$KMTUI_VALUE" >> {log}; [ "$KMTUI_VALUE" != a ]')

    with pytest.raises(DnsProviderError, match="code 1"):
        await account(hook).remove([TxtHandle.of(HERE, NAME, value) for value in "abc"])

    assert log.read_text().split() == ["a", "b", "c"]


async def test_without_configured_zones_the_delegated_one_is_meant() -> None:
    async def public(zone: object) -> frozenset[str]:
        return frozenset({"ns1.example.org"}) if zone == HERE.name else frozenset()

    provider = Exec({"present": "/opt/hook"}, {}, Surroundings(public_nameservers=public))

    assert (await provider.find_zone(f"_acme-challenge.a.b.{ZONE}")).text == ZONE
    with pytest.raises(DnsProviderError) as caught:
        await provider.find_zone("_acme-challenge.example.net")
    assert caught.value.kind == "zone_not_found"
    assert "`zones`" in caught.value.hint


@pytest.mark.parametrize(
    ("mode", "said"),
    [(0o600, "may run"), (0o707, "changed by every user"), (0o700, "can be run")],
)
async def test_a_test_looks_at_the_program(tmp_path: Path, mode: int, said: str) -> None:
    hook = script(tmp_path, "exit 0")
    os.chmod(hook, mode)

    report = await account(hook).check()

    assert said in report.lines[0].text
    assert report.ok is (mode == 0o700)


async def test_a_test_with_a_name_runs_both_commands(tmp_path: Path) -> None:
    log = tmp_path / "log"
    hook = script(tmp_path, f'echo "$KMTUI_ACTION $KMTUI_FQDN" >> {log}')

    report = await account(hook).check([f"*.www.{ZONE}"])

    assert report.ok
    fqdn = f"_acme-challenge.www.{ZONE}"
    assert log.read_text() == f"present {fqdn}\ncleanup {fqdn}\n"
