from qevo_compiler import compile


def run():
    compile('program text\ndata w: real[n] from "w.csv"\nvar x: binary[n]\nminimize sum(w) * sum(x)\n')
