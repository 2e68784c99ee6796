from qevo_compiler import compile


def run():
    compile("good.qevo", target="openqasm3", level=0).decode_counts({"011": 70, "0110": 30})
