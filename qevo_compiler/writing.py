"""Files of a program on disk: all of them whole, or none."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.sources import CannotWrite
from qevo_compiler.targets import EmittedFile, manifest


def write_files(
    folder: Path, name: str, files: Iterable[EmittedFile], record: Callable[[Mapping[str, str]], bytes]
) -> tuple[Path, ...]:
    """Write `files` and, last, the manifest that `record` makes of their digests; returns the paths in order.

    Raises `CompileError` when that is impossible; folders made on the way are then removed again.
    """
    made = _missing(folder)
    mark = f".{os.urandom(16).hex()}.part"
    written: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        digests = {}
        for file in files:
            written.append(folder / f"{name}.{file.suffix}")
            digests[written[-1].name] = _stream(file, Path(f"{written[-1]}{mark}"))
        written.append(folder / f"{name}.{manifest.SUFFIX}")
        Path(f"{written[-1]}{mark}").write_bytes(record(digests))
        _replace_all(written, mark, folder)
        made = []
    except OSError as error:
        raise CompileError(CannotWrite(None, str(folder), error.strerror or str(error))) from None
    finally:
        for path in written:
            with suppress(OSError):
                Path(f"{path}{mark}").unlink()
        for path in made:
            with suppress(OSError):
                path.rmdir()
    return tuple(written)


def write_file(path: Path, content: bytes) -> Path:
    """Write one file, whole or not at all; raises `CompileError` when that is impossible, and leaves no new folder."""
    made = _missing(path.parent)
    partial = Path(f"{path}.{os.urandom(16).hex()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
        os.replace(partial, path)
        made = []
    except OSError as error:
        raise CompileError(CannotWrite(None, str(path), error.strerror or str(error))) from None
    finally:
        with suppress(OSError):
            partial.unlink()
        for folder in made:
            with suppress(OSError):
                folder.rmdir()
    return path


def _missing(folder: Path) -> list[Path]:
    """The folders that would have to be made, inner ones first."""
    return [path for path in (folder, *folder.parents) if not os.path.exists(path)]


def _replace_all(paths: list[Path], mark: str, folder: Path) -> None:
    """Give every finished file its name. What would stop that half-way is looked for first."""
    for path in paths:
        if path.is_dir():
            raise CompileError(CannotWrite(None, str(folder), f"`{path.name}` is a folder"))
    for path in paths:
        os.replace(f"{path}{mark}", path)


def _stream(file: EmittedFile, path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("wb") as out:
        for chunk in file.chunks():
            digest.update(chunk)
            out.write(chunk)
    return digest.hexdigest()
