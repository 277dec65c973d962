"""Patterns that filters are written in: Go's globs for event names, fnmatch for git refs.

Law: a glob means exactly what Go's `filepath.Match` makes of it on unix, on the bytes of UTF-8. No pattern, however
hostile, costs more than its length times the name's, and nothing here recurses.
"""

import fnmatch
import re
from functools import lru_cache

from msgspec import Struct

STAR, CLOSE, DASH, SLASH = b"*]-/"
INVALID = 0xFFFD
"""What Go reads where the bytes are no UTF-8."""


class Class(Struct, frozen=True):
    """One character: of the ranges, or of none of them."""

    ranges: tuple[tuple[int, int], ...]
    negated: bool

    def holds(self, rune: int) -> bool:
        return any(low <= rune <= high for low, high in self.ranges) != self.negated


Term = int | Class
"""A byte that stands for itself, or a class."""

ANY = Class(((SLASH, SLASH),), negated=True)
"""`?`: any character but the separator."""


class Chunk(Struct, frozen=True):
    """Terms that match one after the other; `star`: wherever they are found before the next separator."""

    star: bool
    terms: tuple[Term, ...]


class BadPatternError(ValueError):
    """Go's ErrBadPattern; the message says what is wrong with the pattern."""


def gomatch(pattern: str, name: str) -> bool:
    """Whether `name` as a whole matches (Go, path/filepath, `Match`). A bad pattern matches nothing."""
    try:
        chunks = _chunks(pattern)
    except BadPatternError:
        return False
    text = _encoded(name)
    at = 0
    for number, chunk in enumerate(chunks, 1):
        last = number == len(chunks)
        if last and not chunk.terms:
            return SLASH not in text[at:]
        at = _find(chunk, text, at, last=last)
        if at < 0:
            return False
    return at == len(text)


def check_glob(pattern: str) -> str:
    """What is wrong with the pattern; "" where Go would take it."""
    try:
        _chunks(pattern)
    except BadPatternError as error:
        return str(error)
    return ""


def refmatch(pattern: str, name: str) -> bool:
    """Whether `name` matches as for Python's fnmatch: `*` crosses `/`, `[!x]` negates, case counts, and what is no
    class stands for itself."""
    return _regex(pattern).match(name) is not None


@lru_cache(maxsize=512)
def _regex(pattern: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(pattern))


def _encoded(text: str) -> bytes:
    """Lone surrogates become what neither Go nor we take for a character."""
    return text.encode(errors="surrogatepass")


def _find(chunk: Chunk, text: bytes, at: int, *, last: bool) -> int:
    """Where the first match of the chunk ends, -1 for none; the last chunk's must end with the text. What a star has
    skipped is never taken back, in Go as here: that is what keeps it cheap."""
    while True:
        end = _match(chunk.terms, text, at)
        if end >= 0 and (not last or end == len(text)):
            return end
        if not chunk.star or at == len(text) or text[at] == SLASH:
            return -1
        at += 1


def _match(terms: tuple[Term, ...], text: bytes, at: int) -> int:
    for term in terms:
        if at == len(text):
            return -1
        if isinstance(term, int):
            if text[at] != term:
                return -1
            at += 1
        else:
            rune, size = _rune(text, at)
            if not term.holds(rune):
                return -1
            at += size
    return at


def _rune(text: bytes, at: int) -> tuple[int, int]:
    """The character at `at` and its length, as Go's `utf8.DecodeRune` has them: 1 byte where it is invalid."""
    if text[at] < 0x80:
        return text[at], 1
    for size in (2, 3, 4):
        try:
            return ord(text[at : at + size].decode()), size
        except UnicodeDecodeError:
            continue
    return INVALID, 1


@lru_cache(maxsize=512)
def _chunks(pattern: str) -> tuple[Chunk, ...]:
    text = _encoded(pattern)
    chunks: list[Chunk] = []
    at = 0
    while at < len(text):
        star = text[at] == STAR
        while at < len(text) and text[at] == STAR:
            at += 1
        terms: list[Term] = []
        while at < len(text) and text[at] != STAR:
            term, at = _term(text, at)
            terms.append(term)
        chunks.append(Chunk(star, tuple(terms)))
    return tuple(chunks)


def _term(text: bytes, at: int) -> tuple[Term, int]:
    match text[at]:
        case 0x3F:  # ?
            return ANY, at + 1
        case 0x5B:  # [
            return _class(text, at + 1)
        case 0x5C:  # backslash
            if at + 1 == len(text):
                raise BadPatternError("it ends with a backslash, which escapes nothing")
            return text[at + 1], at + 2
        case byte:
            return byte, at + 1


def _class(text: bytes, at: int) -> tuple[Class, int]:
    negated = text[at : at + 1] == b"^"
    at += negated
    ranges: list[tuple[int, int]] = []
    while not (ranges and text[at] == CLOSE):
        low, at = _member(text, at)
        high = low
        if text[at] == DASH:
            high, at = _member(text, at + 1)
        ranges.append((low, high))
    return Class(tuple(ranges), negated), at + 1


def _member(text: bytes, at: int) -> tuple[int, int]:
    """A character of a class, and what follows it: there is always something, else the class has no end."""
    if text[at : at + 1] == b"]":
        raise BadPatternError("a class is empty, or a range in it has no end; write \\] for the bracket itself")
    if text[at : at + 1] == b"-":
        raise BadPatternError("a range in a class has no beginning; write \\- for the dash itself")
    at += text[at : at + 1] == b"\\"
    rune, size = _rune(text, at) if at < len(text) else (INVALID, 1)
    if at + size >= len(text):
        raise BadPatternError("a class is not closed; write \\[ for the bracket itself")
    if rune == INVALID and size == 1:
        raise BadPatternError("a class holds what is no character")
    return rune, at + size
