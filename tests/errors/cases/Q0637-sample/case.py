from qevo_compiler import compile


def run():
    compile("good.qevo").decode([1, -1])
