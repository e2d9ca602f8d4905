# Every target installs what it needs first; `make` alone lists them.
# Another Python for the environment: make install PYTHON=python3.12
# All tests are run by three processes, as they wait for much; some by one, as each collects them all.

PYTHON ?= python3
SCHEDULES ?= 1000000
MAINTENANCE_SCHEDULES ?= 20000
HISTORIES ?= 2000
EXAMPLES ?= few
WORKERS ?= $(if $(ARGS),0,3)
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.installed
SHELL  := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help install demo test explore histories check check-types check-others broker-conformance chaos soak bench bench-quick bench-peers spark up down clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-19s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(READY) ## make .venv from the hash-checked lock file, once

demo: $(READY) ## a fresh platform, webhooks of every source, and proof that each event became a row
	@$(BIN)/bergline demo $(ARGS)

test: $(READY) ## all tests; ARGS="-k name" picks some; WORKERS=… processes; EXAMPLES=many of each law
	@$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --hypothesis-profile $(EXAMPLES) $(ARGS)

explore: $(READY) ## a million schedules of commits, some of maintenance; SCHEDULES=… MAINTENANCE_SCHEDULES=…
	@$(BIN)/python -m tests.explore --schedules $(SCHEDULES) $(ARGS)
	@$(BIN)/python -m tests.explore --maintenance --schedules $(MAINTENANCE_SCHEDULES) $(ARGS)

histories: $(READY) ## incremental builds beside full ones in random histories; HISTORIES=… SEED=…
	@$(BIN)/python -m tests.properties.histories --number $(HISTORIES) $(if $(SEED),--seed $(SEED)) $(ARGS)

check: $(READY) ## lint, format, types, import contracts, generated files
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target check-types check-others

check-types: $(READY)
	$(BIN)/mypy

check-others: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/bergline documents --check

broker-conformance: $(READY) ## ask the embedded broker and a real Kafka the same, show the differences
	@$(BIN)/python -m tests.contracts.broker $(ARGS)

chaos: $(READY) ## faults under traffic, then the audit; ROUNDS=20 SEED=… choose
	@$(BIN)/python -m tests.chaos --rounds $(or $(ROUNDS),20) $(if $(SEED),--seed $(SEED)) $(ARGS)

soak: $(READY) ## writers beside an eager maintainer, then the verdict; MINUTES=30
	@$(BIN)/python -m tests.soak --minutes $(or $(MINUTES),30) $(ARGS)

bench: $(READY) ## list the benchmarks; NAME=… runs one
	@$(BIN)/bergline bench $(NAME) $(ARGS)

bench-quick: $(READY) ## try the benchmarks that start platforms, too, as quickly as they can be run
	@BERGLINE_TEST_BENCH=1 $(BIN)/pytest -q tests/components/test_bench.py

bench-peers: $(READY) ## our stream_writer beside Flink and Kafka Connect; wants Java 17 and Maven
	@$(BIN)/bergline bench peers $(ARGS)

spark: $(READY) ## fetch Spark with Iceberg once (401 MB), for tests, bench build, compact; try it; wants Java 17, Maven
	@$(BIN)/python -m tests.bench.builds.spark_session
	@$(BIN)/python -m tests.bench.compaction.spark
	@BERGLINE_TEST_SPARK=1 $(BIN)/pytest -q tests/components/test_spark_builds.py tests/components/test_bench_compaction.py -k spark

up: $(READY) ## run the embedded platform in the foreground
	@$(BIN)/bergline up $(ARGS)

down: $(READY) ## stop the embedded platform
	@$(BIN)/bergline down $(ARGS)

clean: ## remove .venv, caches and builds; the platform's data stays (bergline down --volumes)
	rm -rf $(VENV) dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Only when lock or project change; a half-finished installation leaves no stamp.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "error: $(PYTHON) is older than Python 3.11; next: make install PYTHON=python3.12" >&2; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
