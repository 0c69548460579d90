"""Which solver answers which challenge: one for dns-01, and one per end server in use."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from kmtui.core.challenges.cleanup import CleanUp
from kmtui.core.challenges.dns01 import Dns01
from kmtui.core.challenges.http01 import Http01
from kmtui.core.challenges.journal import Journal
from kmtui.core.challenges.solver import Answer, Solver
from kmtui.core.dns_accounts import DnsAccounts
from kmtui.core.end_servers import EndServers
from kmtui.core.mappings import Mappings
from kmtui.core.planning import Means
from kmtui.core.progress import Progress
from kmtui.core.together import together


class Solvers:
    """All names of one order are presented, then waited for together."""

    def __init__(
        self, journal: Journal, dns: DnsAccounts, servers: EndServers, mappings: Mappings
    ) -> None:
        self._journal = journal
        self._dns = dns
        self._servers = servers
        self._mappings = mappings
        self._clean_up = CleanUp(journal, dns, servers)

    async def means(self) -> Means:
        """What there is to prove names with."""
        return Means(
            mappings=await self._mappings.recent.all(),
            dns_accounts=await self._dns.recent.all(),
            servers=await self._servers.recent.all(),
        )

    async def present(
        self, answers: Sequence[Answer], progress: Progress
    ) -> list[tuple[Solver, list[Answer]]]:
        """Publish every answer; what is returned goes to `wait`.

        Raises TamperedConfiguration before anything is published.
        """
        for answer in answers:
            if answer.proof.mapping is not None:
                await self._mappings.require_sealed(answer.proof.mapping)
        groups = await self._grouped(answers)
        await together(solver.present(share, progress) for solver, share in groups)
        return groups

    async def wait(self, groups: Sequence[tuple[Solver, list[Answer]]], progress: Progress) -> None:
        """Return when every answer can be seen. Raises ChallengeNotVisible."""
        await together(solver.wait(share, progress) for solver, share in groups)

    async def clean_up(self, progress: Progress) -> None:
        """Remove everything the request published; leftovers stay in the journal."""
        await self._clean_up.run(progress)

    async def _grouped(self, answers: Sequence[Answer]) -> list[tuple[Solver, list[Answer]]]:
        by_dns: list[Answer] = []
        by_file: dict[tuple[str, str | None], list[Answer]] = defaultdict(list)
        for answer in answers:
            proof = answer.proof
            if proof.dns_account is not None:
                by_dns.append(answer)
            else:
                assert proof.server is not None, f"{proof.name} was planned without a way"
                by_file[proof.server.id, proof.webroot].append(answer)
        groups: list[tuple[Solver, list[Answer]]] = []
        if by_dns:
            groups.append((Dns01(self._dns, self._journal), by_dns))
        for share in by_file.values():
            proof = share[0].proof
            assert proof.server is not None
            server = await self._servers.open(proof.server, webroot=proof.webroot)
            groups.append((Http01(proof.server, server, self._journal), share))
        return groups
