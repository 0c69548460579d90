"""How long the screen takes to its first paint, as a multiple of an empty Textual program's."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import sys
import tempfile
import termios
import time
from pathlib import Path

ROUNDS = 7

EMPTY = """
from textual.app import App
from textual.widgets import Static
class Empty(App):
    def compose(self):
        yield Static("ready")
Empty().run(mouse=False)
"""


def first_paint(argv: list[str], shown: bytes) -> float:
    """Seconds from the start until `shown` is on a terminal of 80x24."""
    start = time.perf_counter()
    child, master = pty.fork()
    if child == 0:
        os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", LANG="C.UTF-8")
        os.execv(argv[0], argv)
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    seen = b""
    while shown not in seen and time.perf_counter() - start < 20:
        if select.select([master], [], [], 0.1)[0]:
            seen += os.read(master, 65536)
    painted = time.perf_counter() - start
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(master)
    if shown not in seen:
        raise SystemExit(f"{' '.join(argv)} never showed {shown.decode()}")
    return painted


def main() -> None:
    """Alternately, so that a busy moment of the machine meets both."""
    empty: list[float] = []
    ours: list[float] = []
    with tempfile.TemporaryDirectory() as directory:
        os.environ["KMTUI_DATA"] = str(Path(directory) / "data")
        screen = [sys.executable, "-m", "kmtui"]
        for _ in range(ROUNDS + 1):
            empty.append(first_paint([sys.executable, "-c", EMPTY], b"ready"))
            ours.append(first_paint(screen, b"Certificates"))
    base, paint = statistics.median(empty[1:]), statistics.median(ours[1:])
    print(
        f"first paint          {paint / base:5.2f} x an empty Textual program (goal 1.25)"
        f"   ({paint * 1000:.0f} ms, {base * 1000:.0f} ms)"
    )


if __name__ == "__main__":
    main()
