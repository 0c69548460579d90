"""The form of a target: where a certificate is put, how it is checked, loaded and seen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from kmtui.core.deployment.settings import KEY_MODE, parse_mode
from kmtui.core.errors import NotFound
from kmtui.model import Certificate, Target, TargetLayout
from kmtui.screens.checklines import CONTINUED
from kmtui.screens.formpage import FormPage
from kmtui.widgets.details import Fact
from kmtui.widgets.fields import FieldSpec, Options
from kmtui.widgets.form import Form

COMMAND = "command"
"""The choice of a command in place of an end server."""
ON_SERVER = ("dir", "layout", "owner", "mode", "check", "reload", "adopt")
"""Fields that only a target on an end server has."""
FIXED = ("name", "server", "dir", "layout", "exec")
"""Another place is another target: these stay as they were made."""
SETTINGS = {
    "name": "name",
    "server": "server_id",
    "dir": "directory",
    "layout": "layout",
    "exec": "hook",
    "owner": "owner",
    "mode": "mode",
    "check": "check_command",
    "reload": "reload_command",
    "verify": "verify",
    "adopt": "adopt",
}
"""Each field, named like its option, and what the core calls it."""

FIELDS = (
    FieldSpec(name="name", label="Name", required=True, help="Any word, such as the server's."),
    FieldSpec(
        name="server",
        label="Put it on",
        kind="choice",
        required=True,
        help="An end server that takes files, or a command of yours that puts them somewhere.",
    ),
    FieldSpec(
        name="dir",
        label="Directory",
        required=True,
        help="On that machine, of its own for this certificate, like /etc/nginx/tls/shop; made "
        "where it is missing.",
    ),
    FieldSpec(
        name="layout",
        label="Layout",
        kind="choice",
        default=TargetLayout.PAIR,
        choices=(
            (TargetLayout.PAIR, "pair: privkey.pem and fullchain.pem"),
            (TargetLayout.COMBINED, "combined: one file, key and chain"),
            (TargetLayout.VERSIONED, "versioned: current/privkey.pem …"),
        ),
        help="All of them are switched in one step: nobody ever reads a pair that does not match.",
    ),
    FieldSpec(
        name="exec",
        label="Command",
        required=True,
        help="Absolute path and arguments, like /usr/local/bin/put-certificate --to lb1; no shell "
        "runs it. It ends with 0 when the files are in effect.",
    ),
    FieldSpec(
        name="check",
        label="Check",
        help="A command like nginx -t, that must succeed before the reload; else what was in "
        "effect before is put back.",
    ),
    FieldSpec(
        name="reload",
        label="Reload",
        help="A command like systemctl reload nginx, that makes the server load the files.",
    ),
    FieldSpec(
        name="verify",
        label="Verify",
        help="HOST:PORT where the server is seen: the proof that it serves this very certificate.",
    ),
    FieldSpec(
        name="owner",
        label="Owner",
        folded=True,
        help="USER:GROUP of the files, either half alone will do; empty: whoever logs in.",
    ),
    FieldSpec(
        name="mode",
        label="Mode of key",
        default=f"{KEY_MODE:04o}",
        folded=True,
        help="Octal, of every file with the private key; never for everybody.",
    ),
    FieldSpec(
        name="adopt",
        label="Take over",
        kind="check",
        placeholder="files of others that are there already",
        folded=True,
        help="Without it a deployment stops before files that kmtui did not put.",
    ),
)

STEPS = "uploaded beside, read back, switched in one step, checked, reloaded, seen being served"
ENVIRONMENT = "KMTUI_PRIVKEY KMTUI_FULLCHAIN KMTUI_CERT KMTUI_CHAIN KMTUI_COMBINED"


class TargetForm(FormPage):
    """A new target of a certificate, or changes of one."""

    WHAT = "target"

    def __init__(self, certificate_id: str, target: Target | None = None) -> None:
        """`target` is changed; without one, a new one is made."""
        self._certificate_id = certificate_id
        self._certificate: Certificate | None = None
        self._target = target
        super().__init__()
        self.form.add_class("-long-labels")

    def fields(self) -> Sequence[FieldSpec]:
        if self._target is None:
            return FIELDS
        gone = (*FIXED, *(ON_SERVER if self._target.hook else ()))
        return [field for field in FIELDS if field.name not in gone]

    async def ready(self) -> None:
        try:
            certificate = await self.core.certificates.get(self._certificate_id)
        except NotFound as error:  # deleted meanwhile
            self.say(str(error), "bad")
            return
        self._certificate = certificate
        what = (self._target.name, "Edit") if self._target else ("New target",)
        self.title_line.show_crumbs("Certificates", certificate.name, *what)
        if self._target is not None:
            self.form.set_values(_values(self._target))
        else:
            await self._offer_servers()
        self._show()

    async def _offer_servers(self) -> None:
        takers = {kind.kind for kind in self.core.end_servers.kinds() if kind.takes_files}
        servers = [each for each in await self.core.end_servers.all() if each.kind in takers]
        options: Options = tuple((each.id, each.name) for each in servers)
        self.form.set_options("server", (*options, (COMMAND, "a command of your own")))
        if not servers:
            self.say("no end server takes files yet: 5 n adds one", "warn")

    def on_form_changed(self, event: Form.Changed) -> None:
        if event.name in ("server", "dir", "layout", "name"):
            self._show()

    def _show(self) -> None:
        """Ask for what makes sense of the others, and tell what will come of it."""
        if self._target is None:
            by_command = self.form.text("server") == COMMAND
            for name in ON_SERVER:
                self.form.show_field(name, not by_command)
            self.form.show_field("exec", by_command)
        target = self._target or self._as_typed()
        self.about.show(_about(target, self._certificate))

    def _as_typed(self) -> Target:
        """The target that the form describes so far."""
        by_command = self.form.text("server") == COMMAND
        return Target(
            id="",
            certificate_id=self._certificate_id,
            certificate="",
            name=self.form.text("name") or "NAME",
            server_id=None,
            server=None,
            directory="" if by_command else self.form.text("dir").rstrip("/") or "DIRECTORY",
            layout="" if by_command else self.form.text("layout"),
            hook=self.form.text("exec") if by_command else "",
            owner="",
            mode=KEY_MODE,
            check_command="",
            reload_command="",
            verify="",
            adopt=False,
            created_at=datetime.now(UTC),
        )

    async def send(self) -> str:
        given: dict[str, Any] = {SETTINGS[name]: v for name, v in self.form.values.items()}
        if "mode" in given:
            given["mode"] = parse_mode(given["mode"])
        if self._target is not None:
            return await self._change(self._target, given)
        server = given.pop("server_id")
        if server != COMMAND:
            given["server"] = server
        target = await self.core.targets.add(self._certificate_id, given.pop("name"), **given)
        self.made = target.id
        if target.wanted_version is None:
            return f"{target.name} added: it gets the first version that is saved"
        return f"{target.name} added: p deploys v{target.wanted_version}, else it goes by itself"

    async def _change(self, target: Target, given: dict[str, Any]) -> str:
        changes = {name: v for name, v in given.items() if v != getattr(target, name)}
        if not changes:
            return "nothing was changed"
        changed = await self.core.targets.update(target.certificate_id, target.name, **changes)
        if changed.wanted_version is None:
            return f"{changed.name} changed"
        return f"{changed.name} changed: p deploys v{changed.wanted_version} anew, else by itself"


def _values(target: Target) -> dict[str, str | bool]:
    values = {name: getattr(target, field) for name, field in SETTINGS.items()}
    return {**values, "mode": f"{target.mode:04o}"}


def _about(target: Target, certificate: Certificate | None) -> list[Fact]:
    """What a server is to be told, and what a deployment does."""
    from kmtui.core.deployment.layouts import paths  # imports cryptography

    if target.directory:
        facts: list[Fact] = [
            (CONTINUED if at else "Files", path) for at, path in enumerate(paths(target).values())
        ]
        facts += [("Steps", STEPS), ("Failure", "what was in effect before is put back")]
    else:
        facts = [
            ("Files", "in a private directory while the command runs; their paths:"),
            (CONTINUED, ENVIRONMENT),
            ("More", "KMTUI_CERTIFICATE _TARGET _VERSION _NAMES _SERIAL _SHA256 _NOT_AFTER"),
        ]
    names = [name for name in certificate.names if "*" not in name] if certificate else []
    if names:
        facts.append(("Verify", f"{names[0]}:443, or where the server itself is seen"))
    facts.append(("When", "now, and whenever a version is saved; p at any time"))
    return facts
