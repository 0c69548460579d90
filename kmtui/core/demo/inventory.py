"""The sample certificates of the demo as data: what each is for and how its past went."""

from __future__ import annotations

from dataclasses import dataclass

from kmtui.model import KeyType, RequestStatus, SaveMode


@dataclass(frozen=True)
class Attempt:
    """A request that brought no version; `failure` is a word of `failures.FAILURES`."""

    days_ago: float
    failure: str = ""
    status: RequestStatus = RequestStatus.FAILED
    left: bool = False
    """Whether what it published for its first name could not be removed."""


@dataclass(frozen=True)
class Sample:
    """One certificate and its past, in days before now."""

    label: str
    names: tuple[str, ...]
    age: float = 20
    """How long ago the newest version was issued."""
    versions: int = 1
    days: float = 90
    """Lifetime of each version."""
    key_type: KeyType = KeyType.EC256
    auto_save: SaveMode = SaveMode.ASK
    unsaved: bool = False
    """Whether the newest version still waits to be saved."""
    revoked: tuple[int, str] | None = None
    """Number of a revoked version, and the reason (RFC 5280 section 5.3.1)."""
    archived: float | None = None
    auto_renew: bool = True
    window: tuple[float, float] | None = None
    """When the CA wants it renewed in place of the usual time, in days from now."""
    attempts: tuple[Attempt, ...] = ()

    @property
    def step(self) -> float:
        """Days from one version to the next: renewed when a third of the life is left."""
        return self.days * 2 / 3


def _kmtui(label: str, *more: str) -> tuple[str, ...]:
    return (f"{label}.kmtui.test", *(f"{name}.kmtui.test" for name in more))


def _shop(label: str, *more: str) -> tuple[str, ...]:
    return (f"{label}.shop.test", *(f"{name}.shop.test" for name in more))


ALWAYS = SaveMode.ALWAYS
CANCELLED, PARKED = RequestStatus.CANCELLED, RequestStatus.PARKED

SAMPLES = (
    # valid, with pasts of every length
    Sample("shop", ("shop.test", "www.shop.test"), 12, 8, auto_save=ALWAYS),
    Sample("api", _kmtui("api", "api-eu"), 31, 6, key_type=KeyType.EC384, auto_save=ALWAYS),
    Sample(
        "wildcard",
        ("*.kmtui.test", "kmtui.test"),
        8,
        5,
        attempts=(Attempt(188.4, "not-visible"), Attempt(8.2, "not-visible")),
    ),
    Sample("mail", _kmtui("mail", "imap", "smtp"), 25, 4, key_type=KeyType.RSA2048),
    Sample("status", _kmtui("status"), 3, 7, auto_save=ALWAYS),
    Sample("wiki", _kmtui("wiki"), 44, 3),
    Sample("git", _kmtui("git"), 18, 5, auto_save=ALWAYS),
    Sample("login", _kmtui("login", "id"), 5, 4, revoked=(3, "keyCompromise")),
    Sample("checkout", _shop("checkout"), 15, 6, auto_save=ALWAYS),
    Sample("images", _shop("images", "static"), 37, 3),
    Sample("search", _shop("search"), 50, 2),
    Sample("tickets", _kmtui("tickets"), 28, 2, attempts=(Attempt(90, "server-error"),)),
    # the CA wants these two renewed early
    Sample("meet", _kmtui("meet", "turn"), 40, 3, window=(-1.5, 2.0)),
    Sample("monitor", _kmtui("monitor"), 21, 4, auto_save=ALWAYS, window=(1.0, 4.0)),
    Sample("registry", _kmtui("registry"), 10, 3),
    Sample("suppliers", _shop("suppliers"), 70, 2, days=180),
    Sample("edge", _shop("edge"), 1.5, 8, days=6, auto_save=ALWAYS),
    Sample("returns", _shop("returns"), 33, 2),
    # a renewal was issued and waits to be saved
    Sample("docs", _kmtui("docs"), 0.1, 4, unsaved=True),
    Sample("payments", _shop("payments", "pay"), 1.2, 5, unsaved=True),
    # due, some of them after renewals that failed
    Sample("vpn", _kmtui("vpn"), 63, 3),
    Sample(
        "warehouse",
        _shop("warehouse"),
        66,
        2,
        attempts=(Attempt(0.2, "refused"), Attempt(0.19, "refused"), Attempt(0.03, "refused")),
    ),
    Sample("intranet", _kmtui("intranet"), 71, 2, attempts=(Attempt(0.02, "limit", PARKED),)),
    Sample("partners", _shop("partners"), 130, 2, days=180),
    # expiring
    Sample(
        "chat",
        _kmtui("chat"),
        85,
        3,
        attempts=(
            *(Attempt(days, "no-record") for days in (4.6, 4.59, 4.5, 3.4, 2.3, 1.2)),
            Attempt(0.1, "no-record"),
        ),
    ),
    Sample("orders", _shop("orders"), 87.5, 4, attempts=(Attempt(1.3, "caa"),)),
    Sample("newsletter", _shop("newsletter"), 84, auto_renew=False),
    # expired
    Sample("reviews", _shop("reviews"), 96, 2, attempts=(Attempt(9.7, "refused"),)),
    Sample("survey", _shop("survey"), 140),
    # revoked
    Sample("vendor", _shop("vendor"), 30, 2, revoked=(2, "keyCompromise")),
    Sample("old-blog", _kmtui("old-blog"), 55, revoked=(1, "cessationOfOperation")),
    # a first version waits to be saved
    Sample("staging", _kmtui("staging"), 0.05, unsaved=True),
    Sample("giftcards", _shop("giftcards"), 2.4, unsaved=True),
    # nothing issued yet
    Sample(
        "files",
        _kmtui("files", "transfer"),
        versions=0,
        attempts=(Attempt(1.1, "no-record-of-two"), Attempt(1.05, "no-record", left=True)),
    ),
    Sample(
        "loyalty",
        _shop("loyalty"),
        versions=0,
        attempts=(Attempt(6, status=CANCELLED), Attempt(0.3, "rejected")),
    ),
    # archived
    Sample("summer-sale", _shop("summer"), 210, 2, archived=118),
    Sample("legacy-ftp", _kmtui("ftp"), 260, 3, archived=170),
)
PAST = 520.0
"""Days before now on which the samples' inventory was set up, before the oldest of them."""
