"""The root command: global options, exit codes, and the one place where errors become output."""

from __future__ import annotations

import logging
import os
import sys
import uuid
from pathlib import Path
from typing import Annotated, Any, get_args

import typer
from typer.exceptions import Abort, TyperException

from kmtui import __version__
from kmtui.cli.group import Root
from kmtui.cli.output import Output
from kmtui.cli.screen import open_screen
from kmtui.cli.session import Interrupted, Invocation
from kmtui.config import Options, gather, harden_process
from kmtui.core.errors import InvalidInput, KmtuiError

PROGRAM = "kmtui"

app = typer.Typer(
    cls=Root,
    invoke_without_command=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100},
)


def run(arguments: list[str]) -> int:
    """Run one command line; returns the exit code of the command contract, never raises."""
    harden_process()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    arguments, json = _take_json(arguments)
    output = Output(json=json)
    try:
        code = typer.main.get_command(app).main(
            args=arguments, prog_name=PROGRAM, standalone_mode=False, obj=output
        )
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has enough (`kmtui cert list | head`); Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Interrupted as exc:
        output.note(f"kmtui: {exc}")
        return exc.exit_code
    except (KeyboardInterrupt, Abort):
        output.note("kmtui: interrupted")
        return 130
    except KmtuiError as exc:
        output.error(exc)
        return exc.exit_code
    except TyperException as exc:
        output.error(_usage(exc))
        return exc.exit_code
    except Exception as exc:  # noqa: BLE001 - the last resort: say it without locals or secrets
        output.error(_unexpected(exc))
        return 1
    return code if isinstance(code, int) else 0


@app.callback()
def root(
    context: typer.Context,
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Data directory. [env: KMTUI_DATA]")
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Unlock with a key file. [env: KMTUI_KEY_FILE]"),
    ] = None,
    passphrase_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Unlock with a passphrase. [env: KMTUI_PASSPHRASE_FILE]"),
    ] = None,
    passphrase_fd: Annotated[
        int | None,
        typer.Option(metavar="N", min=0, help="Unlock with a passphrase from a descriptor."),
    ] = None,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Browse only. [env: KMTUI_READ_ONLY]")
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="One JSON document on stdout; also after the command.")
    ] = False,
    log_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Append a log without secrets.")
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Log more.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> int:
    """A workbench for TLS certificates from ACME certificate authorities.

    Without a command the screen opens. `kmtui demo` lets you practise without a CA.
    """
    output = context.find_object(Output)
    assert output is not None
    if version:
        output.answer({"version": __version__}, [f"{PROGRAM} {__version__}"])
        raise typer.Exit(0)
    options = gather(
        os.environ,
        data=data,
        key_file=key_file,
        passphrase_file=passphrase_file,
        passphrase_fd=passphrase_fd,
        read_only=read_only,
        json=output.json,
        log_file=log_file,
        debug=debug,
    )
    _start_log(options)
    context.obj = Invocation(options, output)
    if context.invoked_subcommand is None:
        return open_screen(options)
    return 0


def _start_log(options: Options) -> None:
    if options.log_file is None:
        logging.getLogger().addHandler(logging.NullHandler())
        return
    from kmtui.core.log import Redactor, start_logging

    start_logging(options.log_file, debug=options.debug, redactor=Redactor())


def _take_json(arguments: list[str]) -> tuple[list[str], bool]:
    """The arguments without ``--json``, which may stand anywhere before ``--``."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    rest = [word for word in arguments[:end] if word != "--json"]
    return rest + arguments[end:], len(rest) < end


def _usage(exc: TyperException) -> KmtuiError:
    """A wrong command line, as any other bad input."""
    context: Any = getattr(exc, "ctx", None)
    path = context.command_path if context is not None else PROGRAM
    message = exc.format_message().replace(": Value error, ", ": ")
    param: Any = getattr(exc, "param", None)
    # Where any case is taken, the words are told in lower case.
    declared = getattr(getattr(param, "type_descriptor", None), "annotation", None)
    for kind in (declared, *get_args(declared)):
        for word in getattr(kind, "__members__", {}).values():
            message = message.replace(f"'{str(word).casefold()}'", f"'{word}'")
    return InvalidInput(
        message[:1].lower() + message[1:],
        field=(param.name or "").replace("_", "-") if param is not None else "",
        hint=f"{path} --help",
    )


def _unexpected(exc: Exception) -> KmtuiError:
    """A defect: one line with a number to find it in the log, where the frames are."""
    mark = uuid.uuid4().hex[:8]
    logging.getLogger("kmtui").error("unexpected error %s", mark, exc_info=exc)
    last = exc.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    where = f"{Path(last.tb_frame.f_code.co_filename).name}:{last.tb_lineno}" if last else "?"
    return KmtuiError(
        f"unexpected error {mark}: {type(exc).__name__} in {where}",
        hint="run again with --log-file FILE --debug and report what the log says",
    )
