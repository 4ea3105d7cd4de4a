# The two commands that a newcomer needs are `make bench` and `make test`; each sets up .venv by itself.
PYTHON ?= python3
ARGS ?=
BIN := .venv/bin
UV := $(shell command -v uv 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help bench test lint format results gpu clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

bench: .venv/installed ## check and time every kernel: the main job (ARGS="-k lecture" for a part of it)
	@$(BIN)/python -m pytest --benchmark $(ARGS)

test: .venv/installed ## test the kernels and the measuring, on all cores; nothing is timed (ARGS=--slow for all tests)
	@$(BIN)/python -m pytest -n auto $(ARGS)

lint: .venv/installed ## ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: .venv/installed ## let ruff rewrite what it can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

results: .venv/installed ## write results/README.md from the files in results/
	@mkdir -p .cache
	@$(BIN)/python -m bench machine --all --markdown > .cache/README.md && mv .cache/README.md results/README.md

gpu: ## check and time the GPU kernels with $(PYTHON), which must have JAX with CUDA; installs nothing
	@$(PYTHON) -m pytest bench/ --benchmark --kernels numpy,jax,jax-gpu,jax-autodiff-gpu \
	    --workloads 1000x2-f32,10000x32-f64,1000000x32-f64,1000000x32-f32,8000000x32-f32 $(ARGS)

clean: ## remove the environment, caches and build leftovers; results stay
	@rm -rf .venv .cache build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "logitbench needs Python 3.11 or newer; $(PYTHON) is " + sys.version.split()[0])'
	@echo "setting up .venv: a few minutes the first time"
ifdef UV
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv
	@$(UV) pip install --quiet --python $(BIN)/python --constraints constraints.txt --group dev '.[report,data]'
else
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --group dev '.[report,data]'
endif
	@touch $@
