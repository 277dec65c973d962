"""`check`, and the settings for `serve`. Law: a bad configuration is told whole, a fault a line; exit status 2."""

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from sidecar.cli.text import clean, style, table
from sidecar.errors import Misconfigured
from sidecar.settings import Configuration, describe

FAULTY = 2


@click.command()
def check() -> None:
    """Show what is configured, secrets masked, and every fault of it; start nothing."""
    settings = configured().settings
    told = describe(settings)
    remarks = [(kind, line) for kind in ("warnings", "notices") for line in _listed(told.pop(kind))]
    for title, facts in _blocks(told):
        click.echo(style(clean(title), bold=True))
        shown = [(f"  {name.replace('_', ' ')}", _shown(name, value)) for name, value in facts.items()]
        click.echo(f"{table(('', ''), [row for row in shown if row[1]])}\n")
    for kind, line in remarks:
        click.echo(f"{style(kind.rstrip('s'), 'yellow')}: {clean(line)}", err=True)
    click.echo(f"no fault; endpoints: {len(settings.endpoints)}")


def configured() -> Configuration:
    """That of the environment and `.env`; where it is at fault, the faults on stderr and exit status 2."""
    try:
        return Configuration(os.environ, Path.cwd())
    except Misconfigured as error:
        for fault in error.faults:
            click.echo(f"sidecar: {fault}", err=True)
        sys.exit(FAULTY)


def _blocks(told: Mapping[str, object]) -> Iterator[tuple[str, Mapping[str, object]]]:
    """A title and its facts: first the endpoints, each its own, then what stands alone, then what belongs together."""
    for endpoint in _listed(told["endpoints"]):
        yield f"endpoint {endpoint['name']}", {name: value for name, value in endpoint.items() if name != "name"}
    alone = {name: value for name, value in told.items() if name != "endpoints" and not isinstance(value, Mapping)}
    yield "sidecar", alone
    for name, value in told.items():
        if isinstance(value, Mapping) and any(value.values()):
            yield name, value


def _listed(value: Any) -> list[Any]:
    assert isinstance(value, list)
    return value


def _shown(name: str, value: object) -> str:
    """A value in a line; "" where there is none, and nothing need be said of it."""
    match value:
        case None | [] | ():
            return "all" if name == "events" else ""
        case bool():
            return str(value).lower()
        case list() | tuple():
            return ", ".join(str(item) for item in value)
        case _:
            return str(value)
