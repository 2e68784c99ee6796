from qevo_compiler import compile
from qevo_compiler.backends.local import LocalBackend


def run():
    program = compile("bad.qevo", level=0)
    LocalBackend(exact=True).sample(program.module)
