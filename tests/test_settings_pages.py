"""The generated pages: what is committed is what the tables say, and what they say is true.

Law: whoever changes a row runs `make generate`, or this fails the build.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from sidecar.settings import example, load, reference
from sidecar.settings.known import GROUPS, NAMES, forms

ROOT = Path(__file__).parent.parent
VARIABLES = [f"{group.prefix}{form}" for group in GROUPS for setting in group.settings for form in forms(setting)]


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a short path."""
    return tmp_path_factory.mktemp("s")


def test_the_committed_pages_are_those_of_the_tables() -> None:
    assert (ROOT / ".env.example").read_text(encoding="utf-8") == example()
    assert (ROOT / "docs/reference/settings.md").read_text(encoding="utf-8") == reference()


@pytest.mark.parametrize("page", ["example", "reference"])
def test_the_pages_are_printed_for_make_generate(page: str) -> None:
    command = [sys.executable, "-m", "sidecar.settings", page]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True, cwd=ROOT)
    assert done.stdout == {"example": example, "reference": reference}[page]()


def test_an_unknown_page_is_refused_with_the_known_ones() -> None:
    command = [sys.executable, "-m", "sidecar.settings", "map"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, cwd=ROOT)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "usage: python -m sidecar.settings example|reference\n"


@pytest.mark.parametrize("variable", VARIABLES)
def test_every_variable_is_on_both_pages(variable: str) -> None:
    base = variable.removesuffix("_FILE") if variable.removesuffix("_FILE") in VARIABLES else variable
    assert f"| `{base}`" in reference()
    assert f"\n#{variable.replace('<NAME>', 'DEPLOY')}=" in example()


def test_the_example_changes_nothing_as_it_stands(folder: Path) -> None:
    before = load({}, folder)
    (folder / ".env").write_text(example(), encoding="utf-8")
    assert load({}, folder) == before


def test_the_examples_samples_hold_together(folder: Path) -> None:
    samples = dict(re.findall("^#([A-Z_]+)=(.+)$", example(), re.MULTILINE))
    taken = [f"{name}={value}" for name, value in samples.items() if not name.endswith("_FILE")]
    (folder / ".env").write_text("\n".join(taken), encoding="utf-8")
    settings = load({}, folder)
    assert [endpoint.name for endpoint in settings.endpoints][-1:] == ["deploy"]
    assert len(settings.warnings) <= 1


def test_no_two_rows_have_the_same_name() -> None:
    assert len(set(NAMES)) == len(NAMES)
