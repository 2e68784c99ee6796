"""`NAME.manifest.json`: what a compiled program consists of and how far it can be trusted.

Sorted JSON without times, paths, versions of tools or keys: the target and its options, the SHA-256 of
every file, the registers that say which spin stands for what, the whole ledger, and where each symbol
was declared.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

from qevo_compiler.diagnostics import CompileError, Diagnostic
from qevo_compiler.diagnostics.targets import BadManifest, FileChanged, ManifestVersion
from qevo_compiler.dialects import ising
from qevo_compiler.dialects.problem import ConstraintOp, VariableOp
from qevo_compiler.ir import Evidence, LedgerEntry, Module

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


def manifest(
    module: Module,
    program_name: str,
    target_name: str,
    options: Mapping[str, Any],
    files: Mapping[str, str],
    source: Mapping[str, str] | None = None,
) -> bytes:
    """The manifest's bytes. `files` maps suffixes to SHA-256 hex digests.

    `source` maps symbols to `file:line:column`; None takes the places that the module's ops came from.
    """
    members = {
        "qevo_manifest": VERSION,
        "program": program_name,
        "target": target_name,
        "options": {name: _plain(value) for name, value in options.items()},
        "files": dict(files),
        "ledger": [_entry(entry) for entry in module.ledger],
        "registers": [_register(op) for op in module.main.ops_of(ising.RegisterOp)],
        "model": _model(module),
        "decoder": {"problem": f"{program_name}.problem.qir"},
        "source": dict(sources(module) if source is None else source),
    }
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


def read_manifest(content: bytes) -> dict[str, Any]:
    """The manifest as a dictionary.

    Raises `CompileError` when the bytes are no JSON object (cut short, edited), have another version, or
    lack a key or hold it with another type.
    """
    try:
        found = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError):
        raise CompileError(BadManifest(None, "it is not JSON; is the file cut short?")) from None
    if not isinstance(found, dict) or "qevo_manifest" not in found:
        raise CompileError(BadManifest(None, "it lacks `qevo_manifest`"))
    if found["qevo_manifest"] != VERSION or isinstance(found["qevo_manifest"], bool):
        raise CompileError(ManifestVersion(None, json.dumps(found["qevo_manifest"]), VERSION))
    wrong = [key for key, kind in _KEYS.items() if not isinstance(found.get(key), kind)]
    if wrong:
        raise CompileError(*(BadManifest(None, f"`{key}` is missing or malformed") for key in wrong))
    _check_texts(found)
    return found


def _check_texts(found: Mapping[str, Any]) -> None:
    for key in ("files", "decoder", "source"):
        if not all(isinstance(value, str) for value in found[key].values()):
            raise CompileError(BadManifest(None, f"`{key}` is missing or malformed"))
    if not isinstance(found["decoder"].get("problem"), str):
        raise CompileError(BadManifest(None, "`decoder` names no problem file"))


def check_files(found: Mapping[str, Any], contents: Mapping[str, bytes]) -> None:
    """Hold files (content by suffix) against a manifest; raises `CompileError` with every difference."""
    errors: list[Diagnostic] = []
    for suffix, digest in sorted(found["files"].items()):
        if suffix not in contents:
            errors.append(FileChanged(None, suffix, "is missing"))
        elif sha256(contents[suffix]) != digest:
            errors.append(FileChanged(None, suffix, "differs from what its manifest lists"))
    if errors:
        raise CompileError(*errors)


def ledger_of(found: Mapping[str, Any]) -> Iterator[LedgerEntry]:
    """The ledger's entries; raises `CompileError` for a malformed one."""
    for item in found["ledger"]:
        try:
            kind = Evidence[str(item["kind"]).upper()]
            texts = (str(item[key]) for key in ("subject", "note"))
            yield LedgerEntry(str(item["stage"]), str(item["quantity"]), float(item["value"]), kind, *texts)
        except (KeyError, TypeError, ValueError):
            raise CompileError(BadManifest(None, "`ledger` holds a malformed entry")) from None


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
        return None
    return {"spins": model.size, "couplings": model.couplings.size, "offset": model.offset, "scale": model.scale}


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return value if isinstance(value, (bool, int, float, str, type(None))) else str(value)


