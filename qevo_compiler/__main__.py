"""`python -m qevo_compiler` is `qevoc`."""

from qevo_compiler.cli.main import entry

entry()
