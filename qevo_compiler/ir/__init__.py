"""The intermediate representation: immutable modules of typed ops with an exact text form."""

from qevo_compiler.ir.attributes import Array, Attribute, EnumAttribute, TensorType, Type
from qevo_compiler.ir.build import Builder
from qevo_compiler.ir.ledger import Evidence, LedgerEntry
from qevo_compiler.ir.module import Func, Module
from qevo_compiler.ir.ops import Invalid, Op, Value, signature
from qevo_compiler.ir.parser import parse_module
from qevo_compiler.ir.printer import format_float, module_chunks, print_module
from qevo_compiler.ir.rewrite import remove_dead, rewrite
from qevo_compiler.ir.verify import Legal, first_illegal, verify

__all__ = [
    "Array",
    "Attribute",
    "Builder",
    "EnumAttribute",
    "Evidence",
    "Func",
    "Invalid",
    "LedgerEntry",
    "Legal",
    "Module",
    "Op",
    "TensorType",
    "Type",
    "Value",
    "first_illegal",
    "format_float",
    "module_chunks",
    "parse_module",
    "print_module",
    "remove_dead",
    "rewrite",
    "signature",
    "verify",
]
