"""Explain an error code (`qevoc explain Q0204`) or what names of a compiled program stand for.

`qevoc explain out/ s17` says what a spin is, `s3,s9` what a coupling is the sum of, `take` and `take[3]` which spins a
variable or an element has, `visit[3]` what became of a constraint, and `q[17]` which spin a circuit's qubit holds.
Without names it lists the symbols.
"""

from __future__ import annotations

import argparse
import os
import re


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("subject", help="an error code, or the folder of a compiled program")
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="a spin s17, coupling s3,s9, take, take[3], visit[3] or qubit q[17]",
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
    names = args.names or dict.fromkeys(register.symbol for register in program.provenance)
    for line in [line for name in names for line in program.explain(name)]:
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
