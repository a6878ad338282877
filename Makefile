# Every task of the project. Needs Python 3.11 or newer with venv, make, and a package index that pip can reach.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP := PIP_ROOT_USER_ACTION=ignore $(BIN)/python -m pip --quiet --quiet --disable-pip-version-check --no-input

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo tour test lint types unit format clean bench

help: ## list these tasks
	@awk -F ' ## ' '/^[a-z]+:.* ## / { sub(/:.*/, "", $$1); printf "  make %-8s %s\n", $$1, $$2 }' Makefile

setup: $(READY) ## install everything into .venv, once (some minutes)

demo: $(READY) ## train a small translator from nothing and look inside it (in build/demo)
	@$(BIN)/trasluz demo --out build/demo

tour: $(READY) ## make docs/tour.md again, every number and picture of it (some minutes)
	@rm -rf build/tour
	@$(BIN)/python -m tour

bench: $(READY) ## what each similarity score costs: memory and time (some minutes)
	@$(BIN)/python bench/scores.py

test: lint types ## everything that must pass: lint, types, tests, coverage
	@$(BIN)/python -m pytest --quiet --cov --cov-report=term

lint: $(READY) ## style and form of the code
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .

types: $(READY) ## strict types
	@$(BIN)/mypy --no-error-summary

unit: $(READY) ## the tests alone; choose some with make unit ARGS="tests/text -k split"
	@$(BIN)/python -m pytest --quiet $(ARGS)

format: $(READY) ## put the code into its form, and mend what can be mended
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format --quiet .

clean: ## remove what was made, .venv too
	@rm -rf build dist htmlcov .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache $(VENV)
	@find src tests tour -type d -name __pycache__ -prune -exec rm -rf {} +

# torch goes first and by itself, so that nothing that depends on it can choose another build; what builds the
# package is installed like everything else, so that it is pinned too.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Trasluz needs Python 3.11 or newer, but $(PYTHON) is not: name one, as in make PYTHON=python3.12 setup." >&2; \
	  exit 1; }
	@echo "Installing into $(VENV) (once, some minutes) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install --constraint constraints.txt torch
	@$(PIP) install --constraint constraints.txt hatchling editables
	@$(PIP) install --constraint constraints.txt --no-build-isolation --editable '.[dev,export,hub,plot]'
	@touch $@
