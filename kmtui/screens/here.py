"""Hints name commands, for scripts and shells; on a screen they name the key as well."""

from __future__ import annotations

import re

from kmtui.bindings import KEYS

HERE: dict[str, tuple[str, str]] = {
    "account add": ("add_existing", "Accounts"),
    "account deactivate": ("deactivate", "Accounts"),
    "account delete": ("delete", "Accounts"),
    "account list": ("accounts", ""),
    "account register": ("new", "Accounts"),
    "account test": ("test", "Accounts"),
    "account update": ("edit", "Accounts"),
    "ca add": ("new", "CAs"),
    "ca check": ("test", "CAs"),
    "ca list": ("authorities", "Accounts"),
    "cert delete": ("delete", "Certificates"),
    "cert deploy": ("deploy", "the certificate"),
    "cert move": ("move", "Certificates"),
    "cert reissue": ("edit", "Certificates"),
    "cert renew": ("renew", "Certificates"),
    "cert save": ("save", "Certificates"),
    "cert show": ("open", "Certificates"),
    "cert undelete": ("undelete", "Certificates"),
    "dns list": ("dns", ""),
    "dns test": ("test", "DNS"),
    "mapping add": ("map", "DNS or Servers"),
    "request cancel": ("cancel", "Requests"),
    "request list": ("requests", ""),
    "request retry": ("retry", "Requests"),
    "request show": ("open", "Requests"),
    "server list": ("servers", ""),
    "server update": ("edit", "Servers"),
    "target add": ("new", "the certificate's targets"),
    "target delete": ("delete", "the certificate's targets"),
    "target list": ("open", "Certificates"),
    "target update": ("edit", "the certificate's targets"),
    "vault init": ("lock", ""),
}
"""Command to the id of its key and where that is pressed; nothing where it works everywhere."""

_COMMAND = re.compile(r"\bkmtui ([a-z]+ [a-z-]+)")


def with_keys(hint: str) -> str:
    """A hint with the keys that do what the commands in it do: ``kmtui ca list (here: I)``."""
    named = dict.fromkeys(word for word in _COMMAND.findall(hint) if word in HERE)
    if not named:
        return hint
    return f"{hint} (here: {', '.join(_key(*HERE[word]) for word in named)})"


def _key(name: str, where: str) -> str:
    return f"{KEYS[name].display} on {where}" if where else KEYS[name].display
