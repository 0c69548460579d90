"""dns-01: a TXT record at ``_acme-challenge.NAME`` (RFC 8555 section 8.4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from kmtui.core.challenges.homes import Home, Homes
from kmtui.core.challenges.journal import Journal
from kmtui.core.challenges.propagation import Propagation
from kmtui.core.challenges.solver import Answer
from kmtui.core.dns.patience import patience
from kmtui.core.dns.provider import TxtHandle
from kmtui.core.dns_accounts import DnsAccounts, OpenedDns
from kmtui.core.errors import ChallengeNotVisible
from kmtui.core.progress import Progress
from kmtui.core.together import together, whole
from kmtui.model import ServerSight


@dataclass(frozen=True, slots=True)
class Place:
    """One TXT name and every value of the request that belongs there.

    ``example.org`` and ``*.example.org`` share one name, and so may names delegated by CNAME.
    """

    home: Home
    answers: tuple[Answer, ...]

    @property
    def fqdn(self) -> str:
        """The name, without final dot."""
        return self.home.name.text

    @property
    def values(self) -> frozenset[str]:
        """The values, each once."""
        return frozenset(answer.value for answer in self.answers)

    @property
    def challenges(self) -> list[str]:
        """The ids of the challenges that are answered here."""
        return [answer.challenge_id for answer in self.answers]

    @property
    def ttl(self) -> int:
        """Seconds: what the account wants, raised to what its provider takes."""
        return max(self.home.dns.settings.ttl, self.home.dns.caps.min_ttl)

    @property
    def task(self) -> str:
        """What a person has to do for it; empty for none."""
        return "TXT to be made by hand" if self.home.dns.caps.by_hand else ""


class Dns01:
    """Answers dns-01, each name through the DNS account that holds its zone."""

    def __init__(self, dns: DnsAccounts, journal: Journal) -> None:
        self._dns = dns
        self._homes = Homes(dns)
        self._journal = journal
        self._places: list[Place] = []

    async def present(self, answers: Sequence[Answer], progress: Progress) -> None:
        """Write the TXT records, all values of one name in one call."""
        self._places = await self._find_places(answers, progress)
        await together(self._present(place, progress) for place in self._places)

    async def wait(self, answers: Sequence[Answer], progress: Progress) -> None:
        """Every name, at the servers its account's policy names. Raises ChallengeNotVisible."""
        await together(self._wait(place, progress) for place in self._places)

    async def _find_places(self, answers: Sequence[Answer], progress: Progress) -> list[Place]:
        """Where each answer really goes, and what an operator would not expect of that."""
        homes = await together(self._home(answer, progress) for answer in answers)
        by_name: dict[tuple[str, str], list[tuple[Home, Answer]]] = defaultdict(list)
        for answer, home in zip(answers, homes, strict=True):
            by_name[home.dns.account.id, home.name.text].append((home, answer))
            await self._tell(answer, home, progress)
        for dns in {home.dns.account.id: home.dns for home in homes}.values():
            if dns.caps.min_ttl > dns.settings.ttl:
                least = f"the least that {dns.account.name} takes"
                await progress.log(
                    f"TTL {dns.settings.ttl} is raised to {dns.caps.min_ttl}, {least}"
                )
        return [
            Place(pairs[0][0], tuple(answer for _, answer in pairs)) for pairs in by_name.values()
        ]

    async def _home(self, answer: Answer, progress: Progress) -> Home:
        chosen = answer.proof.dns_account
        assert chosen is not None
        settings = (await self._dns.open(chosen)).settings
        with patience(settings.propagation_timeout, progress.log):
            return await self._homes.of(answer.fqdn, chosen, answer.proof.alias)

    async def _tell(self, answer: Answer, home: Home, progress: Progress) -> None:
        """Say where a record goes when its name and its mapping do not."""
        name, used, chosen = home.name, home.dns.account.name, answer.proof.via
        if name.text != answer.fqdn:
            await progress.log(f"{answer.fqdn} leads to {name.text}")
        if name.note:
            await progress.log(name.note, level="warn")
        if used != chosen:
            zone = home.zone.text
            await progress.log(f"{name.text} is in zone {zone} of {used}, in none of {chosen}")
        if name.text != answer.fqdn or used != chosen:
            await progress.challenge(answer.challenge_id, fqdn=name.text, via=used)

    async def _present(self, place: Place, progress: Progress) -> None:
        dns, values = place.home.dns, sorted(place.values)
        entries = await self._journal.intend(
            progress,
            "dns-01",
            [
                (place.fqdn, value, asdict(TxtHandle.of(place.home.zone, place.fqdn, value)))
                for value in values
            ],
            challenges=place.challenges,
            dns_account_id=dns.account.id,
        )
        deadline = dns.settings.propagation_timeout
        with patience(deadline, progress.log):
            # Whole: what is cut off may still be carried out, after the clean-up found nothing.
            adding = dns.provider.add(place.home.zone, place.fqdn, set(values), place.ttl)
            handles = await whole(adding)
            by_value = {handle.value: handle for handle in handles}
            records = "TXT record" if len(values) == 1 else f"{len(values)} TXT records"
            done = "to be made" if place.task else "written"
            await self._journal.presented(
                progress,
                [(entry, asdict(by_value[entry.value])) for entry in entries],
                challenges=place.challenges,
                detail=place.task or "TXT written",
                said=f"{place.fqdn}: {records} {done} ({dns.account.name}, ttl {place.ttl})",
            )
            await dns.provider.wait_applied(handles, deadline)

    async def _wait(self, place: Place, progress: Progress) -> None:
        async def seen(sights: tuple[ServerSight, ...]) -> None:
            all_see = all(sight.seen for sight in sights)
            said = _seen(place, sights) if all_see else ""
            await progress.sights(place.challenges, sights, task=place.task, said=said)

        dns = place.home.dns
        try:
            sights = await _propagation(dns).wait(
                place.fqdn,
                place.values,
                deadline=dns.settings.propagation_timeout,
                on_sight=seen,
            )
        except ChallengeNotVisible as error:
            said = error.problem.detail if error.problem else error.message
            await progress.challenge(*place.challenges, status="invalid", detail=said)
            raise
        if not all(sight.seen for sight in sights):
            await progress.log(_seen(place, sights), level="good")


def _propagation(dns: OpenedDns) -> Propagation:
    """The watch that an account's settings ask for."""
    settings = dns.settings
    return Propagation(
        dns.resolvers,
        settings.propagation,
        watched=settings.nameservers,
        authorities=dns.authorities,
        delay=settings.propagation_delay,
    )


def _seen(place: Place, sights: Sequence[ServerSight]) -> str:
    shown = sum(sight.seen for sight in sights)
    return f"{place.fqdn}: seen by {shown} of {len(sights)} name servers"
