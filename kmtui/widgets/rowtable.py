"""A table of any length: reads the pages it shows, holds cursor and marks by primary key."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any, ClassVar

from textual import events
from textual.binding import BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget
from textual.worker import Worker, WorkerState

from kmtui.bindings import LIST, bindings
from kmtui.widgets.rowpaint import Painter
from kmtui.widgets.rows import PAGE_SIZE, Column, ListSource, Pages, Row, RowSource

NOT_READ = "…"


class _TableMessage(Message):
    def __init__(self, table: RowTable) -> None:
        super().__init__()
        self.table = table

    @property
    def control(self) -> RowTable:
        """The table that sent it."""
        return self.table


class RowTable(Widget, can_focus=True):
    """A list with a cursor row, marks, and a header that shows the order.

    Set `columns` at the start, give it a `RowSource` with `reload`, and call `reload()` again
    whenever its rows changed: only lines that differ are painted. `empty` is what it says when
    there are no rows: why, and which key fills it.
    """

    DEFAULT_CSS = "RowTable { height: 1fr; width: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(*LIST, show=False)]

    class Highlighted(_TableMessage):
        """The cursor is on another row, or its row changed; `row` is None on an empty table. Told
        to the screen itself: what went from widget to widget would miss the cursor's frame.
        """

        def __init__(self, table: RowTable, row: Row | None) -> None:
            super().__init__(table)
            self.row = row

        def can_replace(self, message: Message) -> bool:
            """A held key tells the last row only."""
            return isinstance(message, RowTable.Highlighted) and message.table is self.table

    class Opened(_TableMessage):
        """Enter was pressed on a row."""

        def __init__(self, table: RowTable, row: Row) -> None:
            super().__init__(table)
            self.row = row

    class Marked(_TableMessage):
        """Marks were set or taken away."""

    class ReadFailed(_TableMessage):
        """The source could not be read."""

        def __init__(self, table: RowTable, error: BaseException) -> None:
            super().__init__(table)
            self.error = error

    def __init__(
        self,
        columns: Sequence[Column],
        source: RowSource | None = None,
        *,
        empty: str = "Nothing here yet.",
        markable: bool = True,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self.columns = tuple(columns)
        self.empty = empty
        self.markable = markable
        self.marks: dict[str, None] = {}
        """Keys of the marked rows, in the order of marking; they outlive filter and order."""
        self.sorted_by: tuple[str, bool] | None = None
        """Sort word and whether descending, for the mark in the header."""
        self._source: RowSource = source or ListSource()
        self._pages = Pages(self._source, 0)
        self._read_once = False
        self._failure = ""
        self._cursor = self._top = 0
        self._cursor_key: str | None = None
        self._anchor: int | None = None
        self._loading: set[int] = set()
        self._stale = self._reading = self._to_top = False

    # What the screen asks

    @property
    def row(self) -> Row | None:
        """The row under the cursor."""
        return self._pages.row(self._cursor) if self._pages.count else None

    @property
    def cursor(self) -> int:
        """Position of the cursor, from 0."""
        return self._cursor

    @property
    def count(self) -> int:
        """How many rows the source has."""
        return self._pages.count

    @property
    def position(self) -> str:
        """Where the cursor is: ``7 of 214``; empty on an empty table."""
        return f"{self._cursor + 1} of {self._pages.count}" if self._pages.count else ""

    @property
    def chosen(self) -> list[str]:
        """What an action works on: the marked keys, else the row under the cursor."""
        if self.marks:
            return list(self.marks)
        return [self.row.key] if self.row else []

    def reload(self, source: RowSource | None = None, *, top: bool = False) -> None:
        """Read the rows again, from another source if one is given.

        The cursor stays on its key; where that is gone, in its place, or with `top` at the top.
        Calls while a read is under way are answered by one more read.
        """
        if source is not None:
            self._source = source
        if top:
            self._anchor = None
        self._to_top = self._to_top or top
        self._stale = True
        if not self._reading and self.is_attached:
            self._reading = True
            self._work(self._read(), "rows")

    def select(self, key: str) -> None:
        """Put the cursor on the row with this key once it is found."""
        self._cursor_key = key
        self.reload()

    def clear_marks(self) -> bool:
        """Take all marks away; False when there were none."""
        had = bool(self.marks) or self._anchor is not None
        self.marks.clear()
        self._anchor = None
        if had:
            self._marks_changed()
        return had

    async def hidden_marks(self) -> int:
        """How many marked rows the present filter hides."""
        if not self.marks:
            return 0
        shown = set(await self._pages.keys(0, self._pages.count - 1))
        return sum(key not in shown for key in self.marks)

    # Reading

    def on_mount(self) -> None:
        if self._stale or not isinstance(self._source, ListSource) or self._source.rows:
            self.reload()

    def _work(self, coroutine: Coroutine[Any, Any, None], group: str) -> None:
        self.run_worker(coroutine, group=group, exit_on_error=False)

    async def _read(self) -> None:
        try:
            while self._stale:
                self._stale = False
                await self._read_now()
        finally:
            self._reading = False

    async def _read_now(self) -> None:
        to_top, self._to_top = self._to_top, False
        pages = Pages(self._source, await self._source.count())
        was = self._cursor
        index = 0 if to_top else was
        if self._cursor_key is not None:
            found = await pages.locate(self._cursor_key, was)
            index = index if found is None else found
        index = max(0, min(index, pages.count - 1))
        top = self._top_for(index, index - (self._cursor - self._top), pages.count)
        for number in pages.missing(top, top + max(self._room, 1) - 1):
            await pages.load(number)
        # A key that came meanwhile moves on from the row as it was found.
        self._show(pages, max(0, min(index + self._cursor - was, pages.count - 1)))

    def _show(self, pages: Pages, index: int) -> None:
        """Replace what is shown; paint the lines that differ."""
        before, was_top, was_cursor = self._pages, self._top, self._cursor
        top = self._top_for(index, index - (was_cursor - was_top), pages.count)
        fresh = not self._read_once or bool(self._failure) or not (before.count and pages.count)
        self._pages, self._top, self._cursor = pages, top, index
        self._read_once, self._failure = True, ""
        self._loading.clear()
        if fresh or top != was_top:
            self.refresh()
        else:
            for at in range(top, top + self._room):
                if before.row(at) != pages.row(at) or at in (was_cursor, index):
                    self._refresh_row(at)
        self._highlight()

    def _want(self, first: int, last: int) -> None:
        """Start reading the pages between two positions that are not there."""
        for number in self._pages.missing(first, last):
            if number not in self._loading:
                self._loading.add(number)
                self._work(self._load(self._pages, number), "pages")

    async def _load(self, pages: Pages, number: int) -> None:
        await pages.load(number)
        if pages is not self._pages:  # another query is shown by now
            return
        self._loading.discard(number)
        first = number * PAGE_SIZE
        for at in range(max(first, self._top), min(first + PAGE_SIZE, self._top + self._room)):
            self._refresh_row(at)
        if self._cursor // PAGE_SIZE == number:
            self._highlight()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Show that the source could not be read, and tell the screen."""
        if event.state is WorkerState.ERROR and (error := event.worker.error) is not None:
            event.stop()
            self._failure = f"Could not read this list: {error}"
            self._loading.clear()
            self.refresh()
            self.post_message(self.ReadFailed(self, error))

    # Moving

    @property
    def _room(self) -> int:
        """Rows that fit below the header."""
        return max(self.size.height - 1, 0)

    def _top_for(self, cursor: int, top: int, count: int) -> int:
        """The first row to show so that the cursor is seen and no room is wasted."""
        room = max(self._room, 1)
        top = min(max(top, cursor - room + 1), cursor)
        return max(0, min(top, count - room))

    def move_to(self, index: int) -> None:
        """Put the cursor on the row at `index`, or the nearest there is."""
        index = max(0, min(index, self._pages.count - 1))
        if index == self._cursor:
            return
        before, self._cursor = self._cursor, index
        top, room = self._top, max(self._room, 1)
        if not top <= index < top + room:
            # Half a screen at once: line-wise scrolling would repaint everything at each key.
            step = room // 2 if abs(index - before) == 1 else 0
            top = index - room + 1 + step if index > before else index - step
        top = self._top_for(index, top, self._pages.count)
        if top != self._top:
            self._top = top
            self.refresh()
        else:
            self._refresh_row(before)
            self._refresh_row(index)
        self._want(index - PAGE_SIZE // 4, index + PAGE_SIZE // 4)
        self._highlight()

    def _highlight(self) -> None:
        self._cursor_key = self.row.key if self.row else None
        if self.row or not self._pages.count:  # else it is told once its page is there
            self.screen.post_message(self.Highlighted(self, self.row))

    def action_cursor_down(self) -> None:
        self.move_to(self._cursor + 1)

    def action_cursor_up(self) -> None:
        self.move_to(self._cursor - 1)

    def action_top(self) -> None:
        self.move_to(0)

    def action_bottom(self) -> None:
        self.move_to(self._pages.count - 1)

    def action_page_down(self) -> None:
        self._page(1)

    def action_page_up(self) -> None:
        self._page(-1)

    def _page(self, direction: int) -> None:
        step = direction * max(self._room, 1)
        self._top = max(0, min(self._top + step, self._pages.count - max(self._room, 1)))
        self.refresh()
        self.move_to(self._cursor + step)

    def action_open(self) -> None:
        if (row := self.row) is not None:
            self.post_message(self.Opened(self, row))

    # Marking

    def action_mark(self) -> None:
        if (row := self.row) is None or not self.markable:
            return
        if row.key in self.marks:
            del self.marks[row.key]
        else:
            self.marks[row.key] = None
        self._refresh_row(self._cursor)
        self.post_message(self.Marked(self))
        self.action_cursor_down()

    def action_mark_all(self) -> None:
        if self.markable and self._pages.count:
            self._work(self._mark_between(0, self._pages.count - 1), "marks")

    def action_mark_range(self) -> None:
        if not self.markable or not self._pages.count:
            return
        if self._anchor is None:
            self._anchor = self._cursor
            self._refresh_row(self._cursor)
            return
        first, last = sorted((self._anchor, self._cursor))
        self._anchor = None
        self._work(self._mark_between(first, last), "marks")

    async def _mark_between(self, first: int, last: int) -> None:
        self.marks.update(dict.fromkeys(await self._pages.keys(first, last)))
        self._marks_changed()

    def _marks_changed(self) -> None:
        self.refresh()
        self.post_message(self.Marked(self))

    # Drawing

    def _refresh_row(self, index: int) -> None:
        if 1 <= (line := index - self._top + 1) < self.size.height:
            self.refresh(Region(0, line, self.size.width, 1))

    def on_resize(self) -> None:
        self._top = self._top_for(self._cursor, self._top, self._pages.count)
        self.refresh()  # it was painted at its new size before this was told

    def on_focus(self) -> None:
        self._refresh_row(self._cursor)

    on_blur = on_focus

    def render_line(self, y: int) -> Strip:
        paint = Painter(
            theme=self.app.current_theme.name,
            base=self.visual_style.rich_style,
            width=self.size.width,
            columns=self.columns,
            unicode=getattr(self.app, "unicode_glyphs", False),
        )
        if self._failure or not self._pages.count:
            said = self._failure or (self.empty if self._read_once else "reading…")
            lines = ["", *said.split("\n")]
            tone = "bad" if self._failure else ""
            return paint.say(lines[y], tone) if y < len(lines) else paint.blank()
        if y == 0:
            return paint.header(self.sorted_by)
        index = self._top + y - 1
        if index >= self._pages.count:
            return paint.blank()
        row = self._pages.row(index)
        if row is None:
            self._want(index, index)
            row = Row("", ((NOT_READ, "muted"),) * len(self.columns))
        mark = "*" if row.key in self.marks else "v" if index == self._anchor else " "
        ground = ("cursor" if self.has_focus else "resting") if index == self._cursor else ""
        return paint.row(row, mark, ground)

    # Mouse, where the operator turned it on

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the click was; a double click opens."""
        if event.y >= 1:
            self.move_to(self._top + event.y - 1)
            if event.chain == 2:
                self.action_open()

    def on_mouse_scroll_down(self) -> None:
        self.move_to(self._cursor + 3)

    def on_mouse_scroll_up(self) -> None:
        self.move_to(self._cursor - 3)
