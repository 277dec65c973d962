"""What every forge's module asks of a request: one value a header, JSON in a known shape, and refs, commits and URLs
that nobody can take for something else.

Law: pure. Any bytes yield a value or a `Problem`. What goes on to builders, who hand it to git, is checked here.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Annotated, TypeVar
from urllib.parse import parse_qs

from msgspec import DecodeError, Meta, ValidationError, json

from sidecar.errors import Malformed, NotAnEvent
from sidecar.projects import ALWAYS, Once

T = TypeVar("T")
Headers = Mapping[str, str]
Text = str | None
Flag = bool | None
Number = Annotated[int, Meta(ge=1, le=2**53)]
"""Of a pull request."""

FORM = "application/x-www-form-urlencoded"
LONGEST = 1024
SHORT = 60
SHA = re.compile(r"[0-9a-f]{7,64}", re.ASCII)
NOWHERE = re.compile(r"\^?0{40,64}", re.ASCII)
UNREFLIKE = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|//|@\{|/\.|^[./-]|[./]$|\.lock$")
"""What no ref has (git-check-ref-format); nor one that git would take for an option."""

URL = re.compile(r"(?:https?|ssh|git)://[^\s\x00-\x1f\x7f]+|[\w.-]+@[\w.-]+:[^\s\x00-\x1f\x7f]+", re.ASCII)
SHAPE = re.compile(r"(.*?)(?: - at `\$\.?(.*)`)?", re.DOTALL)

MINUTE = 60_000
MONTH = 30 * 86_400_000
SAME_BODY = 60 * MINUTE
"""A body that comes again is a delivery that comes again; after so long the same may have happened anew."""

MAKING = 2 * MINUTE
"""Between two deliveries that tell of one new ref. A tag that is deleted and made again is another, and one of the two
does not say which commit it is at; so no longer than deliveries are under way."""


def header(headers: Headers, *names: str) -> str:
    """The value of the first of these headers that is there, "" for none. Raises `Malformed` where one is there twice:
    another reader could take the other."""
    for name in names:
        found = [value for key, value in headers.items() if key.lower() == name.lower()]
        if len(found) > 1:
            raise Malformed(f"the header {name} is there more than once")
        if found and found[0]:
            return found[0]
    return ""


def document(headers: Headers, body: bytes) -> bytes:
    """The JSON: the body, or the field `payload` of a form. Raises `Malformed`."""
    if header(headers, "Content-Type").partition(";")[0].strip().lower() != FORM:
        return body
    try:
        fields = parse_qs(body.decode("ascii"), strict_parsing=True, errors="strict", max_num_fields=16)
    except ValueError:
        raise Malformed("the body is no form, as Content-Type says it is") from None
    payload = fields.get("payload", [])
    if len(payload) != 1:
        raise Malformed("a form from a forge has its JSON in one field, payload; better choose application/json there")
    return payload[0].encode(errors="surrogatepass")


def decoded(decoder: json.Decoder[T], text: bytes) -> T:
    """What the JSON says, in the shape we know. Raises `Malformed` or `NotAnEvent`."""
    try:
        return decoder.decode(text)
    except ValidationError as error:
        found = SHAPE.fullmatch(str(error))
        what, path = found.groups() if found else (str(error), "")
        shown = (path or "").partition("[...]")[0]
        raise NotAnEvent(
            f"{shown or 'the body'}: {what[:1].lower()}{what[1:].replace('`', '')}",
            pointer="".join(["/" + step for step in shown.replace("[", ".").replace("]", "").split(".") if step]),
        ) from None
    except RecursionError:
        raise Malformed("nested too deeply to be read") from None
    except DecodeError as error:
        raise Malformed(f"not JSON: {error}") from None
    except ValueError:  # no UTF-8, or a number of more digits than int() takes
        raise Malformed("not JSON that can be read: no UTF-8, or a number that is too long") from None


def at_fault(what: str, *places: str) -> NotAnEvent:
    """The member at `places` is not what belongs there."""
    return NotAnEvent(f"{'.'.join(places)} {what}", pointer="".join(["/" + place for place in places]))


def needed(value: T | None, *places: str) -> T:
    """The value, which is there. Raises `NotAnEvent`."""
    if value is None or value == "":
        raise at_fault("is missing or empty", *places)
    return value


def whole_ref(text: Text, *places: str, kind: str = "") -> str:
    """The ref, whole: under `kind` (`refs/heads/`), or else the text itself begins with `refs/`."""
    given = needed(text, *places)
    ref = given if given.startswith("refs/") else kind + given
    short = given.removeprefix("refs/heads/").removeprefix("refs/tags/")
    if not ref.startswith("refs/") or len(ref) > LONGEST or UNREFLIKE.search(ref) or UNREFLIKE.search(short):
        raise at_fault("is no ref of git", *places)
    return ref


def branch(text: Text, *places: str) -> str:
    """The branch's name, without `refs/heads/`."""
    return whole_ref(text, *places, kind="refs/heads/").removeprefix("refs/heads/")


def commit(text: Text, *places: str) -> str:
    """The commit's hash; "" where there is none, which forges say with zeros or with nothing."""
    if not text or NOWHERE.fullmatch(text):
        return ""
    if not SHA.fullmatch(text):
        raise NotAnEvent(f"{'.'.join(places)} is no commit of git", pointer="".join(["/" + place for place in places]))
    return text


def urls(*given: Text) -> tuple[str, ...]:
    """Those that are a repository's, each once; git is never handed anything else."""
    return tuple(dict.fromkeys([url for url in given if url and len(url) <= LONGEST and URL.fullmatch(url)]))


def repository(found: tuple[str, ...], *places: str) -> tuple[str, ...]:
    """At least one URL. Raises `NotAnEvent`."""
    if not found:
        raise at_fault("is no URL of a repository; there is https, http, ssh and git", *places)
    return found


def shown(name: str) -> str:
    """A name from the wire, in short and without control characters, for a reason."""
    return repr(name if len(name) <= SHORT else name[:SHORT] + "…")


def by_id(forge: str, id: str, body: bytes) -> Once:
    """The delivery by the forge's id; by its body where the forge gives none."""
    if not id:
        return Once(f"{forge} body {hashlib.sha256(body).hexdigest()}", SAME_BODY)
    return Once(f"{forge} id {id if len(id) <= SHORT * 2 else hashlib.sha256(id.encode()).hexdigest()}", ALWAYS)


def making(forge: str, url: str, ref: str) -> Once:
    """A ref that was made now; forges tell of it in more ways than one."""
    name = ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
    return Once(f"{forge} new {url} {name}", MAKING)


def head_of(forge: str, url: str, number: int, after: str) -> Once:
    """A pull request at a commit; forges tell of it again when its title or a reviewer changes."""
    return Once(f"{forge} pull {url} {number} {after}", MONTH)
