"""The settings for people: `.env.example` and the reference page.

Law: made of the tables alone; a test compares what is committed with what is made here.
"""

import textwrap

from sidecar.dialects import DIALECTS
from sidecar.settings.again import reloaded
from sidecar.settings.known import GROUPS
from sidecar.settings.table import Group, Setting

_HEAD = """\
# Settings of the sidecar. Copy this file to `.env` in its working directory, or set the variables in the environment,
# which wins. What is commented out stands at its default, or is a sample where there is none.
# Made by `make generate`; docs/reference/settings.md tells the rest.
"""

_INTRO = """\
# Settings

<!-- Made by `make generate` from the settings' own tables; change those. -->

The sidecar is configured by environment variables, and by a file `.env` in its working directory. The environment wins;
an empty value is as good as none. `sidecar check` tells what is wrong with a configuration, all of it at once, and
`sidecar serve` starts nothing while anything is: an unknown variable under one of the prefixes below is a fault too.

## How values are written

- **Durations**: a whole number and `ms`, `s`, `m`, `h` or `d`: `200ms`, `15s`, `5m`, `2h`, `30d`.
- **Sizes**: a whole number and `B`, `KiB`, `MiB`, `GiB` or `TiB`: `64KiB`, `1MiB`.
- **Rates**: a whole number and `/s`, `/m` or `/h`: `100/s`.
- **Booleans**: `true` or `false`; also `1`, `t`, `0`, `f`, as Go reads them.
- **Lists**: separated by commas or newlines.
- **`host:port`**: `127.0.0.1:8484`, `[::1]:8484`; port 0 takes any free one; `off` for none.
- **Paths** that are relative start at the working directory.

## Secrets

A secret may stand in a file, as Docker and Kubernetes provide them: set `<NAME>_FILE` to its path instead of `<NAME>`.
Both set is a fault. Several lines in the file are several secrets, newest first: write a new one above the old one, and
take the old one out once every receiver knows the new one. Line ends and blank lines do not count; in the variable
itself, every byte does. No secret is ever shown, and of a URL neither user-info nor query.

## Changing them while it runs

On SIGHUP (`kill -HUP`, `docker kill -s HUP`) `.env` is read again, and so are the files that settings point to. What is
signed, filtered and added counts from the next attempt on:
{reloaded}, of the headers the values alone. All else that differs is named in the log, by `config.pending`, and takes
effect at the next start; an endpoint whose URL changed stays as it was until then. Where anything is at fault, nothing
changes: the log has `config.kept` with the fault, and the process goes on. Certificates are read at the start only.

## Names of endpoints

An endpoint of a family's list (`DRONE_WEBHOOK_ENDPOINT` and its like) is named after its host, port and path:
`https://ci.example/hooks` is `ci.example-hooks`, and in Pagure's list `pagure-ci.example-hooks`. Six digits of the
URL's SHA-256 stand behind it where the URL has a query or user-info, or where two names would be the same. So the order
of a list changes nothing. What is owed to an endpoint is kept under its name: where the URL may change, make it a named
endpoint, whose name stays.
"""

_KUBERNETES = """\
## Kubernetes

A Service called `sidecar`, or like one of the prefixes above, makes Kubernetes set variables such as
`SIDECAR_SERVICE_HOST` and `SIDECAR_PORT` in every container. They are ignored, with one log line;
`enableServiceLinks: false` in the pod's spec keeps them away.
"""

_WIDTH = 118
_IDLE = "Without effect in this version"


def example() -> str:
    """The text of `.env.example`."""
    return "\n".join([_HEAD, *(_example_of(group) for group in GROUPS)])


def reference() -> str:
    """The text of docs/reference/settings.md."""
    return "\n".join([_INTRO.replace("{reloaded}", _reloaded()), *(_table_of(group) for group in GROUPS), _KUBERNETES])


def _reloaded() -> str:
    """The variables that SIGHUP takes over."""
    *most, last = [f"`{name}`" for name in reloaded()]
    lines = textwrap.wrap(f"{', '.join(most)} and {last}", _WIDTH, break_on_hyphens=False)
    return "\n".join(lines)


def _example_of(group: Group) -> str:
    lines = [f"# --- {group.title} ---", *_comment(_about(group))]
    prefix = group.prefix.replace("<NAME>", "DEPLOY")
    for setting in group.settings:
        lines += ["", *_comment(_help(setting))]
        lines += [f"#{prefix}{setting.name}={setting.default or setting.sample}"]
        lines += (
            [f"#{prefix}{setting.name}_FILE=/run/secrets/{prefix.lower()}{setting.name.lower()}"]
            if setting.kind.file
            else []
        )
    return "\n".join(lines) + "\n"


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(text.replace("`", ""), _WIDTH, break_on_hyphens=False)]


def _table_of(group: Group) -> str:
    rows = [f"| {' | '.join(_cells(group.prefix, setting))} |" for setting in group.settings]
    head = [f"## {group.title}", *(["", about] if (about := _about(group)) else []), ""]
    return "\n".join([*head, "| variable | type | default | meaning |", "|---|---|---|---|", *rows]) + "\n"


def _cells(prefix: str, setting: Setting) -> tuple[str, str, str, str]:
    name = f"`{prefix}{setting.name}`" + (" (`_FILE`)" if setting.kind.file else "")
    default = setting.shown or (f"`{setting.default}`" if setting.default else "none")
    return name, setting.kind.word, default, _help(setting)


def _about(group: Group) -> str:
    spoken = not group.dialect or group.dialect in DIALECTS
    return " ".join(
        part for part in (group.about, "" if spoken else f"{_IDLE}: it is checked, and that is all.") if part
    )


def _help(setting: Setting) -> str:
    return setting.help if setting.effective else f"{setting.help} {_IDLE}."
