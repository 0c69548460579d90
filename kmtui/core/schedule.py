"""The unattended run as systemd units: a service, and a timer that starts it at odd moments.

Let's Encrypt asks for a random moment, never the full hour, and for renewal information to be read
several times a day: https://letsencrypt.org/docs/integration-guide/
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kmtui.core.errors import InvalidInput

NAME = "kmtui-renew"
CREDENTIAL = "kmtui.key"
"""As `kmtui.config` looks for it among systemd's credentials."""

_SERVICE = """\
[Unit]
Description=Renew and deploy TLS certificates with kmtui
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
{user}ExecStart={command}
# systemd hands the vault's key over in memory; nobody else can read it there.
# LoadCredentialEncrypted= takes one that systemd-creds encrypted for this machine.
LoadCredential={credential}
# 75: something waits for its CA and goes on with the next run.
SuccessExitStatus=75
TimeoutStartSec=3h
UMask=0077
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
# Where nothing is put on this machine itself, these are possible, too:
#ProtectSystem=strict
#ReadWritePaths={data}
#NoNewPrivileges=yes
"""
_TIMER = """\
[Unit]
Description=Start kmtui's unattended run every hour or so

[Timer]
OnCalendar=hourly
# Any moment of the hour, another one each time: a fleet must not come to its CA as one.
RandomizedDelaySec=55min
AccuracySec=1s
Persistent=yes

[Install]
WantedBy=timers.target
"""


def units(*, program: Sequence[str], data: Path, key_file: Path, user: str) -> dict[str, str]:
    """Service and timer by file name; `program` is how kmtui is started, `user` empty for root.

    Raises InvalidInput for a path that no unit file can hold.
    """
    command = [*program, "--data", str(data), "renew", "--due"]
    for word in (*command, str(key_file)):
        if not word.isprintable():
            raise InvalidInput(f"a unit file cannot hold {word!r}", field="data")
    service = _SERVICE.format(
        user=f"User={user}\n" if user else "",
        command=" ".join(_quoted(word) for word in command),
        credential=f"{CREDENTIAL}:{_escaped(str(key_file))}",
        data=_escaped(str(data)),
    )
    return {f"{NAME}.service": service, f"{NAME}.timer": _TIMER}


def _escaped(word: str) -> str:
    """systemd.unit(5): a percent sign begins a specifier."""
    return word.replace("%", "%%")


def _quoted(word: str) -> str:
    """systemd.service(5), "Command lines": as one word, with no variable in it."""
    word = _escaped(word).replace("$", "$$")
    if all(character.isalnum() or character in "/._-+=:@%," for character in word):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
