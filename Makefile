# Everything runs from .venv, which the first target that needs it makes from the python3 at hand, with pip only.
#   make demo    the window with three real producers; without a display a picture of it in build/demo.png
#   make test    all tests          make soak    their long forms
#   make check   ruff, pyright and the layer rule
#   make bench   the budgets of the design, into build/bench.json and docs/benchmarks.md; ROW=name measures one row

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: demo test check soak bench
.NOTPARALLEL:

demo: $(STAMP)
	@mkdir -p build
	@if [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ]; then \
	    $(BIN)/dockscope doctor > build/doctor.txt || { cat build/doctor.txt >&2; exit 1; }; \
	    exec $(BIN)/dockscope demo; \
	fi; \
	echo "make demo: no display here (DISPLAY is not set), so the demo runs for 20 s on Qt's offscreen platform."; \
	QT_QPA_PLATFORM=offscreen $(BIN)/dockscope demo --seconds 20 --screenshot build/demo.png \
	    || { status=$$?; $(BIN)/dockscope doctor >&2 || true; exit $$status; }; \
	echo "make demo: the picture of the window is in build/demo.png"

test: $(STAMP)
	$(BIN)/pytest -q -n 2 --dist loadfile

check: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright
	$(BIN)/pytest -q tests/test_layers.py

soak: $(STAMP)
	HYPOTHESIS_PROFILE=soak $(BIN)/pytest -q -m soak -o faulthandler_timeout=1800

bench: $(STAMP)
	@for program in Xvfb openbox xdotool; do command -v $$program >/dev/null || { .ci/packages; break; }; done
	$(BIN)/python -m tests.benchmarks.run build/bench.json --page docs/benchmarks.md $(if $(ROW),--row $(ROW))

# The stamp is written last: an installation that broke off is taken up again, a finished one costs nothing.
$(STAMP): pyproject.toml Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    echo "dockscope needs Python 3.11 or newer; '$(PYTHON)' is not. Install it (Debian, Ubuntu: apt install python3 python3-venv) or name one: make PYTHON=python3.12" >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { \
	    $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	        echo "Python's venv module is incomplete here. Install the package that has it (Debian, Ubuntu: apt install python3-venv), then call make again." >&2; exit 1; }; \
	    rm -rf .venv && $(PYTHON) -m venv .venv; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@# Pyright cannot see through an editable installation: links spell the import package out for it.
	@mkdir -p .venv/types/dockscope
	@for name in core devices gui resources; do ln -sfn "../../../$$name" ".venv/types/dockscope/$$name"; done
	@for name in __init__.py __main__.py py.typed; do ln -sfn "../../../packaging/entry/$$name" ".venv/types/dockscope/$$name"; done
	@touch $@
