"""`emit`: one event from files, or a stream of them. Law: what a file holds goes to the socket byte for byte."""

import sys
from io import BufferedReader
from typing import Any, cast

import click

from sidecar.cli.client import Client, Failure, segment
from sidecar.cli.compose import Told, composed
from sidecar.cli.look import outcome
from sidecar.cli.moments import ago, now, span, until
from sidecar.cli.options import length, speaks
from sidecar.cli.stream import stream
from sidecar.cli.text import clean, state, style, table

Json = dict[str, Any]

FINISHED = ("delivered", "dead")


@click.command()
@composed
@click.option("--wait", type=length, is_flag=False, flag_value="60", help="Until all is delivered; 60 s, or so long.")
@speaks
def emit(client: Client, told: Told, wait: int | None) -> None:
    """Hand an event to the sidecar: `emit build updated --repo repo.json --build build.json`.

    `emit --dialect pagure issue.new --project rpms/bash --msg msg.json`, `emit --dialect launchpad git:push:0.1
    --payload payload.json`. `emit -` reads events from standard input, one JSON object a line, any number of lines.
    """
    if told.event == "-":
        if not told.alone or wait is not None:
            raise click.UsageError("`emit -` takes whole events from standard input, and nothing beside")
        stream(client, cast("BufferedReader", sys.stdin.buffer), route=f"/events{told.route}")
        return
    answer = client.good(client.post(f"/events{told.route}", told.body())).json()
    if not client.raw:
        _say(answer)
    if wait is not None:
        _await(client, answer, wait)


def _say(told: Json) -> None:
    known = ", known already: nothing is sent again" if told["duplicate"] else ""
    click.echo(f"event {style(clean(told['id']), bold=True)} accepted{known}")
    if told["deliveries"]:
        click.echo(
            table(("", "", ""), [("  delivery", owed["id"], f"→ {owed['endpoint']}") for owed in told["deliveries"]])
        )
    else:
        click.echo("  no endpoint wants it")


def _await(client: Client, told: Json, wait: int) -> None:
    """Until every delivery is finished; says how it went. Raises `Failure` unless all was delivered in time."""
    event: Json = {}
    for _ in until(wait):
        answer = client.get(f"/events/{segment(told['id'])}")
        event = Client(client.path).good(answer).json()
        if all(delivery["state"] in FINISHED for delivery in event["deliveries"]):
            break
    if client.raw:
        client.good(answer)
    else:
        click.echo(table(("", "", "", ""), [_result(delivery) for delivery in event["deliveries"]]))
    see = f"see `sidecar show {clean(told['id'])}`"
    states = [delivery["state"] for delivery in event["deliveries"]]
    if late := sum(state not in FINISHED for state in states):
        raise Failure(f"{late} of {len(states)} not finished in {span(wait)}; the sidecar goes on, {see}")
    if dead := states.count("dead"):
        raise Failure(f"{dead} of {len(states)} dead; {see}")


def _result(delivery: Json) -> list[object]:
    tries = f"{delivery['attempt_count']} tries" if delivery["attempt_count"] != 1 else "1 try"
    then = f", next {ago(delivery['next'], now())}" if delivery["next"] else ""
    return [f"  delivery {delivery['id']}", state(delivery["state"]), outcome(delivery), tries + then]
