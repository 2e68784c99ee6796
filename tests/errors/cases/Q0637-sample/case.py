from qevo_compiler import compile


def run():
    compile("good.qevo", level=0).decode([1, -1])
