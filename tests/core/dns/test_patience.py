"""What a caller of a provider is told."""

from __future__ import annotations

import logging

import pytest

from kmtui.core.dns.patience import patience, tell


async def test_the_caller_is_told() -> None:
    said: list[str] = []

    async def listen(text: str) -> None:
        said.append(text)

    with patience(1, listen):
        await tell("a value came back")

    assert said == ["a value came back"]


async def test_what_nobody_listens_to_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with patience(1):
        await tell("a value came back")

    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (logging.WARNING, "a value came back")
    ]
