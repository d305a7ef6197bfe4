PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# By itself, because checkov pins another boto3 than the emulator does.
CHECKOV_VERSION := 3.3.30
CHECKOV_VENV := .venv-checkov
CHECKOV_STAMP := $(CHECKOV_VENV)/.installed-$(CHECKOV_VERSION)

.DEFAULT_GOAL := help
.PHONY: help setup browser check test stories unit local rehearse fuzz pictures faults build clean

help: ## Show these targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 12

setup: $(STAMP) ## Make .venv with everything the project needs

$(STAMP): pyproject.toml functions/requirements.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed, this is " + sys.version) if sys.version_info < (3, 11) else 0'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[console,local,dev]'
	@touch $@

# Where nobody may install it, the console's tests are skipped, or fail where CI is set.
browser: ## Debian's chromium for the console's tests, as root or by sudo without a password
	@for name in chromium chromium-browser google-chrome; do command -v $$name >/dev/null && exit 0; done; { \
	  as="$$(test "$$(id -u)" = 0 && echo env || echo sudo -n env) DEBIAN_FRONTEND=noninteractive"; \
	  $$as apt-get update -qq && $$as apt-get install -y -qq --no-install-recommends chromium >/dev/null; } \
	|| echo "chromium could not be installed: the console is not tried in a browser" >&2

# Without a network the other checks still run; where CI is set, that is a failure.
$(CHECKOV_STAMP):
	@rm -rf $(CHECKOV_VENV)
	@{ $(PYTHON) -m venv $(CHECKOV_VENV) \
	  && $(CHECKOV_VENV)/bin/python -m pip install --quiet --disable-pip-version-check checkov==$(CHECKOV_VERSION) \
	  && touch $@; } \
	|| { echo "checkov $(CHECKOV_VERSION) could not be installed: template.yaml is not checked by it" >&2; test -z "$$CI"; }

check: $(STAMP) $(CHECKOV_STAMP) ## Lint, format, types, security, state machine, template
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/bandit --quiet --recursive functions ops --configfile pyproject.toml
	$(BIN)/statelint statemachines/playbook.asl.json
	$(BIN)/cfn-lint template.yaml
	SAM_CLI_TELEMETRY=0 $(BIN)/sam validate --lint
	@test ! -e $(CHECKOV_STAMP) || { set -x; $(CHECKOV_VENV)/bin/checkov --file template.yaml --config-file .checkov.yaml; }

test: check browser ## Checks, then unit, functional and local tests
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -m 'not stories'

stories: $(STAMP) ## Further stories end to end: slow, outage, step down, approvals, holds, deaths, two services
	$(BIN)/pytest -m stories

unit: $(STAMP) ## The fast tests: no emulator, no database
	$(BIN)/pytest tests/unit tests/functional

local: $(STAMP) ## A local stack that stays up until Ctrl-C
	$(BIN)/rollout local up

rehearse: $(STAMP) ## Two whole rollouts on an AWS emulator and PostgreSQL (ARGS=--json)
	$(BIN)/rollout rehearse $(ARGS)

fuzz: $(STAMP) ## Every parser of outside input with thousands of made-up inputs; ends with JSON
	$(BIN)/python -m tests.functional.fuzz

pictures: $(STAMP) browser ## The console's pictures in docs/pictures, of a real rehearsal
	$(BIN)/python -m tests.local.pictures

faults: $(STAMP) ## Every fault in every state, in memory, and what it left behind (ARGS=--json)
	$(BIN)/python -m ops.faults $(ARGS)

build: $(STAMP) ## Build every function as it is deployed
	SAM_CLI_TELEMETRY=0 $(BIN)/sam build

clean: ## Delete what the other targets made
	rm -rf $(VENV) $(CHECKOV_VENV) .aws-sam reports .hypothesis .mypy_cache .pytest_cache .ruff_cache
