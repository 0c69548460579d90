"""``kmtui check``: whether anything needs an operator, for a monitor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from kmtui.cli.documents import moment
from kmtui.cli.group import group
from kmtui.cli.output import Output
from kmtui.cli.session import with_core
from kmtui.cli.values import duration
from kmtui.text import one_line

if TYPE_CHECKING:
    from kmtui.core.core import Core
    from kmtui.core.last_run import LastRun

app = group()


@app.command("check")
def check(
    context: typer.Context,
    within: Annotated[
        str, typer.Option(metavar="14d", help="How much life is too little.")
    ] = "14d",
) -> int:
    """Say what expires, failed or is left over, a line each; nothing and code 0 when all is fine.

    It asks no CA and needs no key. A crontab mails what it prints; monitors take the code: 1 when
    anything needs an operator.

    \b
    kmtui check
    kmtui check --within 30d --json
    """
    life = duration(within, "within")

    async def act(core: Core, out: Output) -> int:
        alerts = await core.alerts.all(within=life)
        last = await core.alerts.last_run()
        out.answer(
            {
                "alerts": [
                    {
                        "what": alert.what,
                        "certificate": alert.certificate,
                        "ca": alert.ca,
                        "text": alert.text,
                    }
                    for alert in alerts
                ],
                "last_run": last and _last_run(last),
            },
            [
                one_line(f"{alert.certificate or alert.ca or 'kmtui'}: {alert.text}")
                for alert in alerts
            ],
        )
        return 1 if alerts else 0

    return with_core(context, act)


def _last_run(run: LastRun) -> dict[str, Any]:
    return {
        "at": moment(run.at),
        "actor": run.actor,
        "due": run.due,
        "renewed": run.renewed,
        "failed": run.failed,
        "error": run.error or None,
    }
