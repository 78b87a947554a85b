# Two commands do all the set-up: make, make test. Both need Python 3.11 or later, make and git.
PYTHON ?= python3
BIN := .venv/bin

LAB ?= full
FUZZ ?= 100000
KILLS ?= 50
# patterns of mutants, as memmap_atlas.memmodel.regions*; all where there are none
MUTANTS ?=

.PHONY: all report test fuzz slurm kills check audit bench mutation lab evidence docs lock

all: .venv/ready
	$(BIN)/snakemake --cores all --quiet host reason
	@$(BIN)/python workflow/scripts/closing.py

# Snakemake's plugin for Slurm calls it whenever Snakemake starts; not every system comes with it
.venv/ready: requirements.lock
	@command -v which > /dev/null || \
		{ echo "Error: which is missing: install debianutils (outside Debian: which)" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation \
	    --no-index --editable .
	touch $@

test: .venv/ready
	$(BIN)/pytest -n 2 --dist loadfile --cov=memmap_atlas

# the readers of files against so many broken ones each, and configurations against so many mutated
# ones in all; `make test` tries a few hundred, and two thousand
fuzz: .venv/ready
	ATLAS_FUZZ=$(FUZZ) $(BIN)/pytest -n 2 --dist load -k fuzz tests/readers \
	    tests/unit/test_hostile.py

# the default sweeps on a Slurm of two CPUs that is started for it, held to a local run; as root, with
# Debian's munge, slurmctld, slurmd and slurm-client. `make test` has smaller ones
slurm: .venv/ready
	ATLAS_SLURM=1 $(BIN)/pytest -s tests/workflow/test_slurm.py

# kill -9 at so many moments of a run, each followed by a plain one; `make test` tries a few
kills: .venv/ready
	$(BIN)/python -m tests.tools.faults --kills $(KILLS)

check: .venv/ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/snakefmt --check Snakefile workflow/Snakefile workflow/rules
	$(BIN)/mypy
	PYTHONPATH=workflow/scripts $(BIN)/lint-imports --no-cache --no-logo
	$(BIN)/snakemake --lint

# the figures of the default sweeps in one file, twice: as an archive and as a page
report: .venv/ready
	$(BIN)/snakemake --cores all --quiet host reason
	$(BIN)/snakemake --quiet host reason --report results/report.zip \
	    --report-stylesheet workflow/report/report.css
	$(BIN)/snakemake --quiet host reason --report results/report.html \
	    --report-stylesheet workflow/report/report.css

# boots kernels; needs QEMU, and for kernels that it builds a cross compiler
lab: .venv/ready
	$(BIN)/snakemake --cores all --keep-going --rerun-incomplete --quiet host reason progress \
	    --config lab=$(LAB) -- lab

# boots the full lab anew where anything changed, and puts what it observed where tests and figures find it
evidence: lab
	cp results/lab/observations.parquet workflow/resources/evidence.parquet

bench: .venv/ready
	$(BIN)/python -m tests.tools.bench

# the tests against mutants of the arithmetic: which edits of memmodel/ would no test notice?
# `cd .mutation/workflow && ../../.venv/bin/mutmut show NAME` shows one of those that survive
mutation: .venv/ready
	rm -rf .mutation && mkdir .mutation
	cp -r config workflow .mutation
	mv .mutation/workflow/scripts/memmap_atlas .mutation/workflow
	cp -r config tests .mutation/workflow
	mkdir .mutation/workflow/workflow && cp -r workflow/resources .mutation/workflow/workflow
	cp tests/tools/mutation.toml .mutation/workflow/pyproject.toml
	cd .mutation/workflow && ATLAS_EXAMPLES=0.02 ../../$(BIN)/mutmut run --max-children 2 $(MUTANTS)
	cd .mutation/workflow && ../../$(BIN)/mutmut results

# the lock against known vulnerabilities: pip-audit asks for them; ADVISORIES=folder is a copy of
# theirs, for where there is no network
audit: .venv/ready
ifdef ADVISORIES
	$(BIN)/python -m tests.tools.audit "$(ADVISORIES)"
else
	$(PYTHON) -m venv .audit
	.audit/bin/pip install --quiet --disable-pip-version-check pip-audit
	.audit/bin/pip-audit --requirement requirements.lock --disable-pip --require-hashes
endif

# the tables of config/README.md, the names and keys in the schemas, those of docs/schemas/, and after
# `make` the figures of README.md
docs: .venv/ready
	$(BIN)/python workflow/scripts/document_keys.py
	$(BIN)/python -m tests.tools.quoted_numbers
	cp results/thread-strips/figures/section-strip-thread-4g.png docs/
	cp results/section-price/figures/section-curve-arm64-6.12-4k.png docs/section-curve.png
	cp results/boards-arm64/figures/boards.png docs/boards-arm64.png
	cp results/evidence/figures/computed-against-booted.png docs/

# needs uv, and a network
lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --no-header --no-annotate --extra workflow --group dev pyproject.toml -o requirements.lock
