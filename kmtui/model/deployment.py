"""Where versions are put: targets, what became of each attempt, and what is served there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kmtui.model.words import TargetState


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A place where the versions of one certificate must be installed.

    It is on an end server, or it is a hook: a command that puts the files wherever they belong.
    """

    id: str
    certificate_id: str
    certificate: str
    name: str
    """Unique among the targets of its certificate."""
    server_id: str | None
    server: str | None
    """The end server; None for a hook."""
    directory: str
    """Absolute path on the end server; empty for a hook."""
    layout: str
    """A word of `TargetLayout`; empty for a hook."""
    hook: str
    """The command line of a hook, split into words without a shell; empty on an end server."""
    owner: str
    """``USER:GROUP`` of the files, either half may be missing; empty: whoever kmtui logs in as."""
    mode: int
    """Of every file with the private key."""
    check_command: str
    """Command that must find the server's set-up sound before it is told to load it."""
    reload_command: str
    """Command that makes the server load the files."""
    verify: str
    """``HOST:PORT`` where the version is seen being served."""
    adopt: bool
    """Whether files of others that are in its place may be taken over."""
    created_at: datetime
    state: str = TargetState.WAITING
    wanted_version: int | None = None
    """Which version is to be there; None until one is saved."""
    version: int | None = None
    """Which version was put there last and stayed."""
    step: str = ""
    """One line on what is going on now, or was done last."""
    error: str = ""
    """Why the last attempt or proof did not end well."""
    hint: str = ""
    """What an operator can do about it."""
    failures: int = 0
    """Attempts in a row that failed for the wanted version."""
    next_attempt_at: datetime | None = None
    """When an attempt may be made by itself; None when there is nothing to do."""
    deployed_at: datetime | None = None
    verified_at: datetime | None = None
    """When the server was last seen serving `version`."""
    started_at: datetime | None = None
    """When the attempt under way, or cut off, began."""
    trying_version: int | None = None
    """The version of that attempt; another one may be wanted since."""
    staged: str = ""
    """Journal: where the files of the attempt under way, or cut off, were put."""
    former: str | None = None
    """Journal: what to switch back to while what is in effect is not proved; empty: nothing."""
    forced: bool = False
    """Whether the wanted version may be one that expired or was revoked."""
    worker: str | None = None
    """The process that deploys to it, or did until it ended."""
    attempt: int = 0
    """The fencing number of that work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One attempt to put a version to a target: history, never changed."""

    id: int
    target_id: str
    target: str
    certificate_id: str
    server: str
    """Name of the end server at that time; empty for a hook."""
    version: int
    outcome: str
    """`deployed`, `verified`, `stale`, `failed` or `interrupted`."""
    started_at: datetime
    ended_at: datetime
    actor: str
    place: str = ""
    """Name of the directory that its files were put into; empty when there was none."""
    error: str = ""
    hint: str = ""
    next_attempt_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What a server showed when it was asked for a certificate."""

    outcome: str
    """`verified`: the version wanted. `stale`: another certificate. `unreachable`: none at all."""
    detail: str
    """One sentence; may hold words of the server, unfiltered."""
    sha256: str = ""
    """Fingerprint of the certificate served, lower-case hex."""
    serial: str = ""
    issuer: str = ""
    names: tuple[str, ...] = ()
    not_after: datetime | None = None
