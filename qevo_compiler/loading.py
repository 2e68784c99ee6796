"""Compiled programs read back from the files that `CompiledProgram.write` made."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from qevo_compiler.diagnostics import CompileError, did_you_mean
from qevo_compiler.diagnostics.sources import MissingFile, NoProgram, UnknownTarget
from qevo_compiler.dialects import ising
from qevo_compiler.ir import Func, Op, parse_module
from qevo_compiler.program import CompiledProgram
from qevo_compiler.source import SourceFile, SourceMap, Span
from qevo_compiler.targets import TARGETS, load_target, manifest
from qevo_compiler.targets.common import the_file
from qevo_compiler.targets.problem_file import PROBLEM_SUFFIX


def load(path: str | Path) -> CompiledProgram:
    """Read a compiled program back from the folder (or manifest) that `write` made.

    Raises `CompileError` when the folder does not hold exactly one program, a file is missing or was
    changed, or the manifest is of another version.
    """
    path = Path(path)
    folder = os.path.isdir(path)
    found = sorted(path.glob(f"*.{manifest.SUFFIX}")) if folder else [path]
    if len(found) != 1 or not os.path.exists(found[0]):
        raise CompileError(NoProgram(None, str(path), tuple(map(str, found)) if folder else ()))
    record = manifest.read_manifest(found[0].read_bytes(), found[0].name)
    prefix = f"{record['program']}."
    contents = {
        file.removeprefix(prefix): _checked_file(found[0].parent / Path(file).name, digest)
        for file, digest in record["files"].items()
    }
    import qevo_compiler.dialects  # noqa: F401  declares every op before the text is read

    kept = parse_module(SourceFile(f"{prefix}{PROBLEM_SUFFIX}", the_file(contents, PROBLEM_SUFFIX)))
    if record["target"] not in TARGETS:
        raise CompileError(UnknownTarget(None, record["target"], did_you_mean(record["target"], TARGETS)))
    target = manifest.target_from_options(load_target(record["target"]), record["options"].get("target", {}))
    located = (_located(op, record["source"]) for op in kept.main.ops)
    main = Func("main", (), (*located, *manifest.with_scale(target.read(contents), record)))
    return CompiledProgram(kept.with_main(main), target, SourceMap(), record["options"])


def _checked_file(path: Path, digest: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CompileError(MissingFile(None, path.name, error.strerror or "it is listed in the manifest")) from None
    manifest.check_digest(path.name, content, digest)
    return content


def _located(op: Op, source: Mapping[str, str]) -> Op:
    """A register with the place where its symbol was declared."""
    place = source.get(op.symbol, "") if isinstance(op, ising.RegisterOp) else ""
    file, _, position = place.partition(":")
    line, _, column = position.partition(":")
    if not (line.isdigit() and column.isdigit()):
        return op
    return replace(op, span=Span(file, int(line), int(column), int(line), int(column) + 1))
