-- The benchmark's data on PostgreSQL; sqlite.sql makes the same rows. PROJECTS, FEATURES (of a project), TESTS and
-- DEPLOYMENTS (of a feature) stand for numbers. Nothing is random: a row is a function of its number.

-- A UUID of version 7: the time of row `n`, and digits that look random.
CREATE FUNCTION pg_temp.made_id(salt bigint, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex(1767225600000 + n), 12, '0')
        || '7' || lpad(to_hex(n * 40503 % 4096), 3, '0')
        || '8' || lpad(to_hex(salt), 3, '0')
        || lpad(to_hex(n * 2654435761 % 281474976710656), 12, '0'))::uuid
$$;

-- When row `n` was made: a second after the row before it. The milliseconds are never zero.
CREATE FUNCTION pg_temp.made_at(n bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
    SELECT to_timestamp(1767225600 + n) + (1 + n % 999) * interval '1 millisecond'
$$;

BEGIN;

INSERT INTO projects (id, name, description, created_at, updated_at)
SELECT pg_temp.made_id(1, p), 'Project ' || lpad(p::text, 5, '0'),
    'What the teams of project ' || p || ' deliver in this year, quarter by quarter.',
    pg_temp.made_at(p), pg_temp.made_at(p + 86400)
FROM generate_series(0::bigint, PROJECTS - 1) AS p;

-- `f` counts the features of all projects.
INSERT INTO features (id, project_id, name, description, priority, status, created_at, updated_at)
SELECT pg_temp.made_id(2, f), pg_temp.made_id(1, f / FEATURES), 'Feature ' || lpad(f::text, 7, '0'),
    'As a user of feature ' || f || ' I want it to do "what it says", so that I can go on with my work.',
    1 + f * 7 % 13,
    (ARRAY['not_started', 'in_progress', 'blocked', 'completed', 'cancelled'])[1 + f * 3 % 5],
    pg_temp.made_at(f), pg_temp.made_at(f + 86400)
FROM generate_series(0::bigint, PROJECTS * FEATURES - 1) AS f;

-- `t` counts the tests of all features. One in seven has no duration, every failure has a message.
INSERT INTO tests (id, feature_id, name, status, duration_ms, message, created_at, updated_at)
SELECT pg_temp.made_id(3, t), pg_temp.made_id(2, t / TESTS),
    'it::holds::case_' || lpad(t::text, 8, '0'),
    (ARRAY['passed', 'passed', 'passed', 'failed', 'pending', 'skipped'])[1 + t * 5 % 6],
    CASE WHEN t % 7 = 0 THEN NULL ELSE t * 37 % 20000 END,
    CASE WHEN 1 + t * 5 % 6 = 4 THEN 'expected ' || t || ', found ' || t + 1 END,
    pg_temp.made_at(t), pg_temp.made_at(t + 86400)
FROM generate_series(0::bigint, PROJECTS * FEATURES * TESTS - 1) AS t;

-- `d` counts the deployments of all features. One in eleven is not in place yet.
INSERT INTO deployments (id, feature_id, environment, version, status, deployed_at, created_at, updated_at)
SELECT pg_temp.made_id(4, d), pg_temp.made_id(2, d / DEPLOYMENTS),
    (ARRAY['staging', 'production'])[1 + d % 2],
    '1.' || d % 50 || '.' || d % 7,
    CASE WHEN d % 11 = 0 THEN 'pending' ELSE (ARRAY['succeeded', 'failed', 'rolled_back'])[1 + d % 3] END,
    CASE WHEN d % 11 = 0 THEN NULL ELSE pg_temp.made_at(d + 3600) END,
    pg_temp.made_at(d), pg_temp.made_at(d + 86400)
FROM generate_series(0::bigint, PROJECTS * FEATURES * DEPLOYMENTS - 1) AS d;

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

-- Rows are adopted where there is no event: one is enough for them not to be.
INSERT INTO events (id, aggregate_type, aggregate_id, version, event_type, payload, actor_id, actor_kind, request_id, created_at,
    hash)
VALUES (pg_temp.made_id(5, 0), 'none', pg_temp.made_id(5, 0), 1, 'none.create', '{}', 'benchmark', 'service', 'benchmark', now(),
    decode(repeat('00', 32), 'hex'));

COMMIT;
