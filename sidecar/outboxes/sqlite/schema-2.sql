-- Version 2: the log is searched without an index of its own on the road of an event.

-- In the order of their numbers, which is the order accepted: the oldest that was not overtaken is owed longest.
DROP INDEX deliveries_owed;
CREATE INDEX deliveries_pending ON deliveries (endpoint, overtaken)  WHERE state = 0;
CREATE INDEX deliveries_again   ON deliveries (endpoint, owed_since) WHERE state = 0 AND overtaken = 1;
CREATE INDEX deliveries_dead    ON deliveries (endpoint)             WHERE state = 2;

-- What each delivery is about, 8 bytes a delivery, in blocks by their numbers: see marks.py.
CREATE TABLE marks (
  block INTEGER PRIMARY KEY,
  marks BLOB    NOT NULL
) STRICT;
