"""How long 50 and 500 certificates take, as multiples of one: real CA, real name server, dns-01.

The CA is Pebble with its usual Retry-After (3 s for an authorization, 5 s for an order) and one
nonce in twenty rejected. Where `lego` is installed it does the same work, one process for each
certificate, for it takes one at a time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.servers.bind import Bind
from tests.servers.lab import ZONE, Lab, Run
from tests.servers.pebble import Pebble

RETRY_AFTER = (3, 5)
NONCE_REJECT = 5
GOALS = {50: 1.5, 500: 4.0}
CPU_GOAL, MEMORY_GOAL = 45, 200
LEGO_COUNT = 50


def names(count: int, prefix: str) -> list[str]:
    """Fresh names: one known to the CA would be valid at once."""
    return [f"{prefix}{number:04}.{ZONE}" for number in range(count)]


def issued(run: Run, count: int) -> Run:
    """The run, when it got every certificate."""
    summary = run.document.get("summary", {})
    if run.code or summary.get("available") != count:
        raise SystemExit(f"{count} certificates: {summary} {run.errors[-2000:]}")
    return run


def main() -> None:
    """One first, then the many; the same servers and the same inventory throughout."""
    sizes = [int(word) for word in sys.argv[1:]] or list(GOALS)
    with (
        tempfile.TemporaryDirectory() as directory,
        Bind(zones=(ZONE,), secondaries=1) as bind,
        Pebble(
            dns_server=bind.server, nonce_reject=NONCE_REJECT, retry_after=RETRY_AFTER
        ) as pebble,
    ):
        lab = Lab(Path(directory), pebble, bind)
        one = issued(lab.request_all(names(1, "one-")), 1)
        for size in sizes:
            many = issued(lab.request_all(names(size, f"of-{size}-")), size)
            left = len([record for record in bind.added(ZONE) if record[1] == "TXT"])
            goal = f" (goal {GOALS[size]:g})" if size in GOALS else ""
            print(
                f"{size} certificates{'':<{7 - len(str(size))}} "
                f"{many.seconds / one.seconds:5.2f} x one{goal}"
                f"   ({many.seconds:.1f} s, {one.seconds:.1f} s; "
                f"{many.cpu_seconds / size * 1000:.0f} ms CPU each (goal {CPU_GOAL}), "
                f"{many.peak_mib:.0f} MiB (goal {MEMORY_GOAL}), {left} TXT records left)"
            )
        if lego := shutil.which("lego"):
            compare(lego, Path(directory) / "lego", pebble, bind, one.seconds)


def compare(lego: str, home: Path, pebble: Pebble, bind: Bind, one: float) -> None:
    """The same with lego: one process, then many at once."""
    home.mkdir()
    alone = lego_seconds(lego, home, pebble, bind, names(1, "lego-one-"))
    many = lego_seconds(lego, home, pebble, bind, names(LEGO_COUNT, "lego-"))
    print(
        f"lego, {LEGO_COUNT} processes  {many / alone:5.2f} x one"
        f"   ({many:.1f} s, {alone:.1f} s, which is {alone / one:.2f} x ours)"
    )


def lego_seconds(lego: str, home: Path, pebble: Pebble, bind: Bind, wanted: list[str]) -> float:
    """Wall time until every process has its certificate."""
    environment = {
        "PATH": os.environ["PATH"],
        "LEGO_CA_CERTIFICATES": str(pebble.ca_bundle_path),
        "RFC2136_NAMESERVER": bind.server,
        "RFC2136_TSIG_KEY": bind.tsig.name,
        "RFC2136_TSIG_SECRET": bind.tsig.secret,
        "RFC2136_TSIG_ALGORITHM": f"{bind.tsig.algorithm}.",
    }
    started = time.perf_counter()
    running = []
    for name in wanted:
        command = [lego, "--accept-tos", "--email", f"ops@{ZONE}", "--server", pebble.directory_url]
        command += ["--path", str(home / name), "--domains", name, "--dns", "rfc2136"]
        command += ["--dns.resolvers", bind.server, "--dns.disable-cp", "run"]
        with (home / f"{name}.log").open("wb") as log:
            running.append(
                subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
            )
    failed = [name for name, child in zip(wanted, running, strict=True) if child.wait()]
    if failed:
        raise SystemExit(f"lego failed: {(home / f'{failed[0]}.log').read_text()[-2000:]}")
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
