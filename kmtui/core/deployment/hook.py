"""A hook: the operator's own command that puts the files wherever kmtui itself cannot.

It is run without a shell, in a private directory that holds the files while it runs, and is told
everything by its environment:

==================  ==============================================================
KMTUI_PRIVKEY       path of the private key (PKCS#8, PEM)
KMTUI_CERT          path of the certificate alone
KMTUI_CHAIN         path of the other certificates of the chain; may be empty
KMTUI_FULLCHAIN     path of the certificate and the chain
KMTUI_COMBINED      path of the key, the certificate and the chain in one file
KMTUI_CERTIFICATE   label of the certificate
KMTUI_TARGET        name of the target
KMTUI_VERSION       number of the version
KMTUI_NAMES         names in the certificate, separated by spaces
KMTUI_SERIAL        serial, lower-case hex
KMTUI_SHA256        fingerprint, lower-case hex
KMTUI_NOT_AFTER     last moment of its life, like 2026-10-01T07:12:40Z
==================  ==============================================================

It ends with 0 when the files are in effect. With anything else it must have left everything as it
was: kmtui cannot put back what it did not see. It is run again after a failure, and may be run
again for a version that it has put already.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
from datetime import UTC
from pathlib import Path

from kmtui.core import child
from kmtui.core.deployment.bundle import Bundle
from kmtui.core.errors import EndServerError
from kmtui.core.servers.host import MOST_OUTPUT, Ran
from kmtui.core.servers.local_command import plain_environment
from kmtui.model import Target

SECONDS = 300.0
"""For one run: it may talk to the control panel of a load balancer."""


class Hook:
    """Runs hooks with their files below `directory`, which is made when it is missing.

    A target's files have one place there, so that those of a run that was cut off are removed by
    the next.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def run(self, target: Target, files: Bundle) -> Ran:
        """Run a target's command. Raises EndServerError when it cannot be, or takes too long."""
        place = self._directory / target.id
        try:
            await asyncio.to_thread(_write, place, files)
            plain = await asyncio.to_thread(plain_environment)
            ended = await child.run(
                shlex.split(target.hook),
                environment={**plain, **_environment(target, files, place)},
                seconds=SECONDS,
                most_output=MOST_OUTPUT,
            )
        except TimeoutError:
            raise EndServerError(
                f"{target.hook} did not end within {SECONDS:g} seconds",
                hint="run it by hand: it may wait for an answer",
            ) from None
        except OSError as error:
            raise EndServerError(
                f"cannot run {target.hook} with files below {place}: {error.strerror}",
                hint="it must be there and executable, and there must be room for the files",
            ) from error
        finally:
            await asyncio.to_thread(shutil.rmtree, place, ignore_errors=True)
        return Ran(ended.code, ended.output.decode(errors="replace"))


def _write(place: Path, files: Bundle) -> None:
    """Every file of the version, private, in a directory that nobody else enters."""
    place.parent.mkdir(mode=0o700, exist_ok=True)
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(mode=0o700)
    for name, content in files.files.items():
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(place / name, flags, 0o600), "wb") as stream:
            stream.write(content)


def _environment(target: Target, files: Bundle, place: Path) -> dict[str, str]:
    version = files.version
    paths = {f"KMTUI_{name.partition('.')[0].upper()}": str(place / name) for name in files.files}
    return {
        **paths,
        "KMTUI_CERTIFICATE": target.certificate,
        "KMTUI_TARGET": target.name,
        "KMTUI_VERSION": str(version.number),
        "KMTUI_NAMES": " ".join(version.names),
        "KMTUI_SERIAL": version.serial,
        "KMTUI_SHA256": version.sha256,
        "KMTUI_NOT_AFTER": f"{version.not_after.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
    }
