"""The layer rule and the packaging rules, read from the source files themselves."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LAYERS = {"core": {"core"}, "devices": {"devices", "core"}, "gui": {"gui", "devices", "core"}, "resources": set()}
QT = {"PySide6", "PySide6QtAds", "shiboken6", "pyqtgraph", "qasync"}


def sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, absolute dotted name) of every import, relative ones resolved below ``dockscope``."""
    package = ("dockscope", *path.relative_to(ROOT).parent.parts)
    for node in ast.walk(ast.parse(path.read_text(), filename=str(path))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module or "") if part)
            yield node.lineno, module
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


def offences(folder: str, allowed) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in sources(folder)
        for line, name in imports(path)
        if not allowed(path, name)
    ]


@pytest.mark.parametrize("folder", list(LAYERS))
def test_layers_point_down(folder):
    """Imports go gui -> devices -> core only, and resources imports nothing at all."""

    def allowed(path: Path, name: str) -> bool:
        parts = name.split(".")
        if parts[0] != "dockscope":
            return folder != "resources"
        if len(parts) == 1:  # "from .. import core" is looked at again as dockscope.core
            return folder != "resources"
        # The bare package holds the public names and is allowed to anyone above core.
        return parts[1] in LAYERS[folder] or (folder != "core" and parts[1] not in LAYERS)

    assert offences(folder, allowed) == []


@pytest.mark.parametrize("folder", ["core", "devices", "packaging/entry", "resources"])
def test_qt_stays_in_gui(folder):
    """PySide6, QtAds, pyqtgraph and qasync are imported below gui/ only."""
    assert offences(folder, lambda path, name: name.split(".")[0] not in QT) == []


@pytest.mark.parametrize("folder", ["core", "devices", "gui", "packaging/entry"])
def test_visa_stays_in_one_module(folder):
    """pyvisa is imported by devices/visa.py only."""
    visa = ROOT / "devices" / "visa.py"
    assert offences(folder, lambda path, name: path == visa or name.split(".")[0] != "pyvisa") == []


@pytest.mark.parametrize("folder", ["core", "devices", "gui", "packaging/entry", "tests"])
def test_no_second_copy_of_a_class(folder):
    """Nothing imports the folders as top-level packages: that would make a second copy of every class."""
    assert offences(folder, lambda path, name: name.split(".")[0] not in LAYERS) == []


@pytest.mark.parametrize("folder", ["core", "devices", "gui"])
def test_siblings_are_imported_relatively(folder):
    """Inside the package imports are relative, so that a type checker follows them in an editable install."""
    absolute = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sources(folder)
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").split(".")[0] == "dockscope")
        or (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "dockscope" for alias in node.names))
    ]
    assert absolute == []


def test_every_package_is_listed():
    """Every folder with Python files is in pyproject's packages and mapping, else the wheel lacks it."""
    setuptools = PYPROJECT["tool"]["setuptools"]
    mapping = setuptools["package-dir"]
    assert sorted(setuptools["packages"]) == sorted(mapping)
    folders = {
        str(path.parent.relative_to(ROOT))
        for top in ("core", "devices", "gui", "resources", "packaging")
        for path in sources(top)
    }
    assert folders == set(mapping.values())
    for package, folder in mapping.items():
        assert (ROOT / folder / "__init__.py").is_file(), package


def test_nothing_shadows_a_distribution():
    """There is no packaging/__init__.py and nothing called dockscope at the root or in packaging/."""
    assert not (ROOT / "packaging" / "__init__.py").exists()
    assert [
        path
        for folder in (ROOT, ROOT / "packaging")
        for path in folder.glob("dockscope*")
        if path.suffix in {"", ".py"}
    ] == []


def test_every_test_states_its_requirement():
    """Each test function has a docstring that says what must hold."""
    silent = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in sources("tests")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]
    assert silent == []


def loaded_modules(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return {name.split(".")[0] for name in done.stdout.split()}


@pytest.mark.parametrize("statement", ["import dockscope", "from dockscope import Broadcaster"])
def test_a_producer_does_not_load_qt(statement):
    """Importing the package and its Broadcaster loads neither Qt nor what belongs to the window."""
    assert loaded_modules(statement) & QT == set()
