"""`deliveries`, `show`, `endpoints`. Law: reads and shows; nothing here changes anything."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import click

from sidecar.cli.client import Client, segment
from sidecar.cli.moments import ago, now, took
from sidecar.cli.options import speaks
from sidecar.cli.text import Cell, clean, excerpt, state, style, table

Json = Mapping[str, Any]

DELIVERIES = (">id", "event", "subject", "endpoint", "state", ">tries", "answer", "created", "next")
ENDPOINTS = (
    "name",
    "dialect",
    "state",
    ">pending",
    ">in flight",
    ">delivered",
    ">dead",
    "oldest",
    "last success",
    "url",
)
ATTEMPTS = (">no", "started", "", ">took", "outcome", "answer")
EVENT_FACTS = ("name", "subject", "dialect", "accepted", "traceparent", "size")
DELIVERY_FACTS = (
    *("endpoint", "event", "name", "subject", "dialect"),
    *("state", "reason", "created", "finished", "next", "rule"),
)
STATES = click.Choice(["pending", "delivering", "delivered", "dead"])


@click.command()
@click.option("--endpoint", metavar="NAME", help="To this endpoint.")
@click.option("--state", type=STATES, help="In this state.")
@click.option("--event", metavar="ID", help="Of the event with this id.")
@click.option("--subject", help="About this subject, such as octocat/hello-world.")
@click.option("--since", help="Accepted since: an RFC 3339 time, or so long ago, such as 2h.")
@click.option("--until", help="Accepted before, likewise.")
@click.option("--limit", type=click.IntRange(1, 1000), help="At most so many.  [default: 100]")
@click.option("--after", help="Go on from this cursor.")
@click.option("--all", "everything", is_flag=True, help="Follow the cursors to the end.")
@speaks
def deliveries(client: Client, *, everything: bool, **query: object) -> None:
    """List deliveries, newest first."""
    for page in _pages(client, query, everything=everything):
        rows = [_delivery(delivery, now()) for delivery in page["deliveries"]]
        if client.raw:
            continue
        if rows:
            click.echo(table(DELIVERIES, rows))
        if page["next"] and not everything:
            click.echo(f"more: --after {clean(page['next'])}, or --all", err=True)
        elif not rows:
            click.echo("no deliveries", err=True)


def _pages(client: Client, query: dict[str, object], *, everything: bool) -> Iterator[Json]:
    if everything:
        query["limit"] = query["limit"] or 1000
    while True:
        page = client.good(client.get("/deliveries", query)).json()
        yield page
        query["after"] = page["next"]
        if not (everything and query["after"]):
            return


def _delivery(delivery: Json, at: int) -> list[object]:
    return [
        delivery["id"],
        delivery["name"],
        delivery["subject"],
        delivery["endpoint"],
        state(delivery["state"]),
        delivery["attempt_count"],
        outcome(delivery),
        ago(delivery["created"], at),
        f"after {delivery['held_by']}" if delivery.get("held_by") else ago(delivery["next"], at),
    ]


def outcome(told: Json, *, whole: bool = False) -> Cell:
    """Status and reason of a delivery or an attempt, as far as there are any; of a reason its word, or the `whole`."""
    status, reason = str(told.get("status") or ""), str(told.get("reason") or "")
    parts = [part for part in (status, reason if whole else reason.partition(":")[0]) if part]
    return Cell(clean(" ".join(parts)), "green" if status.startswith("2") else "red" if parts else None)


@click.command()
@click.argument("id")
@click.option("--event", "as_event", is_flag=True, help="ID names an event, though it looks like a delivery's number.")
@click.option("--answers", is_flag=True, help="Show what the receiver answered in full: the first 2 KiB are kept.")
@speaks
def show(client: Client, id: str, *, as_event: bool, answers: bool) -> None:
    """Show delivery ID (a number) with its attempts, or event ID with its deliveries."""
    route = "events" if as_event or not (id.isascii() and id.isdigit()) else "deliveries"
    answer = client.get(f"/{route}/{segment(id)}")
    if answer.status == 404 and route == "deliveries":
        event = client.get(f"/events/{segment(id)}")
        route, answer = ("events", event) if event.status == 200 else (route, answer)
    found = client.good(answer).json()
    if not client.raw:
        (_show_event if route == "events" else _show_delivery)(found)
    if answers and not client.raw:
        _show_answers(found.get("attempts", ()))


def _show_delivery(delivery: Json) -> None:
    at = now()
    click.echo(_facts(f"delivery {delivery['id']}", delivery, DELIVERY_FACTS, at))
    rows = [_attempt(attempt, at) for attempt in delivery["attempts"]]
    click.echo("\n" + table(ATTEMPTS, rows) if rows else "\nno attempt yet")
    if delivery["state"] == "dead":
        click.echo(f"\nsend it again: sidecar resend {delivery['id']}")


def _show_answers(attempts: Iterable[Json]) -> None:
    for attempt in attempts:
        click.echo(f"\nanswer to attempt {attempt['number']}: {style(*outcome(attempt, whole=True))}")
        for line in (attempt.get("answer") or "").splitlines():
            click.echo(f"  {clean(line)}")


def _attempt(attempt: Json, at: int) -> list[object]:
    started = attempt["started"]
    return [
        attempt["number"],
        started,
        ago(started, at),
        took(attempt["duration_ms"]),
        outcome(attempt, whole=True),
        excerpt(attempt.get("answer")),
    ]


def _show_event(event: Json) -> None:
    at = now()
    click.echo(_facts(f"event {event['id']}", event, EVENT_FACTS, at))
    rows = [_delivery(delivery, at) for delivery in event["deliveries"]]
    click.echo("\n" + table(DELIVERIES, rows) if rows else "\nno endpoint wanted it")


def _facts(title: str, told: Json, names: tuple[str, ...], at: int) -> str:
    """Aligned names and values; those that have none are left out."""
    shown = [(name, told.get(name)) for name in names]
    rows = [(Cell(name.replace("_", " "), "bright_black"), _fact(name, value, at)) for name, value in shown if value]
    return "\n".join([style(clean(title), bold=True), *(f"  {line}" for line in table(("", ""), rows).splitlines())])


def _fact(name: str, value: object, at: int) -> object:
    match name:
        case "state":
            return state(value)
        case "created" | "finished" | "next" | "accepted":
            return f"{value}  ({ago(str(value), at)})"
        case "size":
            return f"{value} bytes"
        case _:
            return value


@click.command()
@speaks
def endpoints(client: Client) -> None:
    """Show where events go, and how each endpoint does."""
    found = client.good(client.get("/endpoints")).json()["endpoints"]
    if client.raw:
        return
    if not found:
        click.echo("no endpoints: set DRONE_WEBHOOK_ENDPOINT, then `sidecar check`", err=True)
        return
    at = now()
    click.echo(table(ENDPOINTS, [_endpoint(endpoint, at) for endpoint in found]))
    troubled = [endpoint for endpoint in found if endpoint["state"] != "active"]
    rows = [(endpoint["name"], state(endpoint["state"]), _trouble(endpoint, at)) for endpoint in troubled]
    if rows:
        click.echo("\n" + table(("", "", ""), rows))
    if overridden := [clean(endpoint["name"]) for endpoint in found if endpoint.get("overridden")]:
        click.echo(f"\nsecret overridden: {', '.join(overridden)}")


def _endpoint(endpoint: Json, at: int) -> list[object]:
    counts = endpoint["counts"]
    return [
        endpoint["name"],
        endpoint["dialect"],
        state(endpoint["state"]),
        *(counts[name] for name in ("pending", "delivering", "delivered", "dead")),
        ago(endpoint["oldest"], at),
        ago(endpoint["last_success"], at) or "never",
        endpoint["url"],
    ]


def _trouble(endpoint: Json, at: int) -> str:
    parts = [f"since {ago(endpoint['since'], at)}" if endpoint.get("since") else "", endpoint.get("reason") or ""]
    if endpoint.get("last_failure"):
        parts.append(f"last failure {ago(endpoint['last_failure'], at)}")
    if endpoint.get("next_probe"):
        parts.append(f"next probe {ago(endpoint['next_probe'], at)}")
    if endpoint["state"] == "paused":
        parts.append(f"let it go on: sidecar resume {endpoint['name']}")
    return "; ".join(part for part in parts if part)
