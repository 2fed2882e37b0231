# Two commands on a fresh clone: 'make demo' and 'make test'. 'make help' lists the others.
# Set-up needs python3 (3.11 or newer, with venv) and a package index that pip can reach.

PYTHON ?= python3
PYTEST_ARGS ?= --numprocesses=logical --dist=worksteal
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PEERS := .venv-peers
PEERS_STAMP := $(PEERS)/.installed
BENCH_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-slow ibsi lint format check docs bench

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | while IFS='|' read -r name words; \
	  do printf '%-18s %s\n' "$$name" "$$words"; done

setup: $(STAMP) ## Make .venv with the pinned packages (once)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	@echo 'Making $(VENV) with the packages of constraints.txt: once, a few minutes, about 2 GB'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --constraint constraints.txt --editable '.[demo,dev,onnx]'
	@touch $@

demo: $(STAMP) ## Run the main job on real images that come with a pip package
	$(BIN)/latentomics demo

test: $(STAMP) ## Run the tests that take seconds
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m 'not slow' $(PYTEST_ARGS)

test-slow: $(STAMP) ## Run the tests that take minutes: budget, kill and resume, whole runs
	$(BIN)/python -m pytest -m slow

ibsi: $(STAMP) ## Compare classic features with the IBSI's CT phantom in LATENTOMICS_DATA
	$(BIN)/python tests/features/ibsi_phantom.py

lint: $(STAMP) ## Check style, types and the import contract
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --config-file benchmarks/mypy.ini
	$(BIN)/lint-imports

format: $(STAMP) ## Format the source
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

check: lint test ## What a commit must pass

docs: $(STAMP) ## Write the pages as a site into site/, with the reference of commands and functions
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --constraint constraints.txt --editable '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

bench: $(PEERS_STAMP) ## Measure against peers, in an environment of their own (long)
	$(PEERS)/bin/python benchmarks/run.py $(BENCH_ARGS)

$(PEERS_STAMP): pyproject.toml constraints.txt $(wildcard benchmarks/environment/*.txt)
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check \
	  --requirement benchmarks/environment/requirements.txt --editable '.[demo]'
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --no-build-isolation \
	  --requirement benchmarks/environment/built.txt \
	  || echo 'PyRadiomics could not be built (it needs a C compiler): it is left out'
	@touch $@
