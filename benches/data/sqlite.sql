-- The benchmark's data on SQLite; postgres.sql makes the same rows and says what the numbers mean.

CREATE TEMP TABLE numbers (n INTEGER PRIMARY KEY);
WITH RECURSIVE counted(n) AS (
    SELECT 0 UNION ALL
    SELECT n + 1 FROM counted WHERE n + 1 < PROJECTS * FEATURES * max(1, TESTS, DEPLOYMENTS)
)
INSERT INTO numbers SELECT n FROM counted;

-- SQLite has no functions in SQL: each number has its ids and times here.
CREATE TEMP VIEW made AS
SELECT n,
    unhex(printf('%012x7%03x8001%012x', 1767225600000 + n, n * 40503 % 4096, n * 2654435761 % 281474976710656))
        AS project_id,
    unhex(printf('%012x7%03x8002%012x', 1767225600000 + n, n * 40503 % 4096, n * 2654435761 % 281474976710656))
        AS feature_id,
    unhex(printf('%012x7%03x8003%012x', 1767225600000 + n, n * 40503 % 4096, n * 2654435761 % 281474976710656))
        AS test_id,
    unhex(printf('%012x7%03x8004%012x', 1767225600000 + n, n * 40503 % 4096, n * 2654435761 % 281474976710656))
        AS deployment_id,
    strftime('%Y-%m-%dT%H:%M:%S', 1767225600 + n, 'unixepoch') || printf('.%03d+00:00', 1 + n % 999) AS at,
    strftime('%Y-%m-%dT%H:%M:%S', 1767225600 + n + 3600, 'unixepoch') || printf('.%03d+00:00', 1 + (n + 3600) % 999)
        AS an_hour_later,
    strftime('%Y-%m-%dT%H:%M:%S', 1767225600 + n + 86400, 'unixepoch') || printf('.%03d+00:00', 1 + (n + 86400) % 999)
        AS a_day_later
FROM numbers;

BEGIN;

INSERT INTO projects (id, name, description, created_at, updated_at)
SELECT project_id, 'Project ' || printf('%05d', n),
    'What the teams of project ' || n || ' deliver in this year, quarter by quarter.',
    at, a_day_later
FROM made WHERE n < PROJECTS ORDER BY n;

INSERT INTO features (id, project_id, name, description, priority, status, created_at, updated_at)
SELECT feature_id, (SELECT m.project_id FROM made AS m WHERE m.n = made.n / FEATURES),
    'Feature ' || printf('%07d', n),
    'As a user of feature ' || n || ' I want it to do "what it says", so that I can go on with my work.',
    1 + n * 7 % 13,
    CASE n * 3 % 5
        WHEN 0 THEN 'not_started' WHEN 1 THEN 'in_progress' WHEN 2 THEN 'blocked' WHEN 3 THEN 'completed'
        ELSE 'cancelled' END,
    at, a_day_later
FROM made WHERE n < PROJECTS * FEATURES ORDER BY n;

INSERT INTO tests (id, feature_id, name, status, duration_ms, message, created_at, updated_at)
SELECT test_id, (SELECT m.feature_id FROM made AS m WHERE m.n = made.n / TESTS),
    'it::holds::case_' || printf('%08d', n),
    CASE n * 5 % 6
        WHEN 3 THEN 'failed' WHEN 4 THEN 'pending' WHEN 5 THEN 'skipped' ELSE 'passed' END,
    CASE WHEN n % 7 = 0 THEN NULL ELSE n * 37 % 20000 END,
    CASE WHEN n * 5 % 6 = 3 THEN 'expected ' || n || ', found ' || (n + 1) END,
    at, a_day_later
FROM made WHERE n < PROJECTS * FEATURES * TESTS ORDER BY n;

INSERT INTO deployments (id, feature_id, environment, version, status, deployed_at, created_at, updated_at)
SELECT deployment_id, (SELECT m.feature_id FROM made AS m WHERE m.n = made.n / DEPLOYMENTS),
    CASE n % 2 WHEN 0 THEN 'staging' ELSE 'production' END,
    '1.' || n % 50 || '.' || n % 7,
    CASE WHEN n % 11 = 0 THEN 'pending'
        ELSE CASE n % 3 WHEN 0 THEN 'succeeded' WHEN 1 THEN 'failed' ELSE 'rolled_back' END END,
    CASE WHEN n % 11 = 0 THEN NULL ELSE an_hour_later END,
    at, a_day_later
FROM made WHERE n < PROJECTS * FEATURES * DEPLOYMENTS ORDER BY n;

INSERT INTO features_view (id, name, priority, project_id, test_count, passed_count, failed_count, pending_count,
    skipped_count, deployment_status)
SELECT f.id, f.name, f.priority, f.project_id, count(t.id),
    count(t.id) FILTER (WHERE t.status = 'passed'),
    count(t.id) FILTER (WHERE t.status = 'failed'),
    count(t.id) FILTER (WHERE t.status = 'pending'),
    count(t.id) FILTER (WHERE t.status = 'skipped'),
    (SELECT d.status FROM deployments d WHERE d.feature_id = f.id ORDER BY d.deployed_order DESC, d.id DESC LIMIT 1)
FROM features f LEFT JOIN tests t ON t.feature_id = f.id
GROUP BY f.id;

INSERT INTO events (id, aggregate_type, aggregate_id, version, event_type, payload, actor_id, actor_kind, request_id, created_at,
    hash)
VALUES (randomblob(16), 'none', randomblob(16), 1, 'none.create', '{}', 'benchmark', 'service', 'benchmark',
    '2026-01-01T00:00:00+00:00', zeroblob(32));

COMMIT;

DROP VIEW temp.made;
DROP TABLE temp.numbers;
