//! Deliveries: a project's events on their way to its webhooks.
//!
//! One process at a time sends, whoever has the [`lease`]. Its [`dispatcher`] hears of what happens, and gives each webhook that is active
//! a [`worker`], which fills the webhook's [`queue`] from the events and sends what is due. docs/decisions/0018 tells why it is so.
//!
//! **Invariants:** an event is queued once and for all before the place is noted up to which events were read, so that none is lost; it is
//! sent until the receiver has taken it, or it is given up, which the log tells. Of one object's events one is sent at a time, in their order.
//! Nothing is sent by a process whose lease could end meanwhile. An address that is not public is not asked, unless it was allowed; a
//! redirection is not followed.

mod address;
mod attempt;
mod back_off;
mod body;
pub mod dispatcher;
pub mod graphql;
pub mod hold;
mod lease;
pub mod mutations;
mod queue;
pub mod reads;
mod sender;
mod settings;
mod signature;
mod worker;
pub mod writes;

pub use dispatcher::Dispatcher;
pub use sender::SenderError;
pub use settings::WebhookSettings;
