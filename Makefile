# The whole project by make: a fresh machine needs Python 3.11–3.13, make and the package registries.
# The registries are those that pip and uv are set up for (PIP_INDEX_URL, UV_DEFAULT_INDEX);
# no file of the project names one.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

export UV_PYTHON_DOWNLOADS := never

UV_VERSION := 0.13.9
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
UV := $(BIN)/uv
SQL := etl/warehouse/sql etl/intake/sql

.PHONY: help run install test check system lock bench fuzz clean

help:
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /	/'

run: install ## build the demonstration if there is none and serve it on 127.0.0.1:8501
	$(BIN)/railshift serve --demo

install: $(INSTALLED)

$(INSTALLED): requirements.lock pyproject.toml
	@python=; for name in $${PYTHON:-python3.11 python3.12 python3.13 python3}; do \
	  if "$$name" -c 'import sys; raise SystemExit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; \
	  then python=$$name; break; fi; \
	done; \
	[ -n "$$python" ] || { echo 'Python 3.11, 3.12 or 3.13 is needed (make PYTHON=/path/to/python).' >&2; exit 1; }; \
	"$$python" -m venv $(VENV) || { echo 'The venv module is missing (Debian: apt-get install python3-venv).' >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv==$(UV_VERSION)'
	$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

test: install system ## all tests, the browser's too
	$(BIN)/python -m pytest

# Chromium draws the pages, the CJK fonts their text; strace sees each look-up that leaves the machine; the ledger's
# tests run on SQLite and on PostgreSQL, which they start themselves.
system:
	@need=; \
	for tool in chromium strace; do command -v $$tool >/dev/null || need="$$need $$tool"; done; \
	command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || need="$$need postgresql"; \
	ls /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc >/dev/null 2>&1 || need="$$need fonts-noto-cjk"; \
	[ -z "$$need" ] || { \
	  command -v apt-get >/dev/null || { echo "The tests need:$$need. Please install what is missing." >&2; exit 1; }; \
	  sudo=; [ "$$(id -u)" = 0 ] || sudo="sudo -n"; \
	  $$sudo apt-get update -qq && \
	  $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$need >/dev/null \
	  || { echo "Please install by hand: apt-get install$$need" >&2; exit 1; }; \
	}

check: install ## lint, format, types, SQL, and what the tree promises
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/ty check
	$(BIN)/sqlfluff lint --disable-progress-bar $(SQL)
	$(BIN)/python .ci/tree.py

lock: install ## resolve pyproject.toml again; versions already locked stay unless UPGRADE=1
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-annotate --no-header $(if $(UPGRADE),--upgrade) \
	  --group dev --output-file requirements.lock pyproject.toml

bench: install ## repeat the measurements
	$(BIN)/python -m bench

# Atheris is there for Linux on x86-64 only; the findings and the corpus stay in .cache/fuzz.
fuzz: install ## feed broken files to the intake for FUZZ_SECONDS (3600); says how to repeat a finding
	$(BIN)/python tests/fuzz/fuzz_intake.py

clean: ## remove what make and the tests have made; var/ (ledger, uploads, warehouse) stays
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
