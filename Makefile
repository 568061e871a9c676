# Every task of the project. `make` alone lists them. Needs: make, Python 3.11 or newer.

VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime-installed
DEV := $(VENV)/.dev-installed
NODE := $(VENV)/.node-installed
NPM := cd ui && PATH="$(CURDIR)/$(BIN):$$PATH" NODE_USE_SYSTEM_CA=1 npm
UI_LIBRARIES := ui/node_modules/.installed
UI_DEV := ui/node_modules/.dev-installed
UI := src/aiop/ui/index.html
UI_SOURCES := $(shell find ui/src ui/public ui/index.html ui/vite.config.ts -type f ! -name schema.d.ts)
REAL := browser or dagger or docker or kubernetes or oci or postgres or prometheus
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate

.DEFAULT_GOAL := help
.PHONY: help demo serve ui try-ui setup test test-quick test-engine lint format types verify generate bench screenshots lock clean

help:  ## List the targets.
	@sed -n 's/^\([a-z-]*\):.*##  *\(.*\)/\1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "  make %-12s %s\n", $$1, $$2 }'

demo: $(RUNTIME) try-ui  ## Start the service and run the example workflow in real containers, with a Docker Engine of its own if none answers.
	@$(BIN)/python scripts/demo.py

serve: $(RUNTIME) try-ui  ## Start the service alone, until Ctrl-C; AIOP_* variables configure it (docs/reference/settings.md).
	@$(BIN)/python scripts/serve.py $(BIN)/aiop serve

ui: $(UI)  ## Build the web UI into src/aiop/ui, with a Node.js from PyPI.

try-ui: $(RUNTIME)
	@$(MAKE) --no-print-directory ui || echo "aiop: the web UI could not be built; all else is here without it"

setup: $(DEV) $(UI_DEV)  ## Make the virtual environment .venv and ui/node_modules with all that development needs, from the lock files.

test: test-quick test-engine  ## Run every test, quick ones first; those that lack their engine are skipped unless AIOP_REQUIRE names it.

test-quick: $(DEV) $(UI_DEV)  ## Run the tests that need no real engine, database server, browser or Prometheus.
	@$(NPM) run --silent test
	$(BIN)/pytest -m "not ($(REAL))"

test-engine: $(DEV) $(UI_DEV) $(UI)  ## Run the tests against real engines, databases, browsers and a real Prometheus, which they start themselves (as root on Debian and Ubuntu).
	@sh scripts/packages.sh test
	$(BIN)/pytest -m "$(REAL)"

lint: $(DEV) $(UI_DEV)  ## Check style, format and which package imports which.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo --no-cache
	@$(NPM) run --silent schema
	$(NPM) run --silent lint

format: $(DEV)  ## Put the code into the project's format.
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

types: $(DEV) $(UI_DEV)  ## Check the types.
	$(BIN)/mypy
	$(NPM) run --silent types

verify: $(DEV)  ## Prove that the generated files are current, and that links and workflows in the docs hold.
	$(BIN)/python scripts/generate.py --check
	$(BIN)/python scripts/check_docs.py

generate: $(DEV)  ## Write the generated files again: docs/reference/openapi.json, settings.md, metrics.md, ...
	$(BIN)/python scripts/generate.py

bench: $(DEV) $(UI)  ## Measure: the cost of a step against the raw Docker API, steps a second, lists and scrapes over 100,000 executions, the REST API, the page of a large execution (WFINSTANCES=DIRECTORY: recorded graphs too).
	@$(BIN)/python scripts/with_engine.py $(BIN)/python bench/docker_overhead.py --image busybox:1
	$(BIN)/python bench/dagger_overhead.py
	$(BIN)/python bench/oci_overhead.py --docker $(if $(WFINSTANCES),--wfinstances $(WFINSTANCES))
	$(BIN)/python bench/fake_steps.py
	$(BIN)/python bench/lists.py
	$(BIN)/python bench/scrape.py
	$(BIN)/python bench/rest.py
	$(BIN)/python bench/ui.py

screenshots: $(DEV) $(UI)  ## Take a picture of every screen of the web UI, light and dark, into docs/images/ui.
	@sh scripts/packages.sh test
	$(BIN)/python scripts/screenshots.py

lock: $(BIN)/uv  ## Resolve the dependencies of pyproject.toml again into requirements/*.txt (UPGRADE=--upgrade takes newer ones).
	$(COMPILE) $(UPGRADE) pyproject.toml requirements/build.in -o requirements/runtime.txt
	$(COMPILE) $(UPGRADE) requirements/node.in -o requirements/node.txt
	$(COMPILE) $(UPGRADE) pyproject.toml requirements/build.in --extra dev --constraint requirements/runtime.txt -o requirements/dev.txt

clean:  ## Remove what the other targets made: .venv, var (the state of the demo) and caches.
	rm -rf $(VENV) ui/node_modules src/aiop/ui var build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests scripts examples -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/uv:
	@test -x $(BIN)/pip || python3 -m venv $(VENV)
	@$(BIN)/pip install --quiet uv

$(RUNTIME): requirements/runtime.txt pyproject.toml scripts/setup.sh
	@sh scripts/setup.sh $(VENV) requirements/runtime.txt
	@touch $@

$(DEV): requirements/dev.txt requirements/runtime.txt pyproject.toml scripts/setup.sh
	@sh scripts/setup.sh $(VENV) requirements/dev.txt
	@touch $(RUNTIME) $@

$(NODE): requirements/node.txt | $(RUNTIME)
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/node.txt
	@touch $@

$(UI_LIBRARIES): ui/package-lock.json ui/package.json | $(NODE)
	@echo "aiop: installing ui/package-lock.json"
	@$(NPM) ci --loglevel error $$(test -e node_modules/.dev-installed || echo --omit=dev) >/dev/null && touch node_modules/.installed

$(UI_DEV): ui/package-lock.json ui/package.json | $(NODE)
	@echo "aiop: installing ui/package-lock.json"
	@$(NPM) ci --loglevel error >/dev/null && touch node_modules/.installed node_modules/.dev-installed

$(UI): $(UI_LIBRARIES) $(UI_SOURCES)
	@echo "aiop: building the web UI"
	@$(NPM) run --silent build -- --logLevel warn
