# async_rl: every target first sets up the workspace (tools/setup.py), which is quick if nothing changed.
#   make reacher ARGS="seed:=3 duration:=600"
#   make test PYTHON=/path/to/python3.12

# Variables of set-up, from the command line or the environment:
#   PYTHON=<path>        the Python (3.11 to 3.13) that .venv is made with
#   TORCH_INDEX=<url>    index of PyTorch wheels; its installation page names one without CUDA
#   TORCH_GPU=yes|no     whether there will be an NVIDIA GPU, if set-up cannot see it (in a container build)

SETUP_PYTHON := $(or $(PYTHON),python3)
RUN := tools/run.sh

.PHONY: help setup setup-test build build-test reacher tracker doctor test lint unit system test-long bench scaling faults sros2-keys clean

help:
	@echo "make reacher | tracker   run a task in simulation; arguments: ARGS=\"seed:=3 duration:=600\""
	@echo "make doctor              check this machine"
	@echo "make test                lint, unit tests, import rules and the system test"
	@echo "make test-long           slow tests that make test does not run"
	@echo "make lint                ruff, mypy, and hadolint on the Dockerfiles"
	@echo "make bench               times of all parts, with a reference and the machine's limits"
	@echo "make scaling             the same for growing batch, image, store and load"
	@echo "make faults              the fault campaign of docs/reliability.md; ARGS=--long takes hours"
	@echo "make sros2-keys          create the keys for secure:=true (docs/security.md)"
	@echo "make build               set up only: .venv and install/ (PYTHON=, TORCH_INDEX=, TORCH_GPU=: see README.md)"
	@echo "make build-test          the same, with packages for tests, lint and examples/sb3_sac.py"
	@echo "make clean               remove files of set-up and tools (not runs/)"

setup:
	@command -v $(SETUP_PYTHON) >/dev/null || { echo "[setup] error: $(SETUP_PYTHON) not found; install Python 3.11 to 3.13 or name it: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(SETUP_PYTHON) tools/setup.py

setup-test: setup
	@$(SETUP_PYTHON) tools/setup.py --tests

build: setup

build-test: setup-test

reacher tracker: setup
	@$(RUN) async_rl launch $@ $(ARGS)

doctor: setup
	@$(RUN) async_rl doctor

lint: setup-test
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(RUN) python -m mypy
	$(RUN) hadolint docker/Dockerfile docker/plain.Dockerfile

test: lint unit system

unit: setup-test
	$(RUN) python -m pytest --ignore=tests/system --numprocesses=2 --dist=worksteal $(ARGS)

system: setup-test
	$(RUN) python -m pytest tests/system $(ARGS)

test-long: setup-test
	$(RUN) python -m pytest -m long $(ARGS)

bench: setup
	@$(RUN) python -m benchmarks $(ARGS)

scaling: setup
	@$(RUN) python -m benchmarks.scaling
	@$(RUN) python -m benchmarks.lateness

faults: setup
	@$(RUN) python -m faults $(ARGS)

sros2-keys: setup
	@$(RUN) async_rl keys

clean:
	rm -rf .venv build install log .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find src tests benchmarks faults testing tools compat -name __pycache__ -prune -exec rm -rf {} +
	find src -name "*.egg-info" -prune -exec rm -rf {} +
