"""`NAME.manifest.json`: what a compiled program consists of and how far it can be trusted.

Sorted JSON without times, paths, versions of tools or keys: the target and its options, the SHA-256 of
every file, the registers that say which spin stands for what, the whole ledger, and where each symbol
was declared.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from enum import Enum
from typing import Any, TypeVar

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.targets import BadManifest, FileChanged, ManifestVersion
from qevo_compiler.dialects import ising, linear
from qevo_compiler.dialects.problem import ConstraintOp, VariableOp
from qevo_compiler.ir import Func, LedgerEntry, Module, Op
from qevo_compiler.targets.base import Target

VERSION = 1
SUFFIX = "manifest.json"
_KEYS: dict[str, type] = {
    "program": str,
    "target": str,
    "options": dict,
    "files": dict,
    "ledger": list,
    "registers": list,
    "decoder": dict,
    "source": dict,
}
_TEXTS = ("files", "decoder", "source")
TargetT = TypeVar("TargetT", bound=Target)


def manifest(
    module: Module,
    target_name: str,
    options: Mapping[str, Any],
    files: Mapping[str, str],
    source: Mapping[str, str] | None = None,
) -> bytes:
    """The manifest's bytes; the program's name is the module's.

    `options` may nest mappings and hold enumerations; `files` maps file names to SHA-256 hex digests;
    `source` maps symbols to `file:line:column`, None takes the places that the module's ops came from.
    """
    members = {
        "qevo_manifest": VERSION,
        "program": module.name,
        "target": target_name,
        "options": _plain(options),
        "files": dict(files),
        "ledger": [_entry(entry) for entry in module.ledger],
        "registers": [_register(op) for op in module.main.ops_of(ising.RegisterOp)],
        "model": _model(module),
        "decoder": {"problem": f"{module.name}.problem.qir"},
        "source": dict(sources(module) if source is None else source),
    }
    history = module.find("history")
    if history is not None:
        members["history"] = _history(history)
    return (json.dumps(members, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()


def sources(module: Module) -> dict[str, str]:
    """Where each symbol of registers, variables and constraints was declared, as `file:line:column`."""
    return {
        op.symbol: str(op.span)
        for func in module.funcs
        for op in func.ops
        if op.span is not None and isinstance(op, (ising.RegisterOp, VariableOp, ConstraintOp))
    }


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def read_manifest(content: bytes, name: str = SUFFIX) -> dict[str, Any]:
    """The manifest as a dictionary; `name` is the file's, for messages.

    Raises `CompileError` when the bytes are no JSON object (cut short, edited), have another version, or
    lack a key or hold it with another type.
    """
    try:
        found = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError):
        raise CompileError(BadManifest(None, name, "it is not JSON; is it cut short?")) from None
    if not isinstance(found, dict) or "qevo_manifest" not in found:
        raise CompileError(BadManifest(None, name, "it lacks `qevo_manifest`"))
    version = found["qevo_manifest"]
    if version != VERSION or isinstance(version, bool):
        raise CompileError(ManifestVersion(None, name, json.dumps(version), VERSION))
    wrong = [key for key, kind in _KEYS.items() if not isinstance(found.get(key), kind)]
    wrong += [key for key in _TEXTS if key not in wrong and not all(map(_is_text, found[key].values()))]
    if wrong:
        raise CompileError(*(BadManifest(None, name, f"`{key}` is missing or malformed") for key in wrong))
    return found


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def check_digest(file: str, content: bytes, digest: str) -> None:
    """Raise `CompileError` when a file's SHA-256 is not the one that its manifest lists."""
    if sha256(content) != digest:
        raise CompileError(FileChanged(None, file))


def with_scale(ops: Iterable[Op], found: Mapping[str, Any]) -> tuple[Op, ...]:
    """Ops read from a program's files, with the model's scale, which only the manifest keeps.

    Raises `CompileError` when the manifest's `model` holds no positive number for it.
    """
    model = found.get("model")
    scale = model.get("scale") if isinstance(model, dict) else 1.0
    if isinstance(scale, bool) or not isinstance(scale, (int, float)) or not 0 < scale < math.inf:
        raise CompileError(BadManifest(None, SUFFIX, "`model` holds no scale"))
    return tuple(replace(op, scale=float(scale)) if isinstance(op, ising.ModelOp) else op for op in ops)


def target_from_options(cls: type[TargetT], options: Any) -> TargetT:
    """The target that a manifest's options describe; raises `CompileError` when they do not fit it."""
    known = {item.name for item in fields(cls)}
    if not isinstance(options, Mapping) or not known.issuperset(options):
        raise CompileError(BadManifest(None, SUFFIX, f"`options` do not fit the target `{cls.name}`"))
    try:
        return cls(**options)
    except (TypeError, ValueError) as error:
        raise CompileError(BadManifest(None, SUFFIX, f"`options`: {error}")) from None


def _entry(entry: LedgerEntry) -> dict[str, Any]:
    # JSON has no infinity: it is written as text and read back by float().
    value: float | str = entry.value if math.isfinite(entry.value) else repr(entry.value)
    return {
        "stage": entry.stage,
        "quantity": entry.quantity,
        "value": value,
        "kind": entry.kind.value,
        "subject": entry.subject,
        "note": entry.note,
    }


def _register(op: ising.RegisterOp) -> dict[str, Any]:
    return {
        "symbol": op.symbol,
        "role": op.role.value,
        "first": op.first,
        "count": op.count,
        "domain": None if op.domain is None else op.domain.value,
        "shape": list(op.shape),
        "encoding": None if op.encoding is None else op.encoding.value,
    }


def _model(module: Module) -> dict[str, Any] | None:
    model = module.main.first(ising.ModelOp)
    if model is None:
        bits = module.main.first(ising.QuboOp)
        return None if bits is None else _bit_model(bits)
    return {"spins": model.size, "couplings": model.couplings.size, "offset": model.offset, "scale": model.scale}


def _history(func: Func) -> dict[str, Any]:
    """What reading the solution of a history system needs: its basis, its scale and where its unknowns stand."""
    mapped, lifted, asked = func.only(linear.MapOp), func.only(linear.LiftOp), func.only(linear.HistoryOp)
    members: dict[str, Any] = {
        "symbols": list(mapped.symbols),
        "pivot": mapped.pivot.values.tolist(),
        "steps": asked.steps,
        "padding": asked.padding,
        "gamma": asked.gamma,
        "monomials": [[int(v) for v in row if v >= 0] for row in lifted.monomials.values],
        "weights": lifted.weights.values.tolist(),
    }
    op = func.first(linear.ReadOutOp)
    if op is not None:
        texts = {"solver": op.solver, "encoding": op.encoding, "scale": op.scale, "success": op.success}
        arrays = ("post_select", "system", "time", "degree", "positions", "factors")
        members["read_out"] = {
            **texts,
            "flag": op.flag,
            "test": op.test,
            **{name: getattr(op, name).values.tolist() for name in arrays},
        }
    return members


def _bit_model(model: ising.QuboOp) -> dict[str, Any]:
    return {"bits": model.size, "products": model.quadratic.size, "offset": model.offset, "scale": 1.0}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (tuple, list)):
        return [_plain(part) for part in value]
    return value if isinstance(value, (bool, int, float, str, type(None))) else str(value)
