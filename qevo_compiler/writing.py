"""Files on disk: all of them whole, or none."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.sources import CannotWrite
from qevo_compiler.targets import EmittedFile, manifest


@contextmanager
def all_or_none(folder: Path, shown: Path | None = None) -> Iterator[Callable[[Path], Path]]:
    """Files that get their names together when the block ends; where it fails, none does.

    Inside, `part(path)` is where to write the file that is to be `path`. `folder` is made where it is not there, and
    removed again on failure. Raises `CompileError`, which names `shown` (the folder by default), for what the system
    refuses and for a path that is a folder.
    """
    mark = f".{os.urandom(16).hex()}.part"
    paths: list[Path] = []

    def part(path: Path) -> Path:
        paths.append(path)
        return Path(f"{path}{mark}")

    made = _missing(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield part
        _replace_all(paths, mark, folder)
        made = []
    except OSError as error:
        raise CompileError(CannotWrite(None, str(shown or folder), error.strerror or str(error))) from None
    finally:
        for path in paths:
            with suppress(OSError):
                Path(f"{path}{mark}").unlink()
        for path in made:
            with suppress(OSError):
                path.rmdir()


def write_files(
    folder: Path, name: str, files: Iterable[EmittedFile], record: Callable[[Mapping[str, str]], bytes]
) -> tuple[Path, ...]:
    """Write `files` and, last, the manifest that `record` makes of their digests; returns the paths in order.

    Raises `CompileError` as `all_or_none` does.
    """
    digests: dict[str, str] = {}
    with all_or_none(folder) as part:
        for file in files:
            path = folder / f"{name}.{file.suffix}"
            digests[path.name] = _stream(file, part(path))
        record_path = folder / f"{name}.{manifest.SUFFIX}"
        part(record_path).write_bytes(record(digests))
    return (*(folder / written for written in digests), record_path)


def write_file(path: Path, content: bytes) -> Path:
    """Write one file, whole or not at all. Raises `CompileError` as `all_or_none` does, naming the file."""
    with all_or_none(path.parent, path) as part:
        part(path).write_bytes(content)
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
