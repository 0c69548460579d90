"""Where some of the sample certificates are put: a directory of the demo stands for a machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kmtui.core.core import Core

MACHINE = "web1"
CHECK = "check-config"
SYNTAX_ERROR = """#!/bin/sh
echo 'nginx: [emerg] unknown directive "ssl_stapeling" in /etc/nginx/nginx.conf:23'
exit 1
"""
"""What the check says before the newest version of one of them is loaded."""


@dataclass(frozen=True)
class Sample:
    """One target: a directory on `MACHINE`, unless a command of its own puts the files."""

    certificate: str
    name: str
    layout: str = "pair"
    hook: str = ""
    breaks: bool = False
    """Whether the newest version does not get past the check of its server."""

    def settings(self, machine: Path) -> dict[str, Any]:
        """What it is added with."""
        if self.hook:
            return {"hook": self.hook}
        return {
            "server": MACHINE,
            "directory": str(machine / "tls" / self.certificate),
            "layout": self.layout,
            "check_command": "echo syntax is ok",
            "reload_command": "echo reloaded",
        }


SAMPLES = (
    Sample("shop", MACHINE),
    Sample("wildcard", MACHINE, layout="versioned"),
    Sample("wildcard", "lb1", hook="/bin/true"),
    Sample("checkout", MACHINE, breaks=True),
)


async def add_targets(core: Core, directory: Path) -> None:
    """Set the machine and the targets up below `directory`, and deploy two versions for real."""
    machine = directory / MACHINE
    machine.mkdir(mode=0o755, parents=True, exist_ok=True)
    (machine / CHECK).write_text(SYNTAX_ERROR)
    await core.end_servers.add(MACHINE, kind="local", settings={"webroot": str(machine)})
    for sample in SAMPLES:
        await core.targets.add(sample.certificate, sample.name, **sample.settings(machine))
        newest = (await core.certificates.get(sample.certificate)).current_version or 1
        await _deploy(core, sample, newest - 1)
        if sample.breaks:
            check = f"sh {machine / CHECK}"
            await core.targets.update(sample.certificate, sample.name, check_command=check)
        await _deploy(core, sample, newest)


async def _deploy(core: Core, sample: Sample, version: int) -> None:
    begun = await core.deployments.deploy(sample.certificate, target=sample.name, version=version)
    await core.deployments.wait([target.id for target in begun])
