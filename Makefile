# Two verbs do all set-up by themselves: `make benchmark` and `make test`.
PYTHON ?= python3
VENV ?= .venv
CORES ?= all
CONFIG ?= config.yaml
RUN = . $(VENV)/bin/activate &&
MINE = $(VENV)/.made-by-vaebench

.PHONY: benchmark test test-random test-cluster test-look archive lint docs bench measure plan ui clean-venv help

benchmark: $(VENV)/.installed ## run the study of CONFIG (default: config.yaml)
	$(RUN) snakemake --cores $(CORES) --configfile $(CONFIG)

test: $(VENV)/.installed ## run the tests, with the same random draws every time; without those of test-cluster and test-look
	$(RUN) VAEBENCH_RANDOM= pytest -n 2 --dist loadfile --ignore tests/cluster --ignore tests/look

test-random: $(VENV)/.installed ## run the property tests with fresh draws and more of them; about an hour
	$(RUN) VAEBENCH_RANDOM=1 pytest -n 2 -m hypothesis --ignore tests/cluster --ignore tests/look

test-cluster: $(VENV)/.installed ## run the tests against a real Slurm and PostgreSQL of this machine
	test "$$(id -u)" != 0 || ! command -v apt-get >/dev/null || (apt-get update -qq && \
		apt-get install -y -qq --no-install-recommends munge slurm-client slurmctld slurmd postgresql)
	$(RUN) pytest -rs tests/cluster

test-look: $(VENV)/.installed ## look at the report in a real browser, at three widths; SHOTS=FOLDER keeps the pictures
	$(RUN) python -m pip install --quiet playwright axe-playwright-python
	$(RUN) command -v chromium >/dev/null || playwright install --with-deps chromium
	$(RUN) VAEBENCH_SHOTS="$(SHOTS)" pytest -rs tests/look

lint: $(VENV)/.installed ## check format, style and types
	$(RUN) ruff format --check . && ruff check . && snakefmt --check Snakefile workflow \
		&& mypy && snakemake --lint

docs: $(VENV)/.installed ## build the documentation in docs/_build/html; a warning is an error
	$(RUN) python -m sphinx -W --keep-going -q -b html docs docs/_build/html

archive: $(VENV)/.installed ## pack the study of CONFIG into one file for another person, who checks it with vaebench verify
	$(RUN) python -m vaebench archive $(CONFIG)

bench: $(VENV)/.installed ## write a dated record of speed and compare it with the last one of this kind of machine
	$(RUN) python benchmarks/record.py

measure: $(VENV)/.installed ## make all other measurements of speed and memory; docs/performance.md has the results
	$(RUN) for measure in evaluation.py cells.py \
		"reading.py --scale 0.01" overhead.py "aggregation.py --cells 100 --users 5000"; do \
		echo "## $$measure" && python benchmarks/$$measure || exit 1; done

plan: $(VENV)/.installed ## tell what the study of CONFIG will cost: cells, hours, disk
	$(RUN) python -m vaebench plan $(CONFIG)

ui: $(VENV)/.installed ## browse all studies in MLflow
	$(RUN) python -m vaebench ui

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "Python 3.11 or newer is needed"'
	$(ONLY_MINE)
	$(PYTHON) -m venv --clear "$(VENV)"; made=$$?; touch "$(MINE)"; exit $$made
	"$(VENV)/bin/python" -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

clean-venv: ## remove the virtual environment
	$(ONLY_MINE)
	rm -rf "$(VENV)"

# a folder that holds something and was not made here is somebody's
define ONLY_MINE
@test -e "$(MINE)" || ! ls -A "$(VENV)/" 2>/dev/null | grep -q . || { \
	echo "$(VENV): this Makefile did not make it and does not touch it;" \
	"allowed: VENV=ANOTHER, or remove it yourself" >&2; exit 1; }
endef

help: ## print this list
	@sed -n 's/^\([a-z-]*\):.*## /make \1: /p' Makefile
