"""The log file: what happened, without what must not be known.

Redaction is applied where a line is formatted, so that libraries at DEBUG and tracebacks pass
through it too.
"""

from __future__ import annotations

import logging
import os
import re
import stat
import time
from io import TextIOWrapper
from pathlib import Path

from kmtui.core.errors import InvalidInput
from kmtui.text import plain

GONE = "[redacted]"
SHORTEST = 6
"""Characters of a registered value; a shorter one would blacken every other word."""

_LINE = "%(asctime)s %(levelname)s %(name)s %(message)s"

_PATTERNS = tuple(
    (re.compile(pattern, re.DOTALL), replacement)
    for pattern, replacement in (
        # PEM blocks of keys, cut ones too. Certificates are public.
        (r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*-----|\Z)", GONE),
        # The header, however a library prints it; all of its line goes.
        (r"(?i)(authorization['\"]?\s*[:=,]\s*)[^\r\n]+", rf"\1{GONE}"),
        # Settings, form fields and JSON members whose name says that they are secret.
        (
            r"(?i)((?:token|password|passphrase|secret|api[-_]?key|auth-key|hmac)[\w-]*"
            r"['\"]?\s*[:=]\s*)(?:b?'[^']*'|b?\"[^\"]*\"|[^\s,;&)}\]]+)",
            rf"\1{GONE}",
        ),
        # Compact JWS and JWT (RFC 7515 section 3.1), then flattened ones (section 7.2.2).
        (r"\beyJ[\w-]{8,}\.[\w-]*\.[\w-]+", GONE),
        (r"(['\"](?:payload|protected|signature)['\"]\s*:\s*)['\"][\w=-]*['\"]", rf"\1{GONE}"),
    )
)


class Redactor:
    """Takes secrets out of text: what looks like one, and every value it was told."""

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._registered: re.Pattern[str] | None = None

    def register(self, value: str) -> None:
        """Take this value out from now on, wherever it appears."""
        if len(value) < SHORTEST or value in self._values:
            return
        self._values.add(value)
        longest_first = sorted(self._values, key=len, reverse=True)
        self._registered = re.compile("|".join(map(re.escape, longest_first)))

    def redact(self, text: str) -> str:
        """The text without secrets."""
        if self._registered is not None:
            text = self._registered.sub(GONE, text)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return text


class RedactingFormatter(logging.Formatter):
    """Formats a record in UTC, redacts it, and keeps it from commanding a terminal."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__(_LINE, datefmt="%Y-%m-%dT%H:%M:%SZ")
        self.converter = time.gmtime
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """One record; continuation lines are indented, so that no text can forge a line."""
        text = plain(self._redactor.redact(super().format(record)), limit=20_000)
        return text.replace("\n", "\n    ")


def start_logging(path: Path | None, *, debug: bool, redactor: Redactor) -> None:
    """Send the root logger to a private file, or nowhere. Raises InvalidInput (``log-file``)."""
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
        old.close()
    root.addHandler(_handler(path, redactor))
    root.setLevel(logging.DEBUG if debug else logging.INFO)


class PrivateFile(logging.FileHandler):
    """A log file that only its owner reads, appended to, never through a symbolic link.

    Nothing is appended to what is no text: an inventory would be worth nothing then.
    """

    def _open(self) -> TextIOWrapper:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        file = os.open(self.baseFilename, flags, 0o600)
        if stat.S_ISREG(os.fstat(file).st_mode) and b"\0" in os.pread(file, 4096, 0):
            os.close(file)
            raise OSError("it holds something else than text")
        return os.fdopen(file, "a", encoding="utf-8", errors="replace")


def _handler(path: Path | None, redactor: Redactor) -> logging.Handler:
    if path is None:
        return logging.NullHandler()
    try:
        handler = PrivateFile(path)
    except OSError as exc:
        raise InvalidInput(
            f"cannot write the log file {path}: {exc.strerror or exc}", field="log-file"
        ) from exc
    handler.setFormatter(RedactingFormatter(redactor))
    return handler
