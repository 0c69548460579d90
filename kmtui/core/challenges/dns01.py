"""dns-01: a TXT record at ``_acme-challenge.NAME`` (RFC 8555 section 8.4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from kmtui.core.challenges.delegation import AUTO, Delegation
from kmtui.core.challenges.journal import Journal
from kmtui.core.challenges.propagation import Propagation
from kmtui.core.challenges.solver import Answer
from kmtui.core.dns import registry
from kmtui.core.dns.patience import patience
from kmtui.core.dns.provider import TxtHandle, Zone
from kmtui.core.dns_accounts import OpenedDns
from kmtui.core.errors import ChallengeNotVisible
from kmtui.core.progress import Progress
from kmtui.core.together import together, whole
from kmtui.model import ServerSight


@dataclass(frozen=True, slots=True)
class Place:
    """One TXT name and every value of the request that belongs there.

    ``example.org`` and ``*.example.org`` share one name, and so may names delegated by CNAME.
    """

    fqdn: str
    zone: Zone
    answers: tuple[Answer, ...]

    @property
    def values(self) -> frozenset[str]:
        """The values, each once."""
        return frozenset(answer.value for answer in self.answers)

    @property
    def challenges(self) -> list[str]:
        """The ids of the challenges that are answered here."""
        return [answer.challenge_id for answer in self.answers]


class Dns01:
    """Answers dns-01 through one DNS account."""

    def __init__(self, dns: OpenedDns, journal: Journal) -> None:
        self._dns = dns
        self._account = dns.account
        self._provider = dns.provider
        self._journal = journal
        settings = dns.settings
        caps = registry.provider_class(dns.account.provider).caps
        self._delegation = Delegation(dns.authorities)
        self._propagation = Propagation(
            dns.resolvers,
            settings.propagation,
            watched=settings.nameservers,
            authorities=dns.authorities,
            delay=settings.propagation_delay,
        )
        self._task = "TXT to be made by hand" if caps.by_hand else ""
        self._deadline = settings.propagation_timeout
        self._wanted_ttl = settings.ttl
        self._ttl = max(settings.ttl, caps.min_ttl)
        self._places: list[Place] = []

    async def present(self, answers: Sequence[Answer], progress: Progress) -> None:
        """Write the TXT records, all values of one name in one call."""
        if self._ttl > self._wanted_ttl:
            least = f"the least that {self._account.name} takes"
            await progress.log(f"TTL {self._wanted_ttl} is raised to {self._ttl}, {least}")
        with patience(self._deadline, progress.log):
            self._places = await self._find_places(answers, progress)
            await together(self._present(place, progress) for place in self._places)

    async def wait(self, answers: Sequence[Answer], progress: Progress) -> None:
        """Every name, at the servers the account's policy names. Raises ChallengeNotVisible."""
        await together(self._wait(place, progress) for place in self._places)

    async def _find_places(self, answers: Sequence[Answer], progress: Progress) -> list[Place]:
        """Where each answer really goes: aliases followed, zones found, values grouped by name."""
        by_name: dict[str, list[Answer]] = defaultdict(list)
        effective = await together(
            self._delegation.effective_name(answer.fqdn, answer.proof.alias or AUTO)
            for answer in answers
        )
        for answer, name in zip(answers, effective, strict=True):
            by_name[name.text].append(answer)
            if len(name.chain) > 1:
                await progress.log(f"{answer.fqdn} leads to {name.text}")
                await progress.challenge(answer.challenge_id, fqdn=name.text)
            elif name.note:
                await progress.log(name.note, level="warn")
        zones = await together(self._dns.find_zone(fqdn) for fqdn in by_name)
        return [
            Place(fqdn, zone, tuple(grouped))
            for (fqdn, grouped), zone in zip(by_name.items(), zones, strict=True)
        ]

    async def _present(self, place: Place, progress: Progress) -> None:
        values = sorted(place.values)
        entries = await self._journal.intend(
            progress,
            "dns-01",
            [
                (place.fqdn, value, asdict(TxtHandle.of(place.zone, place.fqdn, value)))
                for value in values
            ],
            challenges=place.challenges,
            dns_account_id=self._account.id,
        )
        # Whole: a call that is cut off may still be carried out, after the clean-up found nothing.
        adding = self._provider.add(place.zone, place.fqdn, set(values), self._ttl)
        handles = await whole(adding)
        by_value = {handle.value: handle for handle in handles}
        records = "TXT record" if len(values) == 1 else f"{len(values)} TXT records"
        done = "to be made" if self._task else "written"
        await self._journal.presented(
            progress,
            [(entry, asdict(by_value[entry.value])) for entry in entries],
            challenges=place.challenges,
            detail=self._task or "TXT written",
            said=f"{place.fqdn}: {records} {done} ({self._account.name}, ttl {self._ttl})",
        )
        await self._provider.wait_applied(handles, self._deadline)

    async def _wait(self, place: Place, progress: Progress) -> None:
        async def seen(sights: tuple[ServerSight, ...]) -> None:
            all_see = all(sight.seen for sight in sights)
            said = _seen(place, sights) if all_see else ""
            await progress.sights(place.challenges, sights, task=self._task, said=said)

        try:
            sights = await self._propagation.wait(
                place.fqdn, place.values, deadline=self._deadline, on_sight=seen
            )
        except ChallengeNotVisible as error:
            said = error.problem.detail if error.problem else error.message
            await progress.challenge(*place.challenges, status="invalid", detail=said)
            raise
        if not all(sight.seen for sight in sights):
            await progress.log(_seen(place, sights), level="good")


def _seen(place: Place, sights: Sequence[ServerSight]) -> str:
    shown = sum(sight.seen for sight in sights)
    return f"{place.fqdn}: seen by {shown} of {len(sights)} name servers"
