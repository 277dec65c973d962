"""The house's own rules that no linter knows. Law: a rule here says how to keep it."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CODE = sorted((ROOT / "sidecar").rglob("*.py"))
ROOMS = ("tests", "bench", "faults", "deploy", "release")
ALL = [*CODE, *sorted(path for folder in ROOMS for path in (ROOT / folder).rglob("*.py"))]
FUNCTION, FILE = 40, 400


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", ALL, ids=named)
def test_no_file_is_longer_than_400_lines(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= FILE


@pytest.mark.parametrize("path", ALL, ids=named)
def test_no_function_is_longer_than_40_lines(path: Path) -> None:
    """Its docstring is not counted: saying what a function takes must cost nothing."""
    functions = (
        n for n in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    assert [f"{f.name}: {lines(f)}" for f in functions if lines(f) > FUNCTION] == []


def lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first, last = function.lineno, function.end_lineno or function.lineno
    text = function.body[0]
    is_doc = isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
    return last - first + 1 - ((text.end_lineno or text.lineno) - text.lineno + 1 if is_doc else 0)


@pytest.mark.parametrize("path", CODE, ids=named)
def test_every_file_opens_with_its_law(path: Path) -> None:
    assert re.search(r"\bLaws?:", ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""), (
        "say what it keeps: `Law: …`"
    )


@pytest.mark.parametrize("path", ALL, ids=named)
def test_an_ignore_names_its_code_and_its_reason(path: Path) -> None:
    pattern = re.compile(r"#\s*(noqa|type:\s*ignore|pragma)(?!.*[\])\w]\s+[-#]?\s*\w.*\w)")
    found = [line for line in path.read_text("utf-8").splitlines() if "re.compile" not in line and pattern.search(line)]
    assert found == []


@pytest.mark.parametrize("path", CODE, ids=named)
def test_no_import_hides_in_a_function_unless_the_feature_is_optional(path: Path) -> None:
    text = path.read_text("utf-8")
    source = text.splitlines()
    hidden = [
        source[node.lineno - 1]
        for function in ast.walk(ast.parse(text))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom) and "optional" not in source[node.lineno - 1]
    ]
    assert hidden == []


def test_the_lock_pins_every_package_with_hashes_and_names_no_host() -> None:
    for lock in ROOT.glob("requirements*.lock"):
        text = lock.read_text("utf-8")
        assert "://" not in text
        assert "--index-url" not in text
        for block in re.split(r"\n(?=[a-zA-Z])", text.strip()):
            assert "--hash=sha256:" in block, block.splitlines()[0]


def test_what_pyproject_asks_for_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    locked = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE))
    assert {re.split(r"[<>=]", wanted)[0] for wanted in project["dependencies"]} <= locked
