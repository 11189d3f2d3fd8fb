# Two commands: `make demo` and `make test`. Each sets up what it needs. `make help` lists the rest.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Tests and commands are many processes: without bytecode on disk, each compiles all modules and rewrites all assertions.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup dev demo test tests test-slow test-sources test-spark test-kills lint language rooms locks bench bench-api bench-console bench-score bench-quality bench-spark faults charts console test-console pictures notebook schema simulate clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

setup: $(STAMP) ## the environment in .venv/ (nothing else of the machine is touched)

$(STAMP): locks/python.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "graphsvc needs Python 3.11 or newer; set PYTHON=/path/to/python3"; exit 1; }
	@echo "setup: creating $(VENV) and installing the locked packages (one to two minutes the first time)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --require-hashes --only-binary :all: -r locks/python.txt
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@
	@echo "setup: done, the command is $(BIN)/graphsvc"

dev: setup ## the environment, and a hook that runs the linters before each commit (.pre-commit-config.yaml)
	@if ! git rev-parse --git-dir > /dev/null 2>&1; then echo "dev: no git repository, so no hook"; \
	elif $(BIN)/python -c 'import pre_commit' 2> /dev/null || command -v pre-commit > /dev/null; then \
	  PATH="$(BIN):$$PATH" pre-commit install; \
	else \
	  hook="$$(git rev-parse --git-path hooks)/pre-commit"; \
	  test -e "$$hook" && { echo "dev: $$hook is there, left as it is"; exit 0; }; \
	  mkdir -p "$${hook%/*}" && printf '#!/bin/sh\nexec make --no-print-directory lint\n' > "$$hook" && chmod +x "$$hook" && echo "dev: each commit runs make lint"; \
	fi
	@echo "dev: CONTRIBUTING.md says where things are; make test runs everything"

demo: setup ## a Neo4j, a synthetic dataset of 120,000 accounts, detection, and GraphQL
	@$(BIN)/graphsvc demo

test: setup ## lint, types, import layers, and the tests against a real Neo4j, side by side
	@$(MAKE) --no-print-directory -j2 lint tests

tests: setup
	@$(BIN)/python -m pytest -m "not slow and not sources and not spark and not kills" -n auto --dist loadfile

test-slow: setup ## the tests that take longer than a minute each, and those of properties on many more examples
	@$(BIN)/python -m pytest -m "(slow or hypothesis) and not sources and not spark and not kills" --hypothesis-profile thorough -n auto --dist loadfile

test-sources: setup ## loads from a real PostgreSQL, a real Kafka broker and S3, killed and run again (ten minutes; installs PostgreSQL by apt where root may)
	@ls /usr/lib/postgresql/*/bin/initdb > /dev/null 2>&1 || command -v initdb > /dev/null || \
	  { test "$$(id -u)" = 0 && command -v apt-get > /dev/null && apt-get install --yes --quiet --no-install-recommends postgresql > /dev/null; } || \
	  echo "test-sources: there is no PostgreSQL, so its tests are skipped; install the package postgresql"
	@$(BIN)/python -m pytest -m "not kills" tests/sources

test-spark: setup ## the engine spark: in this process, on a cluster of two workers, one of them killed, and through Spark Connect (thirty minutes; installs PySpark)
	@$(BIN)/python -m pip install --quiet "pyspark[connect]>=4.3,<5"
	@$(BIN)/python -m pytest tests/spark -n 0

bench-spark: setup ## time, rows and bytes of each step of the engine spark on this machine, next to one process: docs/scale.md; BENCH_ARGS="--accounts 100000"
	@$(BIN)/python -m pip install --quiet "pyspark>=4.3,<5"
	@$(BIN)/python -m bench.spark $(BENCH_ARGS)

test-kills: setup ## publisher, scheduler, consumer and sender, each killed at fifty seeded moments, one after another (half an hour; the consumer needs Kafka's jars)
	@$(BIN)/python -m pytest -m kills -n 0 -s

console: ## the console out of console/ into the package (needs Node 20 and npm; the build is committed)
	@cd console && npm ci --no-audit --no-fund --silent && npm run --silent build

test-console: setup ## the console and Neo4j Browser in a real browser over the demo's world, and axe (needs Node and Chromium; ten minutes)
	@$(BIN)/python -m bench.console sign-in
	@$(BIN)/python -m bench.console flow
	@$(BIN)/python -m bench.console neo4j-browser

pictures: setup ## the pictures of the console, GraphiQL and Neo4j Browser in docs/images/, from the running demo (needs Node and Chromium)
	@$(BIN)/python -m bench.console pictures

notebook: setup ## docs/notebooks/investigate.ipynb with what comes out over the demo's world (five minutes)
	@$(BIN)/python -m bench.notebook

lint: setup ## ruff, mypy, import layers, and the language of the documentation
	@echo "lint: ruff, mypy, import-linter, language"
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/mypy docs/examples/client.py && $(BIN)/lint-imports
	@$(BIN)/python -m bench.language

language: setup ## how long the sentences of the documentation are, page by page
	@$(BIN)/python -m bench.language --table

rooms: setup ## docs/rooms.svg and the table of rooms in docs/architecture.md, from the imports
	@$(BIN)/python -m bench.rooms

bench: setup ## speed and memory from 100,000 to 1,000,000 accounts, ours and the peers (about an hour): docs/benchmarks/; BENCH_ARGS="--sizes 100000"
	@$(BIN)/python -m bench.scale $(BENCH_ARGS)

bench-api: setup ## latency of the API over HTTP beside the bare Cypher, a million accounts (twenty minutes, 8 GB): docs/benchmarks/; BENCH_ARGS="--accounts 100000"
	@$(BIN)/python -m bench.api $(BENCH_ARGS)

bench-console: setup ## until the largest cluster of the demo is drawn in a browser, and the longest task (needs Node and Chromium): docs/benchmarks/
	@$(BIN)/python -m bench.console first-view $(BENCH_ARGS)

bench-score: setup ## how fast sign-ups are scored beside a bare Cypher look-up, and recall on a world of days (twenty minutes): docs/benchmarks/; BENCH_ARGS="--accounts 1000000", BENCH_ARGS="--only quality"
	@$(BIN)/python -m bench.score $(BENCH_ARGS)

bench-quality: setup ## all methods on worlds no threshold was set with, forty random worlds, permuted ones, ablation, price of evasion (hours): docs/benchmarks/; BENCH_ARGS="--only small"; GRAPHSVC_MARKET, GRAPHSVC_SYBIL_REPO, GRAPHSVC_IDENTITIES_REPO name data from outside
	@$(BIN)/python bench/quality.py $(BENCH_ARGS)

faults: setup ## 400 seeded faults (kills, network, disks, clocks, damaged files, clients) against the real service (up to an hour): docs/operations/faults.md; FAULTS_ARGS="--only proxy"
	@$(BIN)/python -m bench.faults $(FAULTS_ARGS)

charts: setup ## the Helm chart linted, rendered and validated, and the alert rules checked (needs Go; builds helm and promtool the first time, a quarter of an hour)
	@command -v helm > /dev/null || test -x $(BIN)/helm || GOBIN=$(abspath $(BIN)) go install helm.sh/helm/v3/cmd/helm@v3.22.0
	@command -v promtool > /dev/null || test -x $(BIN)/promtool || GOBIN=$(abspath $(BIN)) go install github.com/prometheus/prometheus/cmd/promtool@v0.316.0
	@$(BIN)/python -m pip install --quiet kubernetes-validate==1.37.0
	@PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m pytest -n 0 -rs tests/house/test_deploy.py

simulate: setup ## thirty days of a world of 120,000 accounts, loaded and detected one by one (three quarters of an hour): simulation/
	@$(BIN)/graphsvc simulate

schema: setup ## schema.graphql and docs/graphql/reference.md out of the code, and what of it would break clients of the last release
	@$(BIN)/graphsvc schema --out schema.graphql && $(BIN)/graphsvc schema --reference --out docs/graphql/reference.md
	@$(BIN)/graphsvc schema --against docs/graphql/released.graphql

locks: setup ## renew locks/python.txt and the lock of the managed Neo4j
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --extra managed --extra sql --extra kafka --extra notify --extra stix --extra otel --extra py2neo --extra notebook --group dev \
	  --output-file locks/python.txt pyproject.toml
	@$(BIN)/graphsvc neo4j lock

clean: ## remove the environment and the caches of the tools
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
