# The only set-up on a machine with Python 3.11+ and make: `make serve`, `make test`.
PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8000
WORKERS ?= 1

VENV := .venv
BIN := $(VENV)/bin
RESULTS := benchmarks/results
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help serve test install train bench chaos fuzz load soak audit check test-image test-clients test-ray constraints clean

help:  ## Say what there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/' | expand -t 22

serve: $(VENV)/.serving  ## Serve the committed bundle (HOST=, PORT=, WORKERS=)
	$(BIN)/python -m service serve --host $(HOST) --port $(PORT) --workers $(WORKERS)

# two files at a time, as most of a test is waiting for a process; in order, so that trials have the end to themselves
test: $(VENV)/.development  ## Run all tests but those of the image, other platforms' clients and Ray
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

install: $(VENV)/.development  ## Install everything for development into .venv

train: $(VENV)/.development  ## Train on PHONE_PRICE_DATA, data/phones.csv or data/sample.csv
	$(BIN)/python -m training train

bench: $(VENV)/.development  ## Measure serving, tables, starting and dialects beside others (most of an hour; needs wrk)
	mkdir -p $(RESULTS)
	$(BIN)/python -m benchmarks.serving --json $(RESULTS)/serving.json --markdown $(RESULTS)/serving.md --chart $(RESULTS)/serving.png
	$(BIN)/python -m benchmarks.tables --json $(RESULTS)/tables.json --markdown $(RESULTS)/tables.md --chart $(RESULTS)/tables.png
	$(BIN)/python -m benchmarks.start --json $(RESULTS)/start.json --markdown $(RESULTS)/start.md --chart $(RESULTS)/start.png
	$(BIN)/python -m benchmarks.protocols --json $(RESULTS)/protocols.json --markdown $(RESULTS)/protocols.md

chaos fuzz load soak audit: $(VENV)/.development  ## Try faults, bad input, load, half an hour of it, what is shipped
	$(BIN)/python -m trials run $@ --long --results trials/results
	$(BIN)/python -m trials table > docs/reliability.md

check: $(VENV)/.development  ## Lint, check types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test-image: $(VENV)/.development  ## Build the image and run it; needs root, buildah and debootstrap
	$(BIN)/python -m pytest -m image tests/image

test-clients: $(VENV)/.development  ## Ask the service by the clients of KServe, Triton, MLServer, MLflow, SageMaker, Vertex
	$(BIN)/python -m pytest -v -p no:schemathesis -m clients tests/clients

test-ray: $(VENV)/.development  ## Score, search and serve on a Ray cluster of two nodes
	$(BIN)/python -m pytest -m ray tests/ray

constraints:  ## Pin the newest versions that pyproject.toml allows
	rm -rf $(VENV)-constraints
	$(PYTHON) -m venv $(VENV)-constraints
	$(VENV)-constraints/bin/python -m pip install --quiet --editable '.[development]'
	$(VENV)-constraints/bin/python -m pip freeze --exclude-editable | sed 's/+cpu$$//' > constraints.txt
	rm -rf $(VENV)-constraints
	$(BIN)/python -m piptools compile --quiet --generate-hashes --no-annotate --no-header --strip-extras \
		--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --constraint constraints.txt \
		--output-file serving.lock pyproject.toml

clean:  ## Remove the virtual environment and the caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info build

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.serving: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "Installing what serving needs into $(VENV) (half a minute) ..."
	$(PIP) --editable .
	touch $@

$(VENV)/.development: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "Installing everything into $(VENV) (some minutes: torch is large) ..."
	$(PIP) --editable '.[development]'
	touch $(VENV)/.serving $@
