# Two commands for a fresh machine with Python 3.11+ and make:
#   make demo    everything castwright makes, offline, into runs/demo
#   make test    lint, types and tests
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# The demo and the tests never ask the Hub for anything.
export HF_HUB_OFFLINE := 1
export TOKENIZERS_PARALLELISM := false

.PHONY: help install demo test lint types pytest clean

help:
	@sed -n '1,3p' Makefile

install: $(VENV)/installed

$(VENV)/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "castwright needs Python 3.11 or newer; this is " + sys.version.split()[0] + " (make PYTHON=python3.12 ...)")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=23.2"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[offline,minhash,train,dev]"
	@touch $@

demo: install
	$(BIN)/castwright run recipes/demo.yaml
	@echo "next: $(BIN)/castwright preview recipes/demo.yaml, or read runs/demo/export/*/README.md"

test: lint types pytest

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

pytest: install
	$(BIN)/pytest -n 2 --dist loadfile

clean:
	rm -rf $(VENV) runs dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
