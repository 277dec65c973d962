"""The table of commands. Law: a command's module is imported only when that command is asked for: the others' parts
(aiohttp, msgspec) are optional to it, and a start stays quick."""

import sys
from importlib import import_module
from typing import Any

import click

from sidecar import __version__

COMMANDS: dict[str, tuple[str, str]] = {
    "serve": ("server", "Run the sidecar in the foreground."),
    "check": ("check", "Show what is configured, and every fault of it."),
    "demo": ("demo", "Receiver, sidecar and every event, end to end."),
    "emit": ("emit", "Hand an event to the sidecar, or a stream of them."),
    "deliveries": ("look", "List deliveries, newest first."),
    "show": ("look", "Show a delivery with its attempts, or an event."),
    "why": ("why", "Say why an event was sent, waits, or was not sent, endpoint by endpoint."),
    "resend": ("act", "Owe a delivery again, due at once."),
    "replay": ("replay", "Send dead deliveries again, by endpoint and time."),
    "endpoints": ("look", "Show where events go, and how each endpoint does."),
    "ping": ("act", "Send a ping to an endpoint and say how it went."),
    "pause": ("act", "Keep an endpoint's events back."),
    "resume": ("act", "Let a paused endpoint's events go again."),
    "explain": ("explain", "Say who would get an event and why; send nothing."),
    "secret": ("secret", "Set an endpoint's secret, or go back to the configured one."),
    "project": ("project", "Projects and packages that incoming webhooks build."),
    "hooks": ("hooks", "List incoming webhooks, and what came of each."),
    "health": ("health", "Exit 0 if the sidecar takes events; for probes."),
    "listen": ("listen", "A receiver for development: verify and print."),
    "verify": ("verify", "Check the signatures of a saved request."),
}


class Commands(click.Group):
    """The commands of the table, each imported when it is named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = getattr(import_module(f"sidecar.cli.{COMMANDS[cmd_name][0]}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_) for name, (_, help_) in COMMANDS.items()])

    def main(self, *args: Any, **kwargs: Any) -> Any:
        if hasattr(sys.stdout, "reconfigure"):  # a terminal that knows no ✓ is shown an escape, not a traceback
            sys.stdout.reconfigure(errors="backslashreplace")
        return super().main(*args, **kwargs)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="sidecar")
def commands() -> None:
    """A durable, signed webhook sidecar: what it has accepted is delivered."""
