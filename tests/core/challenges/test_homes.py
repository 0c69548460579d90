"""Which DNS account a challenge's TXT record goes to: the one that holds its effective zone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from sqlmodel import select

from kmtui.core.challenges.homes import Homes
from kmtui.core.core import Core
from kmtui.core.dns.patience import patience
from kmtui.core.errors import DnsProviderError
from kmtui.db.tables import CleanupRow
from kmtui.model import DnsAccount, RequestSpec, RequestStatus
from tests.dns.fake import FakeVendor
from tests.dns.fakes.cloudns import FakeCloudns
from tests.dns.fakes.dnsmadeeasy import FakeDnsMadeEasy
from tests.dns.fakes.godaddy import FakeGoDaddy
from tests.dns.orders import NAMESERVERS, Orders
from tests.dns.public import PublicDns
from tests.dns.vendor import Vendor

NAME = "_acme-challenge.www.example.org"
ALIAS = "x.acme.example.net"


@pytest.fixture
async def public() -> AsyncIterator[PublicDns]:
    """example.org, whose challenge name leads to example.net; both at the vendors' servers."""
    public = PublicDns()
    async with public.running():
        public.delegate("example.org", NAMESERVERS, f"_acme-challenge.www CNAME {ALIAS}.")
        public.delegate("example.net", NAMESERVERS)
        yield public


Three = tuple[Vendor, Vendor, Vendor]


@pytest.fixture
def vendors() -> Iterator[Three]:
    """Three vendors without zones."""
    with ExitStack() as stack:
        cloudns, godaddy, dme = FakeCloudns(), FakeGoDaddy(), FakeDnsMadeEasy()
        for vendor in (cloudns, godaddy, dme):
            stack.enter_context(at_work(vendor))
        yield cloudns, godaddy, dme


@contextmanager
def at_work(vendor: FakeVendor) -> Iterator[None]:
    vendor.start()
    yield
    vendor.stop()


class Accounts:
    """DNS accounts of an inventory, and the homes they give."""

    def __init__(self, core: Core, public: PublicDns) -> None:
        self._core = core
        self._public = public
        self.told: list[str] = []
        self.homes = Homes(core.dns_accounts)

    async def add(self, name: str, vendor: Vendor | None = None, **settings: str) -> DnsAccount:
        zones = settings.pop("zones", "")
        return await self._core.dns_accounts.add(
            name,
            provider=vendor.provider if vendor else "manual",
            settings={
                **(vendor.settings if vendor else {}),
                "resolvers": self._public.resolvers,
                **settings,
            },
            secrets=vendor.secrets if vendor else {},
            zones=zones.split(),
        )

    async def home(self, fqdn: str, chosen: DnsAccount) -> tuple[str, str, str]:
        """The account, zone and name of a home."""
        with patience(10, self._tell):
            home = await self.homes.of(fqdn, chosen)
        return home.dns.account.name, home.zone.text, home.name.text

    async def refusal(self, fqdn: str, chosen: DnsAccount) -> DnsProviderError:
        with pytest.raises(DnsProviderError) as caught:
            await self.home(fqdn, chosen)
        return caught.value

    async def _tell(self, text: str) -> None:
        self.told.append(text)


@pytest.fixture
def accounts(core: Core, public: PublicDns) -> Accounts:
    return Accounts(core, public)


async def test_an_alias_into_a_zone_of_another_account_leads_to_that_account(
    accounts: Accounts, vendors: Three
) -> None:
    first, second, third = vendors
    first.add_zone("example.org")
    second.add_zone("example.net")
    third.add_zone("elsewhere.test")
    chosen = await accounts.add("first", first)
    await accounts.add("second", second)
    await accounts.add("third", third)

    assert await accounts.home(NAME, chosen) == ("second", "example.net", ALIAS)


async def test_the_chosen_account_is_used_where_it_holds_the_zone(
    accounts: Accounts, vendors: Three
) -> None:
    first, second, _ = vendors
    first.add_zone("example.net")
    second.add_zone("example.net")
    chosen = await accounts.add("first", first)
    await accounts.add("second", second)

    assert await accounts.home(NAME, chosen) == ("first", "example.net", ALIAS)
    assert second.calls == []


async def test_a_zone_handed_down_to_another_account_is_changed_there(
    accounts: Accounts, vendors: Three, public: PublicDns
) -> None:
    # given: the wide mapping leads to the account of the zone above
    first, second, _ = vendors
    public.delegate("sub.example.org", ("ns1.sub.test",))
    first.add_zone("example.org")
    second.add_zone("sub.example.org", nameservers=("ns1.sub.test",))
    chosen = await accounts.add("first", first)
    await accounts.add("second", second)

    name = "_acme-challenge.a.sub.example.org"
    assert await accounts.home(name, chosen) == ("second", "sub.example.org", name)


async def test_several_other_accounts_with_the_zone_are_named(
    accounts: Accounts, vendors: Three
) -> None:
    first, second, third = vendors
    second.add_zone("example.net")
    third.add_zone("example.net")
    chosen = await accounts.add("first", first)
    await accounts.add("third", third)
    await accounts.add("second", second)

    error = await accounts.refusal(NAME, chosen)

    assert error.kind == "zone_ambiguous"
    assert error.message == f"{ALIAS} is in a zone of several DNS accounts: second, third"
    assert "`zones`" in error.hint


async def test_an_account_that_may_not_be_used_for_the_zone_is_none_of_them(
    accounts: Accounts, vendors: Three
) -> None:
    first, second, third = vendors
    second.add_zone("example.net")
    third.add_zone("example.net")
    chosen = await accounts.add("first", first)
    await accounts.add("second", second, zones="example.com")
    await accounts.add("third", third)

    assert (await accounts.home(NAME, chosen))[0] == "third"


async def test_a_zone_that_is_not_the_delegated_one_is_none_of_them(
    accounts: Accounts, vendors: Three
) -> None:
    first, second, third = vendors
    second.add_zone("example.net", nameservers=("ns1.former.test",))
    third.add_zone("example.net")
    chosen = await accounts.add("first", first)
    await accounts.add("second", second)
    await accounts.add("third", third)

    assert (await accounts.home(NAME, chosen))[0] == "third"


async def test_the_deepest_zone_wins(accounts: Accounts, vendors: Three, public: PublicDns) -> None:
    # given: an account that cannot be told from the public DNS to lack the zone below
    first, second, third = vendors
    public.delegate("acme.example.net", NAMESERVERS)
    second.add_zone("example.net")
    third.add_zone("acme.example.net")
    chosen = await accounts.add("first", first)
    await accounts.add("second", second, check_delegation="no")
    await accounts.add("third", third)

    assert await accounts.home(NAME, chosen) == ("third", "acme.example.net", ALIAS)


async def test_where_no_account_has_the_zone_the_chosen_one_says_so(
    accounts: Accounts, vendors: Three
) -> None:
    silent, first, second = vendors
    silent.add_zone("example.net")
    alone = await accounts.refusal(ALIAS, await accounts.add("alone", first))
    chosen = await accounts.add("first", first)
    await accounts.add("second", second)
    await accounts.add("silent", silent, auth_id="999")

    error = await accounts.refusal(NAME, chosen)

    assert (error.kind, error.message) == ("zone_not_found", alone.message)
    (told,) = accounts.told
    assert told.startswith(f"whether silent holds the zone of {ALIAS} is not known: ")


async def test_what_keeps_the_chosen_account_from_saying_is_no_reason_to_use_another(
    accounts: Accounts, vendors: Three
) -> None:
    first, second, _ = vendors
    second.add_zone("example.net")
    chosen = await accounts.add("first", first, auth_id="999")
    await accounts.add("second", second)

    assert (await accounts.refusal(NAME, chosen)).kind == "auth"
    assert second.calls == []


@pytest.mark.parametrize(("zones", "used"), [("", None), ("example.net", "hand")])
async def test_work_by_hand_is_chosen_for_zones_it_is_named_for_only(
    accounts: Accounts, vendors: Three, zones: str, used: str | None
) -> None:
    chosen = await accounts.add("first", vendors[0])
    await accounts.add("hand", None, zones=zones)

    if used:
        assert (await accounts.home(NAME, chosen))[0] == used
    else:
        assert (await accounts.refusal(NAME, chosen)).kind == "zone_not_found"


class Bench(Orders):
    """An inventory whose account `lab` the names of example.org are mapped to."""


async def test_a_request_is_answered_and_cleaned_up_through_the_account_of_the_zone(
    vendors: Three, public: PublicDns, tmp_path: Path
) -> None:
    # given: the mapped account does not hold the zone that the challenge name leads to
    first, second, _ = vendors
    first.add_zone("example.org")
    second.add_zone("example.net")
    second.put(ALIAS, ("theirs",))
    public.delegate("example.net", NAMESERVERS, vendor=second)
    async with Bench().core(first, public, tmp_path / "data") as core:
        other = await Accounts(core, public).add("other", second)

        # when
        spec = RequestSpec(names=("www.example.org",), account="practice")
        advice = [line.text for line in await core.requests.advise(spec)]
        request = await core.requests.create(spec)
        done = await core.requests.wait(request.id, seconds=30)

        # then
        told = f"www.example.org: TXT in zone example.net of other by an alias to {ALIAS}"
        assert told in advice
        lines = [line.text for line in await core.requests.log(request.id)]
        assert done.status == RequestStatus.AVAILABLE, (done.problem, lines)
        assert f"{ALIAS} is in zone example.net of other, in none of lab" in lines
        (challenge,) = await core.requests.challenges(request.id)
        assert (challenge.fqdn, challenge.via) == (ALIAS, "other")
        entries = await core.context.db.read(lambda session: session.exec(select(CleanupRow)).all())
        assert [(entry.dns_account_id, entry.state) for entry in entries] == [(other.id, "done")]
        assert first.writes == 0
        assert second.txt(ALIAS) == [("theirs",)]
