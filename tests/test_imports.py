import subprocess
import sys

HEAVY = ("numpy", "pandas", "fastapi", "pydantic", "matplotlib", "faster_whisper", "xllamacpp", "ollama", "aiohttp")


def test_importing_the_package_loads_nothing_heavy():
    code = f"import sys, autopicker_lab; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_importing_the_nouns_loads_no_third_party():
    code = f"import sys, autopicker_lab.core; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_public_names_resolve():
    import autopicker_lab

    for name in autopicker_lab.__all__:
        assert getattr(autopicker_lab, name)
