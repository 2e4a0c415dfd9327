# Every target makes its own environment first; a fresh machine needs git, make and Python 3.11 or newer.
PYTHON ?= python3
BIN := .venv/bin
PINNED := PIP_CONSTRAINT=constraints.txt PIP_DISABLE_PIP_VERSION_CHECK=1
STAMP := .venv/installed
DEMO_FOLDER := runs/demo
DEMO_OPTIONS :=

help: ## what can be made
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

demo: .venv/demo ## train on digits (some minutes), then write runs/demo/report.html
	$(BIN)/duelo train digits --out $(DEMO_FOLDER) $(DEMO_OPTIONS)

test: check ## everything that must hold: style, types, layers, tests
	OMP_NUM_THREADS=1 $(BIN)/pytest

check: $(STAMP) ## the quick half of the tests: style, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --config pyproject.toml

bench: .venv/bench ## the slow studies; each writes its finished cells to bench/results and goes on where it stopped
	@for study in bench/*.py; do echo "== $$study"; $(BIN)/python $$study || exit 1; done

.venv/demo: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PINNED) $(BIN)/python -m pip install --quiet --editable .
	touch $@

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PINNED) $(BIN)/python -m pip install --quiet --editable '.[test]'
	touch .venv/demo $@

.venv/bench: $(STAMP)
	$(PINNED) $(BIN)/python -m pip install --quiet --editable '.[bench]'
	touch $@

.PHONY: help demo test check bench
