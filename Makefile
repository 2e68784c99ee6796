# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
# The peers of the benchmarks pin versions that `all` cannot live with, so they have an environment of their own.
BENCH_VENV := .venv-bench
BENCH := $(BENCH_VENV)/bin/python
BENCH_STAMP := $(BENCH_VENV)/installed

.PHONY: demo test test-all bench bench-ising bench-quadratization bench-evaluator bench-carleman bench-circuits lint grammar docs clean

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[all,dev]'
	touch $(STAMP)

demo: $(STAMP)
	$(BIN)/qevoc compile examples/digits_mlp.py --target=dwave -o out/digits
	$(BIN)/qevoc run examples/digits_mlp.py --task=round --bits=2 -o out/digits_round
	$(BIN)/qevoc run examples/digits_mlp.py --task=train -o out/digits_train

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint
	$(BIN)/python -m pytest -m "not slow" -n auto

test-all: lint
	$(BIN)/python -m pytest -n auto --hypothesis-profile=explore

bench: $(STAMP)
	$(BIN)/python benchmarks/scale.py

$(BENCH_STAMP): pyproject.toml constraints-bench.txt
	$(PYTHON) -m venv $(BENCH_VENV)
	$(BENCH) -m pip install --quiet --disable-pip-version-check -c constraints-bench.txt -e '.[bench]'
	touch $(BENCH_STAMP)

bench-ising: $(BENCH_STAMP)
	$(BENCH) -m benchmarks.ising

bench-quadratization: $(BENCH_STAMP)
	$(BENCH) -m benchmarks.quadratization

bench-evaluator: $(BENCH_STAMP)
	$(BENCH) -m benchmarks.evaluator.polynomials
	$(BENCH) -m benchmarks.evaluator.sparse
	$(BENCH) -m benchmarks.evaluator.annealing
	$(BENCH) -m benchmarks.evaluator.path_integral
	$(BENCH) -m benchmarks.evaluator.higher
	$(BENCH) -m benchmarks.evaluator.statevector

bench-carleman: $(BENCH_STAMP)
	$(BENCH) -m benchmarks.carleman

# Qiskit is in the project's own environment.
bench-circuits: $(STAMP)
	$(BIN)/python -m benchmarks.circuits --trials 12
	$(BIN)/python -m benchmarks.circuits --trials 36 --graphs 2

grammar: $(STAMP)
	$(BIN)/python -m qevo_compiler.grammar.generate

docs: $(STAMP)
	$(BIN)/python -m qevo_compiler.cli.reference docs/reference

clean:
	rm -rf $(VENV) $(BENCH_VENV) out build dist
