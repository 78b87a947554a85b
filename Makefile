# Two commands do all the set-up: make, make test. Both need Python 3.11 or later, make and git.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: all test check lock

all: .venv/ready
	@echo "The environment is ready: source .venv/bin/activate"

.venv/ready: requirements.lock
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --require-hashes -r requirements.lock
	touch $@

test: .venv/ready
	$(BIN)/pytest

check: .venv/ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# needs uv, and a network
lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --no-header --no-annotate --group dev pyproject.toml -o requirements.lock
