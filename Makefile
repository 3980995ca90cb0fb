# `make` prints the targets. Two of them are all a new user needs: `make book` and `make test`.
SHELL := /bin/sh
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
# The environment's marker carries a checksum of what it was made from: it is rebuilt when that
# changes and never otherwise (a fresh checkout changes file times, not contents).
PINS := $(shell cat requirements.txt pyproject.toml | cksum | cut -d' ' -f1)
VENV := .venv/made-from-$(PINS)

.PHONY: help book serve lab test refresh exercises bench address clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(VENV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "adaopt needs Python 3.11 or newer; set PYTHON=/path/to/python3.11" >&2; exit 1; }
	rm -rf .venv
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

book: $(VENV) ## execute the lectures and build the HTML book
	$(BIN)/python book/build.py

serve: book ## build the book and serve it on http://localhost:8000
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory book/_build/html 8000

lab: $(VENV) ## open JupyterLab on the lectures
	$(BIN)/jupyter lab --notebook-dir=. --LabApp.default_url=/lab/tree/lectures

test: book ## lint, unit tests, notebooks, exercises, and the built pages in a browser
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile $(PYTEST)

refresh: $(VENV) ## execute and normalize the lecture notebooks in place
	$(BIN)/python book/refresh.py $(LECTURES)

exercises: $(VENV) ## build student notebooks and autograders from the exercise masters
	$(BIN)/python exercises/build.py

bench: $(VENV) ## measure the optimizers against torch.optim; print the table, draw the figure
	$(BIN)/python -m benchmarks $(BENCH)

address: $(VENV) ## set the repository's address everywhere: make address URL=https://github.com/NAME/adaopt
	$(BIN)/python book/address.py "$(URL)"

clean: ## remove everything that was built, the virtual environment too
	rm -rf .venv book/_build book/_static/vendor book/catalog.md book/proof.md exercises/autograder
	rm -rf .pytest_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
