"""`explain`: who would get an event, and why not. Law: asks, and changes nothing; shows what the sidecar made."""

from collections.abc import Iterator
from typing import Any

import click

from sidecar.cli.client import Client
from sidecar.cli.compose import Told, composed, read
from sidecar.cli.options import speaks
from sidecar.cli.text import clean, style

Json = dict[str, Any]

LINES, COLUMNS = 10, 200
"""Of a body, what is shown."""

FATE = {
    "active": "would be sent",
    "failing": "would wait for the next probe: the endpoint is failing",
    "paused": "would be kept: the endpoint is paused",
}
"""What happens now to an event that is wanted, by the endpoint's state."""


@click.command()
@composed
@click.option(
    "--request", "whole", is_flag=True, help="Show the requests too: headers, signatures, the body's beginning."
)
@speaks
def explain(client: Client, told: Told, *, whole: bool) -> None:
    """Say who would get an event and which rule keeps it away; nothing is stored or sent.

    `explain build updated --repo repo.json --build build.json` takes what `emit` takes; `explain -` reads one whole
    event from standard input, and with --dialect and nothing beside, EVENT is a file with one.
    """
    if told.event != "-" and (told.dialect is None or not told.alone):
        body = told.body()
    elif told.alone:
        body = read(told.event, clean(told.event))
    else:
        raise click.UsageError("a whole event is read from a file, and nothing is taken beside")
    answer = client.good(client.post(f"/explain{told.route}", body)).json()
    if not client.raw:
        _say(answer, whole=whole)


def _say(answer: Json, *, whole: bool) -> None:
    if not answer["endpoints"]:
        click.echo("no endpoints: set DRONE_WEBHOOK_ENDPOINT, then `sidecar check`", err=True)
    for one in answer["endpoints"]:
        click.echo(_line(one))
        if whole and one["request"]:
            for line in _request(one["request"]):
                click.echo(f"  {line}".rstrip())
            click.echo()


def _line(one: Json) -> str:
    name = style(clean(one["endpoint"]), bold=True)
    if not one["wanted"]:
        return f"{style('✗', 'red')} {name}  kept away: {clean(one['rule'])}"
    colour = "green" if one["state"] == "active" else "yellow"
    return f"{style('→', colour)} {name}  {FATE[one['state']]}"


def _request(request: Json) -> Iterator[str]:
    yield clean(f"{request['method']} {request['url']}")
    for name, value in request["headers"]:
        yield f"{style(clean(name), dim=True)}: {clean(value)}"
    yield ""
    lines = request["body"].splitlines()
    for line in lines[:LINES]:
        yield clean(line if len(line) <= COLUMNS else f"{line[: COLUMNS - 1]}…")
    if len(lines) > LINES:
        yield f"… {len(lines) - LINES} lines more"
