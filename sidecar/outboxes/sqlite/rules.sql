-- What follows from what happens: a row put into one of these views stands for something that happened to an event, a
-- delivery or a lane, and the view's trigger does all that follows from it. Views and triggers are the connection's own;
-- the file knows nothing of them.

-- An event came in.
CREATE TEMP VIEW arriving
  (seq, id, dialect, name, subject, fingerprint, accepted_at, refs, traceparent, size, open, finished_at, body)
AS SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL;

CREATE TEMP TRIGGER arrive INSTEAD OF INSERT ON arriving BEGIN
  INSERT INTO events
    (seq, id, dialect, name, subject, fingerprint, accepted_at, refs, traceparent, size, open, finished_at)
  VALUES (NEW.seq, NEW.id, NEW.dialect, NEW.name, NEW.subject, NEW.fingerprint, NEW.accepted_at, NEW.refs,
    NEW.traceparent, NEW.size, NEW.open, NEW.finished_at);
  INSERT INTO bodies (seq, body) VALUES (NEW.seq, NEW.body);
END;

-- A delivery is owed. A lane that has a head keeps it: what is new goes to the end. But where only overtaken ones are
-- before it, waiting for their own time, it passes.
CREATE TEMP VIEW owing (id, seq, endpoint, lane, since) AS SELECT NULL, NULL, NULL, NULL, NULL;

CREATE TEMP TRIGGER owe INSTEAD OF INSERT ON owing BEGIN
  INSERT INTO deliveries (id, seq, endpoint, lane, due, owed_since,
    state, overtaken, attempts, tries, fault, finished_at, status, reason)
  VALUES (NEW.id, NEW.seq, NEW.endpoint, NEW.lane, NEW.since, NEW.since, 0, 0, 0, 0, 0, 0, 0, '');
  INSERT INTO lanes (id, endpoint, head, ready_at) VALUES (NEW.lane, NEW.endpoint, NEW.id, NEW.since)
  ON CONFLICT (id) DO UPDATE SET head = excluded.head, ready_at = excluded.ready_at
  WHERE lanes.hold_until IS NULL AND (lanes.head IS NULL OR
    excluded.ready_at < lanes.ready_at AND NOT EXISTS (
      SELECT 1 FROM deliveries WHERE lane = lanes.id AND state = 0 AND overtaken = 0 AND id < excluded.head));
END;

-- Something changed in a lane. The one rule of order: at its head stands the oldest that has not been overtaken, unless
-- another holds it back; or one that has been overtaken, when its own time comes. A lane with nothing in it and nothing
-- to remember goes.
CREATE TEMP VIEW touching (lane) AS SELECT NULL;

CREATE TEMP TRIGGER touch INSTEAD OF INSERT ON touching BEGIN
  DELETE FROM lanes WHERE id = NEW.lane AND hold_until IS NULL AND failing_since IS NULL
  AND NOT EXISTS (SELECT 1 FROM deliveries WHERE lane = NEW.lane AND state = 0);
  UPDATE lanes SET (head, ready_at) = (
    SELECT id, due FROM (
      SELECT id, due FROM (
        SELECT id, due FROM deliveries WHERE lane = lanes.id AND state = 0 AND overtaken = 0 ORDER BY id LIMIT 1)
      WHERE lanes.hold_until IS NULL OR id <= lanes.holder
      UNION ALL
      SELECT id, due FROM (
        SELECT id, due FROM deliveries WHERE lane = lanes.id AND state = 0 AND overtaken = 1 ORDER BY due, id LIMIT 1))
    ORDER BY due, id LIMIT 1)
  WHERE id = NEW.lane;
END;

-- A delivery is done with, by an attempt where there is one (`started_at`), and holds back nothing any more. After a
-- success the lane's failures are forgotten; a hold of another delivery still ends when it was to end.
CREATE TEMP VIEW ending (id, lane, seq, state, tries, at, why, number, status, reason, started_at, duration, answer)
AS SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL;

CREATE TEMP TRIGGER finish INSTEAD OF INSERT ON ending BEGIN
  INSERT INTO attempts (delivery, number, started_at, duration, status, reason, answer)
  SELECT NEW.id, NEW.number, NEW.started_at, NEW.duration, NEW.status, NEW.reason, NEW.answer
  WHERE NEW.started_at IS NOT NULL;
  UPDATE deliveries SET state = NEW.state, attempts = NEW.number, tries = NEW.tries, fault = 0, finished_at = NEW.at,
                        status = NEW.status, reason = NEW.why
  WHERE id = NEW.id;
  UPDATE events SET open = open - 1, finished_at = NEW.at WHERE seq = NEW.seq;
  UPDATE totals SET owed = owed - size FROM events WHERE seq = NEW.seq AND open <= 0;
  UPDATE lanes SET failing_since = iif(NEW.state = 1, NULL, failing_since),
                   hold_until = iif(holder = NEW.id, NULL, hold_until), holder = iif(holder = NEW.id, NULL, holder)
  WHERE id = NEW.lane AND (failing_since IS NOT NULL OR holder IS NOT NULL);
  INSERT INTO touching VALUES (NEW.lane);
END;

-- An attempt failed, and the delivery stays owed. The hold counts from the lane's first failure since its last success.
-- While it lasts, what stands in the order and fails is the holder, in place of one that has been overtaken: it is what
-- others wait for. When it is over, what held and what failed here are overtaken.
CREATE TEMP VIEW failing
  (id, lane, flow, hold, tries, due, fault, number, status, reason, started_at, duration, answer)
AS SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL;

CREATE TEMP TRIGGER fail INSTEAD OF INSERT ON failing BEGIN
  INSERT INTO attempts (delivery, number, started_at, duration, status, reason, answer)
  VALUES (NEW.id, NEW.number, NEW.started_at, NEW.duration, NEW.status, NEW.reason, NEW.answer);
  UPDATE deliveries SET attempts = NEW.number, tries = NEW.tries, due = NEW.due, fault = NEW.fault,
                        status = NEW.status, reason = NEW.reason
  WHERE id = NEW.id;
  UPDATE lanes SET failing_since = NEW.flow WHERE id = NEW.lane AND failing_since IS NULL;
  UPDATE lanes SET hold_until = failing_since + NEW.hold,
    holder = iif(holder IS NULL OR (SELECT overtaken FROM deliveries WHERE id = NEW.id) = 0, NEW.id, holder)
  WHERE id = NEW.lane AND NEW.flow < failing_since + NEW.hold;
  UPDATE deliveries SET overtaken = 1 WHERE state = 0 AND id IN (
    SELECT NEW.id FROM lanes WHERE id = NEW.lane AND NEW.flow >= failing_since + NEW.hold
    UNION ALL
    SELECT holder FROM lanes WHERE id = NEW.lane AND NEW.flow >= failing_since + NEW.hold);
  UPDATE lanes SET hold_until = NULL, holder = NULL WHERE id = NEW.lane AND NEW.flow >= failing_since + NEW.hold;
  INSERT INTO touching VALUES (NEW.lane);
END;

-- All of it in one: rows of any kind, put in by one statement, which so is a whole transaction and for the caller one
-- step. `what` is the kind (store.py), `a` and the rest are the columns of its view; a row of no kind does nothing.
CREATE TEMP VIEW happening (what, a, b, c, d, e, f, g, h, i, j, k, l, m)
AS SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL;

CREATE TEMP TRIGGER happens_1 INSTEAD OF INSERT ON happening WHEN NEW.what = 1 BEGIN
  INSERT INTO arriving VALUES (NEW.a, NEW.b, NEW.c, NEW.d, NEW.e, NEW.f, NEW.g, NEW.h, NEW.i, NEW.j, NEW.k, NEW.l, NEW.m);
END;

CREATE TEMP TRIGGER happens_2 INSTEAD OF INSERT ON happening WHEN NEW.what = 2 BEGIN
  INSERT INTO owing VALUES (NEW.a, NEW.b, NEW.c, NEW.d, NEW.e);
END;

CREATE TEMP TRIGGER happens_3 INSTEAD OF INSERT ON happening WHEN NEW.what = 3 BEGIN
  INSERT INTO ending VALUES (NEW.a, NEW.b, NEW.c, NEW.d, NEW.e, NEW.f, NEW.g, NEW.h, NEW.i, NEW.j, NEW.k, NEW.l, NEW.m);
END;

CREATE TEMP TRIGGER happens_4 INSTEAD OF INSERT ON happening WHEN NEW.what = 4 BEGIN
  INSERT INTO failing VALUES (NEW.a, NEW.b, NEW.c, NEW.d, NEW.e, NEW.f, NEW.g, NEW.h, NEW.i, NEW.j, NEW.k, NEW.l, NEW.m);
END;

CREATE TEMP TRIGGER happens_5 INSTEAD OF INSERT ON happening WHEN NEW.what = 5 BEGIN
  INSERT INTO endpoints (id, name, health) VALUES (NEW.a, NEW.b, NEW.c);
END;

CREATE TEMP TRIGGER happens_6 INSTEAD OF INSERT ON happening WHEN NEW.what = 6 BEGIN
  UPDATE endpoints SET health = NEW.b WHERE id = NEW.a;
END;

CREATE TEMP TRIGGER happens_7 INSTEAD OF INSERT ON happening WHEN NEW.what = 7 BEGIN
  UPDATE endpoints SET pending = NEW.b, delivered = NEW.c, dead = NEW.d WHERE id = NEW.a;
END;

CREATE TEMP TRIGGER happens_8 INSTEAD OF INSERT ON happening WHEN NEW.what = 8 BEGIN
  REPLACE INTO marks (block, marks) VALUES (NEW.a, NEW.b);
END;

-- What ended has been taken off what is owed already; `a` is what came in.
CREATE TEMP TRIGGER happens_9 INSTEAD OF INSERT ON happening WHEN NEW.what = 9 BEGIN
  UPDATE totals SET owed = owed + NEW.a, event = NEW.b, delivery = NEW.c, written = NEW.d;
END;
