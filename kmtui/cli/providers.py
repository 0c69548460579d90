"""What each DNS provider needs, as text: settings, secrets, right, a worked example, notes."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kmtui.cli.output import table

WIDTH = 100
Described = Mapping[str, Any]
"""As `kmtui.core.dns.registry.describe` gives it."""


def provider_lines(providers: Sequence[Described]) -> Iterator[str]:
    """A section for each; what every account has beside comes once, at the end."""
    for provider in providers:
        yield f"{provider['name']}: {provider['title']}"
        own = [field for field in provider["fields"] if not field["common"]]
        if own:
            yield from _fields(own)
        yield from _paragraph("right:   ", provider["least_right"])
        for line in provider["example"].splitlines():
            yield from (f"    {part}" for part in command_lines(line))
        for note in provider["notes"]:
            yield from _paragraph("- ", note)
        yield f"  {provider['docs']}"
        yield ""
    yield "every account"
    yield from _fields(common_fields(providers))


def common_fields(providers: Sequence[Described]) -> list[Mapping[str, Any]]:
    """The fields that accounts of several of these providers have alike, each once."""
    fields = (field for provider in providers for field in provider["fields"] if field["common"])
    return list({field["name"]: field for field in fields}.values())


def meaning(field: Mapping[str, Any]) -> str:
    """What a field is for, its choices and its default."""
    told = all(choice in field["help"] for choice in field["choices"])
    choices = "" if told else f"One of {', '.join(field['choices'])}."
    default = f"[{field['default']}]" if field["default"] else ""
    return " ".join(filter(None, [field["help"] or f"{field['label']}.", choices, default]))


def _fields(fields: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    rows = []
    for field in fields:
        kind = " ".join(word for word in ("required", "secret") if field[word])
        first, *more = textwrap.wrap(meaning(field), WIDTH - 40)
        rows.append((f"  {field['name']}", kind, first))
        rows += [("", "", line) for line in more]
    yield from table(["  field", "", "meaning"], rows)


def _paragraph(lead: str, text: str) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=f"  {lead}",
        subsequent_indent=" " * (2 + len(lead)),
        break_on_hyphens=False,
    )


def command_lines(command: str) -> list[str]:
    """A command that may be copied, with a backslash where a long one goes on."""
    lines: list[str] = []
    for part in command.replace(" --", "\0--").split("\0"):
        if lines and len(lines[-1]) + len(part) + 3 <= WIDTH - 4:
            lines[-1] += f" {part}"
        else:
            lines.append(f"    {part}" if lines else part)
    return [f"{line} \\" for line in lines[:-1]] + lines[-1:]
