# Two commands do everything on a fresh machine: `make run` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
STATIC := chalicelib/static
SOURCES := app.py packager/about.md $(shell find chalicelib packager -name '*.py')
export PORT NEW_KEY

.PHONY: run test test-system check bench package clean

run: $(VENV)/.engine $(STATIC)/openapi.json $(STATIC)/docs.html
	@UPTIME_PARENT_PID=$$PPID exec $(BIN)/python local.py

test: $(VENV)/.dev node_modules/.installed $(STATIC)/openapi.json $(STATIC)/docs.html
	$(BIN)/python -m pytest -m "not system" -n auto

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(VENV)/pyvenv.cfg requirements.txt requirements-run.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-run.txt
	@touch $@

$(VENV)/.dev: $(VENV)/pyvenv.cfg requirements.txt requirements-run.txt requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@ $(VENV)/.run

node_modules/.installed: package-lock.json
	npm ci --silent --no-audit --no-fund
	@touch $@

# The embedded engine; where there is none for this platform, the slower one from PyPI.
$(VENV)/.engine: $(VENV)/.run package-lock.json
	@{ npm ci --silent --no-audit --no-fund && ls node_modules/@dynoxide/*/dynoxide; } >/dev/null 2>&1 \
	  || $(BIN)/pip install --quiet --disable-pip-version-check ministack==1.4.21
	@touch $@ && if [ -d node_modules ]; then touch node_modules/.installed; fi

# Where ping URLs begin is part of the routes.
$(VENV)/.prefix: $(VENV)/pyvenv.cfg FORCE
	@echo '$(UPTIME_PING_PREFIX)' | cmp -s - $@ || echo '$(UPTIME_PING_PREFIX)' >$@

FORCE:

# What is served as files is made here, from the live routes and from the renderer that npm has brought.
$(STATIC)/openapi.json: $(VENV)/.run $(VENV)/.prefix $(SOURCES)
	@$(BIN)/python -m packager.openapi

$(STATIC)/docs.html: $(VENV)/.engine $(wildcard packager/reference.*)
	@$(BIN)/python -m packager.reference || true

test-system: $(VENV)/.dev node_modules/.installed $(STATIC)/openapi.json $(STATIC)/docs.html
	$(BIN)/python -m pytest -m system

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports

bench: $(VENV)/.dev node_modules/.installed
	$(BIN)/python -m bench

package: $(STATIC)/openapi.json $(STATIC)/docs.html
	@packager/package.sh $(if $(ARCH),--architecture $(ARCH))

clean:
	rm -rf $(VENV) node_modules build .local $(STATIC)
