# Bulkhead: every command of the project. `make help` lists them.
#
# Needs python >= 3.11, node >= 20 with npm, and make. Everything else is installed inside this
# folder: Python packages in .venv, the compiler and Anvil in node_modules.

SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?=
ROOT := $(CURDIR)
BIN := $(ROOT)/.venv/bin
PY := $(BIN)/python
UV := $(ROOT)/.tools/uv/bin/uv
NPM_BIN := $(ROOT)/node_modules/.bin

# The pinned binaries come first; where npm has none for this platform, PATH is asked.
pick = $(or $(wildcard $(NPM_BIN)/$(1)),$(shell command -v $(1) 2>/dev/null))
FORGE = $(or $(call pick,forge),$(error forge is missing: not in node_modules and not on PATH (see https://getfoundry.sh)))

export SOLCX_BINARY_PATH := $(ROOT)/tools/solcx
export PATH := $(BIN):$(NPM_BIN):$(PATH)
export NPM_CONFIG_UPDATE_NOTIFIER := false
export UV_PYTHON_DOWNLOADS := never
export UV_LINK_MODE ?= hardlink
export APE_DATA_FOLDER ?= $(ROOT)/.build/ape-home

.PHONY: help
help: ## list the commands
	@awk 'BEGIN {FS = ":.*## "} /^[a-z][a-z-]*:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ---------------------------------------------------------------- set-up

.PHONY: setup
setup: ## install everything, inside this folder
	@test -f .venv/.stamp -a -f node_modules/.stamp || PYTHON="$(PYTHON)" tools/preflight >/dev/null
	@$(MAKE) -s -j2 .venv/.stamp node_modules/.stamp
	@$(PY) -m bulkhead.chain.binaries

.tools/uv/.stamp: tools/uv.lock
	@mkdir -p .tools
	@python=$$(PYTHON="$(PYTHON)" tools/preflight) && rm -rf .tools/uv && "$$python" -m venv .tools/uv
	@.tools/uv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r tools/uv.lock
	@touch $@

# Apart from .venv: halmos and ape want different versions of rich.
.tools/halmos/.stamp: tools/halmos.lock .tools/uv/.stamp
	@python=$$(PYTHON="$(PYTHON)" tools/preflight) && rm -rf .tools/halmos && $(UV) venv -q --python "$$python" .tools/halmos
	@VIRTUAL_ENV=$(ROOT)/.tools/halmos $(UV) pip sync -q --require-hashes tools/halmos.lock
	@touch $@

.venv/.stamp: requirements.lock pyproject.toml .tools/uv/.stamp
	@python=$$(PYTHON="$(PYTHON)" tools/preflight) && { test -x $(PY) || $(UV) venv -q --python "$$python" .venv; }
	@VIRTUAL_ENV=$(ROOT)/.venv $(UV) pip sync -q --require-hashes requirements.lock
	@VIRTUAL_ENV=$(ROOT)/.venv $(UV) pip install -q --no-deps --no-build-isolation --offline -e .
	@touch $@

node_modules/.stamp: package-lock.json
	@PYTHON="$(PYTHON)" tools/preflight >/dev/null
	@npm ci --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: lock
lock: .tools/uv/.stamp ## resolve the dependencies anew (after editing requirements.in or package.json)
	@UV_CUSTOM_COMPILE_COMMAND="make lock" $(UV) pip compile -q --generate-hashes --no-emit-index-url --no-emit-find-links --python-version 3.11 --universal requirements.in -o requirements.lock
	@UV_CUSTOM_COMPILE_COMMAND="make lock" $(UV) pip compile -q --generate-hashes --no-emit-index-url --no-emit-find-links --python-version 3.11 --universal tools/uv.in -o tools/uv.lock
	@UV_CUSTOM_COMPILE_COMMAND="make lock" $(UV) pip compile -q --generate-hashes --no-emit-index-url --no-emit-find-links --python-version 3.11 --universal tools/halmos.in -o tools/halmos.lock
	@npm install --package-lock-only --omit-lockfile-registry-resolved --no-audit --no-fund

# ---------------------------------------------------------------- build

.PHONY: compile
compile: setup ## compile the contracts that changed; ONLY=Market,MarketLens compiles just these
	@$(PY) -m bulkhead.chain.compile $(if $(ONLY),--only $(ONLY))

.PHONY: sizes
sizes: compile ## size of every contract against the limits; updates snapshots/sizes.txt
	@$(PY) -m bulkhead.chain.sizes --write

.PHONY: gas
gas: compile ## gas of every action; updates gas/snapshot.json
	@$(PY) -m bulkhead.gas --write

# ---------------------------------------------------------------- run

# Quoted, so that a path with a space stays one word.
given = $(if $($(1)),$(2) "$($(1))")

.PHONY: demo
demo: compile ## deploy, trade and liquidate on a local chain; PRICES=file.csv FROM= TO= MAX_GAP= POSITIONS= BLOCKS= SEED=
	@$(BIN)/bulkhead demo $(call given,PRICES,--prices) $(call given,FROM,--from) $(call given,TO,--to) $(call given,MAX_GAP,--max-gap) $(call given,POSITIONS,--positions) $(call given,BLOCKS,--blocks) $(call given,SEED,--seed)

.PHONY: bench-keeper
bench-keeper: compile ## a price tick of the keeper's index, 10^3 to 10^6 positions; out/bench/keeper.json
	@$(PY) -m bulkhead.keeper.bench

.PHONY: bench-sim
bench-sim: setup ## position-steps a second of the simulation; writes out/bench/sim.json
	@$(PY) -m bulkhead.sim.bench

.PHONY: bench-fuzz
bench-fuzz: compile ## calls a second, and bugs (BUGS=24), beside forge's fuzzer; out/bench/fuzz.json
	@$(PY) -m bulkhead.fuzz.bench $(call given,BUGS,--bugs)

.PHONY: fuzz
fuzz: compile ## attack the contracts under all laws; ENGINE=revm|anvil PROFILE= MINUTES= SEED= LAW= WORKERS=
	@$(BIN)/bulkhead fuzz $(call given,ENGINE,--engine) $(call given,PROFILE,--profile) $(call given,MINUTES,--minutes) $(call given,SEED,--seed) $(call given,LAW,--law) $(call given,WORKERS,--workers)

.PHONY: mutants
mutants: compile ## plant faults, see which laws notice; docs/mutation.*; ONLY= AREA= GENERATED= SECONDS= SEED= JOBS=
	@$(BIN)/bulkhead mutants $(call given,ONLY,--only) $(call given,AREA,--area) $(call given,GENERATED,--generated) $(call given,SECONDS,--seconds) $(call given,SEED,--seed) $(call given,JOBS,--jobs)

.PHONY: coverage
coverage: compile ## lines and branches of the core that the fuzzer reaches; docs/coverage.*; SECONDS= SEED= JOBS=
	@$(BIN)/bulkhead coverage $(call given,SECONDS,--seconds) $(call given,SEED,--seed) $(call given,JOBS,--jobs)

# A worker for each core, each with a chain of its own; a file stays with one worker, whose fixtures
# its tests share. T="-n 0" runs everything in one process, as pytest alone does.
ON_EVERY_CORE := -n auto --maxprocesses 4 --dist loadfile

.PHONY: test
test: compile ## every test; T="-k name" passes arguments to pytest
	@$(BIN)/pytest $(ON_EVERY_CORE) $(T)

.PHONY: test-quick
test-quick: compile ## the tests that take no longer than seconds
	@$(BIN)/pytest $(ON_EVERY_CORE) -m "not slow and not browser" $(T)

# ---------------------------------------------------------------- quality

SOLIDITY = $(wildcard contracts interfaces tests/forge)

.PHONY: fmt
fmt: setup ## format Python and Solidity
	@$(BIN)/ruff format -q .
	@$(BIN)/ruff check -q --fix-only .
	@$(FORGE) fmt $(SOLIDITY)

.PHONY: lint
lint: setup ## style and types only: ruff, mypy, forge fmt, solhint
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(FORGE) fmt --check $(SOLIDITY)
	@$(NPM_BIN)/solhint --disc --noPoster --max-warnings 0 'contracts/!(test)/**/*.sol' 'interfaces/**/*.sol'
	@$(NPM_BIN)/solhint --disc --noPoster --max-warnings 0 -c contracts/test/.solhint.json 'contracts/test/**/*.sol' 'tests/forge/*.sol'

.PHONY: slither
slither: setup ## static analysis against the judged findings of docs/slither.md
	@$(PY) tools/static_analysis.py

.PHONY: prove
prove: setup .tools/halmos/.stamp ## prove what docs/symbolic.md lists; SECONDS_EACH= MATCH= WRITE=1
	@$(PY) tools/prove.py $(call given,SECONDS_EACH,--seconds) $(call given,MATCH,--match) $(if $(WRITE),--write)

.PHONY: check
check: compile lint slither ## all that a change must pass besides the tests
	@$(BIN)/pytest -q tests/unit/test_toolchain.py
	@$(PY) -m bulkhead.chain.sizes --check
	@$(PY) -m bulkhead.gas --check

.PHONY: clean
clean: ## remove what was built; `make clean-all` also removes what was installed
	@rm -rf .build .cache cache out crytic-export .pytest_cache .mypy_cache .ruff_cache

.PHONY: clean-all
clean-all: clean ## remove what was built and installed
	@rm -rf .tools .venv node_modules
