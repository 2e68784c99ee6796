"""The entry point of `qevoc`: picks the subcommand, renders what goes wrong, sets the exit code."""

from __future__ import annotations

import errno
import os
import sys

from qevo_compiler import __version__

TYPE_CHECKING = False  # as typing's, without importing typing: `qevoc --version` starts like Python itself
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from typing import NoReturn, Protocol

    class Command(Protocol):
        """What each `cli/<name>_command.py` offers."""

        def configure(self, parser: argparse.ArgumentParser) -> None: ...

        def run(self, args: argparse.Namespace) -> int: ...


OK, WRONG_PROGRAM, USAGE, OUR_BUG = 0, 1, 2, 70

COMMANDS = {
    "compile": "compile a program or a model for a target",
    "run": "compile if needed, sample, decode and print the answer",
    "import": "read a file of another tool and write it as a program or a module",
    "check": "report every error of a program and write nothing",
    "fmt": "print or rewrite a program in the canonical layout",
    "opt": "run passes on IR: IR in, IR out",
    "eval": "evaluate IR numerically",
    "explain": "explain an error code, or names of a compiled program: spins, couplings, constraints, qubits",
    "passes": "list the passes, or the options of one",
    "targets": "list the targets, or the options of one",
}


def load_command(name: str) -> Command:
    """The module of a subcommand."""
    from importlib import import_module

    command: Command = import_module(f"qevo_compiler.cli.{name}_command")
    return command


def main(argv: Sequence[str] | None = None) -> int:
    """Run `qevoc` and return its exit code: 0 done, 1 the program is wrong, 2 usage, 70 our bug."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments == ["--version"]:
        print(f"qevoc {__version__}")
        return OK
    # Only the chosen command is imported, so that every command starts fast.
    chosen = arguments[0] if arguments and arguments[0] in COMMANDS else None
    try:
        args, unknown = make_parser([chosen] if chosen else list(COMMANDS)).parse_known_args(arguments)
        if unknown:
            _refuse(unknown, args.parser)
        return _guarded(args)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def make_parser(names: Sequence[str]) -> argparse.ArgumentParser:
    """The argument parser with the given subcommands configured."""
    # Imports stand inside functions here: `qevoc --version` costs little more than the interpreter.
    import argparse

    parser = argparse.ArgumentParser(
        prog="qevoc",
        description="Compile models into quantum programs.",
        epilog="Compiling or running a .py model executes that file. .qevo, .qir and data files never execute code.",
    )
    parser.add_argument("--version", action="version", version=f"qevoc {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in names:
        command = load_command(name)
        described = commands.add_parser(name, help=COMMANDS[name], description=command.__doc__)
        described.add_argument(
            "--color", choices=("auto", "always", "never"), default="auto", help="colour on stderr and in tables"
        )
        command.configure(described)
        described.set_defaults(run=command.run, parser=described)
    return parser


def _refuse(unknown: Sequence[str], parser: argparse.ArgumentParser) -> NoReturn:
    """Leave with the usage of the subcommand, which is where the mistake is."""
    from qevo_compiler.diagnostics import did_you_mean

    known = [option for action in parser._actions for option in action.option_strings]
    hint = next(filter(None, (did_you_mean(argument.partition("=")[0], known) for argument in unknown)), "")
    parser.error(f"unknown arguments: {' '.join(unknown)}{hint and f'; {hint}'}")


def _guarded(args: argparse.Namespace) -> int:
    from qevo_compiler.cli.common import report
    from qevo_compiler.diagnostics import CompileError
    from qevo_compiler.diagnostics.sources import CannotWrite
    from qevo_compiler.source import SourceMap

    args.sources = SourceMap()
    try:
        code = int(args.run(args))
        # What the system refuses to write is met here, not by the interpreter's last flush.
        sys.stdout.flush()
        return code
    except CompileError as error:
        report(error.diagnostics, args)
        return WRONG_PROGRAM
    except BrokenPipeError:
        # The reader of our output left; point stdout away so that the interpreter's last flush is quiet.
        _discard_output()
        return OK
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG) or error.filename is not None:
            _report_bug(error)
            return OUR_BUG
        _discard_output()
        report([CannotWrite(None, "standard output", error.strerror or str(error))], args)
        return WRONG_PROGRAM
    except Exception as error:
        _report_bug(error)
        return OUR_BUG


def _discard_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _report_bug(error: Exception) -> None:
    import tempfile
    import traceback

    print(f"qevoc: internal error: {error or type(error).__name__}", file=sys.stderr)
    cause = error.__cause__ or error
    frames = traceback.extract_tb(cause.__traceback__)
    if frames:
        print(f"  in {frames[-1].name} ({os.path.basename(frames[-1].filename)}:{frames[-1].lineno})", file=sys.stderr)
    ir, rest = getattr(error, "ir", None), getattr(error, "rest", None)
    if ir is not None:
        with tempfile.NamedTemporaryFile("w", suffix=".qir", prefix="qevoc-bug-", delete=False) as out:
            out.write(ir)
        print(f"  to reproduce: qevoc opt {out.name} -p '{rest}'", file=sys.stderr)
    print("  this is a bug in qevoc, not in your program; please report it with the lines above", file=sys.stderr)
    if os.environ.get("QEVOC_TRACEBACK"):
        traceback.print_exception(error)


# Commands whose linear algebra runs on one thread at most (see `Pipeline.run`).
SERIAL = frozenset({"check", "compile", "explain", "fmt", "import", "opt", "passes", "targets"})


def entry() -> None:
    """The console script."""
    if len(sys.argv) > 1 and sys.argv[1] in SERIAL:
        # Starting a thread a core costs as much as importing numpy, and these commands would not use them.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    sys.exit(main())
