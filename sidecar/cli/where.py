"""Where the running sidecar's socket is. Law: the standard library only; no other setting need be valid to find it."""

import os
import re
from collections.abc import Mapping

LINE = re.compile(r"\s*(?:export\s+)?'?(?P<name>SIDECAR_SOCKET|SIDECAR_DATA_DIR)'?\s*=\s*(?P<value>.*)")
QUOTED = re.compile(r"""(?P<quote>['"])(?P<value>(?:\\(?P=quote)|(?!(?P=quote)).)*)(?P=quote)""")


def missing(path: str, why: object) -> str:
    """The sentence for a socket that nobody answers at."""
    whole = os.path.abspath(path)  # noqa: PTH100 - pathlib costs a probe 10 ms
    way_out = "start it with `sidecar serve`, or name its socket with --socket, SIDECAR_SOCKET or SIDECAR_DATA_DIR"
    return f"sidecar: no answer at {whole}: {why}; {way_out}"


def socket_path(environ: Mapping[str, str], dotenv: str = ".env") -> str:
    """`SIDECAR_SOCKET`, else in `SIDECAR_DATA_DIR`; the environment wins over the file `dotenv`, as in the settings."""
    given = {**_read(dotenv), **environ}
    path, folder = (given.get(name, "").strip() for name in ("SIDECAR_SOCKET", "SIDECAR_DATA_DIR"))
    return path or f"{folder or './data'}/sidecar.sock"


def _read(path: str) -> dict[str, str]:
    """The two names we need, of a `.env` that may hold anything else."""
    try:
        with open(path, encoding="utf-8-sig", errors="replace") as file:  # noqa: PTH123 - pathlib costs a probe 10 ms
            return {match["name"]: _value(match["value"]) for line in file if (match := LINE.match(line))}
    except OSError:
        return {}


def _value(text: str) -> str:
    if quoted := QUOTED.match(text):
        return re.sub(r"\\([\\'\"])", r"\1", quoted["value"])
    return re.sub(r"\s+#.*", "", text).rstrip()
