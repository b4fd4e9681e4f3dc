# make run     opens the dashboard on the sample company (PORT=8600 make run chooses the port)
# make setup   creates .venv and installs what the product needs
# make check   ruff, mypy and the documentation
# make test    every test, browser included
# make docs    the documentation, as web pages in build/docs
# make pythons the core of the tests on other Pythons (PYTHONS="3.12 3.13 3.14"); five minutes each
# make faults  a Spark cluster of several processes, and what becomes of a run when they are killed; two minutes
# make bench   speed, memory and calibration figures; takes minutes
.PHONY: run setup check test docs faults bench pythons dev-setup chromium postgresql mariadb java nginx
.DEFAULT_GOAL := run
SHELL := /bin/sh

VENV := .venv
PY := $(VENV)/bin/python
PORT ?=
PIP := $(PY) -m pip install --quiet --disable-pip-version-check
# Two workers, who shares one: tests/schedule.py. Every small matrix in one thread, or the workers fight over the cores.
PYTEST_ARGS ?= -n 2

# A stamp is written only after its step succeeded, so an interrupted installation starts again and a finished one costs nothing.
VENV_STAMP := $(VENV)/.made
RUN_STAMP := $(VENV)/.requirements-installed
DEV_STAMP := $(VENV)/.requirements-dev-installed
DOCS_STAMP := $(VENV)/.requirements-docs-installed

run: $(RUN_STAMP)
	@display="$${DISPLAY:-}$${WAYLAND_DISPLAY:-}"; headless=false; \
	if [ "$$(uname -s)" = Linux ] && [ -z "$$display" ]; then headless=true; fi; \
	exec $(PY) -m streamlit run app.py --server.headless $$headless --server.showEmailPrompt false \
		$(if $(PORT),--server.port $(PORT))

setup: $(RUN_STAMP)

dev-setup: $(DEV_STAMP)

# The first Python from 3.11 on that runs and can make virtual environments.
$(VENV_STAMP):
	@found=; without_venv=; \
	for name in $(PYTHON) python3 python3.11 python3.12 python3.13 python3.14 python; do \
		"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue; \
		if "$$name" -c 'import ensurepip, venv' >/dev/null 2>&1; then found="$$name"; break; fi; \
		without_venv="$$name"; \
	done; \
	if [ -z "$$found" ] && [ -n "$$without_venv" ]; then \
		echo "$$without_venv cannot make virtual environments. On Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; \
	elif [ -z "$$found" ]; then \
		echo "Python 3.11 or newer is needed and none was found. Install one, or name it: make PYTHON=/path/to/python3 setup" >&2; exit 1; \
	fi; \
	echo "Creating $(VENV) with $$("$$found" --version)" >&2; \
	"$$found" -m venv $(VENV)
	@touch $@

$(RUN_STAMP): requirements.txt $(VENV_STAMP)
	@echo "Installing requirements.txt" >&2
	@$(PIP) -r requirements.txt
	@touch $@
	@echo "Working out the sample company, once" >&2
	-@$(PY) -m iceberg.ui.serving.server

$(DEV_STAMP): requirements-dev.txt requirements-postgres.txt requirements-databases.txt requirements-lake.txt requirements-spark.txt $(RUN_STAMP)
	@echo "Installing requirements-dev.txt" >&2
	@$(PIP) -r requirements-dev.txt
	@touch $@

$(DOCS_STAMP): requirements-docs.txt $(RUN_STAMP)
	@echo "Installing requirements-docs.txt" >&2
	@$(PIP) -r requirements-docs.txt
	@touch $@

# The store is tested on SQLite and on PostgreSQL; the tests start a server of their own from Debian's package.
postgresql:
	@if ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null 2>&1; then exit 0; fi; \
	install="apt-get install -y --no-install-recommends postgresql"; \
	if ! command -v apt-get >/dev/null 2>&1; then \
		echo "The tests of the store need PostgreSQL (initdb). Install it with this system's package manager." >&2; exit 1; \
	fi; \
	if [ "$$(id -u)" = 0 ]; then as_root=; \
	elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then as_root="sudo -n"; \
	else echo "The tests of the store need PostgreSQL. Run: sudo $$install" >&2; exit 1; fi; \
	echo "Installing PostgreSQL for the tests of the store" >&2; \
	export DEBIAN_FRONTEND=noninteractive; \
	{ $$as_root apt-get update -qq && $$as_root $$install -qq; } >&2 </dev/null && ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 \
		|| { echo "PostgreSQL could not be installed. Run: sudo apt-get update && sudo $$install" >&2; exit 1; }

# Tables of MariaDB and MySQL are read from a server that the tests start from Debian's package.
mariadb:
	@if PATH="$$PATH:/usr/sbin" command -v mariadbd >/dev/null 2>&1; then exit 0; fi; \
	install="apt-get install -y --no-install-recommends mariadb-server"; \
	if ! command -v apt-get >/dev/null 2>&1; then \
		echo "The tests of tables in databases need MariaDB (mariadbd). Install it with this system's package manager." >&2; exit 1; \
	fi; \
	if [ "$$(id -u)" = 0 ]; then as_root=; \
	elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then as_root="sudo -n"; \
	else echo "The tests of tables in databases need MariaDB. Run: sudo $$install" >&2; exit 1; fi; \
	echo "Installing MariaDB for the tests of tables in databases" >&2; \
	export DEBIAN_FRONTEND=noninteractive; \
	{ $$as_root apt-get update -qq && $$as_root $$install -qq; } >&2 </dev/null && PATH="$$PATH:/usr/sbin" command -v mariadbd >/dev/null 2>&1 \
		|| { echo "MariaDB could not be installed. Run: sudo apt-get update && sudo $$install" >&2; exit 1; }

# Spark runs on Java 17; its tests start a local session.
java:
	@if command -v java >/dev/null 2>&1; then exit 0; fi; \
	install="apt-get install -y --no-install-recommends openjdk-17-jre-headless"; \
	if ! command -v apt-get >/dev/null 2>&1; then \
		echo "The tests of the Spark engine need Java 17. Install it with this system's package manager." >&2; exit 1; \
	fi; \
	if [ "$$(id -u)" = 0 ]; then as_root=; \
	elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then as_root="sudo -n"; \
	else echo "The tests of the Spark engine need Java 17. Run: sudo $$install" >&2; exit 1; fi; \
	echo "Installing Java 17 for the tests of the Spark engine" >&2; \
	export DEBIAN_FRONTEND=noninteractive; \
	{ $$as_root apt-get update -qq && $$as_root $$install -qq; } >&2 </dev/null && command -v java >/dev/null 2>&1 \
		|| { echo "Java 17 could not be installed. Run: sudo apt-get update && sudo $$install" >&2; exit 1; }

# The browser tests drive Debian's own Chromium.
chromium:
	@if command -v chromium >/dev/null 2>&1; then exit 0; fi; \
	install="apt-get install -y --no-install-recommends chromium"; \
	if ! command -v apt-get >/dev/null 2>&1; then \
		echo "The browser tests need a command called chromium. Install Chromium with this system's package manager." >&2; exit 1; \
	fi; \
	if [ "$$(id -u)" = 0 ]; then as_root=; \
	elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then as_root="sudo -n"; \
	else echo "The browser tests need Chromium. Run: sudo $$install" >&2; exit 1; fi; \
	echo "Installing Chromium for the browser tests" >&2; \
	export DEBIAN_FRONTEND=noninteractive; \
	{ $$as_root apt-get update -qq && $$as_root $$install -qq; } >&2 </dev/null && command -v chromium >/dev/null 2>&1 \
		|| { echo "Chromium could not be installed. Run: sudo apt-get update && sudo $$install" >&2; exit 1; }

# The parts of deploy/ are run with Debian's own nginx.
nginx:
	@if command -v nginx >/dev/null 2>&1 || [ -x /usr/sbin/nginx ]; then exit 0; fi; \
	install="apt-get install -y --no-install-recommends nginx-light"; \
	if ! command -v apt-get >/dev/null 2>&1; then \
		echo "The tests of deploy/ need nginx. Install it with this system's package manager." >&2; exit 1; \
	fi; \
	if [ "$$(id -u)" = 0 ]; then as_root=; \
	elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then as_root="sudo -n"; \
	else echo "The tests of deploy/ need nginx. Run: sudo $$install" >&2; exit 1; fi; \
	echo "Installing nginx for the tests of deploy/" >&2; \
	export DEBIAN_FRONTEND=noninteractive; \
	{ $$as_root apt-get update -qq && $$as_root $$install -qq; } >&2 </dev/null && [ -x /usr/sbin/nginx ] \
		|| { echo "nginx could not be installed. Run: sudo apt-get update && sudo $$install" >&2; exit 1; }

check: $(DEV_STAMP) $(DOCS_STAMP)
	@$(PY) -m ruff check .
	@$(PY) -m mypy
	@$(MAKE) --no-print-directory docs

# From scratch each time, because much of it is generated from the code; a warning is an error, a name that does not exist a warning.
docs: $(DOCS_STAMP)
	@$(PY) -m sphinx -q -E -W --keep-going -n docs build/docs
	@echo "The documentation is in build/docs/index.html" >&2

test: $(DEV_STAMP) chromium postgresql mariadb java nginx
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(PY) -m pytest $(PYTEST_ARGS)

# Reading, counting, estimating, store, pages, command line and the wheel; not the browser and Spark, which run on the Python of `make test`.
PYTHONS ?= 3.12 3.13 3.14
CORE := $(addprefix tests/,test_cli.py test_cli_report.py test_configuration.py test_installation.py test_signals.py test_wheel.py cohort/test_counts.py \
	cohort/test_reduce.py model/test_estimate.py model/test_survival.py model/test_cox.py ingest/test_formats.py ingest/test_typed_values.py \
	ingest/test_folders.py store/test_studies.py store/test_opening.py store/test_backup.py report/test_files.py ui/test_iceberg_page.py \
	ui/test_upload_page.py ui/test_protection.py notify)

# Each in an environment of its own below build/, with the ranges of requirements.txt.
pythons: postgresql
	@mkdir -p build; sed -e /requirements-spark/d -e /requirements-databases/d -e /requirements-lake/d -e 's|^-r |-r $(CURDIR)/|' requirements-dev.txt \
		> build/requirements-core.txt
	@for number in $(PYTHONS); do \
		place=build/python-$$number; found=; \
		for name in python$$number "$$HOME"/.pyenv/versions/$$number.*/bin/python; do \
			"$$name" -c 'import ensurepip, venv' >/dev/null 2>&1 && found="$$name"; \
		done; \
		[ -n "$$found" ] || { echo "There is no Python $$number here that can make virtual environments." >&2; exit 1; }; \
		"$$found" -m venv $$place && $$place/bin/python -m pip install --quiet --disable-pip-version-check -r build/requirements-core.txt || exit 1; \
		echo "$$($$place/bin/python --version)" >&2; \
		OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $$place/bin/python -m pytest -p no:cacheprovider -n 0 -q $(CORE) || exit 1; \
	done

faults: $(DEV_STAMP) java
	@$(PY) -m pytest -m cluster --durations=5

bench: $(DEV_STAMP)
	@$(PY) -m benchmarks
