# Needs Python 3.11 or newer with venv, git and make. Everything is installed into .venv.
# Paths are relative and programs run as `python -m`, so the checkout may lie in a path with spaces.
#
#   make demo ARGS="--help"          options of the command behind a target
#   make setup PYTHON=python3.12     another Python for a new .venv

VENV := .venv
PYTHON ?=
# What `make test` does not run on; see tests/servers/forms.py.
SERVERS ?= redis cluster sentinel tls acl
# What the benchmarks compare with; pandas is for Optuna's frames.
PEERS ?= celery optuna pandas rq saq
# Processes of a test run: tests wait for others half of their time.
WORKERS ?= 3
ARGS ?=
PY := $(VENV)/bin/python
export PYTHON
# Compiled modules are kept, whatever this shell says: most tests start processes.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help setup demo test test-servers test-long chaos load bench docs pictures lint clean

help:
	@echo 'make setup        install the package and the tools of its developers into $(VENV)'
	@echo 'make demo         run the demo (ARGS="--help" lists its options)'
	@echo 'make test         run the tests, slow ones left out'
	@echo 'make test-servers run the tests of networks on $(SERVERS)'
	@echo 'make test-long    run all tests'
	@echo 'make chaos        lose processes, servers and connections under 100,000 tasks, and count them'
	@echo 'make load         bear a million tasks, 200 workers and large values, and weigh them'
	@echo 'make bench        measure rushtyped beside its peers ($(PEERS))'
	@echo 'make docs         build the documentation into build/docs, strictly and offline'
	@echo 'make pictures     make the pictures of the documentation anew, from real runs'
	@echo 'make lint         run ruff, mypy and basedpyright'
	@echo 'make clean        remove everything that the targets above made'

setup: $(VENV)/.stamp-dev

demo: $(VENV)/.stamp-demo
	@$(PY) -m rushtyped demo $(ARGS)

test: $(VENV)/.stamp-dev
	$(PY) -m pytest -q -n $(WORKERS) -m 'not slow' $(ARGS)

# The scripts themselves are tried on the other server program, too.
test-servers: $(VENV)/.stamp-dev
	@failed=; for server in $(SERVERS); do \
		folders=tests/network; \
		if [ "$$server" = redis ]; then folders='tests/network tests/store'; fi; \
		echo "== $$folders on $$server"; \
		$(PY) -m pytest -q -n $(WORKERS) -m 'not slow' --server $$server $(ARGS) \
			$$folders || failed="$$failed $$server"; \
	done; \
	if [ -n "$$failed" ]; then echo "Failed on:$$failed" >&2; exit 1; fi

test-long: $(VENV)/.stamp-dev
	$(PY) -m pytest -q -n $(WORKERS) $(ARGS)

chaos: $(VENV)/.stamp-dev
	$(PY) -m tests.chaos.run $(ARGS)

load: $(VENV)/.stamp-dev
	$(PY) -m pytest -q -rP --show-capture=stdout tests/load $(ARGS)

# The peers bring plugins for pytest and much else, so they get an environment of their own.
bench:
	@$(MAKE) --no-print-directory .venv-bench/.stamp-peers VENV=.venv-bench
	.venv-bench/bin/python -m tests.benchmarks.run $(ARGS)

docs: $(VENV)/.stamp-dev
	NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict --quiet $(ARGS)
	@echo "The documentation is in build/docs: open build/docs/index.html"

pictures: $(VENV)/.stamp-dev
	$(PY) docs/pictures/states.py
	PICTURES=1 $(PY) -m pytest -q tests/dashboard/test_live_pages.py tests/docs/test_code_blocks.py -k "pictures or quickstart" $(ARGS)

lint: $(VENV)/.stamp-dev
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	$(PY) -m mypy
	$(PY) -m basedpyright

clean:
	rm -rf .venv .venv-* .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.stamp-peers: $(VENV)/.stamp-bench
	@for peer in $(PEERS); do \
		$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt "$$peer" \
			|| echo "$$peer does not install: it will be missing in the figures"; \
	done
	@touch $@

# One stamp for each extra, written last. A marker is left when an installation is interrupted: pip
# would take a half-copied package for a whole one, so the next call starts from an empty folder.
$(VENV)/.stamp-%: pyproject.toml constraints.txt | $(VENV)/pyvenv.cfg
	@echo 'Installing rushtyped[$*] into $(VENV) ...'
	@if [ -e $(VENV)/.interrupted ]; then $(PY) -m venv --clear $(VENV); fi
	@$(PY) -m pip --version >/dev/null 2>&1 || $(PY) -m ensurepip --default-pip >/dev/null
	@touch $(VENV)/.interrupted; \
	$(PY) -m pip install --quiet --disable-pip-version-check -e '.[$*]' -c constraints.txt; \
	status=$$?; rm -f $(VENV)/.interrupted; exit $$status
	@touch $@ $(if $(filter dev,$*),$(VENV)/.stamp-demo $(VENV)/.stamp-test)

$(VENV)/pyvenv.cfg:
	@if [ -n "$$PYTHON" ]; then set -- "$$PYTHON"; \
	else set -- python3.13 python3.12 python3.11 python3; fi; \
	for python in "$$@"; do \
		if "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
			>/dev/null 2>&1; then \
			echo "Making $(VENV) with $$("$$python" --version) ..."; \
			exec "$$python" -m venv --clear $(VENV); \
		fi; \
	done; \
	echo "No Python 3.11 or newer with the venv module among: $$*." >&2; \
	echo "Install one (on Debian also python3-venv), or name it: make setup PYTHON=/path/to/python" >&2; \
	exit 1
