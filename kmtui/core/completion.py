"""What a word of a command line may become: names of the inventory, of CAs, of DNS providers.

For shells that complete as somebody types: quick, without the vault, and never an error.
"""

from __future__ import annotations

import re
from pathlib import Path

from kmtui.core.authorities import catalogue
from kmtui.core.dns.registry import provider_names
from kmtui.db.files import FILE_NAME
from kmtui.db.known_names import known_names

_PLAIN = re.compile(r"[\w.@+*/=,-]+")
"""Words that mean themselves in every shell: a label is no place for a command to come from."""


def completions(data: Path, kind: str, prefix: str, *, within: str = "") -> list[str]:
    """Words of a kind that begin with `prefix`, for the inventory in the directory `data`.

    Kinds are those of `kmtui.db.known_names.KINDS`, "CAs" (known and added ones) and "providers".
    `within` is the certificate whose versions or targets are meant.
    """
    match kind:
        case "providers":
            found = [name for name in provider_names() if name.startswith(prefix)]
        case "CAs":
            added = known_names(data / FILE_NAME, "authorities", prefix)
            listed = (name for name in catalogue() if name.startswith(prefix))
            found = sorted({*added, *listed})
        case _:
            found = known_names(data / FILE_NAME, kind, prefix, within=within)
    return [word for word in found if _PLAIN.fullmatch(word)]
