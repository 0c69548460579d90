"""What went wrong with an SSH server, in words an operator can act on."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Sequence

import asyncssh

from kmtui.core.errors import EndServerError, HostKeyRefused
from kmtui.core.servers.host_keys import HostKey, Known, Pins
from kmtui.core.servers.ssh_login import SshLogin

_COMPARE = "compare it on the server's console (ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub)"

_NETWORK = {
    errno.ECONNREFUSED: "is an SSH server running there, on that port?",
    errno.EHOSTUNREACH: "is the machine up, and does a firewall let us through?",
    errno.ENETUNREACH: "this machine has no route to that network",
    errno.ETIMEDOUT: "is the machine up, and does a firewall let us through?",
    errno.ECONNRESET: "the server or something in between cut the connection; try again",
}


def refused(
    login: SshLogin, seen: Sequence[HostKey], pins: Pins, lines: Known, reason: str
) -> HostKeyRefused:
    """The server's key is not one that was pinned; `lines` are those of known_hosts files."""
    pinned = [*pins.fingerprints, *sorted(lines.keys | lines.authorities)]
    if not seen:
        return HostKeyRefused(
            f"{login.address} shows no host key that is trusted: {reason}",
            pinned=pinned,
            hint="nothing was sent; look which key and certificate the server shows "
            "(ssh-keyscan -c), and pin what is right",
        )
    shown = next((key for key in seen if key.sha256 in lines.revoked), seen[0])
    if shown.sha256 in lines.revoked:
        return HostKeyRefused(
            f"the host key of {login.address} is revoked: {shown}",
            seen=shown.sha256,
            pinned=pinned,
            hint="nothing was sent; whoever has that key can pretend to be the server",
        )
    pin = f"kmtui server update NAME --host-key '{shown.sha256}'"
    if not pinned:
        return HostKeyRefused(
            f"nobody vouched for the host key of {login.address} yet: {shown}",
            seen=shown.sha256,
            hint=f"nothing was sent; {_COMPARE}, then {pin}",
        )
    return HostKeyRefused(
        f"the host key of {login.address} has changed: pinned is {', '.join(pinned)}, "
        f"seen was {shown}",
        seen=shown.sha256,
        pinned=pinned,
        hint="somebody may stand in between; nothing was sent. If the server has a new key, "
        f"{_COMPARE}, then {pin}",
    )


def unreachable(login: SshLogin, error: Exception, said: str = "") -> EndServerError:
    """No login came about; `said` names the credential that was tried."""
    address = login.address
    match error:
        case TimeoutError():
            return EndServerError(
                f"{address} does not answer",
                hint="is the machine up, and does a firewall let us through?",
            )
        case socket.gaierror():
            return EndServerError(
                f"{address.host} has no address in DNS",
                hint="check how it is spelled, and the resolver of this machine",
            )
        case asyncssh.PermissionDenied():
            return EndServerError(
                f"{address} does not let {login.user} in with {said}",
                hint="check the user; a key must be in that user's ~/.ssh/authorized_keys there, "
                "in a home that only the user can write to",
            )
        case asyncssh.Error():
            return EndServerError(
                f"no SSH connection to {address}: {error.reason or type(error).__name__}",
                hint="the server's own log (journalctl -u ssh) says more",
            )
        case OSError():
            reason = os.strerror(error.errno) if error.errno else str(error)
            return EndServerError(
                f"{address} cannot be reached: {reason}",
                hint=_NETWORK.get(error.errno or 0, "check host and port"),
            )
    return EndServerError(
        f"no SSH connection to {address}: {error}", hint="check the settings of the end server"
    )


def lost(login: SshLogin, what: str, error: Exception) -> EndServerError:
    """The connection ended while something was under way."""
    reason = error.reason if isinstance(error, asyncssh.Error) else str(error)
    return EndServerError(
        f"cannot {what} on {login.where}: the connection was lost"
        + (f" ({reason})" if reason else ""),
        hint="try again; what was under way is looked at anew",
    )
