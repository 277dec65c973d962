-- Version 1. Every statement of the engine is in statements.py; this is what they work on.
-- Times are ms since the epoch, but failing_since and hold_until: those are on the endpoint's flow clock.

-- Where events go, with their health (JSON of model.Health) and counters that are kept, not counted.
CREATE TABLE endpoints (
  id        INTEGER PRIMARY KEY,
  name      TEXT    NOT NULL UNIQUE,
  health    BLOB    NOT NULL,
  pending   INTEGER NOT NULL DEFAULT 0,
  delivered INTEGER NOT NULL DEFAULT 0,
  dead      INTEGER NOT NULL DEFAULT 0
) STRICT;

-- One row. owed: bytes of events not yet finished; event, delivery: the last numbers given; written: when it was last.
CREATE TABLE totals (
  owed     INTEGER NOT NULL,
  event    INTEGER NOT NULL,
  delivery INTEGER NOT NULL,
  written  INTEGER NOT NULL
) STRICT;
INSERT INTO totals VALUES (0, 0, 0, 0);

-- What happened. `open` counts the deliveries not yet finished; the body stands apart, so that the log stays quick.
CREATE TABLE events (
  seq         INTEGER PRIMARY KEY,
  id          TEXT    NOT NULL UNIQUE,
  dialect     TEXT    NOT NULL,
  name        TEXT    NOT NULL,
  subject     TEXT    NOT NULL,
  fingerprint BLOB    NOT NULL,
  accepted_at INTEGER NOT NULL,
  refs        TEXT    NOT NULL,
  traceparent TEXT    NOT NULL,
  size        INTEGER NOT NULL,
  open        INTEGER NOT NULL,
  finished_at INTEGER NOT NULL
) STRICT;
CREATE INDEX events_finished ON events (finished_at, seq) WHERE open = 0;

CREATE TABLE bodies (
  seq  INTEGER PRIMARY KEY,
  body BLOB    NOT NULL
) STRICT;

-- What is owed, and what became of it. state: 0 pending, 1 delivered, 2 dead. overtaken: its hold is over, later ones
-- of its lane may pass. fault: the last failure was the endpoint's own.
CREATE TABLE deliveries (
  id          INTEGER PRIMARY KEY,
  seq         INTEGER NOT NULL,
  endpoint    INTEGER NOT NULL,
  lane        INTEGER NOT NULL,
  state       INTEGER NOT NULL,
  overtaken   INTEGER NOT NULL,
  attempts    INTEGER NOT NULL,
  tries       INTEGER NOT NULL,
  fault       INTEGER NOT NULL,
  due         INTEGER NOT NULL,
  owed_since  INTEGER NOT NULL,
  finished_at INTEGER NOT NULL,
  status      INTEGER NOT NULL,
  reason      TEXT    NOT NULL
) STRICT;
CREATE INDEX deliveries_event     ON deliveries (seq);
CREATE INDEX deliveries_lane      ON deliveries (lane, overtaken, id, due) WHERE state = 0;
CREATE INDEX deliveries_overtaken ON deliveries (lane, due, id)         WHERE state = 0 AND overtaken = 1;
CREATE INDEX deliveries_owed      ON deliveries (endpoint, owed_since)  WHERE state = 0;
CREATE INDEX deliveries_fault     ON deliveries (endpoint, due)         WHERE state = 0 AND fault = 1;

CREATE TABLE attempts (
  delivery   INTEGER NOT NULL,
  number     INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  duration   INTEGER NOT NULL,
  status     INTEGER NOT NULL,
  reason     TEXT    NOT NULL,
  answer     BLOB    NOT NULL,
  PRIMARY KEY (delivery, number)
) STRICT, WITHOUT ROWID;

-- One row for each subject and endpoint with something pending: the unit of claiming, so that a long queue of one
-- subject costs the others nothing. `head` starts at ready_at; NULL: nothing may start by itself. A lane that fails keeps
-- failing_since; while hold_until is set, `holder` holds back what is later.
CREATE TABLE lanes (
  id            INTEGER PRIMARY KEY,
  endpoint      INTEGER NOT NULL,
  head          INTEGER,
  ready_at      INTEGER,
  failing_since INTEGER,
  hold_until    INTEGER,
  holder        INTEGER
) STRICT;
CREATE INDEX lanes_ready ON lanes (endpoint, ready_at, head)  WHERE ready_at IS NOT NULL;
CREATE INDEX lanes_held  ON lanes (endpoint, hold_until)      WHERE hold_until IS NOT NULL;
CREATE INDEX lanes_idle  ON lanes (endpoint, failing_since)   WHERE head IS NULL AND hold_until IS NULL;
