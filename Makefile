# async_rl: every target sets the workspace up first (tools/setup.py), which is quick when nothing changed.
#   make reacher ARGS="seed:=3 duration:=600"
#   make test PYTHON=/path/to/python3.12

# Set-up also takes, from the command line or the environment:
#   PYTHON=<path>        the Python (3.11 to 3.13) that .venv is made with
#   TORCH_INDEX=<url>    where pip gets PyTorch; its installation page names an index of wheels without CUDA
#   TORCH_GPU=yes|no     whether there will be an NVIDIA GPU, where set-up cannot see it (in a container's build)

SETUP_PYTHON := $(or $(PYTHON),python3)
RUN := tools/run.sh

.PHONY: help setup setup-test build build-test reacher tracker doctor test lint unit system test-long bench scaling faults sros2-keys clean

help:
	@echo "make reacher | tracker   run a task in simulation; arguments: ARGS=\"seed:=3 duration:=600\""
	@echo "make doctor              check this machine"
	@echo "make test                lint, unit tests, import rules and the system test"
	@echo "make test-long           the slow tests that make test leaves out"
	@echo "make lint                ruff, mypy, and hadolint on the Dockerfiles"
	@echo "make bench               what everything costs here, beside a reference and the machine's limits"
	@echo "make scaling             how that grows with batch, image, store and load"
	@echo "make faults              kill things and see what docs/reliability.md promises; ARGS=--long for hours of it"
	@echo "make sros2-keys          make the keys for secure:=true (docs/security.md)"
	@echo "make build               set up only: .venv and install/ (PYTHON=, TORCH_INDEX=, TORCH_GPU=: see README.md)"
	@echo "make build-test          the same, with what tests, lint and examples/sb3_sac.py need"
	@echo "make clean               remove what set-up and runs of the tools made (not runs/)"

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
