# make setup | run | test | lint | format | schema | reference | bench | longlives | soak [ROUNDS=200] | soak-orders [ROUNDS=200] | tonconnect    (all may be repeated)
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.setup-done
# Installed whether or not the interpreter has a wheel of its own: the native TVM inside runs on all of them.
TVM    := pytvm==0.0.14

.PHONY: setup run test lint format schema reference soak soak-orders bench longlives tonconnect clean

setup: $(STAMP)

$(STAMP): pyproject.toml requirements/constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 13) else "harvester needs Python 3.11, 3.12 or 3.13 (this is %d.%d): make PYTHON=python3.12 ..." % v)'
	@echo 'Setting up $(VENV): about a minute, once.'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements/constraints.txt -e '.[test]'
	@$(BIN)/python -c 'import importlib.util as u, sys; sys.exit(u.find_spec("pytvm") is None)' || \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: --python-version 3.11 --implementation cp \
		--platform manylinux_2_27_x86_64 --target "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("platlib"))')" $(TVM) || \
		echo 'No TVM for this platform: everything but the local chain runs.'
	@touch $(STAMP)

run: setup
	$(BIN)/harvester dev

# More workers than a small machine has cores, for tests wait more than they compute; who has none left takes some over.
test: setup
	$(BIN)/pytest -q -n 4 --dist worksteal

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy harvester adapters tests benchmarks examples
	$(BIN)/lint-imports

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

schema: setup
	WRITE_SCHEMA=1 $(BIN)/pytest -q tests/storage/test_schema.py

reference: setup
	WRITE_REFERENCE=1 $(BIN)/pytest -q tests/unit/test_docs_reference.py

soak: setup
	$(BIN)/python -m tests.soak

soak-orders: setup
	$(BIN)/python -m tests.soak orders

bench: setup
	$(BIN)/python -m benchmarks

longlives: setup
	LONG_LIVES_INVOICES=1000000 $(BIN)/pytest -q tests/storage/test_long_lives.py -s

# A library for the payment page, which git ignores and the next wheel takes along. Needs npm.
tonconnect:
	scripts/tonconnect

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
