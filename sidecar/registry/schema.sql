-- Version 1. Times are ms since the epoch; what is text and a list is JSON.

-- Ids are never given twice, also not after a deletion.
CREATE TABLE projects (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  ownername     TEXT NOT NULL,
  name          TEXT NOT NULL,
  chroots       TEXT NOT NULL,
  pull_requests TEXT NOT NULL,
  UNIQUE (ownername, name)
) STRICT;

-- A secret is kept as it is: a forge signs with it, and only the secret itself can check that.
CREATE TABLE secrets (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  project INTEGER NOT NULL,
  secret  BLOB    NOT NULL,
  until   INTEGER NOT NULL
) STRICT;
CREATE INDEX secrets_project ON secrets (project);

CREATE TABLE forge_keys (
  project INTEGER NOT NULL,
  forge   TEXT    NOT NULL,
  place   INTEGER NOT NULL,
  secret  BLOB    NOT NULL,
  PRIMARY KEY (project, forge, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE packages (
  project         INTEGER NOT NULL,
  name            TEXT    NOT NULL,
  clone_url       TEXT    NOT NULL,
  committish      TEXT    NOT NULL,
  subdirectory    TEXT    NOT NULL,
  webhook_rebuild INTEGER NOT NULL,
  PRIMARY KEY (project, name)
) STRICT, WITHOUT ROWID;

-- The last build number of a package. By name (owner/project/package), and kept when the package goes: no number of one
-- name ever comes again.
CREATE TABLE counters (
  package TEXT    NOT NULL PRIMARY KEY,
  last    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The number that a build got. `key`: the delivery that it was first wanted by; `once`: what may come in two.
CREATE TABLE builds (
  package TEXT    NOT NULL,
  key     TEXT    NOT NULL,
  number  INTEGER NOT NULL,
  once    TEXT    NOT NULL,
  at      INTEGER NOT NULL,
  PRIMARY KEY (package, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX builds_once ON builds (package, once, at) WHERE once <> '';
CREATE INDEX builds_at   ON builds (at);

-- What came in. key: what comes again has the same; NULL for what may come again. shelf: 0 taken from a forge, 1 refused,
-- 2 relayed; each has a bound of its own, so that none pushes out the others.
CREATE TABLE hooks (
  id        INTEGER PRIMARY KEY AUTOINCREMENT,
  key       BLOB,
  shelf     INTEGER NOT NULL,
  at        INTEGER NOT NULL,
  last_at   INTEGER NOT NULL,
  times     INTEGER NOT NULL,
  route     TEXT    NOT NULL,
  outcome   TEXT    NOT NULL,
  status    INTEGER NOT NULL,
  project   TEXT    NOT NULL,
  package   TEXT    NOT NULL,
  forge     TEXT    NOT NULL,
  kind      TEXT    NOT NULL,
  delivery  TEXT    NOT NULL,
  signature TEXT    NOT NULL,
  address   TEXT    NOT NULL,
  reason    TEXT    NOT NULL,
  answer    BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX hooks_key   ON hooks (key) WHERE key IS NOT NULL;
CREATE INDEX        hooks_shelf ON hooks (shelf, id);
CREATE INDEX        hooks_last  ON hooks (last_at);
