"""A command on this machine: run by the shell, with a limit to its time and its output."""

from __future__ import annotations

import asyncio
import os
import pwd

from kmtui.core import child
from kmtui.core.errors import EndServerError
from kmtui.core.servers.host import MOST_OUTPUT, Ran

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where commands are looked for, whatever kmtui itself was started with."""
# Our own umask would make what a restarted service writes unreadable to others.
_SHELL = ("/bin/sh", "-c", 'umask 022; exec /bin/sh -c "$1"', "sh")


async def run_command(command: str, *, seconds: float) -> Ran:
    """Run a command line with nothing of our environment.

    Raises EndServerError when it cannot be started, or has not ended in time: then it is killed,
    and so is what it started.
    """
    environment = await asyncio.to_thread(plain_environment)
    try:
        ended = await child.run(
            (*_SHELL, command), environment=environment, seconds=seconds, most_output=MOST_OUTPUT
        )
    except TimeoutError:
        raise EndServerError(
            f"this command did not end within {seconds:g} seconds: {command}",
            hint="run it by hand on this machine: it may wait for an answer",
        ) from None
    except ValueError:
        raise EndServerError(
            f"{command!r} is not a command", hint="it must not hold a zero octet"
        ) from None
    except OSError as error:
        raise EndServerError(
            f"cannot run a command on this machine: {error.strerror}",
            hint="there must be a /bin/sh, and room for one more process",
        ) from error
    return Ran(ended.code, ended.output.decode(errors="replace"))


def plain_environment() -> dict[str, str]:
    """What a command of the operator's finds: who runs it and where, nothing of our environment."""
    try:
        who = pwd.getpwuid(os.geteuid())
        home, user = who.pw_dir, who.pw_name
    except KeyError:
        home, user = "/", str(os.geteuid())
    return {"PATH": PATH, "HOME": home, "USER": user, "LOGNAME": user, "LANG": "C.UTF-8"}
