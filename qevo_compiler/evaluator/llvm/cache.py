"""Compiled kernels on disk, in the user's cache folder.

A file holds a magic, the checksum of key and object, and the object. A file that does not check out counts
as absent. Files are written under another name and moved into place, so processes may share the folder. Where
the folder cannot be written, kernels are compiled anew in each process, and one warning says so.
"""

from __future__ import annotations

import hashlib
import os
import sys
import warnings
from contextlib import suppress
from pathlib import Path

MAGIC = b"QEVOKRN1"
DEFAULT_LIMIT = 256 << 20

_warned = False


def folder() -> Path:
    """`QEVO_CACHE_DIR`, or `qevo_compiler/kernels` under the platform's cache folder."""
    chosen = os.environ.get("QEVO_CACHE_DIR")
    if chosen:
        return Path(chosen)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "qevo_compiler" / "kernels"


def limit() -> int:
    """The most bytes to keep: `QEVO_CACHE_LIMIT`, or 256 MiB."""
    chosen = os.environ.get("QEVO_CACHE_LIMIT", "")
    return int(chosen) if chosen.isdigit() else DEFAULT_LIMIT


def fetch(key: str) -> bytes | None:
    """The object stored under a key, or None where there is none that checks out."""
    try:
        path = _path(key)
        content = path.read_bytes()
    except (OSError, RuntimeError):
        return None
    found = content[len(MAGIC) + 32 :]
    if content[: len(MAGIC)] != MAGIC or content[len(MAGIC) : len(MAGIC) + 32] != _checksum(key, found):
        return None
    with suppress(OSError):
        os.utime(path)  # the oldest use goes first when the folder is full
    return found


def store(key: str, compiled: bytes) -> None:
    """Keep an object; where that fails, warn once and go on."""
    try:
        path = _path(key)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(path, MAGIC + _checksum(key, compiled) + compiled)
        _evict(path.parent, limit())
    except (OSError, RuntimeError) as error:
        _warn(error)


def _path(key: str) -> Path:
    return folder() / f"{key}.qko"


def _checksum(key: str, content: bytes) -> bytes:
    return hashlib.sha256(key.encode() + content).digest()


def _write(path: Path, content: bytes) -> None:
    import tempfile  # when used: most processes only read

    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(name, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise


def _evict(place: Path, most: int) -> None:
    """Remove the files whose last use is longest ago, until at most `most` bytes are left."""
    uses = []
    for path in place.glob("*.qko"):
        with suppress(OSError):  # another process may have removed it
            status = path.stat()
            uses.append((status.st_mtime_ns, path, status.st_size))
    total = sum(size for _, _, size in uses)
    for _, path, size in sorted(uses):
        if total <= most:
            return
        with suppress(OSError):
            path.unlink()
        total -= size


def _warn(error: Exception) -> None:
    global _warned
    if not _warned:
        _warned = True
        advice = "set QEVO_CACHE_DIR to a folder that can be written"
        warnings.warn(
            f"compiled kernels cannot be kept in {folder()} ({error}); {advice}", RuntimeWarning, stacklevel=2
        )
