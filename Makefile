# Everything here works on a machine that has only Python 3.11+ and make. `make help` lists it.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)
VENV ?= .venv
BIN := $(VENV)/bin
TOOLS := openapi manifests dist docs
IMAGE ?= drone-webhook-sidecar:test
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install --require-hashes

.PHONY: help
help: ## list what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1 ~ \2/p' $(MAKEFILE_LIST) | awk -F' ~ ' '{ printf "%-18s %s\n", $$1, $$2 }'

.PHONY: demo
demo: $(VENV)/run ## the main job, end to end: a receiver, the sidecar, every kind of event, each delivery verified
	@$(BIN)/python -m sidecar demo

.PHONY: run
run: $(VENV)/run ## serve with the settings of .env
	@exec $(BIN)/python -m sidecar serve

.PHONY: test
test: lint ## linters, types, import contracts and every test that needs Python alone
	$(BIN)/pytest -n auto -rs $(PYTEST)

.PHONY: lint
lint: $(VENV)/dev ## linters, types, import contracts
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy --no-error-summary
	$(BIN)/lint-imports --no-logo | tail -n 3

.PHONY: format
format: $(VENV)/dev ## put the code in its form
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format --quiet .

.PHONY: generate
generate: $(VENV)/run ## write anew what is generated: .env.example and the reference pages
	$(BIN)/python -m sidecar.settings example > .env.example
	$(BIN)/python -m sidecar.settings reference > docs/reference/settings.md
	$(BIN)/python -m sidecar.logs > docs/reference/logs.md
	$(BIN)/python -m sidecar.metrics > docs/reference/metrics.md
	$(BIN)/python -m sidecar.openapi > docs/reference/openapi.json

.PHONY: verifiers
verifiers: $(BIN)/python ## every language's verifier over the shared vectors; names those it could not run
	@$(BIN)/python verifiers/run.py $(if $(REQUIRE),--require $(REQUIRE))

.PHONY: image
image: ## build the container image, with podman or docker
	deploy/image/build --tag $(IMAGE) $(BUILD)

.PHONY: image-test
image-test: image $(VENV)/dev ## build the image, and run it: hardened, stopped, killed, under other users
	IMAGE=$(IMAGE) $(BIN)/pytest -c pyproject.toml --rootdir . -n 2 --timeout 90 deploy/tests/test_image.py deploy/tests/test_kubernetes.py $(PYTEST)

.PHONY: manifests
manifests: $(VENV)/manifests/made $(VENV)/dev ## check all of deploy/, the Dockerfile and the workflows, offline
	PATH="$(CURDIR)/$(VENV)/manifests/bin:$$PATH" $(BIN)/pytest -c pyproject.toml --rootdir . -rs deploy/tests/test_manifests.py

.PHONY: docs
docs: $(VENV)/docs/made ## build the docs as a site, into site/; any warning fails
	@$(BIN)/python release/site.py $(VENV)/docs/bin/python

.PHONY: dist
dist: $(VENV)/dist/made ## build wheel and sdist twice, install and run the wheel alone; bill of materials, licences
	@$(VENV)/dist/bin/towncrier build --draft --version next > /dev/null
	@$(VENV)/dist/bin/python release/dist.py $(VENV)/dist/bin/python

.PHONY: interop
interop: $(VENV)/dev ## strangers verify what is sent: npm's RFC 9421 and Standard Webhooks; TypeScript by its own compiler
	@tests/interop/get
	@PATH="$(CURDIR)/tests/interop/node_modules/.bin:$$PATH" $(BIN)/pytest -o python_files='check_*.py' -n 2 -rs tests/interop

.PHONY: bench
bench: $(VENV)/dev ## how fast it is here, beside a bare aiohttp loop; then other shapes, and a backlog of a million
	@$(BIN)/python bench/road.py
	@$(BIN)/python bench/parts.py
	@$(BIN)/python bench/shapes.py
	@$(BIN)/python bench/isolation.py
	@$(BIN)/python bench/claims.py
	@$(BIN)/python bench/backlog.py
	@$(MAKE) -s bench-log

.PHONY: abuse
abuse: $(VENV)/dev ## what it costs local events that somebody floods the inbound listener
	@$(BIN)/python bench/abuse.py

.PHONY: bench-log
bench-log: $(VENV)/dev ## how quick the log and the status page are with a million deliveries kept
	@$(BIN)/python bench/log.py
	@$(BIN)/python bench/pages.py

.PHONY: faults
faults: $(VENV)/dev ## what it lives through: ROUNDS=200 of every fault, or those ONLY=gone names, from SEED=1 on; minutes
	@PYTHONPATH=tests $(BIN)/python -m faults --rounds $(or $(ROUNDS),200) --seed $(or $(SEED),1) --only "$(ONLY)"

.PHONY: fuzz
fuzz: $(VENV)/dev ## EXAMPLES=100000 inputs for the socket, Retry-After, globs, settings and receivers' answers each
	@FUZZ_EXAMPLES=$(or $(EXAMPLES),100000) $(BIN)/pytest -q -s tests/test_fuzz_words.py tests/test_fuzz_answers.py \
		tests/test_fuzz_socket.py

.PHONY: soak
soak: $(VENV)/dev ## MINUTES=30 of mixed load with restarts: whether memory, files, descriptors or waits grow
	@PYTHONPATH=tests $(BIN)/python -m faults.soak --minutes $(or $(MINUTES),30) --seed $(or $(SEED),1)

.PHONY: openapi-test
openapi-test: $(VENV)/run $(VENV)/openapi/made ## a running sidecar against its OpenAPI description: EXAMPLES=10 of each kind, by SEED
	@PYTHONPATH=tests $(BIN)/python tests/openapi_conformance.py $(VENV)/openapi/bin/schemathesis $(or $(EXAMPLES),10) $(SEED)

.PHONY: browser
browser: $(VENV)/browser ## the status page in a real browser: its main paths, and axe-core on every page
	@tests/browser/get
	$(BIN)/pytest -o python_files='check_*.py' -n 2 tests/browser

.PHONY: screenshots
screenshots: $(VENV)/browser ## write the pictures of the status page anew
	@tests/browser/get
	@PYTHONPATH=tests:tests/browser $(BIN)/python tests/browser/pictures.py docs/howto/pictures

.PHONY: lock
lock: ## resolve the dependencies anew (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
		pyproject.toml -o requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
		-c requirements.lock --group build -o requirements-build.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
		-c requirements.lock --group dev pyproject.toml -o requirements-dev.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
		-c requirements-dev.lock --group browser -o requirements-browser.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
		-c requirements-dev.lock --extra otel pyproject.toml -o requirements-otel.lock
	for group in $(TOOLS); do \
		uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
			--group $$group -o requirements-$$group.lock; \
	done

.PHONY: otel-test
otel-test: $(VENV)/dev requirements-otel.lock ## spans, by a real exporter to a real collector
	@$(PIP) -r requirements-otel.lock
	$(BIN)/pytest -rs tests/test_traces.py

.PHONY: clean
clean: ## remove what make made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist site

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo 'make: no Python 3.11 or later was found; set PYTHON=/path/to/python3' >&2; exit 1; }
	@echo 'Making $(VENV) with $(PYTHON) …'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/run: requirements.lock requirements-build.lock pyproject.toml | $(BIN)/python
	@$(PIP) -r requirements.lock -r requirements-build.lock
	@$(BIN)/python -m pip --disable-pip-version-check --quiet install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev: requirements-dev.lock $(VENV)/run
	@$(PIP) -r requirements-dev.lock
	@touch $@

$(VENV)/browser: requirements-browser.lock $(VENV)/dev
	@$(PIP) -r requirements-browser.lock
	@touch $@

# Tools of one target each, in a place of their own.
$(VENV)/%/made: requirements-%.lock | $(BIN)/python
	@echo 'Making $(VENV)/$* …'
	@$(BIN)/python -m venv $(VENV)/$*
	@$(VENV)/$*/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r $<
	@touch $@
