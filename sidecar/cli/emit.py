"""`emit`: one event from files, or a stream of them. Law: what a file holds goes to the socket byte for byte."""

import json
import sys
from io import BufferedReader
from pathlib import Path
from typing import Any, cast

import click

from sidecar.cli.client import Client, Failure, segment
from sidecar.cli.look import outcome
from sidecar.cli.moments import ago, now, span, until
from sidecar.cli.options import length, speaks
from sidecar.cli.stream import stream
from sidecar.cli.text import clean, state, style, table

Json = dict[str, Any]

FINISHED = ("delivered", "dead")
RESOURCES = ("user", "repo", "build", "system")
FILE = click.Path(exists=True, dir_okay=False, allow_dash=True)


@click.command()
@click.argument("event")
@click.argument("action", default="")
@click.option("--user", type=FILE, help="JSON of the user; - is standard input.")
@click.option("--repo", type=FILE, help="JSON of the repo.")
@click.option("--build", type=FILE, help="JSON of the build.")
@click.option("--system", type=FILE, help="JSON of the system block, in place of the sidecar's own.")
@click.option("--id", help="Names the event: sent twice with one id, it is delivered once.")
@click.option("--wait", type=length, is_flag=False, flag_value="60", help="Until all is delivered; 60 s, or so long.")
@speaks
def emit(client: Client, event: str, action: str, id: str | None, wait: int | None, **files: str | None) -> None:
    """Hand an event to the sidecar: `emit build updated --repo repo.json --build build.json`.

    `emit -` reads events from standard input, one JSON object a line, any number of lines.
    """
    given = {name: file for name in RESOURCES if (file := files[name])}
    if event == "-":
        if action or given or id is not None or wait is not None:
            raise click.UsageError("`emit -` takes whole events from standard input, and nothing beside")
        stream(client, cast("BufferedReader", sys.stdin.buffer))
        return
    if list(given.values()).count("-") > 1:
        raise click.UsageError("standard input can be one of the resources only")
    answer = client.good(client.post("/events", compose(event, action, id, given)))
    told = answer.json()
    if not client.raw:
        _say(told)
    if wait is not None:
        _await(client, told, wait)


def compose(event: str, action: str, id: str | None, files: dict[str, str]) -> bytes:
    """The body for the socket, resources as their files hold them. Raises `Failure` where one is no JSON."""
    names = {"event": event, "action": action, "id": id}
    members = [(name, json.dumps(value).encode()) for name, value in names.items() if value]
    members += [(name, _resource(name, file)) for name, file in files.items()]
    return b"{" + b",".join(b'"%b":%b' % (name.encode(), value) for name, value in members) + b"}"


def _resource(name: str, file: str) -> bytes:
    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        json.loads(raw)
    except OSError as fault:
        raise Failure(f"--{name} {clean(file)}: {fault.strerror}") from None
    except ValueError as fault:
        raise Failure(f"--{name} {clean(file)}: not JSON: {clean(fault)}") from None
    return raw


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
