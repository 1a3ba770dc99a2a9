# Two verbs do all set-up by themselves: `make benchmark` and `make test`.
PYTHON ?= python3
VENV ?= .venv
CORES ?= all
CONFIG ?= config.yaml
RUN = . $(VENV)/bin/activate &&

.PHONY: benchmark test lint bench ui clean-venv

benchmark: $(VENV)/.installed ## run the study of CONFIG (default: config.yaml)
	$(RUN) snakemake --cores $(CORES) --configfile $(CONFIG)

test: $(VENV)/.installed ## run the tests
	$(RUN) pytest -n 2 --dist loadfile

lint: $(VENV)/.installed ## formatters and static checks
	$(RUN) ruff format --check . && ruff check . && snakefmt --check Snakefile workflow \
		&& mypy && snakemake --lint

bench: $(VENV)/.installed ## measure speed against the textbook formulation
	$(RUN) python benchmarks/step.py

ui: $(VENV)/.installed ## browse all studies in MLflow
	$(RUN) python -m vaebench.ui

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "Python 3.11 or newer is needed"'
	$(PYTHON) -m venv --clear $(VENV)
	$(VENV)/bin/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

clean-venv:
	rm -rf $(VENV)
