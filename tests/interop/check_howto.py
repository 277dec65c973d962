"""The commands that the pages of docs/howto/verify show, run as they stand where the language is on this machine. Law:
what is not run is skipped and says why. See `make interop`."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted((ROOT / "docs" / "howto" / "verify").glob("*.md"))
CASES = json.loads((ROOT / "verifiers" / "vectors.json").read_bytes())
COMMANDS = [
    (page.stem, command.strip())
    for page in PAGES
    for command in re.findall(r"^    ((?:\S+ )*verifiers/\S+[^#\n]*)", page.read_text("utf-8"), re.MULTILINE)
]


def test_every_language_has_a_page_with_its_command() -> None:
    assert {page.stem for page in PAGES} == {page for page, _ in COMMANDS}


@pytest.mark.timeout(200)  # the shell starts a thousand programs
@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_the_command_of_a_page_checks_every_vector(page: str, command: str) -> None:
    if command == "python3 verifiers/run.py":
        pytest.skip("`make verifiers` runs it")
    program, *arguments = command.split()
    found = sys.executable if program == "python3" else shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not on this machine")
    done = subprocess.run(
        [found, *arguments], cwd=ROOT, check=False, capture_output=True, encoding="utf-8", timeout=180
    )
    if done.returncode == 9 and "bad option" in done.stderr:
        pytest.skip(f"{program} here is older than the page says")
    if "left out: " in done.stdout:
        pytest.skip(done.stdout.strip())
    assert done.returncode == 0, done.stderr
    if "run.py" in command:
        assert f"{len(CASES)} of {len(CASES)} agree" in done.stdout
    else:
        assert done.stdout.splitlines() == [f"{case['name']}: {case['expect']}" for case in CASES]
