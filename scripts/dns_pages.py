"""Writes docs/dns: an index and a page for each DNS provider, from what its class says of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kmtui.cli.providers import command_lines, common_fields, meaning
from kmtui.core.dns.registry import describe, provider_names

FOLDER = Path(__file__).parents[1] / "docs" / "dns"
NOTE = "<!-- Written by `make docs` from the provider's class: change it there. -->"
LONGEST_CELL = 220
INDEX = f"""\
{NOTE}
# DNS providers

kmtui answers dns-01 with any number of DNS accounts: each is a provider, its credentials, and the
zones it may be used for. It changes nothing but TXT records of its own at the names a CA asks for,
and leaves the values, strings and TTLs of others as they are. Before an order it makes sure that
the zone in the account is the one the Internet uses.

| provider | `--provider` | smallest right that is enough |
|---|---|---|
{{providers}}

`kmtui dns providers` shows the same. To set an account up, try it, and use it for names:

```
kmtui dns add NAME --provider P --set K=V --secret K=@FILE --zone example.org
kmtui dns test NAME --name www.example.org
kmtui mapping add .example.org --dns NAME
```

A secret is given as a file (`K=@FILE`), a variable (`K=env:VARIABLE`) or the output of a command
(`K=cmd:COMMAND`), never as it is: every user of a machine can read arguments. It is sealed in the
vault and shown nowhere. What was set up is changed with `kmtui dns update`.

## Settings of every account

{{fields}}

## When a key must not lie here

Where a key opens a whole account, or a zone cannot be changed by a program, make `_acme-challenge`
of the name a CNAME into a zone that another DNS account serves, and map the name to that account.
CAs follow the alias; so does kmtui.

For a provider that is not in the list there is [exec](exec.md), and a new one is
[one file](../adding-a-dns-provider.md).
"""


def pages() -> dict[str, str]:
    """The text of each page by its file name."""
    providers = [describe(name) for name in provider_names()]
    rows = (
        f"| [{p['title']}]({p['name']}.md) | `{p['name']}` | {_cell(_brief(p['least_right']))} |"
        for p in providers
    )
    fields = "\n".join(_fields(common_fields(providers)))
    index = INDEX.replace("{providers}", "\n".join(rows)).replace("{fields}", fields)
    return {"README.md": index, **{f"{p['name']}.md": "\n".join(_page(p)) for p in providers}}


def _page(provider: Mapping[str, Any]) -> Iterator[str]:
    own = [field for field in provider["fields"] if not field["common"]]
    yield from (NOTE, f"# {provider['title']}", "", "```")
    for line in provider["example"].splitlines():
        yield from command_lines(line)
    yield from ("```", "", f"**Smallest right:** {provider['least_right']}", "")
    yield from (f"- {note}" for note in provider["notes"])
    yield ""
    if own:
        yield from ("## Settings", "", *_fields(own), "")
    others = ", ".join(f"`{f['name']}`" for f in provider["fields"] if f["common"])
    yield f"Every account also has {others}: see the [index](README.md#settings-of-every-account)."
    yield from ("", f"The vendor's page or the standard: <{provider['docs']}>", "")


def _fields(fields: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield from ("| name | | meaning |", "|---|---|---|")
    for field in fields:
        kind = " ".join(word for word in ("required", "secret") if field[word])
        yield f"| `{field['name']}` | {kind} | {_cell(meaning(field))} |"


def _brief(right: str) -> str:
    return right if len(right) <= LONGEST_CELL else "see its page"


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("<", "&lt;")


def write() -> None:
    """Write every page, and remove those of providers that are gone."""
    wanted = pages()
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.glob("*.md"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    write()
