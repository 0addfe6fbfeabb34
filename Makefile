# `make help` lists what there is. Everything is set up by the first target that needs it, in .venv and node_modules.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin
MINUTES ?= 10
SEED ?= 1
WORKERS ?= 4
RUNS ?= 20
DATABASE ?= sqlite

.DEFAULT_GOAL := help

.PHONY: help
help: ## Say what each target does
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

.PHONY: demo
demo: .venv/.compiled ## Run the whole system once, on examples: publish, look at what went where, check it, stop
	$(BIN)/python -m examples.demo

.PHONY: run
run: .venv/.compiled ## Run the system in the foreground until Ctrl-C, with its data in var/
	$(BIN)/citewire up --data var

.PHONY: test
test: .venv/.dev .venv/.docs judges ## Run every test that this machine can run; say what had to be left out
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -rs

.PHONY: check
check: .venv/.dev ## Types, lint, format, who may import what, the dependencies, the locks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/python -m pip check

.PHONY: fuzz
fuzz: .venv/.dev ## Throw strange inputs at every way in for MINUTES (10), from SEED (1) on, and at the intake as long again
	$(BIN)/python tests/fuzz/run.py --minutes $(MINUTES) --seed $(SEED)
	$(BIN)/python tests/intake/fuzz_intake.py --minutes $(MINUTES)

.PHONY: faults
faults: .venv/.dev ## Break running systems (SQLite, PostgreSQL, three hosts) at random for MINUTES (10), from SEED (1) on, and check that they end with the truth
	$(BIN)/python tests/faults/run.py --seed $(SEED) --minutes $(MINUTES)

.PHONY: adversary
adversary: .venv/.dev ## Attack running systems (SQLite, PostgreSQL) for MINUTES (10), from SEED (1) on, and check that honest readers and partners hardly notice
	$(BIN)/python tests/adversary/run.py --seed $(SEED) --minutes $(MINUTES)

.PHONY: places
places: .venv/.dev ## Change what lies where at random, with kills, RUNS (20) times from SEED (1) on; look at every place
	$(BIN)/python tests/places/run.py --seed $(SEED) --runs $(RUNS) --database $(DATABASE)

.PHONY: bench
bench: .venv/.dev ## Measure publish → delivered against a floor run beside it
	$(BIN)/python -m benchmarks.publish

.PHONY: openapi
openapi: .venv/.dev ## Write docs/openapi.json and docs/api.md; refuse what would break clients
	$(BIN)/python -m workers.openapi

.PHONY: reference
reference: .venv/.dev ## Write docs/command-reference.md
	$(BIN)/python -m workers.command_reference

.PHONY: catalogues
catalogues: .venv/.dev ## Bring the catalogues of our words up to date with the code; what is new is empty
	$(BIN)/python -m workers.catalogues

.PHONY: docs
docs: .venv/.docs judges ## Build the documentation's site into build/docs/site; a warning is an error
	$(BIN)/python .ci/docs.py

.PHONY: lock
lock: .venv/.dev ## Write the locks anew, with hashes and without any registry's name (needs uv)
	uv pip compile pyproject.toml --group build $(LOCK) -o requirements.lock
	uv pip compile pyproject.toml --group build --all-extras $(LOCK) -o requirements-extras.lock
	uv pip compile pyproject.toml --group build --group dev --all-extras $(LOCK) -o requirements-dev.lock
	uv pip compile --group docs $(LOCK) -o requirements-docs.lock
	uv pip compile deploy/flower/requirements.in $(LOCK) -o deploy/flower/requirements.lock
LOCK = --generate-hashes --universal --python-version 3.11 --no-emit-index-url --no-annotate --no-header --quiet --upgrade

.PHONY: notice
notice: .venv/.dev ## Write NOTICE: the packages of the lock and their licences
	$(BIN)/python .ci/notice.py > NOTICE

.PHONY: release-notes
release-notes: .venv/.dev ## Print the changelog's section for TAG, or say why TAG cannot be released
	@$(BIN)/python .ci/release_notes.py "$(TAG)"

.PHONY: dist
dist: .venv/.dev ## Build the wheel, the sdist, the SBOM and the release notes of this version into dist/
	rm -rf build dist
	$(BIN)/python -m build --no-isolation --outdir dist .
	$(BIN)/python -m cyclonedx_py requirements --pyproject pyproject.toml --output-file dist/sbom.cdx.json requirements.lock
	$(BIN)/python .ci/release_notes.py "v$$($(BIN)/python -c 'import importlib.metadata as m; print(m.version("citewire"))')" > dist/NOTES.md

.PHONY: clean
clean: ## Remove what the other targets made, data excepted
	rm -rf .venv node_modules .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis *.egg-info

# --- set-up -------------------------------------------------------------------------------------------------------

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Citewire needs Python 3.11 or newer, and none is on the PATH" >&2; exit 1; }
	$(PYTHON) -m venv .venv

# `--no-deps`: the locks name all there is, and `make check` asks pip whether it fits together.
.venv/.runtime: requirements.lock pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# pip compiles the packages but not this checkout, and a machine that has PYTHONDONTWRITEBYTECODE set never would: each
# command would then spend half of its start on compiling.
.venv/.compiled: .venv/.runtime $(shell find pipeline workers config -name '*.py')
	$(BIN)/python -m compileall -q pipeline workers config
	@touch $@

.venv/.dev: requirements-dev.lock .venv/.compiled
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-dev.lock
	@touch $@

.venv/.docs: requirements-docs.lock | .venv/bin/python
	$(BIN)/python -m venv .venv/docs
	.venv/docs/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-docs.lock
	@touch $@

# The judges that come from npm. Without npm their tests are left out and named.
.PHONY: judges
judges:
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory node_modules/.installed; \
	else echo "npm is not here: the judges that need it are left out" >&2; fi

node_modules/.installed: package-lock.json package.json
	npm ci --silent
	npm run --silent amp-rules
	@touch $@
