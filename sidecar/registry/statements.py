"""Every statement of the registry, named for what it does. Law: SQL and nothing else."""

# -- projects --------------------------------------------------------------------------------------------------------

PROJECT_IDS = "SELECT id FROM projects"
PROJECT_ID = "SELECT id FROM projects WHERE ownername = ? AND name = ?"
PROJECT = "SELECT ownername, name, chroots, pull_requests FROM projects WHERE id = ?"
ADD_PROJECT = "INSERT INTO projects (ownername, name, chroots, pull_requests) VALUES (?, ?, ?, ?)"
SET_CHROOTS = "UPDATE projects SET chroots = ?2 WHERE id = ?1"
SET_PULL_REQUESTS = "UPDATE projects SET pull_requests = ?2 WHERE id = ?1"
DELETE_PROJECT = (
    "DELETE FROM secrets WHERE project = ?",
    "DELETE FROM forge_keys WHERE project = ?",
    "DELETE FROM packages WHERE project = ?",
    "DELETE FROM projects WHERE id = ?",
)

# -- secrets and keys ------------------------------------------------------------------------------------------------

GRANTS = "SELECT secret, until FROM secrets WHERE project = ? ORDER BY id DESC"
END_GRANTS = "UPDATE secrets SET until = min(until, ?2) WHERE project = ?1"
ADD_GRANT = "INSERT INTO secrets (project, secret, until) VALUES (?, ?, ?)"
DROP_GRANTS = """
DELETE FROM secrets WHERE project = ?1 AND (until <= ?2 OR id NOT IN (
  SELECT id FROM secrets WHERE project = ?1 ORDER BY id DESC LIMIT ?3))"""

FORGE_KEYS = "SELECT forge, secret FROM forge_keys WHERE project = ? ORDER BY forge, place"
DROP_FORGE_KEYS = "DELETE FROM forge_keys WHERE project = ? AND forge = ?"
ADD_FORGE_KEY = "INSERT INTO forge_keys (project, forge, place, secret) VALUES (?, ?, ?, ?)"

# -- packages --------------------------------------------------------------------------------------------------------

PACKAGES = """
SELECT name, clone_url, committish, subdirectory, webhook_rebuild FROM packages WHERE project = ? ORDER BY name"""
PACKAGE_NAMES = "SELECT name FROM packages WHERE project = ?"
PUT_PACKAGE = """
INSERT OR REPLACE INTO packages (project, name, clone_url, committish, subdirectory, webhook_rebuild)
VALUES (?, ?, ?, ?, ?, ?)"""
DELETE_PACKAGE = "DELETE FROM packages WHERE project = ? AND name = ?"

# -- builds ----------------------------------------------------------------------------------------------------------

NUMBERED = "SELECT number, key, at FROM builds WHERE package = ? AND key = ? AND at > ?"
NUMBERED_ONCE = """
SELECT number, key, at FROM builds WHERE package = ? AND once = ? AND once <> '' AND at > ? ORDER BY at DESC LIMIT 1"""
COUNT = "INSERT INTO counters VALUES (?, 1) ON CONFLICT (package) DO UPDATE SET last = last + 1 RETURNING last"
NUMBER = "INSERT OR REPLACE INTO builds (package, key, number, once, at) VALUES (?, ?, ?, ?, ?)"
FORGET_BUILDS = """
DELETE FROM builds WHERE (package, key) IN (SELECT package, key FROM builds WHERE at < ? ORDER BY at LIMIT ?)"""

# -- hooks -----------------------------------------------------------------------------------------------------------

HOOK_BY_KEY = "SELECT * FROM hooks WHERE key = ? AND at > ?"
FORGET_KEY = "UPDATE hooks SET key = NULL WHERE key = ?"
HOOKS = "SELECT * FROM hooks WHERE id < ? ORDER BY id DESC LIMIT ?"
ADD_HOOK = """
INSERT INTO hooks (key, shelf, at, last_at, times, route, outcome, status, project, package, forge, kind, delivery,
                   signature, address, reason, answer)
VALUES (:key, :shelf, :at, :last_at, :times, :route, :outcome, :status, :project, :package, :forge, :kind, :delivery,
        :signature, :address, :reason, :answer)"""
HOOK_AGAIN = "UPDATE hooks SET times = times + ?2, last_at = ?3 WHERE id = ?1"
FORGET_OLD_HOOKS = "DELETE FROM hooks WHERE id IN (SELECT id FROM hooks WHERE last_at < ? ORDER BY last_at LIMIT ?)"
FORGET_MANY_HOOKS = """
DELETE FROM hooks WHERE id IN (SELECT id FROM hooks WHERE shelf = ?1 ORDER BY id DESC LIMIT ?3 OFFSET ?2)"""

# -- replays ---------------------------------------------------------------------------------------------------------

_REPLAY = "SELECT id, endpoint, since, until, healthy, states, created_at, state, finished_at FROM replays"
REPLAY = f"{_REPLAY} WHERE id = ?"
REPLAYS = f"{_REPLAY} WHERE id < ? ORDER BY id DESC LIMIT ?"
RUNNING_REPLAYS = f"{_REPLAY} WHERE state = 'running' ORDER BY id"
REPLAY_PARTS = """
SELECT endpoint, since, after, resent, share, done FROM replay_parts WHERE replay = ? ORDER BY place"""
ADD_REPLAY = """
INSERT INTO replays (endpoint, since, until, healthy, states, created_at, state, finished_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
ADD_REPLAY_PART = """
INSERT INTO replay_parts (replay, place, endpoint, since, after, resent, share, done) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
ADVANCE_REPLAY = """
UPDATE replay_parts SET after = ?, resent = ?, share = ?, done = ? WHERE replay = ? AND endpoint = ?"""
END_REPLAY = """
UPDATE replays SET state = 'done', finished_at = ?1 WHERE id = ?2 AND state = 'running'
AND NOT EXISTS (SELECT 1 FROM replay_parts WHERE replay = ?2 AND done = 0)"""
CANCEL_REPLAY = "UPDATE replays SET state = 'cancelled', finished_at = ? WHERE id = ? AND state = 'running'"
OLD_REPLAYS = "SELECT id FROM replays WHERE state <> 'running' AND finished_at < ? LIMIT ?"
FORGET_REPLAY = ("DELETE FROM replay_parts WHERE replay = ?", "DELETE FROM replays WHERE id = ?")
