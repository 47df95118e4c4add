# make book | test | pairs | lock | clean      (make PYTHON=python3.12 chooses the interpreter of a new .venv)

PYTHON ?= python3
BIN := .venv/bin
# Written last, so that a set-up that failed is begun again.
READY := .venv/ready

.PHONY: book test pairs lock clean

book: $(READY)
	$(BIN)/jupyter-book build . -W -n --keep-going
	@echo "$(CURDIR)/_build/html/index.html"

test: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

# The .ipynb beside each chapter, made anew from its .md.
pairs: $(READY)
	$(BIN)/python -m skipnets.pairs

# Needs uv, which only whoever changes requirements.txt has to have.
lock:
	@echo "# Every package, pinned, for Linux with Python 3.11 or 3.12. Made from requirements.txt by: make lock" > requirements.lock.new
	grep -v '^-e' requirements.txt | uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url \
		--no-annotate --no-header - >> requirements.lock.new
	mv requirements.lock.new requirements.lock

clean:
	rm -rf _build .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info < (3, 13) or sys.exit("Python 3.11 or 3.12 is needed, as in: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --requirement requirements.lock
	$(BIN)/python -m pip install --no-deps --no-build-isolation --editable .
	touch $@
