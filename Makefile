# Every target does its own set-up in .venv; a machine needs python3 (3.11 or newer) and make.

PYTHON ?= python3
# Test processes: what waits for a server in one leaves the processor to the others.
WORKERS ?= 3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help demo run test torture lint servers docs goldens bench lock clean

help:            ## Show this list
	@sed -n 's/^\([a-z]*\): .*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

demo: $(STAMP)   ## Try kmtui with a practice CA and name server, all on this machine
	@$(BIN)/kmtui demo

run: $(STAMP)    ## Start kmtui
	@$(BIN)/kmtui

test: lint       ## Run everything that CI runs; KMTUI_SKIP_SERVERS=1 leaves the real servers out
	@tests/servers/install.sh || echo "servers: going on; the tests that need them will fail"
	@$(BIN)/python -m pytest --numprocesses=$(WORKERS) --dist=loadscope

torture: $(STAMP) ## Kill it at every point, fail every call, fill the disk: half an hour
	@tests/servers/install.sh
	@$(BIN)/python -m tests.torture all

lint: $(STAMP)   ## Check style, types and who imports whom
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo

servers:         ## Fetch the real servers of the tests into .cache (no root needed)
	@tests/servers/install.sh

docs: $(STAMP)   ## Write anew what comes from the code: commands, keys, DNS providers
	@for script in command_page key_table dns_pages; do \
	    $(BIN)/python scripts/$$script.py || exit 1; done

goldens: $(STAMP) ## Write the kept screens anew; look at the difference before you commit it
	@KMTUI_GOLDENS=write $(BIN)/python -m pytest -q tests/real/test_buypass_walk.py

bench: $(STAMP)  ## Measure, and print ratios
	@for script in tests/bench/*.py; do PYTHONPATH=. $(BIN)/python $$script || exit 1; done

lock: $(STAMP)   ## Resolve the dependencies anew into requirements.lock
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile pyproject.toml --extra test --group pyproject.toml:build \
	    --universal --python-version 3.11 --upgrade --system-certs --generate-hashes \
	    --no-emit-index-url --no-annotate --no-header --quiet --output-file requirements.lock

clean:           ## Remove everything these targets made
	@rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache *.egg-info

# The last step installs kmtui itself, built with the locked setuptools instead of a downloaded one.
$(STAMP): requirements.lock pyproject.toml scripts/make_venv.sh
	@scripts/make_venv.sh "$(PYTHON)" $(VENV)
	@echo "Installing the locked dependencies into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	    --require-hashes --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	    --no-deps --no-build-isolation --editable .
	@touch $@
