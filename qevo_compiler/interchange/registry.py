"""The formats by name, what they are told by, and reading and writing them. Each is imported when first asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from qevo_compiler.diagnostics import CompileError, did_you_mean
from qevo_compiler.diagnostics.interchange.files import CannotGuess, UnknownFormat
from qevo_compiler.diagnostics.interchange.models import NoProgramText
from qevo_compiler.dialects import ising
from qevo_compiler.interchange.inputs import InputFile
from qevo_compiler.interchange.problems import Model, to_model
from qevo_compiler.interchange.program_text import ProgramText
from qevo_compiler.ir import Invalid, Module
from qevo_compiler.source import SourceMap


@dataclass(frozen=True)
class Format:
    """Where a format's functions stand, and what a file of it looks like.

    `reader`, `writer` and `programmer` name functions of `module` (None: it cannot do that). A file is
    taken for this format by its suffix, else by `head`, a pattern over its first bytes.
    """

    title: str
    module: str
    suffixes: tuple[str, ...]
    head: bytes | None = None
    reader: str = "read"
    writer: str | None = None
    programmer: str | None = None

    def function(self, name: str) -> Callable[..., Any]:
        """A function of the format's module."""
        found: Callable[..., Any] = getattr(import_module(f"qevo_compiler.interchange.{self.module}"), name)
        return found


# In the order in which heads are tried: a G-set graph looks like the start of much else.
FORMATS = {
    "bqm": Format("dimod's binary quadratic model", "bqm_file", (".bqm",), rb"DIMODBQM", writer="chunks"),
    "bqm-json": Format(
        "dimod's binary quadratic model as JSON",
        "bqm_file",
        (".bqm.json",),
        rb"\s*\{(?s:.)*\"BinaryQuadraticModel\"",
        "read_json",
        "json_chunks",
    ),
    "bqpjson": Format(
        "BQPJSON 1.0.0",
        "bqpjson",
        (".bqpjson", ".bqp.json"),
        rb"\s*\{(?s:.)*\"(?:variable_\w+|\w+_terms)\"",
        writer="chunks",
    ),
    "qplib": Format(
        "QPLIB", "qplib", (".qplib",), rb"\s*[^\n]*\n\s*[LDCQ][CBMIG][NBLDCQ]\s*(?:#[^\n]*)?\n", writer="chunks"
    ),
    "lp": Format(
        "LP",
        "lp",
        (".lp",),
        rb"(?is)(?:\s|\\[^\n]*\n)*(?:min|max)(?:imi[sz]e|imum)?\s.*\n\s*(?:subject\s+to|st|bounds?|end)\s",
        writer="chunks",
    ),
    "mps": Format(
        "MPS", "mps", (".mps",), rb"(?:\*[^\n]*\n|\s)*NAME(?:[ \t][^\n]*)?\n(?:\*[^\n]*\n|\s)*(?:OBJSENSE|ROWS)\s"
    ),
    "ommx": Format("OMMX instance", "ommx", (".ommx.pb", ".ommx"), writer="chunks"),
    "tsplib": Format(
        "TSPLIB 95", "tsplib", (".tsp",), rb"\s*(?:NAME|TYPE|COMMENT|DIMENSION)\s*:", programmer="program"
    ),
    "qubo": Format(
        "QUBO with a `p qubo` head", "coo", (".qubo",), rb"(?:c[ \t\r\n][^\n]*\n|\s)*p\s+qubo\s", writer="qubo_chunks"
    ),
    "qkp": Format(
        "quadratic knapsack", "qkp", (), rb"[^\n]*[A-Za-z_][^\n]*\n\s*\d+\s*\n[\s\d.]+", programmer="program"
    ),
    "coo": Format("QUBO or Ising model as coordinates", "coo", (".coo",), rb"\s*#.*?vartype", writer="chunks"),
    "biqmac": Format("Biq Mac QUBO", "biqmac", (".sparse",), None, programmer="program"),
    "gset": Format(
        "max-cut graph of the G-set",
        "gset",
        (".gset", ".mc", ".rud"),
        rb"\s*\d+[ \t]+\d+[^\n]*\n\s*\d+[ \t]+\d+[ \t]+-?[\d.]+",
        programmer="program",
    ),
}
_HEAD = 1 << 16


def names(able: str = "reader") -> tuple[str, ...]:
    """The formats that have a `reader`, `writer` or `programmer`, in alphabetic order."""
    return tuple(sorted(name for name, format in FORMATS.items() if getattr(format, able) is not None))


def guess(file: InputFile) -> str | None:
    """The format of a file by its longest known suffix, else by its first lines, or None."""
    lower = file.name.lower()
    found = [(suffix, name) for name, format in FORMATS.items() for suffix in format.suffixes if lower.endswith(suffix)]
    if found:
        return max(found, key=lambda item: len(item[0]))[1]
    head = file.content[:_HEAD]
    return next((name for name, f in FORMATS.items() if f.head is not None and re.match(f.head, head)), None)


def chosen(file: InputFile, name: str | None) -> Format:
    """The format called `name`, or the one that the file seems to have. Raises `CompileError` where there is none."""
    name = name or guess(file)
    if name is None:
        raise CompileError(CannotGuess(None, file.name, _listed(names())))
    if name not in FORMATS:
        raise CompileError(UnknownFormat(None, name, _listed(names()), did_you_mean(name, FORMATS)))
    return FORMATS[name]


def read_problem(file: InputFile, name: str | None = None, sources: SourceMap | None = None) -> Module:
    """The module of a file at the stage `polynomial`. Raises `CompileError` where the file is wrong.

    `sources` gets the file's text, so that a caller can show the lines that diagnostics point at.
    """
    if sources is not None:
        sources.add(file.source)
    format = chosen(file, name)
    module: Module = format.function(format.reader)(file)
    return module


def read_program(file: InputFile, name: str | None = None, sources: SourceMap | None = None) -> ProgramText:
    """The problem of a file as a readable program. Raises `CompileError` for formats that have none."""
    if sources is not None:
        sources.add(file.source)
    format = chosen(file, name)
    if format.programmer is None:
        title = next(key for key, value in FORMATS.items() if value is format)
        raise CompileError(NoProgramText(None, title, _listed(names("programmer"))))
    text: ProgramText = format.function(format.programmer)(file)
    return text


def write_model(model: Model, name: str) -> Iterator[bytes]:
    """The bytes of a model in a writable format, in pieces; the same bytes for the same model."""
    format = FORMATS[name]
    assert format.writer is not None
    pieces: Iterator[bytes] = format.function(format.writer)(model)
    return pieces


def read_model(content: bytes, name: str) -> Model:
    """The model that written bytes state. Raises `CompileError` or `Invalid` where they state none."""
    model = to_model(FORMATS[name].function(FORMATS[name].reader)(InputFile(name, content)))
    model.verify()
    return model


def check_writable(model: Model, name: str) -> None:
    """Raise where a format cannot hold a model, before a byte is written: `Invalid` for spins, `CompileError`
    for a missing package."""
    if name in ("lp", "ommx", "qplib", "qubo") and not isinstance(model, ising.QuboOp):
        raise Invalid(f"the format `{name}` holds bits, not spins")
    if name == "ommx":
        FORMATS[name].function("need_package")()


def _listed(items: tuple[str, ...]) -> str:
    return ", ".join(f"`{item}`" for item in items)
