"""What the tests of the image share. Law: figures are told at the end, and asserted nowhere: machines differ."""

import os
from collections.abc import Callable, Iterator

import pytest
from containers import Lab


@pytest.fixture
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """Containers for this test."""
    made = Lab(f"sidecar-test-{os.getpid()}-{abs(hash(request.node.name)) % 10**6}")
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Tell a figure at the end of the run."""
    return lambda told: record_property("figure", told)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for report in terminalreporter.getreports("passed"):
        for name, told in report.user_properties:
            if name == "figure" and report.when == "call":
                terminalreporter.write_line(str(told))
