"""Kernels: written as LLVM text by small generators, compiled once, kept on disk, called without the GIL.

    kernel = Kernel("scale", n=i64, factor=f64, x=ptr)
    with kernel.range(0, kernel.n) as i:
        kernel.store(kernel.load(f64, kernel.x, i) * kernel.factor, kernel.x, i)
    compiled(kernel)(len(x), 2.0, x)

`builder.py` writes the text, with the loops and branches of `control.py`; `jit.py` compiles and links it, `cache.py`
keeps the objects, `host.py` says what the machine has, `parallel.py` runs chunks on threads.
"""

from qevo_compiler.evaluator.llvm.builder import Kernel
from qevo_compiler.evaluator.llvm.host import lanes, thread_count, vector_bits
from qevo_compiler.evaluator.llvm.jit import Function, address_of, aligned, compiled
from qevo_compiler.evaluator.llvm.operand import Operand
from qevo_compiler.evaluator.llvm.parallel import run_chunks
from qevo_compiler.evaluator.llvm.types import Scalar, Type, Vector, f32, f64, i1, i8, i16, i32, i64, ptr, vec

__all__ = [
    "Function",
    "Kernel",
    "Operand",
    "Scalar",
    "Type",
    "Vector",
    "address_of",
    "aligned",
    "compiled",
    "f32",
    "f64",
    "i1",
    "i8",
    "i16",
    "i32",
    "i64",
    "lanes",
    "ptr",
    "run_chunks",
    "thread_count",
    "vec",
    "vector_bits",
]
