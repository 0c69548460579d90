"""Which provider holds which case where: ``python -m tests.dns.table`` prints it."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from kmtui.core.dns.registry import provider_names
from tests.dns.cases import ONLY_AT, TITLES, held_by
from tests.dns.contract import GENERAL, Contract

LEGEND = """\
contract  tested by the shared contract, at this provider's vendor
own       tested by this provider's own tests
both      by both of them
shared    tested once for all providers
-         about the interface of other vendors
no        cannot be at this vendor; the reasons are below"""


def contract_of(provider: str) -> type[Contract] | None:
    """The contract's subclass in a provider's test module; None where there is no such module."""
    try:
        module = import_module(f"tests.dns.test_{provider}")
    except ModuleNotFoundError:
        return None
    found = (each for each in vars(module).values() if isinstance(each, type))
    return next((c for c in found if issubclass(c, Contract) and c is not Contract), None)


def where_held(provider: str, contract: type[Contract]) -> dict[int, str]:
    """A word of the legend for each case; empty for one that nothing holds."""
    shared = set().union(*map(held_by, map(import_module, GENERAL)))
    by_contract = held_by(Contract) - contract.cannot.keys()
    modules = (contract.__module__, *contract.also)
    own = set().union(*map(held_by, map(import_module, modules)))

    def word(number: int) -> str:
        if number in contract.cannot:
            return "no"
        if number in by_contract:
            return "both" if number in own else "contract"
        if number in own:
            return "own"
        if number in shared:
            return "shared"
        return "-" if provider not in ONLY_AT.get(number, (provider,)) else ""

    return {number: word(number) for number in TITLES}


def lines() -> Iterator[str]:
    """The table, the legend and the reasons."""
    found = {name: contract_of(name) for name in provider_names()}
    contracts = {name: contract for name, contract in found.items() if contract}
    held = {name: where_held(name, contract) for name, contract in contracts.items()}
    width = max(map(len, TITLES.values()))
    yield f"{'case':{width + 4}}" + "".join(f"{name:>13}" for name in contracts)
    for number, title in TITLES.items():
        words = "".join(f"{held[name][number] or 'MISSING':>13}" for name in contracts)
        yield f"{number:>2}  {title:{width}}{words}"
    yield ""
    yield LEGEND
    for name, contract in contracts.items():
        for number, reason in sorted(contract.cannot.items()):
            yield f"\n{name}, case {number}: {reason}"


if __name__ == "__main__":
    print("\n".join(lines()))
