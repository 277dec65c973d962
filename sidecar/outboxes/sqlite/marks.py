"""What each delivery is about, in 8 bytes: its endpoint's number and a hash of its subject.

Law: a mark is a hint, never an answer: whoever finds one looks at the delivery itself. Marks stand in blocks by the
delivery's number, so that a commit writes one row more however many deliveries it adds, and a million of them are read
through in a few milliseconds: an index by subject would cost each event a page of its own.
"""

import struct
from collections.abc import Iterator
from zlib import crc32

import apsw

from sidecar.outboxes.sqlite import statements as sql

SIZE = 8
BLOCK = 500
"""Deliveries of one block: with their marks they fill a page of the file."""

_pack = struct.Struct("<II").pack


def mark(endpoint: int, subject: str) -> bytes:
    """The mark of a delivery to the endpoint with this number."""
    return _pack(endpoint, crc32(subject.encode()))


def put(marks: dict[int, bytes], delivery: int, one: bytes) -> None:
    """Put the mark of a delivery into its block; what is missing before it is filled up."""
    block, place = divmod(delivery, BLOCK)
    marks[block] = marks.get(block, b"").ljust(place * SIZE, b"\0") + one


def find(marks: bytes, *, endpoint: int | None, subject: str | None) -> Iterator[int]:
    """Places in a block, last first, whose marks may be those of `endpoint` and `subject`; None is any."""
    whole = mark(endpoint or 0, subject or "")
    needle = whole[SIZE // 2 if endpoint is None else 0 : SIZE // 2 if subject is None else SIZE]
    shift = SIZE // 2 if endpoint is None else 0
    at = marks.rfind(needle)
    while at >= 0:
        if at % SIZE == shift:
            yield at // SIZE
        at = marks.rfind(needle, 0, at + len(needle) - 1)


def fill(db: apsw.Connection) -> None:
    """Make the marks of all deliveries of a file that has none."""
    marks: dict[int, bytes] = {}
    for delivery, endpoint, subject in db.execute(sql.UNMARKED):
        put(marks, delivery, mark(endpoint, subject))
        if len(marks) > 1:
            done = min(marks)
            db.execute(sql.SAVE_MARKS, (done, marks.pop(done)))
    for block, made in marks.items():
        db.execute(sql.SAVE_MARKS, (block, made))
