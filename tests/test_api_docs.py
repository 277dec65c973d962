"""The reference says what the socket does. Law: what is in the code alone, or in the docs alone, fails here."""

import re
from pathlib import Path

import pytest

from sidecar.api.deliveries import PARAMETERS
from sidecar.api.routes import ROUTES
from sidecar.errors import Problem
from sidecar.web.problems import urn

REFERENCE = Path(__file__).parent.parent / "docs" / "reference"
SOCKET = (REFERENCE / "socket.md").read_text()
ERRORS = (REFERENCE / "errors.md").read_text()


def kinds(base: type[Problem] = Problem) -> set[tuple[str, str, str]]:
    """Type, status and title of every problem there is."""
    found = {(urn(kind.__name__), str(kind.status), kind.title) for kind in base.__subclasses__()}
    return found.union(*(kinds(kind) for kind in base.__subclasses__()))


def test_every_route_has_its_heading() -> None:
    headings = re.findall(r"^### `(GET|POST|PUT|DELETE) (\S+)`$", SOCKET, re.MULTILINE)
    assert sorted(headings) == sorted((method, path) for method, path, _ in ROUTES)


def test_every_parameter_of_the_log_is_told() -> None:
    table = SOCKET.partition("### `GET /deliveries`")[2].partition("###")[0]
    told = [name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)]
    assert sorted(told) == sorted(PARAMETERS)


def test_every_problem_has_its_row() -> None:
    rows = re.findall(r"^\| `(urn:\S+)` \| (\d+) \| (.+?) \|", ERRORS, re.MULTILINE)
    assert sorted(rows) == sorted(kinds())


@pytest.mark.parametrize("link", re.findall(r"\]\((\S+?)\)", SOCKET + ERRORS))
def test_links_lead_somewhere(link: str) -> None:
    page, _, anchor = link.partition("#")
    headings = re.findall(r"^#+ (.+)$", (REFERENCE / page).read_text(), re.MULTILINE)
    assert not anchor or anchor in {heading.lower().replace(" ", "-") for heading in headings}
