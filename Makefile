# Every target sets up what it needs; nothing but Python 3.11+ and make is assumed.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
DEMO   ?= demo
# Where an image forbids them, every process would compile every module anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo lab app report test test-all faults faults-all mutants fuzz calibration lint fmt check refresh relations \
  pictures bench profile lock clean

help:  ## show what make can do
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | sed 's/\$$\$$/$$/g' | expand -t 14

$(READY): requirements.lock pyproject.toml
	@echo 'Installing what dbtools needs into $(VENV); this takes a minute or two.'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY)  ## build the demo project, run its reports, say where they are
	$(BIN)/dbtools demo $(DEMO)

$(DEMO)/prompter.db: $(READY)
	$(BIN)/dbtools demo $(DEMO)

lab: $(READY)  ## open JupyterLab on the Explorer (of a demo project, or of $$DBTOOLS_PROJECT; ARGS="--port 9999 …")
	@echo 'The Explorer is at /lab/tree/00_explore.ipynb of the address that follows.'
	$(BIN)/jupyter lab notebooks/00_explore.ipynb $(ARGS)

app: $(READY)  ## serve the Explorer as a page of its own, on this machine only (of the demo, or of $$DBTOOLS_PROJECT)
	cd notebooks && ../$(BIN)/voila 00_explore.ipynb $(ARGS)

report: $(READY) $(if $(ROOT),,$(DEMO)/prompter.db)  ## write the reports of the project in ROOT (default: the demo project)
	$(BIN)/dbtools run audit effectiveness evolution usage --root $(or $(ROOT),$(DEMO)) --out reports

# The suites that `make test` leaves out, by folder, beside single tests marked slow; `make check` runs them too.
SLOW   := browser calibration faults fuzz lake postgres security slow wheel
PYTEST := $(BIN)/python -m pytest -q -n logical --dist loadfile --no-loadscope-reorder
NBVAL  := --nbval --nbval-current-env --nbval-sanitize-with notebooks/sanitize.cfg notebooks

test: $(READY)  ## run the tests of one room (ROOM=cleanup), or the quick ones of every module and the notebooks (3 minutes)
ifdef ROOM
	$(PYTEST) $(wildcard tests/$(ROOM) tests/test_$(ROOM).py)
else
	$(PYTEST) -m "not slow" $(SLOW:%=--ignore=tests/%) tests $(NBVAL)
endif

test-all: $(READY)  ## run every test, the slow suites too (half an hour)
	$(PYTEST) tests $(NBVAL)

faults: $(READY)  ## the fault suites as CI runs them, with a table of what was tried
	$(PYTEST) tests/faults

faults-all: $(READY)  ## the fault suites with every combination (slow)
	FAULTS=all $(PYTEST) tests/faults

calibration: $(READY)  ## simulate as many samples as docs/statistics.md tells of, and show the figures (slow)
	CALIBRATION=all $(PYTEST) -rP --log-level=INFO tests/calibration

mutants: $(READY)  ## take out each safeguard once: which test notices? (slow)
	$(BIN)/python tests/faults/mutants.py

fuzz: $(READY)  ## try EFFORT=10 times as many bad inputs, and a project of FILES=200000 files
	DBTOOLS_FUZZ=$(or $(EFFORT),10) DBTOOLS_FUZZ_FILES=$(or $(FILES),200000) $(PYTEST) tests/fuzz

refresh: $(READY)  ## run the notebooks and store their outputs in the files (byte-stable)
	$(BIN)/python -m dbtools.notebooks notebooks

relations: $(READY)  ## write docs/relations.md from the comments on the relations
	$(BIN)/python -m dbtools.database.describe docs/relations.md

lint: $(READY)  ## style, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fmt: $(READY)  ## format the code and the notebooks
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

check: lint test-all  ## everything CI runs

pictures: $(READY)  ## make the README's pictures anew (needs chromium)
	HOME=$(CURDIR) XDG_CACHE_HOME=$$(mktemp -d) IPYTHONDIR=$$(mktemp -d) $(BIN)/dbtools demo $(DEMO)
	mkdir -p pictures && $(BIN)/python tests/browser/pictures.py pictures $(DEMO)/reports/*.html
	for name in audit cleanup-applied explorer-agents-light; do \
	  cp pictures/$$name.png .readme/; done

bench: $(READY) $(VENV)/peers/.ready  ## measure dbtools and its peers (SIZES="3000 300000" versions)
	$(BIN)/python tests/benchmarks/run.py $(SIZES)

$(VENV)/peers/.ready: tests/benchmarks/requirements.lock $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --upgrade \
	  --target $(@D) -r $<
	@touch $@

profile: $(READY)  ## profile the agent question, the export and the import (SIZE=300000 versions), to profiles/
	$(BIN)/python tests/benchmarks/profiles.py $(SIZE)

lock: $(READY)  ## resolve the dependencies again
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header --no-annotate \
	  --no-emit-index-url --no-emit-find-links --extra dev --upgrade pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header --no-annotate \
	  --no-emit-index-url --no-emit-find-links --upgrade tests/benchmarks/requirements.in \
	  -o tests/benchmarks/requirements.lock

clean:  ## remove what make made
	rm -rf $(VENV) $(DEMO) reports pictures profiles .pytest_cache .mypy_cache .ruff_cache
