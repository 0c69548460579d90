"""What is sent draws the same picture, with fewer bytes."""

from __future__ import annotations

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmtui.sgr import lean

codes = st.sampled_from(
    [
        *["0", "1", "2", "3", "4", "7", "9", "22", "24", "27", "31", "39", "44", "49", "97", "103"],
        *["38;2;1;2;3", "38;2;9;9;9", "48;2;4;5;6", "48;5;200", "38;5;7"],
        "",
    ]
)
looks = st.lists(codes, max_size=4).map(lambda chosen: f"\x1b[{';'.join(chosen)}m")
pieces = st.one_of(
    looks, st.text("ab │", max_size=6), st.sampled_from(["\x1b[3;5H", "\x1b[?25l", "\r\n"])
)


def picture(data: str) -> list[list[tuple[object, ...]]]:
    """Each cell of the screen, as far as it is seen."""
    screen = pyte.Screen(20, 5)
    pyte.Stream(screen).feed(data)
    return [[_seen(screen.buffer[y][x]) for x in range(20)] for y in range(5)]


def _seen(cell: pyte.screens.Char) -> tuple[object, ...]:
    lines = (cell.underscore, cell.strikethrough, cell.reverse)
    if cell.data == " " and not any(lines):
        return (" ", cell.bg)
    return (cell.data, cell.fg, cell.bg, cell.bold, cell.italics, *lines)


@given(st.lists(pieces, max_size=30).map("".join))
def test_the_picture_stays_the_same(data: str) -> None:
    assert picture(lean(data)) == picture(data)


def test_what_does_not_change_is_sent_once() -> None:
    blue = "\x1b[38;2;1;1;1;48;2;2;2;2m"
    red = "\x1b[1;38;2;3;3;3;48;2;2;2;2m"

    sent = lean(f"{blue}name\x1b[0m{blue}   \x1b[0m{red}expired\x1b[0m{blue} 3d\x1b[0m")

    assert sent == (
        "\x1b[38;2;1;1;1;48;2;2;2;2mname   \x1b[1;38;2;3;3;3mexpired\x1b[22;38;2;1;1;1m 3d\x1b[0m"
    )


@pytest.mark.parametrize("data", ["", "plain", "\x1b[?1049h", "\x1b]52;c;YQ==\x07", "\x1b[>25u"])
def test_other_sequences_pass_unchanged(data: str) -> None:
    assert lean(data) == data
