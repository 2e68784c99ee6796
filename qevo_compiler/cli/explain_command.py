"""Explain an error code (`qevoc explain Q0204`) or a part of a compiled program (`qevoc explain out/ --var s17`)."""

from __future__ import annotations

import argparse
import os
import re


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("subject", help="an error code, or the folder of a compiled program")
    parser.add_argument(
        "--var", metavar="NAME", help="a spin (s17), a symbol of the source (take), or an element of it (take[3])"
    )
    parser.add_argument("--coupling", metavar="S,S", help="two spins (s3,s9): what their coupling is the sum of")
    parser.add_argument(
        "--constraint", metavar="NAME", help="a constraint (fits) or an instance (visit[3]): its penalty"
    )


def run(args: argparse.Namespace) -> int:
    if re.fullmatch(r"[Qq]\d{4}", args.subject):
        return _explain_code(args.subject.upper())
    from qevo_compiler.diagnostics import CompileError
    from qevo_compiler.diagnostics.sources import NoProgram
    from qevo_compiler.loading import load

    if os.path.isfile(args.subject) and not args.subject.endswith(".json"):
        raise CompileError(NoProgram(None, args.subject, ()))
    program = load(args.subject)
    lines: list[str] = []
    if args.var:
        lines += program.explain(args.var)
    if args.coupling:
        first, _, second = args.coupling.partition(",")
        lines += program.explain_coupling(first, second)
    if args.constraint:
        lines += program.explain_constraint(args.constraint)
    if not (args.var or args.coupling or args.constraint):
        lines += [line for register in program.provenance for line in program.explain(register.symbol)]
    for line in lines:
        print(line)
    return 0


def _explain_code(code: str) -> int:
    from qevo_compiler.diagnostics import CompileError, did_you_mean
    from qevo_compiler.diagnostics.index import all_diagnostics, explanation, worded
    from qevo_compiler.diagnostics.sources import UnknownCode

    known = all_diagnostics()
    if code not in known:
        raise CompileError(UnknownCode(None, code, did_you_mean(code, known)))
    cls = known[code]
    print(f"{code} ({cls.severity.value}): {worded(cls.title)}\n\n{explanation(cls)}")
    return 0
