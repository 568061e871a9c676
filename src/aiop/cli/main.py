"""The entry point: puts the commands together, and turns whatever happens into lines and an exit code."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from typer.exceptions import TyperException

from aiop.cli import (
    agent,
    audit,
    db,
    execution,
    execution_files,
    image,
    login,
    pipeline,
    pipeline_run,
    run,
    secret,
    serve,
    status,
    token,
    top,
    unshare,
    user,
    version,
    watch_command,
    workflow,
)
from aiop.cli.exits import Exit, Failure
from aiop.cli.text import plain

__all__ = ["app", "main"]

# Plain help starts three times as fast as decorated help, and reads well through a pager too.
app = typer.Typer(
    name="aiop",
    help="Runs graphs of container steps, durably.",
    rich_markup_mode=None,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    epilog="Where the service is: --server of each command, AIOP_SERVER, the last login, http://127.0.0.1:8000.",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def options(
    show_version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=version.show_and_exit, help="Print the version.")
    ] = False,
) -> None:
    """Runs graphs of container steps, durably."""


app.command(epilog=serve.EXAMPLES)(serve.serve)
app.command(epilog=login.LOGIN_EXAMPLES)(login.login)
app.command(epilog=login.LOGOUT_EXAMPLES)(login.logout)
app.command(epilog=status.EXAMPLES)(status.status)
app.command(epilog=top.EXAMPLES)(top.top)
app.command(epilog=watch_command.EXAMPLES)(watch_command.watch)
workflow.app.command("run", epilog=run.EXAMPLES)(run.run)
app.add_typer(workflow.app)
pipeline.app.command("run", epilog=pipeline_run.EXAMPLES)(pipeline_run.run)
app.add_typer(pipeline.app)
execution.app.command("watch", epilog=watch_command.EXAMPLES.replace("aiop", "aiop execution"))(watch_command.watch)
execution_files.add_to(execution.app)
app.add_typer(execution.app)
app.add_typer(agent.app)
app.add_typer(image.app)
app.add_typer(secret.app)
app.add_typer(token.app)
app.add_typer(user.app)
app.add_typer(db.app)
app.command(epilog=audit.EXAMPLES)(audit.audit)
app.command(
    epilog=unshare.EXAMPLES, context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False}
)(unshare.unshare)
app.command(epilog=version.EXAMPLES)(version.version)


def main() -> None:
    """Run the program; never returns."""
    # httpx brings a command line of its own, which takes long to load; this says that it is not there
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # a log may hold characters that this terminal does not know
            stream.reconfigure(errors="replace")
    sys.exit(run_program(sys.argv[1:]))


def run_program(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code. No traceback ever gets to the user, unless ``AIOP_DEBUG`` is set."""
    try:
        result = app(args=list(arguments), prog_name="aiop", standalone_mode=False)
        sys.stdout.flush()
    except Failure as failure:
        _report(failure)
        return failure.code
    except TyperException as error:
        error.show() if hasattr(error, "show") else print(f"aiop: {error}", file=sys.stderr)
        return error.exit_code
    except typer.Abort:  # of a prompt
        print("aiop: nothing was done", file=sys.stderr)
        return Exit.INTERRUPTED
    except BrokenPipeError:
        return _broken_pipe()
    except SystemExit as end:
        # shell completion ends so; apart from it only the libraries do, on a pipe that nobody reads any more
        return int(end.code or 0) if "_AIOP_COMPLETE" in os.environ else _broken_pipe()
    except Exception as error:
        if os.environ.get("AIOP_DEBUG"):
            raise
        print(f"aiop: unexpected {type(error).__name__}: {error}", file=sys.stderr)
        print("Set AIOP_DEBUG=1 to see where, and please report it.", file=sys.stderr)
        return Exit.INTERNAL
    if result == Exit.INTERRUPTED:  # typer makes this of a KeyboardInterrupt
        print("aiop: interrupted", file=sys.stderr)
    return result if isinstance(result, int) else Exit.OK


def _report(failure: Failure) -> None:
    lines = [f"aiop: {failure.message}", *(f"  {detail}" for detail in failure.details), failure.hint]
    print(plain("\n".join(lines)), file=sys.stderr)


def _broken_pipe() -> int:
    # else the interpreter complains when it flushes on its way out
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
    return Exit.BROKEN_PIPE
