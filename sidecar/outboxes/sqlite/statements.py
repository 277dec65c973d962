"""Every statement of the engine, named for what it does.

Law: SQL and nothing else. Each step of SQLite costs a change of hands with the event loop, so the number of steps goes
with the batches, not with the events. What happens on the road of an event goes in by one statement, `HAPPEN`; what
follows from it stands in rules.sql.
"""

# -- what happens ----------------------------------------------------------------------------------------------------

HAPPEN = "INSERT INTO happening VALUES "

# -- adding ----------------------------------------------------------------------------------------------------------

KNOWN = "SELECT id, seq, fingerprint FROM events WHERE id IN (SELECT value FROM json_each(?))"

DELIVERIES_OF_EVENT = "SELECT id, endpoint FROM deliveries WHERE seq = ? ORDER BY id"

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
SELECT json_group_array(json_array(id, attempts, tries, owed_since, lane, seq)) FROM (
  SELECT d.id, d.attempts, d.tries, d.owed_since, d.lane, d.seq
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

FIRST_HOLD = "SELECT min(hold_until) FROM lanes WHERE endpoint = ? AND hold_until IS NOT NULL"

END_HOLDS = "UPDATE lanes SET hold_until = NULL, holder = NULL WHERE id IN (SELECT value FROM json_each(?))"

OVERTAKE = "UPDATE deliveries SET overtaken = 1 WHERE state = 0 AND id IN (SELECT value FROM json_each(?))"

TOUCH = "INSERT INTO touching SELECT value FROM json_each(?)"

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
TOTALS = "SELECT owed, event, delivery, written FROM totals"
OWED = "SELECT owed FROM totals"

# -- made ready at the start -----------------------------------------------------------------------------------------

# With values for which they do nothing.
SOON_NEEDED: tuple[tuple[str, tuple[int | str, ...]], ...] = (
    (KNOWN, ("[]",)),
    (CLAIM, (0, 0, "[]", 0)),
    (EVENTS, ("[]",)),
    (NEXT, (0, 0, 0)),
    (HOLDS_OVER, (0, 0, "[]", 0)),
    (FIRST_HOLD, (0,)),
    (OWED, ()),
    (FAULTY, (0, 0, 0)),
)

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
