"""``kmtui request``: ask for certificates and watch them come."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kmtui.cli import documents
from kmtui.cli.batch import names_by_line, run_batch
from kmtui.cli.group import group
from kmtui.cli.outcome import as_error, exit_code
from kmtui.cli.output import Output, error_document, facts, table
from kmtui.cli.pages import every_page
from kmtui.cli.reports import answer_report
from kmtui.cli.session import with_core
from kmtui.cli.values import ProfileMode, read_text
from kmtui.cli.watch import watching
from kmtui.core.errors import InvalidInput, Refused
from kmtui.model import (
    Challenge,
    ChallengeChoice,
    ChallengeType,
    KeyType,
    Request,
    RequestSpec,
    RequestStatus,
    SaveMode,
)
from kmtui.status import clock, look, request_cell, when
from kmtui.text import one_line

if TYPE_CHECKING:
    from kmtui.core.core import Core

app = group("Ask for certificates and watch them come.")

Word = Annotated[str, typer.Argument(metavar="ID", help="Number or id of the request.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Return at once.")]
Force = Annotated[
    bool, typer.Option("--force", help="Even if that is too many by the local count of limits.")
]
Timeout = Annotated[
    float, typer.Option(metavar="SECONDS", min=0, help="How long to wait; then it is parked.")
]


@app.command("new")
def new(
    context: typer.Context,
    account: Annotated[str, typer.Option(metavar="A", help="Account to ask with.")],
    names: Annotated[
        list[str] | None,
        typer.Option("--domain", "-d", metavar="NAME", help="A name; repeatable."),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--from", metavar="FILE", help="One request per line; - reads stdin."),
    ] = None,
    challenge: Annotated[
        ChallengeType | None, typer.Option(help="How to prove the names; else as mapped.")
    ] = None,
    dns: Annotated[
        str | None, typer.Option(metavar="D", help="DNS account to prove them with.")
    ] = None,
    server: Annotated[
        str | None, typer.Option(metavar="S", help="End server to prove them with.")
    ] = None,
    key_type: Annotated[KeyType, typer.Option(help="Key of the certificate.")] = KeyType.EC256,
    profile: Annotated[
        str | None, typer.Option(metavar="P", help="Profile of the CA; `ca check` shows them.")
    ] = None,
    label: Annotated[
        str | None, typer.Option("--name", metavar="LABEL", help="Name of the certificate.")
    ] = None,
    save: Annotated[
        SaveMode, typer.Option(help="Save what is issued by hand, or always.")
    ] = SaveMode.ASK,
    csr: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Signing request of a key kept elsewhere.")
    ] = None,
    chain: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Chain to prefer, by the name of its top issuer."),
    ] = None,
    profile_mode: Annotated[
        ProfileMode, typer.Option(help="Whether it may be issued without the profile.")
    ] = ProfileMode.REQUIRED,
    force: Force = False,
    look: Annotated[
        bool, typer.Option("--look/--no-look", help="Look at the DNS of -d names first.")
    ] = True,
    no_wait: NoWait = False,
    timeout: Timeout = 300,
) -> int:
    """Ask for a certificate, or for one per line of a file, and wait until it is issued.

    \b
    kmtui request new -d www.example.org -d example.org --account main
    kmtui request new -d '*.example.org' --account main --dns ns1 --save always
    kmtui request new --from names.txt --account main
    """
    _check_source(names, source, label, csr)
    seconds = None if no_wait else timeout

    def spec(these: tuple[str, ...]) -> RequestSpec:
        choice = ChallengeChoice(type=challenge, dns_account=dns, server=server)
        return RequestSpec(
            names=these,
            account=account,
            key_type=key_type,
            profile=profile,
            label=label,
            auto_save=save,
            choices={"": choice} if challenge or dns or server else {},
            csr_pem=read_text(csr, "csr") if csr else None,
            preferred_chain=chain,
            profile_required=profile_mode.required,
        )

    async def one(core: Core, out: Output) -> int:
        wanted = spec(tuple(names or _names_of(csr)))
        if look:
            await _look_first(core, out, wanted, forced=force)
        request = await core.requests.create(wanted, start=not no_wait, forced=force)
        return await _follow(core, out, request, seconds)

    async def many(core: Core, out: Output) -> int:
        specs = [spec(line) for line in names_by_line(source or "-")]
        return await run_batch(core, out, specs, seconds, forced=force)

    return with_core(context, many if source else one, change=True)


@app.command("check")
def check(
    context: typer.Context,
    names: Annotated[
        list[str], typer.Option("--domain", "-d", metavar="NAME", help="A name; repeatable.")
    ],
    account: Annotated[str, typer.Option(metavar="A", help="Account that would ask.")],
    challenge: Annotated[
        ChallengeType | None, typer.Option(help="How to prove the names; else as mapped.")
    ] = None,
    dns: Annotated[
        str | None, typer.Option(metavar="D", help="DNS account to prove them with.")
    ] = None,
    server: Annotated[
        str | None, typer.Option(metavar="S", help="End server to prove them with.")
    ] = None,
) -> int:
    """Tell what would happen, without asking the CA for anything; 1 when something cannot work.

    Mappings, rate limits, zones and their delegation, aliases and CAA records are looked at.

    
    kmtui request check -d www.example.org -d '*.example.org' --account main
    """

    async def act(core: Core, out: Output) -> int:
        choice = ChallengeChoice(type=challenge, dns_account=dns, server=server)
        wanted = RequestSpec(
            names=tuple(names),
            account=account,
            choices={"": choice} if challenge or dns or server else {},
        )
        lines = await core.requests.check(wanted)
        if all(line.ok is not False for line in lines):
            lines += await core.requests.advise(wanted)
        return answer_report(out, "request", ", ".join(names), lines)

    return with_core(context, act, change=True)


@app.command("list")
def list_requests(
    context: typer.Context,
    status: Annotated[
        RequestStatus | None, typer.Option(metavar="S", help="Only those in this status.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="At most so many, newest first.")
    ] = None,
) -> int:
    """List the requests, newest first.

    \b
    kmtui request list
    kmtui request list --status failed --limit 20
    """

    async def act(core: Core, out: Output) -> None:
        rows: list[Request] = []
        async for row in every_page(core.requests.page, text=f"status:{status}" if status else ""):
            if len(rows) == limit:
                break
            rows.append(row)
        out.answer(
            {"requests": [documents.request(row) for row in rows]},
            table(
                ["#", "created", "kind", "names", "account", "status", "step / why"],
                [
                    (
                        row.number,
                        when(row.created_at),
                        row.kind,
                        row.names,
                        row.account,
                        row.status,
                        request_cell(row)[0],
                    )
                    for row in rows
                ],
            ),
        )

    return with_core(context, act)


@app.command("show")
def show(context: typer.Context, request: Word) -> int:
    """Show a request, its challenges and what each name server sees.

    \b
    kmtui request show 17
    """

    async def act(core: Core, out: Output) -> None:
        await _answer(core, out, await core.requests.get(request))

    return with_core(context, act)


@app.command("retry")
def retry(
    context: typer.Context, request: Word, force: Force = False, timeout: Timeout = 300
) -> int:
    """Try again: a failed request anew, a cut-off one from where it stood.

    \b
    kmtui request retry 17
    """

    async def act(core: Core, out: Output) -> int:
        return await _follow(core, out, await core.requests.retry(request, forced=force), timeout)

    return with_core(context, act, change=True)


@app.command("cancel")
def cancel(context: typer.Context, request: Word) -> int:
    """Stop a request that is under way and remove what it published.

    \b
    kmtui request cancel 17
    """

    async def act(core: Core, out: Output) -> None:
        await _answer(core, out, await core.requests.cancel(request))

    return with_core(context, act, change=True)


@app.command("log")
def log(context: typer.Context, request: Word) -> int:
    """Show everything that was done for a request.

    \b
    kmtui request log 17
    """

    async def act(core: Core, out: Output) -> None:
        lines = await core.requests.log(request)
        out.answer(
            {"log": [documents.log_line(line) for line in lines]},
            [
                f"{when(line.at)}{clock(line.at)[5:]} {look(line.level).glyph} "
                f"{one_line(line.text)}"
                for line in lines
            ],
        )

    return with_core(context, act)


async def _look_first(core: Core, out: Output, spec: RequestSpec, *, forced: bool) -> None:
    """Say what a look at the DNS tells. Raises Refused for what no CA could get past."""
    lines = await core.requests.advise(spec)
    for line in lines:
        if line.ok is not True:
            out.note(line.text)
    obstacles = [line.text for line in lines if line.ok is False]
    if obstacles and not forced:
        raise Refused(
            f"no CA could issue this: {'; '.join(obstacles)}",
            hint="correct it, or give --force when this host sees another DNS than the CA",
        )


async def _follow(core: Core, out: Output, request: Request, seconds: float | None) -> int:
    """Watch a started request for so long (None: not at all), answer with where it stands."""
    if seconds is not None:
        async with watching(core, out, [request]):
            request = await core.requests.wait(request.id, seconds=seconds)
            request = await core.requests.park(request.id)
    await _answer(core, out, request)
    return 0 if seconds is None else exit_code(request)


async def _answer(core: Core, out: Output, request: Request) -> None:
    challenges = await core.requests.challenges(request.id)
    document = {"request": documents.request(request, challenges)}
    if request.status == RequestStatus.FAILED and request.problem is not None:
        document["error"] = error_document(as_error(request.problem))
    out.answer(document, _lines(request, challenges))


def _lines(request: Request, challenges: list[Challenge]) -> list[str]:
    problem = request.problem
    lines = facts(
        [
            ("Request", f"#{request.number} ({request.kind})"),
            ("Certificate", request.certificate),
            ("Names", request.names),
            ("Account", request.account),
            ("Status", request.status),
            ("Step", request.step),
            ("Version", request.version),
            ("Created", when(request.created_at)),
            ("Finished", request.finished_at and when(request.finished_at)),
            ("Not before", request.not_before and when(request.not_before)),
            ("Order", request.order_url),
            ("What", problem and problem.what),
            ("The CA says", problem and problem.detail),
            ("Hint", problem and problem.hint),
            ("Link", problem and problem.instance),
            *[(sub.identifier, sub.detail) for sub in (problem.subproblems if problem else ())],
        ]
    )
    if challenges:
        lines += ["", *_challenge_lines(challenges)]
    return lines


def _challenge_lines(challenges: list[Challenge]) -> list[str]:
    return table(
        ["name", "challenge", "by", "status", "seen", "detail"],
        [
            (
                row.identifier,
                row.type,
                row.via,
                row.status,
                f"{sum(sight.seen for sight in row.servers)}/{len(row.servers)}",
                row.detail,
            )
            for row in challenges
        ],
    )


def _check_source(
    names: list[str] | None, source: str | None, label: str | None, csr: Path | None
) -> None:
    if bool(names or csr) == bool(source):
        raise InvalidInput(
            "give the names with -d, or a file of them with --from; --csr brings its own",
            field="domain",
        )
    if source and label:
        raise InvalidInput("--name belongs to one request, not to --from", field="name")


def _names_of(csr: Path | None) -> tuple[str, ...]:
    from kmtui.core.keys import read_csr

    assert csr is not None
    return read_csr(read_text(csr, "csr")).names
