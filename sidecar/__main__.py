"""`sidecar` and `python -m sidecar`. Law: argv in, exit status out; `health` is answered before all that is heavy."""

import signal
import sys

from sidecar.cli import probe


def main() -> int:
    """Run the command line; returns the exit status, or leaves by SystemExit."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["health"] and (status := probe.run(arguments[1:])) is not None:
        return status
    if arguments[:1] == ["serve"]:
        # It waits until `signals.reload` listens for it, and ends nothing before.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    from sidecar.cli.main import commands  # noqa: PLC0415 - optional: a probe has no need of click

    return int(commands(prog_name="sidecar") or 0)


if __name__ == "__main__":
    sys.exit(main())
