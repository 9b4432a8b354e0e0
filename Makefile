# `make help` lists the targets. Most of them run `make setup` first. docs/install.md explains the variables.
PYTHON ?= python3
VENV ?= .venv
# Requirements such as torch==2.10.0. The default is the version tested with this Python.
TORCH ?=
TORCHVISION ?=
# `full` also builds mmcv's compiled operators (mmcv-full), which nothing here needs.
MMCV ?=
PYTEST_ARGS ?=
GPU_ARGS ?=
# Number of processes that share the tests. Each takes up to 2 GiB of memory.
WORKERS ?= 2

INSTALL = "$(PYTHON)" tools/setup_environment.py --venv "$(VENV)" --torch "$(TORCH)" --torchvision "$(TORCHVISION)" --mmcv "$(MMCV)"
INSTALL_MMSEG1 = $(INSTALL) --mmseg1 --venv "$(VENV)/mmseg1" --base "$(shell $(INSTALL) --which)"
INSTALL_FULL = $(INSTALL) --mmcv full --venv "$(VENV)/full" --base "$(shell $(INSTALL) --which)"
# The Python of the recipes, found after setup: $(PYTHON) itself if it holds all packages, else the one in $(VENV).
PY = PYTHONPATH="$(CURDIR)$${PYTHONPATH:+:$$PYTHONPATH}" "$(shell $(INSTALL) --which)"

# Waiting threads give up their core, so that loader workers and other programs can use it (30 times faster then).
export OMP_WAIT_POLICY ?= PASSIVE

.DEFAULT_GOAL := help
.PHONY: help setup demo test slow full mmseg1 soak gpu parity lint docs clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

setup:  ## install into .venv what is missing (minutes the first time)
	@$(INSTALL)

demo: setup  ## make the embedded data, train source-only and DAFormer + SSR on it, compare them
	@$(PY) tools/demo.py

test: export OMP_NUM_THREADS ?= 1
test: setup  ## run the test suite (10 minutes on 2 cores)
	@echo "running the test suite: about 10 minutes on 2 cores"; \
	$(PY) -m pytest -n $(WORKERS) --dist loadfile $(PYTEST_ARGS)

slow: export OMP_NUM_THREADS ?= 1
slow: setup  ## run the tests that take ten seconds and more each (4 minutes)
	@$(PY) -m pytest -n $(WORKERS) --dist loadfile -m slow $(PYTEST_ARGS)

# What touches mmcv runs on mmcv with its compiled operators too, in an environment on top of the first.
FULL_TESTS = tests/test_configs.py tests/test_models tests/test_tools/test_drop_in.py tests/test_utils
full: export OMP_NUM_THREADS ?= 1
full: setup  ## run what touches mmcv on mmcv-full too (6 minutes to build it, 4 to run)
	@$(INSTALL_FULL)
	@PYTHONPATH="$(CURDIR)" "$(shell $(INSTALL_FULL) --which)" -m pytest -n $(WORKERS) $(FULL_TESTS) -q $(PYTEST_ARGS)

# The second line of OpenMMLab, in an environment that shares torch and all else with the first.
MMSEG1_TESTS = tests/mmseg1 tests/test_both_lines.py tests/parity/test_parity.py
mmseg1: export OMP_NUM_THREADS ?= 1
mmseg1: setup  ## run the tests of mmseg 1.x, in an environment of its own (1 minute to install it)
	@$(INSTALL_MMSEG1)
	@$(PY) tests/both_lines.py "$(VENV)/both_lines.json"
	@BOTH_LINES_RECORD="$(abspath $(VENV))/both_lines.json" PYTHONPATH="$(CURDIR)" \
	"$(shell $(INSTALL_MMSEG1) --which)" -m pytest -n $(WORKERS) $(MMSEG1_TESTS) -q $(PYTEST_ARGS)

soak: full  ## run the long endurance tests, and the unit tests on sources with faults
	@$(PY) -m pytest -m soak $(PYTEST_ARGS)

gpu: setup  ## measure this machine's GPU: at most 8 minutes, the next run goes on (GPU_ARGS="--reference ../SSR")
	@$(PY) -m mmseg_ssr benchmark gpu $(GPU_ARGS)

parity: setup  ## compare the numbers with the published implementation's
	@$(PY) -m pytest tests/parity -q $(PYTEST_ARGS)

lint: setup  ## check style
	@$(PY) -m ruff check .

docs: setup  ## build docs/ as a site: build/docs/index.html
	@$(PY) -m sphinx -W --keep-going -q -b html docs build/docs && echo "the site is build/docs/index.html"

clean:  ## remove caches and build files (not .venv, data, pretrained or work_dirs)
	rm -rf build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -not -path './$(VENV)/*' -prune -exec rm -rf {} +
