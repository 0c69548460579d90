"""Nonces a CA gave and nobody used yet (RFC 8555 section 6.5)."""

from __future__ import annotations

import re
from collections.abc import Callable

CAPACITY = 10
"""More than a busy client uses at once; old ones only cause rejections."""
MAX_AGE = 300.0
"""Seconds; after that a CA may have forgotten the nonce, and a fresh one is cheaper."""
# RFC 8555 section 6.5.1: clients MUST ignore invalid Replay-Nonce values.
_VALID = re.compile(r"[A-Za-z0-9_-]{1,512}")


class NoncePool:
    """A small stack: the youngest nonce goes first, the oldest are dropped."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._stack: list[tuple[float, str]] = []

    def add(self, nonce: str | None) -> None:
        """Keep a reply's nonce; None and invalid values are ignored."""
        if nonce is not None and is_valid(nonce):
            self._stack.append((self._clock(), nonce))
            del self._stack[:-CAPACITY]

    def take(self) -> str | None:
        """The youngest nonce, never given out twice; None when a new one must be fetched."""
        if not self._stack:
            return None
        since, nonce = self._stack.pop()
        if self._clock() - since > MAX_AGE:
            # The youngest is too old, so all are.
            self.flush()
            return None
        return nonce

    def flush(self) -> None:
        """Forget all: one was rejected, so the others are doubtful."""
        self._stack.clear()

    def __len__(self) -> int:
        return len(self._stack)


def is_valid(nonce: str) -> bool:
    """Whether the value is a nonce at all: base64url without padding."""
    return _VALID.fullmatch(nonce) is not None
