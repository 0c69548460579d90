"""Foreign text reaches the terminal filtered, and only through one road."""

from __future__ import annotations

import copy
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.content import Content

from kmtui.text import (
    Secret,
    content,
    fit,
    harden,
    one_line,
    plain,
    shorten,
    shorten_middle,
    width_of,
    wrap,
)

OBEYED = (
    "".join(map(chr, [*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0)]))
    + "\u061c\u200b\u200e\u200f\u2028\u2029\u202a\u202e\u2066\u2069\ufeff\ud800\udfff"
)
"""Characters that a terminal or a text renderer obeys instead of showing."""

any_text = st.text(alphabet=st.characters(exclude_categories=()) | st.sampled_from(OBEYED))


@given(any_text, st.integers(0, 40))
def test_plain_text_holds_nothing_that_is_obeyed(text: str, limit: int) -> None:
    shown = plain(text, limit)

    assert not set(shown) & set(OBEYED)
    assert len(shown) <= limit
    assert plain(shown, limit) == shown
    shown.encode()


@given(any_text)
def test_one_line_is_one_line(text: str) -> None:
    assert len(one_line(text).splitlines()) <= 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]52;c;cm0=\x07", "�]52;c;cm0=�"),
        ("\x9b2J", "�2J"),
        ("gro.elpmaxe\u202e", "gro.elpmaxe�"),
        ("a\tb\r\nc\rd", "a b\nc�d"),
        ("zażółć 漢字", "zażółć 漢字"),
    ],
)
def test_what_is_harmless_stays(text: str, shown: str) -> None:
    assert plain(text) == shown


@given(any_text)
def test_content_never_reads_markup(text: str) -> None:
    drawn = content(f"[@click=app.quit]{text}[/foo]", "bold")

    assert drawn.plain == plain(f"[@click=app.quit]{text}[/foo]")
    assert [span.style for span in drawn.spans] == ["bold"]


@given(any_text.map(one_line), st.integers(0, 30), st.booleans())
def test_text_fits_its_cells(text: str, width: int, middle: bool) -> None:
    assert width_of(fit(text, width, middle=middle)) == width
    assert width_of(shorten(text, width)) <= width


def test_names_keep_both_ends() -> None:
    assert shorten_middle("a-very-long-name.shop.example.org", 16) == "a-very-l…ple.org"


@given(any_text.map(plain), st.integers(2, 40))
def test_wrapping_leaves_out_nothing_but_spaces(text: str, width: int) -> None:
    lines = wrap(text, width)

    assert all(width_of(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_hardened_libraries_replace_escapes_by_themselves() -> None:
    harden()
    from rich.text import Text

    hostile = "a\x1b[2J\x9b\u202eb"
    assert Content(hostile).plain == Text(hostile).plain == "a�[2J��b"


def test_a_secret_shows_itself_only_when_asked(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret("hunter2")

    logging.getLogger("t").warning("%s %r %s", secret, secret, [secret])
    shown = f"{secret} {secret!r} {secret:>20} {[secret]} {caplog.text}"
    assert "hunter2" not in shown
    assert secret.reveal() == "hunter2"
    assert secret == Secret("hunter2") != Secret("hunter3")


def test_a_secret_is_not_serialised() -> None:
    with pytest.raises(TypeError):
        copy.copy(Secret(b"x"))
