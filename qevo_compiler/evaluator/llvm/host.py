"""What the machine offers: its CPU and features as LLVM names them, vector width, threads."""

from __future__ import annotations

import os
from functools import cache

from qevo_compiler.evaluator.llvm.types import Scalar


@cache
def cpu() -> tuple[str, str]:
    """LLVM's name of this CPU and its feature string."""
    import llvmlite.binding as llvm

    return llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()


def vector_bits() -> int:
    """Bits of a vector register: 512 with AVX-512, 256 with AVX2, else 128. `QEVO_VECTOR_BITS` overrides.

    Any width runs on any machine: LLVM splits what does not fit.
    """
    chosen = os.environ.get("QEVO_VECTOR_BITS")
    if chosen in ("128", "256", "512"):
        return int(chosen)
    features = cpu()[1]
    return 512 if "+avx512bw" in features else 256 if "+avx2" in features else 128


def lanes(element: Scalar) -> int:
    """How many elements fill a vector register."""
    return vector_bits() // element.bits


def thread_count() -> int:
    """Threads to use at most: `QEVO_THREADS`, or the cores that this process may run on."""
    chosen = os.environ.get("QEVO_THREADS", "")
    if chosen.isdigit() and int(chosen) > 0:
        return int(chosen)
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
