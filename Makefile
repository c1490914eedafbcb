# `make help` lists the targets. Everything runs in .venv, which is made again when the dependencies change.

PYTHON  ?= python3
VENV    ?= .venv
WORKERS ?= auto
UP_ARGS ?= --demo --or-process
ARGS    ?=

BIN   := $(VENV)/bin
STAMP := $(VENV)/.installed
PIP   := $(BIN)/python -m pip --disable-pip-version-check --no-input

.DEFAULT_GOAL := help
.PHONY: help env up test test-unit test-long test-random lint format types contracts check bench chaos mutants reference clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

env: $(STAMP) ## Make .venv with everything pinned in constraints.txt

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit("Sandbox Ledger needs Python 3.11 or newer, but %s is %d.%d. Name another one: make PYTHON=python3.12 ..." % (sys.executable, v[0], v[1]))'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) ..."
	@# The SDK goes in last and without its dependencies (see pyproject.toml); out first, or pip complains about it.
	@$(PIP) uninstall -qq -y agent-sandbox
	@$(PIP) install -qq -c constraints.txt -e '.[dev]'
	@$(PIP) install -qq -c constraints.txt --no-deps agent-sandbox
	@touch $@

up: env ## Get everything ready, show a crash and a worker restart, then sweep and serve the dashboard
	$(BIN)/sandbox-ledger up $(UP_ARGS)

# In memory where there is such a place: thousands of small databases that wait for the disk test only the disk.
PYTEST := PYTEST_DEBUG_TEMPROOT=$(firstword $(wildcard /dev/shm /tmp)) $(BIN)/python -m pytest

test: env ## Run all tests but the long ones: minutes (ARGS='-k name' picks some, WORKERS=0 runs them in one process)
	$(PYTEST) -n $(WORKERS) --dist worksteal $(ARGS)

test-unit: env ## Run what needs no server: seconds
	$(PYTEST) -n $(WORKERS) -m "not long and not slow and not postgres and not docker and not browser" tests/unit $(ARGS)

test-long: env ## Walk every fault point in all ways on both databases, run chaos for longer (many minutes)
	$(PYTEST) -n $(WORKERS) --dist worksteal -m long $(ARGS)

test-random: env ## Run all tests but the long ones in random order, which shows what one leaves to the next
	$(PYTEST) -p randomly -n $(WORKERS) --dist worksteal $(ARGS)

lint: env ## Check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: env ## Format the code and fix what can be fixed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: env ## Check types
	$(BIN)/mypy

contracts: env ## Check the direction of imports
	@# Without the cache: it keeps what an import resolved to before a package existed.
	$(BIN)/lint-imports --no-cache

check: lint types contracts ## Style, types and contracts

reference: env ## Make the pages in docs/reference from the code
	$(BIN)/python -m tests.reference

bench: env ## Measure; prints a table and writes build/bench.json
	$(BIN)/python -m tests.bench $(ARGS)

mutants: env ## See that the tests notice every one-line mistake of tests/mutants (ARGS='--only domain')
	$(BIN)/python -m tests.mutants --jobs $(if $(filter auto,$(WORKERS)),$$(nproc),$(WORKERS)) $(ARGS)

chaos: env ## Strike workers and servers at random, then check every invariant (ARGS='--backend docker --seed 7')
	$(BIN)/python -m tests.chaos $(ARGS)

clean: ## Remove .venv, caches and everything built
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
