"""The OpenAPI description agrees with the code. Law: what is in one of them alone fails here.

Whether the answers are as described, a running sidecar is asked by `make openapi-test`.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from sidecar.api import deliveries, hooks
from sidecar.api.routes import ROUTES
from sidecar.errors import Problem
from sidecar.inbound import routes as inbound
from sidecar.openapi import document
from sidecar.openapi.operations import OPERATIONS
from sidecar.web.problems import urn

REFERENCE = Path(__file__).parent.parent / "docs/reference"
DOCUMENT = document()


def test_the_published_description_is_the_one_that_is_made() -> None:
    published = (REFERENCE / "openapi.json").read_text("utf-8")
    assert json.loads(published) == json.loads(json.dumps(DOCUMENT)), "make generate"


def test_every_route_of_the_socket_is_described_in_its_order() -> None:
    described = [(one.method, one.path) for one in OPERATIONS if one.server == "socket"]
    assert sorted(described) == sorted((method, path) for method, path, _ in ROUTES)


def test_every_route_of_the_listener_is_described_with_or_without_its_last_slash() -> None:
    described = {(one.method, one.path.rstrip("/")) for one in OPERATIONS if one.server == "listen"}
    assert described == {("POST", path.rstrip("/")) for path, _ in inbound.ROUTES}


@pytest.mark.parametrize("one", OPERATIONS, ids=lambda one: f"{one.method} {one.path}")
def test_every_part_of_a_path_is_a_parameter_and_the_other_way_round(one: Any) -> None:
    told = [parameter.name for parameter in one.parameters if parameter.where == "path"]
    assert sorted(told) == sorted(re.findall(r"{(\w+)}", one.path))


@pytest.mark.parametrize(("path", "readers"), [("/deliveries", deliveries.PARAMETERS), ("/hooks", hooks.PARAMETERS)])
def test_every_parameter_that_is_read_is_described(path: str, readers: Any) -> None:
    [one] = [one for one in OPERATIONS if one.path == path and one.method == "GET"]
    assert sorted(parameter.name for parameter in one.parameters) == sorted(readers)


def test_every_reference_leads_somewhere_and_no_schema_is_left_over() -> None:
    text = json.dumps(DOCUMENT)
    for kind in ("schemas", "responses"):
        used = set(re.findall(rf"#/components/{kind}/(\w+)", text))
        assert used == set(DOCUMENT["components"][kind])


def test_every_type_of_problem_is_one_that_there_is() -> None:
    def kinds(base: type[Problem]) -> set[str]:
        return {urn(base.__name__)}.union(*(kinds(kind) for kind in base.__subclasses__()))

    told = set(re.findall(r"urn:sidecar:problem:[a-z-]+", json.dumps(DOCUMENT)))
    assert told <= kinds(Problem)


def test_operations_have_ids_of_their_own() -> None:
    ids = [operation["operationId"] for item in DOCUMENT["paths"].values() for operation in item.values()]
    assert len(set(ids)) == len(ids) == len(OPERATIONS)
