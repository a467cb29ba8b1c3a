# `make rehearse` and `make test` do everything on a fresh machine; `make` alone lists what there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
PYTHON_NEEDED := $(shell sed -n 's/^requires-python = ">=\(.*\)"$$/\1/p' pyproject.toml)
LAB_PACKAGES := systemd-container mmdebstrap tinyproxy dnsmasq-base chrony docker-registry skopeo apt-utils dpkg-dev gcc \
                libc6-dev iproute2 iptables openssh-client openssl gnupg busybox-static git python3-venv curl
TEST_PACKAGES := $(LAB_PACKAGES) wget shellcheck chromium
# The tests have OpenPAI's client from npm; Node.js need not be Debian's.
ifeq ($(shell command -v npm),)
TEST_PACKAGES += nodejs npm
endif
# The lab runs its own; Debian would start these at once, and its registry takes its port on every address.
LAB_UNITS := docker-registry tinyproxy
# A test that hangs for half an hour ends the run and shows where it stands; the longest take a few minutes.
PYTEST := PYINFRA_PROGRESS=off $(BIN)/python -m pytest -p tests.module_times -o faulthandler_timeout=1800 -o faulthandler_exit_on_timeout=true

.DEFAULT_GOAL := help
.PHONY: help setup test-setup packages test-packages rehearse lock test lint format docs unit unit-waits unit-tests plan-tests lab-tests clean

help:  ## This list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

setup: $(VENV)/.ready  ## The virtual environment with what the project runs on

$(VENV)/.ready: requirements.lock pyproject.toml | $(BIN)/python
	@echo "== Python packages into $(VENV)"
	@$(PIP) --require-hashes -r requirements.lock
	@rm -rf openpai_deploy.egg-info  # left by a plain `pip install -e .`: older than what is installed now, yet read first
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

test-setup: $(VENV)/.ready-to-test  ## The same with what the tests need besides

$(VENV)/.ready-to-test: requirements-dev.lock $(VENV)/.ready
	@echo "== Python packages of the tests into $(VENV)"
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; needed = "$(PYTHON_NEEDED)"; sys.exit(None if sys.version_info >= tuple(map(int, needed.split("."))) else "this machine has Python %d.%d; version %s or newer is needed: make PYTHON=python%s" % (*sys.version_info[:2], needed, needed))'
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

COMPILE := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version $(PYTHON_NEEDED) --generate-hashes \
	--no-emit-package openpai-deploy --custom-compile-command "make lock"

lock: | $(BIN)/python  ## Renew requirements*.lock: the newest versions that requirements*.txt allow
	@$(PIP) 'uv>=0.5,<1'
	@$(COMPILE) --output-file requirements.lock requirements.txt requirements-build.txt
	@$(COMPILE) --constraint requirements.lock --output-file requirements-dev.lock requirements-dev.txt

packages: WANTED = $(LAB_PACKAGES)
test-packages: WANTED = $(TEST_PACKAGES)
packages test-packages:
	@missing=$$(dpkg-query -W -f '$${Package} $${db:Status-Status}\n' $(WANTED) 2>/dev/null | awk '$$2 == "installed" {print $$1}' | sort >/tmp/.have.$$$$; \
	   printf '%s\n' $(WANTED) | sort | comm -23 - /tmp/.have.$$$$; rm -f /tmp/.have.$$$$); \
	if [ -n "$$missing" ]; then \
	  if [ "$$(id -u)" != 0 ]; then echo "the lab needs root and these Debian packages: $$missing" >&2; exit 1; fi; \
	  echo "== Debian packages:" $$missing; \
	  apt-get -q update >/dev/null && \
	  DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends $$missing >/dev/null && \
	  if [ -d /run/systemd/system ]; then for unit in $(LAB_UNITS); do \
	    case " $$(echo $$missing) " in *" $$unit "*) systemctl disable --quiet --now $$unit;; esac; \
	  done; fi; \
	fi

rehearse: packages setup  ## The whole thing on this machine: lab, deploy, verify
	@$(BIN)/python -m lab rehearse

test: test-packages test-setup lint unit lab-tests  ## Every test

lint: test-setup  ## ruff, mypy, shellcheck
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@command -v shellcheck >/dev/null || { echo "shellcheck is not installed; apt-get install shellcheck" >&2; exit 1; }
	@shellcheck $$(grep -rlE '^#!/.*sh$$|^# shellcheck shell=' --exclude='*.py' --exclude='*.template' .ci bench files lab)

format: test-setup  ## Put the sources into ruff's form
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: test-setup  ## Renew the parts of docs/ that are written from the sources
	@$(BIN)/python -m cluster.reference
	@$(BIN)/python -m tasks.preflight.reference
	@$(BIN)/python -m tests.unit.architecture

# Beside each other: tests that wait (hosts, lab, preflight, waiting), that reckon, and tests/plan, whose threads are gevent's.
unit: test-setup  ## The tests that need nothing but Python
	@$(MAKE) --no-print-directory --jobs=3 --output-sync=target unit-waits unit-tests plan-tests

unit-waits:
	$(PYTEST) -q tests/unit/test_[hlpw]*.py

unit-tests:
	$(PYTEST) -q tests/unit/test_[!hlpw]*.py

plan-tests:
	$(PYTEST) -q tests/plan

# Hosts wait more than they reckon: three files go beside each other even on two cores. A broken host fails every
# later test of its file, each after long waits: three failures tell enough.
lab-tests: test-packages test-setup  ## The tests on real hosts
	$(PYTEST) --verbose --numprocesses=3 --dist=loadfile --no-loadscope-reorder --maxfail=3 tests/lab

clean: setup  ## End the lab and remove what make made
	@$(BIN)/python -m lab down
	rm -rf $(VENV) reports
