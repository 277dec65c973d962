-- Jobs that send finished deliveries again: what was asked, and how far it came for each endpoint. Times are ms since
-- the epoch, 0 for none; share: in thousandths.
CREATE TABLE replays (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  endpoint    TEXT    NOT NULL,
  since       INTEGER NOT NULL,
  until       INTEGER NOT NULL,
  healthy     INTEGER NOT NULL,
  states      TEXT    NOT NULL,
  created_at  INTEGER NOT NULL,
  state       TEXT    NOT NULL,
  finished_at INTEGER NOT NULL
) STRICT;
CREATE INDEX replays_state ON replays (state, id);

CREATE TABLE replay_parts (
  replay   INTEGER NOT NULL,
  place    INTEGER NOT NULL,
  endpoint TEXT    NOT NULL,
  since    INTEGER NOT NULL,
  after    INTEGER NOT NULL,
  resent   INTEGER NOT NULL,
  share    INTEGER NOT NULL,
  done     INTEGER NOT NULL,
  PRIMARY KEY (replay, place)
) STRICT, WITHOUT ROWID;
