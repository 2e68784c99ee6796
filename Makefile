# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed

.PHONY: demo test test-all bench lint docs clean

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

docs: $(STAMP)
	$(BIN)/python -m qevo_compiler.cli.reference docs/reference

clean:
	rm -rf $(VENV) out build dist
