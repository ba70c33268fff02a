//! Table `webhook_deliveries`: events that are sent to webhooks, and what came of it.

use sea_orm::entity::prelude::*;

/// One event for one webhook.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_deliveries")]
pub struct Model {
    /// UUID v7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The webhook; the row is swept away some time after that is gone.
    pub webhook_id: Uuid,
    /// The event; once for each webhook.
    pub event_id: Uuid,
    /// What the event happened to.
    pub aggregate_id: Uuid,
    /// The event's place among all events.
    pub transaction_id: i64,
    /// The event's place among all events.
    pub position: i64,
    /// How far it has come.
    pub status: DeliveryStatus,
    /// How often it was tried, since it was last asked for.
    pub attempts: i32,
    /// When it is tried next; nothing where it is not.
    pub next_attempt_at: Option<DateTimeUtc>,
    /// When it was first tried, since it was last asked for.
    pub first_attempt_at: Option<DateTimeUtc>,
    /// When it was last tried.
    pub last_attempt_at: Option<DateTimeUtc>,
    /// What the receiver last answered; nothing where it did not.
    pub last_status_code: Option<i32>,
    /// Why the last attempt failed; nothing where it did not.
    #[sea_orm(column_type = "Text", nullable)]
    pub last_error: Option<String>,
    /// How long the last attempt took.
    pub last_duration_ms: Option<i32>,
    /// When the receiver took it.
    pub delivered_at: Option<DateTimeUtc>,
    /// When it was found that the event is to be sent.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

/// How far a delivery has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// It is still to be taken.
    Pending,
    /// The receiver has taken it.
    Delivered,
    /// It was given up.
    Failed,
}
