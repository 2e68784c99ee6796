from qevo_compiler import compile
from qevo_compiler.backends.local import LocalBackend


def run():
    program = compile("bad.qevo")
    LocalBackend(exact=True).sample(program.module)
