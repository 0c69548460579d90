"""Every key once: id, key, word, tooltip, danger.

Screens, the key line, the help, the command palette and the README's table are made from this
table. Lower case never destroys; capitals are the only road to what does; a key means one thing
wherever it appears. The id is also the action: id ``renew`` calls ``action_renew``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.binding import Binding


@dataclass(frozen=True, slots=True)
class Key:
    """One key and what it does."""

    id: str
    key: str
    """Textual's name of the key; several, separated by commas, for the same thing."""
    word: str
    """At most two words, for the key line."""
    tooltip: str
    danger: bool = False
    """Destroys something, or changes it where it cannot be undone."""
    writes: bool = False
    """Changes something: off in read-only mode."""
    shown: str = ""
    """How the key is printed; empty: as it is named."""

    @property
    def display(self) -> str:
        """The first key as printed in the key line."""
        return self.shown or self.key.split(",")[0]

    @property
    def action(self) -> str:
        """The action it runs."""
        return f"switch_mode('{self.id}')" if self.id in MODES else self.id


MODES = ("certificates", "requests", "accounts", "dns", "servers", "activity")
"""The six root screens, in the order of their digits."""

TABLE: tuple[Key, ...] = (
    # everywhere
    Key("certificates", "1", "Certificates", "The inventory of certificates"),
    Key("requests", "2", "Requests", "Live and past requests"),
    Key("accounts", "3", "Accounts", "Accounts at certificate authorities"),
    Key("dns", "4", "DNS", "DNS accounts"),
    Key("servers", "5", "Servers", "End servers"),
    Key("activity", "6", "Activity", "Everything that was ever done"),
    Key("help", "question_mark,f1", "help", "The keys of this screen; enter runs one", shown="?"),
    Key("command_palette", "colon,ctrl+p", "commands", "Find a command by its words", shown=":"),
    Key("filter", "slash", "filter", "Show only what matches; !word excludes", shown="/"),
    Key("back", "escape", "back", "Leave one thing: filter, marks, screen", shown="esc"),
    Key("leave", "q", "quit", "Go back; quit on a root screen"),
    Key("quit", "ctrl+c,ctrl+q", "quit", "Leave the program", shown="ctrl+c"),
    Key("suspend_process", "ctrl+z", "suspend", "To the shell; fg comes back"),
    Key("last_error", "exclamation_mark", "error", "The last error in full", shown="!"),
    Key("jobs", "J", "jobs", "The requests that run now"),
    Key("results", "equals_sign", "results", "The last act on several, one by one", shown="="),
    Key("lock", "L", "lock", "Lock or unlock the vault"),
    Key("reload", "ctrl+r", "re-read", "Read this list again"),
    Key("leftovers", "C", "leftovers", "What requests published and could not remove"),
    Key("authorities", "I", "CAs", "Certificate authorities, and whether they answer"),
    Key("copy", "y", "copy", "Copy the name, value or error to the clipboard"),
    # lists
    Key("cursor_down", "j,down", "down", "One row down"),
    Key("cursor_up", "k,up", "up", "One row up"),
    Key("top", "g,home", "top", "First row"),
    Key("bottom", "G,end", "bottom", "Last row"),
    Key("page_down", "pagedown,ctrl+d", "page down", "One page down", shown="PgDn"),
    Key("page_up", "pageup,ctrl+u", "page up", "One page up", shown="PgUp"),
    Key("open", "enter", "open", "Open what the cursor is on", shown="⏎"),
    Key("mark", "space", "mark", "Mark this row and go on"),
    Key("mark_all", "a", "mark all", "Mark every row that is shown"),
    Key("mark_range", "V", "mark range", "Mark from here; again marks up to there"),
    Key("sort", "o", "sort", "Sort by the next column"),
    Key("sort_reverse", "O", "reverse", "Turn the order around"),
    Key("filters", "F", "filters", "Filters that are kept under a name"),
    Key("keep_filter", "ctrl+s", "keep filter", "Keep this filter under a name", writes=True),
    Key("next_pane", "tab", "next pane", "Next pane or tab"),
    # certificates and versions
    Key("new", "n", "new", "Start a new one", writes=True),
    Key("renew", "r", "renew", "Renew the row or the marked ones", writes=True),
    Key("renew_due", "R", "renew due", "Renew everything that is due", writes=True),
    Key("auto_renew", "w", "auto-renew", "Renew it unattended, or not", writes=True),
    Key("auto_save", "v", "auto-save", "Save what is issued by itself, or ask", writes=True),
    Key("save", "s", "save", "Make the issued version the current one", writes=True),
    Key("import_files", "i", "import", "Import existing certificates", writes=True),
    Key("export", "e", "export", "Write to a file"),
    Key("move", "M", "move", "Issue again at another CA", writes=True),
    Key("revoke", "X", "revoke", "Invalid at once, for everyone", danger=True, writes=True),
    Key("delete", "D", "delete", "Remove from kmtui", danger=True, writes=True),
    Key("undelete", "u", "undo delete", "Bring a deleted one back", writes=True),
    Key("timeline", "t", "timeline", "Expiries and planned renewals, week by week"),
    Key("deploy", "p", "deploy", "Put the current version on the targets", writes=True),
    Key("rollback", "b", "roll back", "Put this version back on the targets", writes=True),
    Key("diff", "d", "diff", "What changed since the version before; again, an older one"),
    Key("edit", "E", "edit", "Change its settings; of a certificate: reissue it", writes=True),
    # requests
    Key("retry", "r", "retry", "Try again with the same settings", writes=True),
    Key("cancel", "c", "cancel", "Stop it and clean up", writes=True),
    Key("log", "l", "log", "The whole log"),
    Key("clean_up", "r", "try again", "Remove all of it now", writes=True),
    Key("drop_draft", "D", "drop draft", "Forget the draft", danger=True, writes=True),
    Key("send", "ctrl+s", "send", "Send the form", writes=True),
    # accounts, DNS accounts, end servers
    Key("add_existing", "A", "add", "Add an account by its exported key", writes=True),
    Key("roll_key", "K", "roll key", "Replace the account's key", danger=True, writes=True),
    Key("agree", "T", "terms", "Agree to the CA's terms as they are now", writes=True),
    Key("deactivate", "X", "deactivate", "Give the account up for good", danger=True, writes=True),
    Key("test", "t", "test", "Try whether it works"),
    Key("verify", "t", "verify", "Try whether the trail is as it was written"),
    Key("map", "m", "names", "Which names lead where"),
    # questions
    Key("yes", "y", "yes", "Do it"),
    Key("no", "n", "no", "Leave it", shown="n"),
)

KEYS: dict[str, Key] = {key.id: key for key in TABLE}


def _ids(words: str) -> tuple[str, ...]:
    return tuple(words.split())


LIST = _ids("cursor_down cursor_up top bottom page_down page_up open mark mark_all mark_range")
"""Ids of the keys a table answers itself."""

EVERYWHERE = MODES + _ids("command_palette leave quit suspend_process last_error jobs results lock")
"""Ids of the keys that work on every screen."""

PAGE = _ids("help back reload copy leftovers authorities")
"""Ids of the keys that every full screen answers, each in its own way."""

LISTED = _ids("filter sort sort_reverse")
"""Ids of the keys of a screen that shows a list."""

SCREENS: dict[str, tuple[str, ...]] = {
    "certificates": _ids(
        "open new renew renew_due save revoke delete undelete import_files export move edit map "
        "timeline filters keep_filter"
    ),
    "certificate": _ids(
        "open next_pane renew save revoke undelete export move diff deploy rollback test new "
        "edit delete auto_renew auto_save"
    ),
    "target": _ids("next_pane deploy test edit delete last_error"),
    "version": _ids("next_pane export"),
    "diff": _ids("diff"),
    "import": _ids("open send"),
    "move": _ids("send"),
    "requests": _ids("open new retry edit cancel save log drop_draft filters keep_filter"),
    "request": _ids("open next_pane retry edit cancel save log"),
    "leftovers": _ids("open clean_up"),
    "accounts": _ids(
        "open new add_existing edit export test roll_key delete deactivate agree "
        "filters keep_filter"
    ),
    "account": _ids("edit export test roll_key delete deactivate agree"),
    "authorities": _ids("open new test delete"),
    "authority": _ids("test delete"),
    "dns": _ids("open new edit test map delete filters keep_filter"),
    "dns_account": _ids("test edit map delete"),
    "servers": _ids("open new edit test map delete filters keep_filter"),
    "server": _ids("test edit map delete"),
    "activity": _ids("open verify filters keep_filter"),
    "filters": _ids("open new delete"),
    "timeline": _ids("open"),
    "form": _ids("send"),
    "error": _ids("retry"),
    "results": _ids("open"),
}
"""Ids of each screen's own keys, in the order of the key line."""


def bindings(*ids: str, show: bool = True) -> list[Binding]:
    """Textual bindings of the keys with these ids.

    Raises KeyError for an id that is not in the table.
    """
    from textual.binding import Binding

    return [
        Binding(
            key.key,
            key.action,
            key.word,
            show=show,
            key_display=key.display,
            tooltip=key.tooltip,
            id=key.id,
        )
        for key in (KEYS[name] for name in ids)
    ]


def screen_bindings(screen: str) -> list[Binding]:
    """Textual bindings of one screen of `SCREENS`; what a table answers itself is left out."""
    return bindings(*(name for name in SCREENS[screen] if name not in LIST))


def key_table() -> list[tuple[str, str, str, str]]:
    """Rows of (where, key, word, what it does) for the help and the README."""
    groups = {"everywhere": EVERYWHERE, "lists": (*LIST, *LISTED), **SCREENS}
    return [
        (where, keys_in_words(KEYS[name]), KEYS[name].word, KEYS[name].tooltip)
        for where, names in groups.items()
        for name in names
    ]


_PRINTED = {
    "question_mark": "?",
    "colon": ":",
    "slash": "/",
    "exclamation_mark": "!",
    "equals_sign": "=",
    "escape": "esc",
    "pagedown": "PgDn",
    "pageup": "PgUp",
    "f1": "F1",
    "enter": "⏎",
}


def keys_in_words(key: Key) -> str:
    """The keys as an operator reads them: ``? F1``."""
    return " ".join(_PRINTED.get(name, name) for name in key.key.split(","))
