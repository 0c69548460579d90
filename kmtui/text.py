"""The only road for foreign text to a terminal.

Text of a CA, a DNS answer, a server or a certificate may hold escape sequences that write to the
clipboard, bidirectional overrides that turn a name around, or markup that runs an action. The data
keeps such text verbatim; whatever draws it passes it through `plain`, `one_line` or `content`.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, AnyStr, Generic, NoReturn

if TYPE_CHECKING:
    from textual.content import Content
    from textual.style import Style

REPLACEMENT = "\ufffd"
ELLIPSIS = "…"
LONGEST = 4096
"""Characters of one foreign text that are shown unless a caller asks for another limit."""

_UNSAFE_RANGES = (
    (0x00, 0x08),  # C0 without TAB and LF: bell, backspace, escape, ...
    (0x0B, 0x1F),
    (0x7F, 0x9F),  # DEL and C1, where U+009B starts a control sequence by itself
    (0xAD, 0xAD),  # soft hyphen
    (0x61C, 0x61C),  # Arabic letter mark
    (0x180E, 0x180E),
    (0x200B, 0x200F),  # zero width space and joiners, direction marks
    (0x2028, 0x202E),  # line and paragraph separators, bidirectional embedding and override
    (0x2060, 0x206F),  # invisible operators, bidirectional isolates
    (0xD800, 0xDFFF),  # lone surrogates cannot be encoded
    (0xFEFF, 0xFEFF),
    (0xFFF9, 0xFFFB),  # interlinear annotation
    (0xE0000, 0xE007F),  # invisible tags
)
_UNSAFE = {code: REPLACEMENT for first, last in _UNSAFE_RANGES for code in range(first, last + 1)}
_PLAIN = {**_UNSAFE, 0x09: " "}
_ONE_LINE = {**_PLAIN, 0x0A: " "}


def plain(text: str, limit: int = LONGEST) -> str:
    """The text without anything a terminal would obey, at most `limit` characters long.

    Line feeds stay, a tab becomes a space, every other control, invisible or direction-changing
    character becomes U+FFFD. A text that is cut ends in an ellipsis.
    """
    if len(text) > limit:
        text = text[: max(limit - 1, 0)] + ELLIPSIS[:limit]
    if text.isascii() and text.isprintable():
        return text
    return text.replace("\r\n", "\n").translate(_PLAIN)


def one_line(text: str, limit: int = LONGEST) -> str:
    """The text as `plain` gives it, with spaces in place of line feeds."""
    if len(text) > limit:
        text = text[: max(limit - 1, 0)] + ELLIPSIS[:limit]
    if text.isascii() and text.isprintable():
        return text
    return text.replace("\r\n", "\n").translate(_ONE_LINE)


def content(text: str, style: str | Style = "", limit: int = LONGEST) -> Content:
    """The text as something a widget draws: filtered, and never read as markup."""
    from textual.content import Content

    safe = Content(plain(text, limit))
    return safe.stylize(style) if style else safe


def width_of(text: str) -> int:
    """How many terminal cells the text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def shorten(text: str, width: int) -> str:
    """The text cut at its end to at most `width` cells."""
    if width_of(text) <= width:
        return text
    return _head(text, width - 1) + ELLIPSIS if width > 0 else ""


def shorten_middle(text: str, width: int) -> str:
    """The text cut in its middle to at most `width` cells: both ends of a name tell it apart."""
    if width_of(text) <= width:
        return text
    if width <= 0:
        return ""
    tail = (width - 1) // 2
    return _head(text, width - 1 - tail) + ELLIPSIS + _head(text[::-1], tail)[::-1]


def fit(text: str, width: int, align: str = "left", *, middle: bool = False) -> str:
    """The text shortened or padded to exactly `width` cells; `align` is ``left`` or ``right``."""
    text = shorten_middle(text, width) if middle else shorten(text, width)
    padding = " " * (width - width_of(text))
    return padding + text if align == "right" else text + padding


def wrap(text: str, width: int) -> list[str]:
    """The text as lines of at most `width` cells, broken at spaces where there are any.

    What is longer than a line (a URL, a fingerprint) is broken within. Nothing is left out but
    the spaces at a break.
    """
    width = max(width, 2)  # a wide character takes two cells
    lines: list[str] = []
    for paragraph in text.split("\n"):
        rest = paragraph.rstrip()
        while width_of(rest) > width:
            head = _head(rest, width)
            if rest[len(head)] != " " and " " in head.strip():
                head = head[: head.rindex(" ")]
            lines.append(head.rstrip())
            rest = rest[len(head) :].lstrip(" ")
        lines.append(rest)
    return lines


def harden() -> None:
    """Make Textual and Rich themselves replace what `plain` replaces.

    Both strip five control characters from text and let escape and C1 through. Their tables are
    default arguments, so they are changed in place: text that never passed `plain` is safe too.
    Call once, before the first widget is made.
    """
    import rich.control
    import textual.content

    for table in (
        rich.control._CONTROL_STRIP_TRANSLATE,
        textual.content._CONTROL_STRIP_TRANSLATE,
    ):
        table.update(_UNSAFE)  # type: ignore[arg-type]  # declared as codes to drop


class Secret(Generic[AnyStr]):
    """A value that shows itself only when asked by name: `reveal`."""

    __slots__ = ("_value",)
    _value: AnyStr

    def __init__(self, value: AnyStr) -> None:
        self._value = value

    def reveal(self) -> AnyStr:
        """The value itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    def __str__(self) -> str:
        return "••••••••"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(_octets(self._value), _octets(other._value))

    __hash__ = None  # type: ignore[assignment]  # a key of a dict would outlive its use

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")


def _octets(value: str | bytes) -> bytes:
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value


def _head(text: str, width: int) -> str:
    """As many characters from the start as fit into `width` cells."""
    if text.isascii():
        return text[: max(width, 0)]
    cells = 0
    for index, character in enumerate(text):
        cells += width_of(character)
        if cells > width:
            return text[:index]
    return text
