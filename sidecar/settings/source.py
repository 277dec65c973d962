"""Where the variables come from: the environment and `.env`; and how one row of a table is read from them.

Law: the environment wins over `.env`; every fault is collected, none raised, and a row at fault falls back to its
default so that the rows after it are read as well.
"""

import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dotenv.parser import Binding, parse_stream

from sidecar.settings.table import Setting


class Source:
    """The variables, and what was found wrong with them.

    Attributes:
        values: by name, as set.
        faults: a line for each: the variable, what is wrong, how to mend it.
        failed: the variables at fault.
        warnings: what is allowed, and most likely not meant.
    """

    def __init__(self, environ: Mapping[str, str], folder: Path) -> None:
        self.folder = folder
        self.faults: list[str] = []
        self.failed: set[str] = set()
        self.warnings: list[str] = []
        self.values: dict[str, str] = {**self._dotenv(), **environ}

    def fault(self, name: str, reason: str) -> None:
        """Note that the variable is wrong; the reason ends with the way out."""
        self.failed.add(name)
        self.faults.append(f"{name}: {reason}")

    def given(self, setting: Setting, prefix: str = "") -> tuple[str, ...]:
        """The variables by which the user set it: the value itself, its `_FILE`, or the name in lower case."""
        name = f"{prefix}{setting.name}"
        forms = (name, *([f"{name}_FILE"] if setting.kind.file else ()), *([name.lower()] if setting.lower else ()))
        return tuple(form for form in forms if form in self.values and (setting.empty or self.values[form].strip()))

    def take(self, settings: Iterable[Setting], prefix: str = "") -> dict[str, Any]:
        """The values of the rows, by field; no entry where there is neither a value nor a default."""
        found = {}
        for setting in settings:
            value = self._value(setting, prefix)
            if value is None and setting.default:
                value = setting.kind.parse(setting.default, self.folder)
            if value is not None:
                found[setting.field] = value
        return found

    def _value(self, setting: Setting, prefix: str) -> Any:
        given = self.given(setting, prefix)
        if not given:
            return None
        name, kind = given[0], setting.kind
        if kind.file and len(given) > 1:
            self.fault(name, f"set, and {given[1]} too; unset one of them")
            return None
        of_file = kind.file if name != f"{prefix}{setting.name}" else None
        # A secret's own blanks are part of it.
        text = self.values[name] if kind.file and not of_file else self.values[name].strip()
        try:
            return (of_file or kind.parse)(text, self.folder)
        except ValueError as wrong:
            for reason in wrong.args:
                self.fault(name, reason)
        return None

    def _dotenv(self) -> dict[str, str]:
        try:
            text = (self.folder / ".env").read_bytes().decode("utf-8-sig")
        except FileNotFoundError:
            return {}
        except OSError as error:
            self.fault(".env", f"cannot be read ({error.strerror}); make it a readable file, or take it away")
            return {}
        except UnicodeDecodeError:
            self.fault(".env", "is not UTF-8; save it as UTF-8")
            return {}
        values = {}
        # Not `dotenv_values`: of a line that it cannot read it says so to a logger alone.
        for binding in parse_stream(io.StringIO(text, newline="")):
            if binding.error or (binding.key and binding.value is None):
                self.fault(".env", f"line {_line(binding)} cannot be read; write NAME=value, and close its quotes")
            elif binding.key and binding.value is not None:
                values[binding.key] = binding.value
        return values


def _line(binding: Binding) -> int:
    text = binding.original.string
    blank = text[: len(text) - len(text.lstrip())]
    return binding.original.line + blank.count("\n")
