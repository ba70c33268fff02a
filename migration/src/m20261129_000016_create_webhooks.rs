//! Webhooks, and what is sent to them.

use crate::sql::{Sql, SqlMigration};

pub(crate) const MIGRATION: SqlMigration =
    SqlMigration { name: "m20261129_000016_create_webhooks", up: UP, down: DOWN };

const UP: &[Sql] = &[
    // An address may hold a secret as well as the key that signs: both are Fernet tokens, as a feature's confidential notes are.
    Sql::Both(
        r"CREATE TABLE webhooks (
            id {uuid} PRIMARY KEY NOT NULL,
            project_id {uuid} NOT NULL,
            url {text} NOT NULL,
            secret {text} NOT NULL,
            types {text},
            status {text} NOT NULL DEFAULT 'active',
            row_version integer NOT NULL DEFAULT 1,
            created_at {timestamp:created_at} NOT NULL,
            updated_at {timestamp:updated_at} NOT NULL,
            CONSTRAINT webhooks_project_fk FOREIGN KEY (project_id) REFERENCES projects (id) ON DELETE CASCADE,
            CONSTRAINT webhooks_url_encrypted CHECK (substr(url, 1, 6) = 'gAAAAA'),
            CONSTRAINT webhooks_secret_encrypted CHECK (substr(secret, 1, 6) = 'gAAAAA'),
            CONSTRAINT webhooks_types_length CHECK (length(types) BETWEEN 1 AND 2000),
            CONSTRAINT webhooks_status_known CHECK (status IN ('active', 'paused', 'failed')),
            CONSTRAINT webhooks_row_version_positive CHECK (row_version >= 1)
        ){strict}",
    ),
    // `project { webhooks }`.
    Sql::Both("CREATE INDEX webhooks_of_project ON webhooks (project_id, id)"),
    // Where the sending of a webhook's events has come to. It refers to no webhook: to replay all rows takes webhooks away and puts
    // them back, and what was sent must not be sent again.
    Sql::Both(
        r"CREATE TABLE webhook_queues (
            webhook_id {uuid} PRIMARY KEY NOT NULL,
            transaction_id {long} NOT NULL,
            position {long} NOT NULL
        ){strict}",
    ),
    Sql::Both(
        r"CREATE TABLE webhook_deliveries (
            id {uuid} PRIMARY KEY NOT NULL,
            webhook_id {uuid} NOT NULL,
            event_id {uuid} NOT NULL,
            aggregate_id {uuid} NOT NULL,
            transaction_id {long} NOT NULL,
            position {long} NOT NULL,
            status {text} NOT NULL DEFAULT 'pending',
            attempts integer NOT NULL DEFAULT 0,
            next_attempt_at {timestamp:next_attempt_at},
            first_attempt_at {timestamp:first_attempt_at},
            last_attempt_at {timestamp:last_attempt_at},
            last_status_code integer,
            last_error {text},
            last_duration_ms integer,
            delivered_at {timestamp:delivered_at},
            created_at {timestamp:created_at} NOT NULL,
            CONSTRAINT webhook_deliveries_event_unique UNIQUE (webhook_id, event_id),
            CONSTRAINT webhook_deliveries_status_known CHECK (status IN ('pending', 'delivered', 'failed')),
            CONSTRAINT webhook_deliveries_attempts_counted CHECK (attempts >= 0),
            CONSTRAINT webhook_deliveries_pending_has_time CHECK ((status = 'pending') = (next_attempt_at IS NOT NULL)),
            CONSTRAINT webhook_deliveries_delivered_has_time CHECK (status <> 'delivered' OR delivered_at IS NOT NULL)
        ){strict}",
    ),
    // `webhook { deliveries }`, and those of one status.
    Sql::Both("CREATE INDEX webhook_deliveries_of_webhook ON webhook_deliveries (webhook_id, id)"),
    Sql::Both("CREATE INDEX webhook_deliveries_of_webhook_by_status ON webhook_deliveries (webhook_id, status, id)"),
    // What is to be sent next, and whether anything of the same object is to be sent before it.
    Sql::Both(
        "CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, next_attempt_at) WHERE status = 'pending'",
    ),
    Sql::Both(
        "CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (webhook_id, aggregate_id, transaction_id, position) \
            WHERE status = 'pending'",
    ),
    // Who of several processes does what only one of them may do.
    Sql::Both(
        r"CREATE TABLE leases (
            name {text} PRIMARY KEY NOT NULL,
            owner {uuid} NOT NULL,
            expires_at {timestamp:expires_at} NOT NULL
        ){strict}",
    ),
];

const DOWN: &[Sql] = &[
    Sql::Both("DROP TABLE leases"),
    Sql::Both("DROP TABLE webhook_deliveries"),
    Sql::Both("DROP TABLE webhook_queues"),
    Sql::Both("DROP TABLE webhooks"),
];
