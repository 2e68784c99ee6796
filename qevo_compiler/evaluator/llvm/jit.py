"""Compile kernels for this machine, link them, and call them with arrays and numbers."""

from __future__ import annotations

import ctypes
import hashlib
import threading
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from qevo_compiler.evaluator.llvm import cache as objects
from qevo_compiler.evaluator.llvm import host
from qevo_compiler.evaluator.llvm.builder import Kernel

# Bumped when the passes below change: objects of an older recipe must not be taken for new ones.
RECIPE = "1"

_CTYPES: dict[str, Any] = {
    "i1": ctypes.c_bool,
    "i8": ctypes.c_int8,
    "i16": ctypes.c_int16,
    "i32": ctypes.c_int32,
    "i64": ctypes.c_int64,
    "float": ctypes.c_float,
    "double": ctypes.c_double,
    "ptr": ctypes.c_void_p,
}

_lock = threading.Lock()
_functions: dict[str, Function] = {}


class Function:
    """A compiled kernel. Called with numbers for scalars and C-contiguous arrays (or addresses) for pointers.

    The call releases the GIL. The caller answers for sizes: nothing is checked inside.
    """

    def __init__(self, kernel: Kernel, address: int, keep: object) -> None:
        kinds = [_CTYPES[t.text] for t in kernel.parameters.values()]
        result = _CTYPES[kernel.result.text] if kernel.result else None
        self.name = kernel.name
        self.address = address
        self._call: Callable[..., Any] = ctypes.CFUNCTYPE(result, *kinds)(address)
        self._keep = keep

    def __call__(self, *arguments: Any) -> Any:
        return self._call(*[address_of(a) if isinstance(a, np.ndarray) else a for a in arguments])

    def bound(self, *arguments: Any) -> Callable[[], Any]:
        """This call as a function without arguments, at the least overhead. The caller keeps the arrays alive."""
        return partial(self._call, *[address_of(a) if isinstance(a, np.ndarray) else a for a in arguments])


def compiled(kernel: Kernel) -> Function:
    """The kernel's machine code: from this process, from disk, or compiled now."""
    if kernel.function is None:
        text = kernel.text
        with _lock:
            if text not in _functions:
                _functions[text] = _link(kernel, _object(text, kernel.optimised))
        kernel.function = _functions[text]
    function: Function = kernel.function
    return function


def aligned(shape: int | tuple[int, ...], dtype: DTypeLike, alignment: int = 64) -> NDArray[Any]:
    """An uninitialised array that starts at a multiple of `alignment` bytes."""
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    buffer = np.empty(size + alignment, np.uint8)
    start = -buffer.ctypes.data % alignment
    return buffer[start : start + size].view(dtype).reshape(shape)


def address_of(array: NDArray[Any]) -> int:
    """Where a C-contiguous array starts: what a kernel takes in its place. The caller keeps the array alive."""
    if not array.flags.c_contiguous:
        raise ValueError("a kernel needs a C-contiguous array")
    return int(array.__array_interface__["data"][0])


def _object(text: str, optimised: bool = True) -> bytes:
    import llvmlite.binding as llvm

    version = ".".join(map(str, llvm.llvm_version_info))
    key = hashlib.sha256(
        "\n".join([RECIPE if optimised else f"{RECIPE} plain", version, *host.cpu(), text]).encode()
    ).hexdigest()
    found = objects.fetch(key)
    if found is None:
        found = _compile(text, optimised)
        objects.store(key, found)
    return found


def _compile(text: str, optimised: bool = True) -> bytes:
    import llvmlite.binding as llvm

    machine = _target_machine(3 if optimised else 1)
    context = llvm.create_context()
    module = llvm.parse_assembly(text, context)
    module.verify()
    if not optimised:
        return bytes(machine.emit_object(module))
    # Kernels state their vectors themselves: LLVM's own vectorisers would only add gathers.
    tuning = llvm.create_pipeline_tuning_options(speed_level=2)
    tuning.loop_vectorization = False
    tuning.slp_vectorization = False
    builder = llvm.create_pass_builder(machine, tuning)
    builder.getModulePassManager().run(module, builder)
    return bytes(machine.emit_object(module))


def _link(kernel: Kernel, compiled_object: bytes) -> Function:
    import llvmlite.binding as llvm

    jit = _jit()
    library = f"{kernel.name}-{len(_functions)}"
    tracker = (
        llvm.JITLibraryBuilder()
        .add_object_img(compiled_object)
        .add_current_process()
        .export_symbol(kernel.name)
        .link(jit, library)
    )
    return Function(kernel, tracker[kernel.name], (jit, tracker))


@cache
def _target_machine(level: int = 3) -> Any:
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    name, features = host.cpu()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=name, features=features, opt=level, jit=True, reloc="pic", codemodel="default"
    )


@cache
def _jit() -> Any:
    import llvmlite.binding as llvm

    _target_machine()
    return llvm.create_lljit_compiler(llvm.Target.from_default_triple().create_target_machine(jit=True))
