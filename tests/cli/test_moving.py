"""Moving to another CA by command: looked at first, each with its own result."""

from __future__ import annotations

from kmtui.core.sandbox.sandbox import Sandbox
from tests.cli.conftest import Run


def test_many_are_moved_and_the_one_that_does_not_fit_is_explained(
    ready: Run, sandbox: Sandbox
) -> None:
    for names in (["a.kmtui.test"], ["b.kmtui.test", "c.kmtui.test"]):
        asked = [word for name in names for word in ("-d", name)]
        ready("request", "new", *asked, "--account", "main", "--save", "always")
    ready("ca", "add", "small", "--directory", sandbox.directory_url, "--max-names", "1")
    ready("account", "register", "other", "--ca", "small", "--email", "b@kmtui.test", "--agree-tos")
    wish = ("cert", "move", "a.kmtui.test", "b.kmtui.test", "--account", "other")

    foreseen = ready(*wish, "--dry-run", unlocked=False, code=3)
    done = ready(*wish, code=3)

    assert [row["possible"] for row in foreseen["moves"]] == [True, False]
    assert done["moves"] == foreseen["moves"]
    good, bad = done["requests"]
    assert (good["kind"], good["status"], good["account"]) == ("move", "saved", "other")
    assert bad["status"] == "failed"
    assert "takes at most 1 name" in bad["error"]["detail"]
    assert ready("cert", "show", "a.kmtui.test")["certificate"]["ca"] == "small"
    assert ready("cert", "show", "b.kmtui.test")["certificate"]["ca"] == "lab"
    single = ready("cert", "move", "b.kmtui.test", "--account", "other", code=2)
    assert single["error"]["field"] == "names"
