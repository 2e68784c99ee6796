"""Values of `data`: literals, files below the program's folder, or arrays handed in by name.

Nothing that is read is executed: pickled objects are refused, and so are paths that leave the folder.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from qevo_compiler.diagnostics import CompileError, did_you_mean
from qevo_compiler.diagnostics.data import (
    MissingFile,
    MissingKey,
    NoFolder,
    OutsideFolder,
    UnknownFileType,
    UnreadableFile,
    WrongRank,
)
from qevo_compiler.frontend import arrays
from qevo_compiler.frontend.tensors.value import Values
from qevo_compiler.grammar import ast

DataSource = Mapping[str, ArrayLike]
"""Arrays handed in by name; they override what the program says."""


class TextTable(np.ndarray[Any, Any]):
    """A table read from text, which always has two axes; a single row or column of it may stand for a vector."""


def read_file(file: ast.File, folder: Path | None) -> Any:
    """What a data file holds. Raises `CompileError` for every way in which that can fail."""
    path = _resolve(file, folder)
    try:
        return _READERS[path.suffix.lower()](file, path)
    except OSError as error:
        reason = error.strerror or "the file is damaged"
    except MemoryError:
        reason = "it does not fit into memory"
    except _wrong_content() as error:
        reason = _reason(error, path)
    raise CompileError(UnreadableFile(file.span, file.path, reason))


def typed(name: str, dtype: ast.DataType, rank: int, given: Any, node: ast.Node) -> Values:
    """`given` as an array of the declared type and number of axes."""
    if isinstance(given, TextTable):
        given = given.view(np.ndarray)
        if rank < 2 and 1 in given.shape and (rank == 1 or given.size == 1):
            given = given.reshape(-1) if rank else given.reshape(())
    values = arrays.numbers(name, given, node.span)
    if values.ndim != rank:
        raise CompileError(WrongRank(node.span, name, rank, values.shape))
    match dtype:
        case ast.DataType.INT:
            return arrays.whole(name, values, node.span)
        case ast.DataType.BOOL:
            return arrays.truths(name, values, node.span)
        case ast.DataType.REAL:
            return values.astype(np.float64, copy=False)


def _wrong_content() -> tuple[type[Exception], ...]:
    """What readers raise for a file that is not what its name says."""
    import zipfile
    import zlib

    return ValueError, EOFError, KeyError, RecursionError, zipfile.BadZipFile, zlib.error


def _resolve(file: ast.File, folder: Path | None) -> Path:
    if folder is None:
        raise CompileError(NoFolder(file.span, file.path))
    home = folder.resolve()
    path = (home / file.path.replace("\0", "?")).resolve()
    if not path.is_relative_to(home):
        raise CompileError(OutsideFolder(file.span, file.path))
    if path.suffix.lower() not in _READERS:
        raise CompileError(UnknownFileType(file.span, file.path))
    if not os.path.isfile(path):
        near = [p.name for p in path.parent.iterdir() if p.suffix in _READERS] if os.path.isdir(path.parent) else []
        raise CompileError(MissingFile(file.span, file.path, did_you_mean(path.name, near)))
    return path


def _read_npy(_: ast.File, path: Path) -> Any:
    return np.load(path, allow_pickle=False)


def _read_npz(file: ast.File, path: Path) -> Any:
    with np.load(path, allow_pickle=False) as archive:
        keys = sorted(archive.files)
        key = file.key or (keys[0] if len(keys) == 1 else None)
        if key is None or key not in keys:
            wanted = "no name of an array" if key is None else f"there is no array `{key}`"
            listed = ", ".join(f"`{k}`" for k in keys[:8]) or "no array"
            hint = did_you_mean(key, keys) if key else f'name one, as in "{file.path}:{(keys or ["w"])[0]}"'
            raise CompileError(MissingKey(file.span, file.path, wanted, listed, hint))
        return archive[key]


def _read_csv(_: ast.File, path: Path) -> Any:
    lines = path.read_text(encoding="utf-8").splitlines()
    if not any(line.strip() for line in lines):
        raise ValueError("the file is empty")
    return np.loadtxt(lines, delimiter=",", ndmin=2, comments=None).view(TextTable)


def _read_json(_: ast.File, path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


_READERS = {".npy": _read_npy, ".npz": _read_npz, ".csv": _read_csv, ".json": _read_json}


def _reason(error: Exception, path: Path) -> str:
    """Why a reader failed, in words that do not name folders of this machine."""
    match path.suffix.lower():
        case ".csv":
            return f"not rows of numbers: {str(error).splitlines()[0].rstrip('.')}"
        case ".json":
            return f"no JSON of numbers: {error}" if isinstance(error, json.JSONDecodeError) else "no JSON of numbers"
        case _:
            return (
                "it holds pickled objects, which are not read"
                if str(error).startswith("Object arrays")
                else "damaged, cut short or of another kind"
            )
