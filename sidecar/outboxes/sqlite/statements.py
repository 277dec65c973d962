"""Every statement of the engine, named for what it does.

Law: SQL and nothing else. A statement with `{rows}` takes many rows at once (`Store.many`): each step of SQLite costs a
change of hands with the event loop, so the number of steps goes with the batches, not with the events.
"""

# -- adding ----------------------------------------------------------------------------------------------------------

KNOWN = "SELECT id, seq, fingerprint FROM events WHERE id IN (SELECT value FROM json_each(?))"

DELIVERIES_OF_EVENT = "SELECT id, endpoint FROM deliveries WHERE seq = ? ORDER BY id"

INSERT_EVENTS = """
INSERT INTO events
  (seq, id, dialect, name, subject, fingerprint, accepted_at, refs, traceparent, size, open, finished_at)
VALUES {rows}"""

INSERT_BODIES = "INSERT INTO bodies (seq, body) VALUES {rows}"

INSERT_DELIVERIES = """
INSERT INTO deliveries (id, seq, endpoint, lane, due, owed_since,
  state, overtaken, attempts, tries, fault, finished_at, status, reason)
SELECT column1, column2, column3, column4, column5, column5, 0, 0, 0, 0, 0, 0, 0, '' FROM (VALUES {rows})"""

# A lane that has a head keeps it: what is new goes to the end. But where only overtaken ones are before it, waiting for
# their own time, it passes.
ENTER_LANES = """
INSERT INTO lanes (id, endpoint, head, ready_at) VALUES {rows}
ON CONFLICT (id) DO UPDATE SET head = excluded.head, ready_at = excluded.ready_at
WHERE lanes.hold_until IS NULL AND (lanes.head IS NULL OR
  excluded.ready_at < lanes.ready_at AND NOT EXISTS (
    SELECT 1 FROM deliveries WHERE lane = lanes.id AND state = 0 AND overtaken = 0 AND id < excluded.head))"""

# -- marks -----------------------------------------------------------------------------------------------------------

SAVE_MARKS = "REPLACE INTO marks (block, marks) VALUES (?, ?)"
LAST_MARKS = "SELECT block, marks FROM marks ORDER BY block DESC LIMIT 1"
MARKS = "SELECT block, marks FROM marks WHERE block BETWEEN ? AND ? ORDER BY block DESC"
UNMARKED = """
SELECT d.id, d.endpoint, e.subject FROM deliveries AS d CROSS JOIN events AS e ON e.seq = d.seq ORDER BY d.id"""
DROP_MARKS = "DELETE FROM marks WHERE block < (SELECT min(id) FROM deliveries) / ?"

# -- claiming --------------------------------------------------------------------------------------------------------

# All of them in one row, so in one step.
CLAIM = """
SELECT json_group_array(json_array(id, attempts, tries, owed_since, lane, seq, troubled)) FROM (
  SELECT d.id, d.attempts, d.tries, d.owed_since, d.lane, d.seq,
         l.failing_since IS NOT NULL OR l.holder IS NOT NULL AS troubled
  FROM lanes AS l CROSS JOIN deliveries AS d ON d.id = l.head
  WHERE l.endpoint = ?1 AND l.ready_at <= ?2 AND l.id NOT IN (SELECT value FROM json_each(?3))
  ORDER BY l.ready_at, l.head LIMIT ?4)"""

EVENTS = """
SELECT e.seq, e.id, e.dialect, e.name, e.subject, b.body, e.fingerprint, e.accepted_at, e.refs, e.traceparent
FROM events AS e CROSS JOIN bodies AS b ON b.seq = e.seq WHERE e.seq IN (SELECT value FROM json_each(?))"""

NEXT = """
SELECT (SELECT ready_at FROM lanes WHERE endpoint = ?1 AND ready_at > ?2 ORDER BY ready_at LIMIT 1),
       (SELECT hold_until FROM lanes WHERE endpoint = ?1 AND hold_until > ?3 ORDER BY hold_until LIMIT 1)"""

HOLDS_OVER = """
SELECT id, holder FROM lanes
WHERE endpoint = ?1 AND hold_until <= ?2 AND id NOT IN (SELECT value FROM json_each(?3)) LIMIT ?4"""

END_HOLDS = "UPDATE lanes SET hold_until = NULL, holder = NULL WHERE id IN (SELECT value FROM json_each(?))"

OVERTAKE = "UPDATE deliveries SET overtaken = 1 WHERE state = 0 AND id IN (SELECT value FROM json_each(?))"

# -- lanes -----------------------------------------------------------------------------------------------------------

# The one rule of order: the oldest that has not been overtaken, unless another holds it back; or one that has been
# overtaken, when its own time comes.
RESET_HEADS = """
UPDATE lanes SET (head, ready_at) = (
  SELECT id, due FROM (
    SELECT id, due FROM (
      SELECT id, due FROM deliveries WHERE lane = lanes.id AND state = 0 AND overtaken = 0 ORDER BY id LIMIT 1)
    WHERE lanes.hold_until IS NULL OR id <= lanes.holder
    UNION ALL
    SELECT id, due FROM (
      SELECT id, due FROM deliveries WHERE lane = lanes.id AND state = 0 AND overtaken = 1 ORDER BY due, id LIMIT 1))
  ORDER BY due, id LIMIT 1)
WHERE id IN (SELECT value FROM json_each(?))"""

DROP_EMPTY = """
DELETE FROM lanes WHERE id IN (SELECT value FROM json_each(?))
AND head IS NULL AND hold_until IS NULL AND failing_since IS NULL"""

# The count begins anew; a hold of another delivery still ends when it was to end.
SUCCEEDED = """
UPDATE lanes SET failing_since = NULL
WHERE failing_since IS NOT NULL AND id IN (SELECT value FROM json_each(?))"""

HOLDER_GONE = """
UPDATE lanes SET hold_until = NULL, holder = NULL
WHERE holder IN (SELECT value FROM json_each(?)) AND id IN (SELECT value FROM json_each(?))"""

FAILING_SINCE = "SELECT failing_since FROM lanes WHERE id = ?"

# What stands in the order and fails is the holder, in place of one that has been overtaken: it is what others wait for.
HOLD = """
UPDATE lanes SET failing_since = ?2, hold_until = ?3, holder = CASE
  WHEN holder IS NULL OR (SELECT overtaken FROM deliveries WHERE id = ?4) = 0 THEN ?4 ELSE holder END
WHERE id = ?1"""

OVERTAKE_HOLDER = """
UPDATE deliveries SET overtaken = 1 WHERE state = 0 AND id = (SELECT holder FROM lanes WHERE id = ?)"""

NO_HOLD = "UPDATE lanes SET failing_since = ?2, hold_until = NULL, holder = NULL WHERE id = ?1"

# -- settling --------------------------------------------------------------------------------------------------------

INSERT_ATTEMPTS = """
INSERT INTO attempts (delivery, number, started_at, duration, status, reason, answer) VALUES {rows}"""

FINISH = """
WITH v (id, state, attempts, tries, at, status, reason) AS (VALUES {rows})
UPDATE deliveries SET state = v.state, attempts = v.attempts, tries = v.tries, fault = 0, finished_at = v.at,
                      status = v.status, reason = v.reason
FROM v WHERE deliveries.id = v.id"""

FREED = """
WITH v (seq, n) AS (VALUES {rows})
SELECT coalesce(sum(e.size), 0) FROM v CROSS JOIN events AS e ON e.seq = v.seq WHERE e.open <= v.n"""

CLOSE_EVENTS = """
WITH v (seq, n, at) AS (VALUES {rows})
UPDATE events SET open = open - v.n, finished_at = v.at FROM v WHERE events.seq = v.seq"""

RETRY = """
UPDATE deliveries SET attempts = ?2, tries = ?3, due = ?4, fault = ?5, status = ?6, reason = ?7,
                      overtaken = max(overtaken, ?8)
WHERE id = ?1"""

# -- repairing -------------------------------------------------------------------------------------------------------

FAULTY = """
SELECT id, lane FROM deliveries
WHERE endpoint = ?1 AND state = 0 AND fault = 1 AND due > ?2 ORDER BY due LIMIT ?3"""

MAKE_DUE = "UPDATE deliveries SET due = ?1 WHERE id IN (SELECT value FROM json_each(?2))"

FIND = "SELECT endpoint, lane, seq, state FROM deliveries WHERE id = ?"

OWE_AGAIN = """
UPDATE deliveries SET state = 0, overtaken = 1, tries = 0, fault = 0, due = ?2, owed_since = ?2,
                      finished_at = 0, reason = ''
WHERE id = ?1"""

REOPEN = "UPDATE events SET open = open + 1 WHERE seq = ? RETURNING open, size"

ENTER_LANE = "INSERT INTO lanes (id, endpoint) VALUES (?, ?) ON CONFLICT (id) DO NOTHING"

# What was not overtaken is owed since it was accepted, and so in the order of its number.
EXPIRED = """
SELECT id, lane, seq, attempts, tries, status FROM (
  SELECT * FROM (
    SELECT id, lane, seq, attempts, tries, status, owed_since FROM deliveries INDEXED BY deliveries_pending
    WHERE endpoint = ?1 AND state = 0 AND overtaken = 0 AND id NOT IN (SELECT value FROM json_each(?3))
    ORDER BY id LIMIT ?4)
  WHERE owed_since < ?2
  UNION ALL
  SELECT * FROM (
    SELECT id, lane, seq, attempts, tries, status, owed_since FROM deliveries INDEXED BY deliveries_again
    WHERE endpoint = ?1 AND state = 0 AND overtaken = 1 AND owed_since < ?2
    AND id NOT IN (SELECT value FROM json_each(?3)) ORDER BY owed_since LIMIT ?4))
ORDER BY owed_since LIMIT ?4"""

# Of `states` are `AGAIN_STATES`.
AGAIN = """
SELECT d.id FROM deliveries AS d {states} CROSS JOIN events AS e ON e.seq = d.seq
WHERE {which} AND d.endpoint = :endpoint AND d.id BETWEEN :first AND :last AND d.finished_at <= :finished_by
AND (:since = 0 OR e.accepted_at >= :since) AND (:until = 0 OR e.accepted_at < :until) ORDER BY d.id LIMIT :limit"""

AGAIN_STATES = {
    ("dead",): {"states": "INDEXED BY deliveries_dead", "which": "d.state = 2"},
    ("delivered",): {"states": "NOT INDEXED", "which": "d.state = 1"},
    ("dead", "delivered"): {"states": "NOT INDEXED", "which": "d.state IN (1, 2)"},
}

# Owed again since then, and not yet finished.
OWED_AGAIN = """
SELECT count(*) FROM (
  SELECT 1 FROM deliveries INDEXED BY deliveries_again
  WHERE endpoint = ? AND state = 0 AND overtaken = 1 AND owed_since > ? LIMIT ?)"""

STILL_FINISHED = """
SELECT id FROM deliveries
WHERE id IN (SELECT value FROM json_each(?)) AND state <> 0 AND finished_at <= ? ORDER BY id"""

# -- forgetting ------------------------------------------------------------------------------------------------------

FINISHED = "SELECT seq FROM events WHERE open = 0 AND finished_at < ?1 ORDER BY finished_at, seq LIMIT ?2"

FORGOTTEN = """
SELECT endpoint, count(*) FILTER (WHERE state = 1), count(*) FILTER (WHERE state = 2)
FROM deliveries WHERE seq IN (SELECT value FROM json_each(?)) GROUP BY endpoint"""

FORGET = (
    "DELETE FROM attempts WHERE delivery IN (SELECT id FROM deliveries WHERE seq IN (SELECT value FROM json_each(?)))",
    "DELETE FROM deliveries WHERE seq IN (SELECT value FROM json_each(?))",
    "DELETE FROM bodies WHERE seq IN (SELECT value FROM json_each(?))",
    "DELETE FROM events WHERE seq IN (SELECT value FROM json_each(?))",
)

DROP_IDLE = """
DELETE FROM lanes WHERE id IN (
  SELECT id FROM lanes WHERE endpoint = ?1 AND head IS NULL AND hold_until IS NULL AND failing_since <= ?2 LIMIT ?3)"""

USED = "SELECT (SELECT page_count FROM pragma_page_count) - (SELECT freelist_count FROM pragma_freelist_count)"

# -- endpoints and totals --------------------------------------------------------------------------------------------

HOLDING = "SELECT DISTINCT endpoint FROM lanes WHERE hold_until IS NOT NULL"
ENDPOINTS = "SELECT id, name, health, pending, delivered, dead FROM endpoints"
NEW_ENDPOINT = "INSERT INTO endpoints (id, name, health) VALUES (?, ?, ?)"
SAVE_HEALTH = "UPDATE endpoints SET health = ?2 WHERE id = ?1"
SAVE_COUNTS = """
WITH v (id, pending, delivered, dead) AS (VALUES {rows})
UPDATE endpoints SET pending = v.pending, delivered = v.delivered, dead = v.dead FROM v WHERE endpoints.id = v.id"""
TOTALS = "SELECT owed, event, delivery, written FROM totals"
SAVE_TOTALS = "UPDATE totals SET owed = ?, event = ?, delivery = ?, written = ?"

# -- reading the log -------------------------------------------------------------------------------------------------

EVENT = """
SELECT e.id, e.dialect, e.name, e.subject, b.body, e.fingerprint, e.accepted_at, e.refs, e.traceparent
FROM events AS e JOIN bodies AS b ON b.seq = e.seq WHERE e.id = ?"""

ATTEMPTS = """
SELECT number, started_at, duration, status, reason, answer FROM attempts WHERE delivery = ? ORDER BY number"""

LOG = """
SELECT d.id, n.name, e.id, e.dialect, e.name, e.subject, d.state, d.attempts, d.tries, e.accepted_at, d.due,
       d.finished_at, d.reason, d.status, d.overtaken, l.holder, l.hold_until, l.head
FROM {source} CROSS JOIN events AS e ON e.seq = d.seq CROSS JOIN endpoints AS n ON n.id = d.endpoint
LEFT JOIN lanes AS l ON l.id = d.lane AND d.state = 0
WHERE {where} ORDER BY {order} LIMIT :limit"""

ALL = "deliveries AS d"
THESE = "json_each(:ids) AS these CROSS JOIN deliveries AS d ON d.id = these.value"

# Each in a query of its own: asked for both at once, SQLite reads through the whole table.
NUMBERS = "SELECT coalesce((SELECT min(id) FROM deliveries), 1), coalesce((SELECT max(id) FROM deliveries), 0)"

ACCEPTED = """
SELECT e.accepted_at, d.id FROM deliveries AS d CROSS JOIN events AS e ON e.seq = d.seq
WHERE d.id >= ? ORDER BY d.id LIMIT 1"""

OF_EVENT = """
SELECT d.id FROM events AS e CROSS JOIN deliveries AS d ON d.seq = e.seq
WHERE e.id = ? AND d.id BETWEEN ? AND ? ORDER BY d.id DESC"""

PENDING = """
SELECT id FROM deliveries INDEXED BY deliveries_pending
WHERE state = 0 AND endpoint = ? AND overtaken = {overtaken} AND id BETWEEN ? AND ? ORDER BY id DESC"""

DEAD = """
SELECT id FROM deliveries INDEXED BY deliveries_dead
WHERE state = 2 AND endpoint = ? AND id BETWEEN ? AND ? ORDER BY id DESC"""

OLDEST = """
SELECT coalesce(min(since), 0) FROM (
  SELECT * FROM (
    SELECT owed_since AS since FROM deliveries INDEXED BY deliveries_pending
    WHERE endpoint = ?1 AND state = 0 AND overtaken = 0 ORDER BY id LIMIT 1)
  UNION ALL
  SELECT * FROM (
    SELECT owed_since FROM deliveries INDEXED BY deliveries_again
    WHERE endpoint = ?1 AND state = 0 AND overtaken = 1 ORDER BY owed_since LIMIT 1))"""
