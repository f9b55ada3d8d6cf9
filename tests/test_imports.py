import ast
import importlib
import pkgutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from types import ModuleType

import autopicker_lab

HEAVY = ("numpy", "pandas", "fastapi", "pydantic", "matplotlib", "faster_whisper", "xllamacpp", "ollama", "aiohttp")
SOURCES = Path(autopicker_lab.__file__).parent


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = f"import sys, autopicker_lab; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_importing_the_nouns_loads_no_third_party() -> None:
    code = f"import sys, autopicker_lab.core; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_public_names_resolve() -> None:
    for name in autopicker_lab.__all__:
        assert getattr(autopicker_lab, name)


def packages() -> list[str]:
    found = pkgutil.walk_packages([str(SOURCES)], "autopicker_lab.")
    return ["autopicker_lab", *(module.name for module in found if module.ispkg)]


def test_no_name_of_a_package_hides_its_module_of_that_name() -> None:
    """Otherwise `import autopicker_lab.package.name as module` gives a function, or whatever else the name is of."""
    hidden = []
    for package in packages():
        module = importlib.import_module(package)
        for child in pkgutil.iter_modules(module.__path__):
            value = getattr(module, child.name, None)  # None: not imported yet, and not hidden either
            if value is not None and not (
                isinstance(value, ModuleType) and value.__name__ == f"{package}.{child.name}"
            ):
                hidden.append(f"{package}.{child.name} is {value!r}")
    assert hidden == []


def test_a_name_is_of_one_class() -> None:
    """Public classes wherever they are defined, inside functions and other classes as well."""
    homes: dict[str, list[str]] = defaultdict(list)
    for path in sorted(SOURCES.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(f"{path.relative_to(SOURCES)}:{node.lineno}")
    assert {name: places for name, places in homes.items() if len(places) > 1} == {}
