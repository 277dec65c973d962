"""The pages agree with the code, and with each other. Law: what is in one of them alone fails here.

What the pages show being done is run by test_docs_run.py.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import sidecar
from sidecar import logs, receiver, retry
from sidecar.cli.main import COMMANDS, commands
from sidecar.dialects import DIALECTS
from sidecar.settings.families import FAMILIES
from sidecar.settings.known import FIELDS, GROUPS, NAMES, endpoint_of
from sidecar.transport import REASONS

ROOT = Path(__file__).parent.parent
TOP = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")]
PAGES = [*TOP, *sorted((ROOT / "docs").rglob("*.md"))]
DECISIONS = sorted((ROOT / "docs/decisions").glob("0*.md"))
CODE = sorted(Path(sidecar.__file__).parent.rglob("*.py"))
README, CONTRIBUTING = TOP[0].read_text("utf-8"), TOP[1].read_text("utf-8")
COMMAND_LINE = (ROOT / "docs/reference/command-line.md").read_text("utf-8")
DOTTED = re.compile(r"[a-z]+\.[a-z_]+")
EVERYWHERE = {"--socket", "--json", "--help"}


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def links(page: Path) -> list[tuple[Path, str]]:
    """What the page links to within this project: the file, and the anchor or ""."""
    found = re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)", prose(page))
    return [((page.parent / target).resolve() if target else page, anchor) for target, anchor in found]


def anchors(page: Path) -> set[str]:
    """Of the headings, as forges make them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target, anchor in links(page):
        assert target.is_file(), target  # a site has no page for a folder
        assert not anchor or anchor in anchors(target), f"{target}#{anchor}"


def test_every_page_is_found_from_the_readme() -> None:
    found, todo = set(), [TOP[0]]
    while todo:
        page = todo.pop()
        if page not in found and page.suffix == ".md":
            found.add(page)
            todo += [target for target, _ in links(page)]
    assert set(PAGES) - found == set()


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "settings.md"], ids=named)
def test_every_variable_is_a_setting(page: Path) -> None:
    known = {*NAMES, *(f"SIDECAR_ENDPOINT_<NAME>_{field}" for field in FIELDS)}
    for name in re.findall(r"\b(?:SIDECAR|DRONE|PAGURE|LAUNCHPAD)_[A-Z0-9_]*(?:<NAME>_[A-Z0-9_]+)?", page.read_text()):
        assert name in known or endpoint_of(name), name


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_command_is_one(page: Path) -> None:
    found = re.findall(r"(?:`|^\$ |^    )sidecar ([a-z]+)", page.read_text("utf-8"), re.MULTILINE)
    assert set(found) <= set(COMMANDS)


def test_every_command_has_its_section() -> None:
    assert re.findall(r"^## (.+)$", COMMAND_LINE, re.MULTILINE) == list(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_section_has_the_usage_and_the_options_of_its_command(name: str) -> None:
    section = COMMAND_LINE.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    command = commands.get_command(click.Context(commands), name)
    assert command
    options = set()
    for path, one in leaves(name, command):
        pieces = one.collect_usage_pieces(click.Context(one))
        assert f"\n    {' '.join(['sidecar', path, *pieces[1:]])}" in section, path
        options |= {option for parameter in one.params for option in parameter.opts if option.startswith("--")}
    assert set(re.findall(r"^\| `(--[a-z-]+)", section, re.MULTILINE)) == options - EVERYWHERE


def leaves(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    """The command, or all that it is a group of."""
    if isinstance(command, click.Group):
        for name, one in command.commands.items():
            yield from leaves(f"{path} {name}", one)
    else:
        yield path, command


def test_the_log_s_page_is_made_of_its_table() -> None:
    assert (ROOT / "docs/reference/logs.md").read_text("utf-8") == logs.reference()
    command = [sys.executable, "-m", "sidecar.logs"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True, cwd=ROOT)
    assert done.stdout == logs.reference()


def logged(path: Path) -> set[str]:
    """The names of what a file logs."""
    return {
        part.value
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if isinstance(node.func.value, ast.Name) and node.func.value.id == "log" and node.args
        for part in ast.walk(node.args[0])
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and DOTTED.fullmatch(part.value)
    }


def test_what_is_logged_is_in_the_table_and_the_other_way_round() -> None:
    assert set().union(*map(logged, CODE)) == set(logs.EVENTS)


def test_every_reason_of_a_failure_is_told_how_to_mend() -> None:
    page = (ROOT / "docs/howto/troubleshoot.md").read_text("utf-8")
    table = page.partition("| word | meaning |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE)) == REASONS.keys() | retry.OURS


def test_the_verdicts_are_those_of_the_tables() -> None:
    page = (ROOT / "docs/explanation/delivery.md").read_text("utf-8")
    for statuses, more in ((retry.REFUSED, ""), ({retry.GONE}, ""), (retry.OWN, ", 5xx, any failure of the network")):
        assert f"\n| {', '.join(map(str, sorted(statuses)))}{more} |" in page


def test_every_test_that_the_readme_names_is_there() -> None:
    found = re.findall(r"\[\w+\]\((tests/\w+\.py)\): `(\w+)`", README)
    assert len(found) > 5
    for file, name in found:
        assert f"def {name}(" in (ROOT / file).read_text("utf-8"), name


def test_what_is_said_to_be_not_there_yet_is_not_there() -> None:
    table = README.partition("| not yet | |")[2].partition("\n\n")[0]
    idle = {setting.name for group in GROUPS for setting in group.settings if not setting.effective}
    assert set(re.findall(r"`(SIDECAR_\w+)`", table)) <= idle
    assert ("`sidecar.receiver`" in table) == (receiver.DIALECTS.keys() != DIALECTS.keys())
    for dialect in FAMILIES.keys() - DIALECTS.keys():
        assert FAMILIES[dialect].group.title in table


def test_the_contributor_is_told_what_every_room_is_for() -> None:
    table = CONTRIBUTING.partition("| floor | room |")[2].partition("\n\n")[0]
    files = (path for path in Path(sidecar.__file__).parent.iterdir() if path.suffix == ".py" or path.is_dir())
    rooms = {path.stem for path in files} - {"__init__", "__pycache__"}
    assert set(re.findall(r"^\|[^|]*\| `(\w+)` \|", table, re.MULTILINE)) == rooms


@pytest.mark.parametrize("page", DECISIONS, ids=named)
def test_a_decision_says_when_why_and_what_follows(page: Path) -> None:
    text = page.read_text("utf-8")
    title, _, day = text.splitlines()[:3]
    assert title.startswith(f"# {page.name[:4]}. ")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d, (accepted|replaced by \[\d{4}\]\(.*\))\.", day)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Why", "Decision", "What follows"]


def test_decisions_are_numbered_and_listed() -> None:
    assert [int(page.name[:4]) for page in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    index = (ROOT / "docs/decisions/index.md").read_text("utf-8")
    rows = re.findall(r"^\| \[\d{4}\]\((.*?)\) \| (.*?) \| (?:accepted|replaced by .*) \|$", index, re.MULTILINE)
    assert rows == [(page.name, page.read_text("utf-8").splitlines()[0][8:]) for page in DECISIONS]
