# `make help` lists the targets. Everything is installed into .venv and .answerloop; nothing else on the machine changes.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
ENV := HF_HUB_OFFLINE=1 TOKENIZERS_PARALLELISM=false
DATA ?= ../shared/data
TORCH := torch==2.13.0
SLACK_SIMULATOR := .e2e/.local-slack-0.1.8
TEAMS_SIMULATOR := .e2e/.m365agentsplayground-0.2.28
TEAMS_SCHEMAS := .e2e/.app-manifest-1.1.2
PROMETHEUS := .e2e/prometheus

.DEFAULT_GOAL := help
.PHONY: help run setup test test-all quality pictures lint format bench lock models browser servers simulator npm label-studio prometheus clean

help:  ## Explain every target
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: setup  ## Set everything up and start the whole loop on this machine (Ctrl-C stops it)
	@$(BIN)/answerloop up

setup: $(VENV)/.installed .env  ## Create the environment and install from the lock

# The CPU build of torch comes first: left to the resolver, another build with gigabytes of CUDA libraries would come.
$(VENV)/.installed: requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "answerloop: Python 3.11 is needed ($(PYTHON) was not found)."; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv --clear $(VENV)
	@echo "Installing torch (CPU build) …"
	@$(BIN)/pip install --quiet --disable-pip-version-check $(TORCH)
	@echo "Installing the locked dependencies …"
	@$(BIN)/pip install --progress-bar on --disable-pip-version-check --requirement requirements.lock \
	  || { echo "answerloop: the installation broke off (see above); run make again to continue."; exit 1; }
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(BIN)/pip check
	@touch $@

.env:
	@cp .env.example .env

models: setup  ## Fetch and check the default models (make run does it too)
	@$(ENV) ANSWERLOOP_GENERATOR=transformers $(BIN)/python -m workers prepare

test: setup  ## The tests that need nothing but Python
	@$(ENV) $(BIN)/pytest -m "not model and not browser and not stack"

test-all: setup models browser simulator label-studio servers prometheus  ## The other tests: real model, whole stack with faults, browser, Slack, Teams (not those of `make test`)
	@$(ENV) $(BIN)/pytest -m "model or browser or stack"

quality: setup models  ## A few minutes of questions on the sample handbook: did answers get worse than the accepted ones?
	@$(ENV) $(BIN)/python -m benchmarks.quality --slice --json .answerloop/bench/quality-slice.json

pictures: setup browser simulator label-studio  ## Take the pictures of the documents anew
	@$(ENV) ANSWERLOOP_WRITE_PICTURES=1 $(BIN)/pytest tests/e2e/test_slack_pictures.py tests/e2e/test_teams_pictures.py \
	  tests/e2e/test_label_studio.py tests/e2e/test_dashboard.py tests/e2e/test_the_whole_loop.py

browser:
	@command -v chromium >/dev/null || { echo "Installing Chromium …"; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fonts-noto-color-emoji >/dev/null; }

# Neither package shall start a server of its own; the tests start theirs.
servers:
	@command -v redis-server >/dev/null && ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 \
	  || { echo "Installing Redis and PostgreSQL …"; mkdir -p /etc/postgresql-common/createcluster.d \
	    && echo "create_main_cluster = false" > /etc/postgresql-common/createcluster.d/answerloop.conf \
	    && apt-get update -qq && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq redis-server postgresql >/dev/null; }

simulator: $(SLACK_SIMULATOR) $(TEAMS_SIMULATOR) $(TEAMS_SCHEMAS)

# One after the other: npm must not write into one folder twice at the same time.
$(SLACK_SIMULATOR): | npm
	$(call from_npm,the simulator of Slack,local-slack-linux-x64@0.1.8)

$(TEAMS_SIMULATOR): | $(SLACK_SIMULATOR)
	$(call from_npm,the simulator of Teams,@microsoft/m365agentsplayground@0.2.28)

$(TEAMS_SCHEMAS): | $(TEAMS_SIMULATOR)
	$(call from_npm,the schemas of Teams,@microsoft/app-manifest@1.1.2)

define from_npm
	@echo "Installing $(1) …"
	@npm install --prefix .e2e --save-exact --no-audit --no-fund --loglevel=error $(2)
	@touch $@
endef

npm:
	@command -v npm >/dev/null || { echo "Installing npm …"; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq npm >/dev/null; }

# Debian's package, unpacked and not installed: no service of it starts.
prometheus: $(PROMETHEUS)

$(PROMETHEUS):
	@echo "Unpacking Prometheus …"
	@apt-get update -qq && mkdir -p $@.new && cd $@.new && apt-get download -qq prometheus 2>/dev/null
	@dpkg-deb -x $@.new/prometheus_*.deb $@ && rm -r $@.new

# As `make run` does it, so that this is tried too; every test starts on a copy of the database.
label-studio: setup  ## Install the Label Studio that tests and measurements start
	@$(ENV) ANSWERLOOP_HOME=.e2e/ls $(BIN)/answerloop label-studio --prepare

lint: setup  ## Style, types, and who may import whom
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: setup  ## Rewrite the code in the project's style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: setup models label-studio servers  ## All measurements (DATA=folder with the public sets); tables here, JSON in .answerloop/bench
	@$(ENV) $(BIN)/python -m benchmarks --data $(DATA) --out .answerloop/bench

lock: setup  ## Write requirements.lock from what is installed
	@$(BIN)/pip freeze --exclude-editable | grep -viE '^(torch|pip|setuptools)==' > requirements.lock

clean:  ## Remove the environment (documents, questions and models in .answerloop stay)
	rm -rf $(VENV)
