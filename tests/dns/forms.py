"""The contract of DNS providers: what they are given, and what they show of it."""

from __future__ import annotations

import itertools
import logging
import shlex
from pathlib import Path

import pytest

from kmtui.core.dns import registry
from kmtui.core.dns_accounts import OpenedDns
from kmtui.core.errors import DnsProviderError
from kmtui.core.log import RedactingFormatter, Redactor
from tests.dns.cases import case
from tests.dns.setting import NAME, ZONE, Setting
from tests.dns.vendor import Vendor


class Forms(Setting):
    """Case 25 as far as it concerns a provider alone."""

    @case(25)
    async def test_25_a_small_ttl_is_raised_to_what_the_vendor_allows(
        self, vendor: Vendor, account: OpenedDns
    ) -> None:
        zone = await account.find_zone(NAME)

        await account.provider.add(zone, NAME, {"value-1"}, 10)

        smallest = registry.provider_class(vendor.provider).caps.min_ttl
        assert vendor.ttl(NAME) == max(10, smallest)

    @case(25)
    async def test_25_names_are_sent_as_lower_case_a_labels(
        self, vendor: Vendor, account: OpenedDns
    ) -> None:
        typed = "_ACME-Challenge.Bücher.Example.ORG."
        sent = "_acme-challenge.xn--bcher-kva.example.org"

        zone = await account.find_zone(typed)
        handles = await account.provider.add(zone, typed, {"value-1"}, 60)
        assert vendor.txt(sent) == [("value-1",)]
        assert [(h.fqdn, h.zone_name) for h in handles] == [(sent, ZONE)]
        await account.provider.remove(handles)

        assert vendor.txt(sent) == []

    @case(25)
    async def test_25_no_secret_is_logged_or_part_of_an_address(
        self, vendor: Vendor, account: OpenedDns, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        zone = await account.find_zone(NAME)

        await account.provider.remove(await account.provider.add(zone, NAME, {"value-1"}, 60))
        report = await account.provider.check([ZONE])

        assert report.ok, report.lines
        said = [*logged(caplog), *(line.text for line in report.lines), repr(account.provider)]
        said += [repr(account.provider.provider), vendor.received]
        require_absent(vendor.secrets, said)

    async def test_a_test_of_the_account_leaves_nothing(
        self, vendor: Vendor, account: OpenedDns
    ) -> None:
        vendor.put(NAME, ("foreign",))

        report = await account.provider.check([ZONE, NAME])

        assert report.ok, report.lines
        assert vendor.txt(NAME) == [("foreign",)]
        assert vendor.txt(f"_acme-challenge.{NAME}") == []

    async def test_wrong_secrets_are_told_and_not_shown(
        self, vendor: Vendor, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        vendor.add_zone(ZONE)
        caplog.set_level(logging.DEBUG)
        wrong = self.wrong_secrets(vendor)
        async with self.opened(vendor, tmp_path / "locks", secrets=wrong) as account:
            with pytest.raises(DnsProviderError) as caught:
                await _publish(account)
            report = await account.provider.check([ZONE])

        error = caught.value
        assert error.kind == "auth"
        assert error.hint
        assert not report.ok
        said = [*logged(caplog), *(line.text for line in report.lines), vendor.received]
        said += [error.message, error.hint, error.raw_code, repr(error)]
        require_absent({**wrong, **vendor.secrets}, said)

    def test_the_example_sets_an_account_up(self, vendor: Vendor) -> None:
        provider = registry.provider_class(vendor.provider)
        lines = provider.example.replace("\\\n", " ").splitlines()
        commands = [shlex.split(line) for line in lines]
        adding = next(words for words in commands if words[:3] == ["kmtui", "dns", "add"])
        options = list(itertools.pairwise(adding))

        settings = dict(_pair(value) for option, value in options if option == "--set")
        secrets = {_pair(value)[0]: "c2VjcmV0" for option, value in options if option == "--secret"}
        zones = [value for option, value in options if option == "--zone"]

        assert ("--provider", vendor.provider) in options
        registry.open_provider(vendor.provider, {**settings, "zones": ",".join(zones)}, secrets)


async def _publish(account: OpenedDns) -> None:
    zone = await account.find_zone(NAME)
    await account.provider.add(zone, NAME, {"value-1"}, 60)


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The log as its file would have it, where nothing knows the secrets by their values."""
    formatter = RedactingFormatter(Redactor())
    return [formatter.format(record) for record in caplog.records]


def require_absent(secrets: dict[str, str], texts: list[str]) -> None:
    """None of the secrets is in any of the texts."""
    for name, secret in secrets.items():
        assert not [text for text in texts if secret in text], f"{name} is shown"
