//! What all mutations share: their arguments, the one way to carry them out, and what their payloads say.
//!
//! **Invariants:** a mutation's mistakes are user errors with a place in its arguments; what is our fault is an error of the
//! answer; a payload is selected as deep as a query and batches as one does, in a dry run from within the transaction that is
//! forgotten afterwards; of what was just written nothing is read. The slices' `mutations` use it; it knows no slice.

mod checks;
mod left_behind;
mod run;
mod time;
mod user_error;
mod write_result;

pub(crate) use self::checks::{Checks, Reference, References};
pub(crate) use self::run::{MOST_ITEMS, Mutation, ParseChange, Runner, WriteContext, bulk};
pub(crate) use self::time::Time;
pub(crate) use self::user_error::{BulkMode, UserError};
pub(crate) use self::write_result::WriteResult;

/// Declares the mutations of a slice: each takes an input, an idempotency key and whether it is a dry run.
macro_rules! mutations {
    ($name:ident { $($(#[$doc:meta])* $field:ident($input:ty) -> $payload:ty;)+ }) => {
        /// The mutations of this slice.
        #[derive(Default)]
        pub(crate) struct $name;

        #[async_graphql::Object]
        impl $name {
            $(
                $(#[$doc])*
                async fn $field(
                    &self,
                    ctx: &async_graphql::Context<'_>,
                    #[graphql(desc = "What is to happen.")] input: $input,
                    #[graphql(desc = "A text of 1 to 255 characters that the client makes up for this command: sent again with it and \
                        the same input, the command is not carried out again, and the first result is the answer.")]
                    idempotency_key: Option<String>,
                    #[graphql(desc = "Whether to answer what would happen, and to let nothing happen.", default = false)]
                    dry_run: bool,
                ) -> async_graphql::Result<Option<$payload>> {
                    // Null where it failed, so that what the request's other mutations did is told all the same.
                    let runner = $crate::graphql::mutation::Runner::new(ctx, idempotency_key, dry_run)?;
                    Ok(Some(runner.run($crate::graphql::mutation::Mutation::into_command(input)).await?.into()))
                }
            )+
        }
    };
}

/// Declares a payload: what every one of them says, after fields of its own.
macro_rules! payload {
    // One object: nothing where it was deleted, or nothing was written.
    ($(#[$doc:meta])* $name:ident { $(#[$field_doc:meta])* $field:ident: $object:ty }) => {
        payload!(@$name [$(#[$doc])*] [
            $(#[$field_doc])*
            async fn $field(&self) -> Option<$crate::batch::One<$object>> {
                self.0.object()
            }

            /// The version that the command gave the object, to expect in the next one; null where it is gone, or nothing was
            /// written. Somebody else may have given it a later one by now.
            async fn version(&self) -> Option<i32> {
                self.0.version(0)
            }
        ]);
    };
    // Many objects, one for each item of the input.
    (
        $(#[$doc:meta])* $name:ident,
        $(#[$item_doc:meta])* $item:ident { $(#[$field_doc:meta])* $field:ident: $object:ty }
    ) => {
        $(#[$item_doc])*
        #[derive(async_graphql::SimpleObject)]
        pub(crate) struct $item {
            $(#[$field_doc])*
            $field: Option<$crate::batch::One<$object>>,
            /// The version that the command gave the object, to expect in the next one; null where it is gone, or the item was not
            /// carried out.
            version: Option<i32>,
            /// What is wrong with this item.
            user_errors: Vec<$crate::graphql::mutation::UserError>,
        }

        payload!(@$name [$(#[$doc])*] [
            /// What became of each item, in the input's order.
            async fn results(&self) -> Vec<$item> {
                let items = self.0.items().into_iter().enumerate();
                let items = items.map(|(number, (object, user_errors))| {
                    $item { $field: object, version: self.0.version(number), user_errors }
                });
                items.collect()
            }
        ]);
    };
    // Fields of its own.
    ($(#[$doc:meta])* $name:ident with { $($fields:tt)* }) => {
        payload!(@$name [$(#[$doc])*] [$($fields)*]);
    };
    (@$name:ident [$($doc:tt)*] [$($fields:tt)*]) => {
        $($doc)*
        pub(crate) struct $name($crate::graphql::mutation::WriteResult);

        impl From<$crate::graphql::mutation::WriteResult> for $name {
            fn from(written: $crate::graphql::mutation::WriteResult) -> Self {
                Self(written)
            }
        }

        $($doc)*
        #[async_graphql::Object]
        impl $name {
            $($fields)*

            /// What the caller did wrong; empty where all was carried out.
            async fn user_errors(&self) -> Vec<$crate::graphql::mutation::UserError> {
                self.0.user_errors()
            }

            /// The audit rows that the command wrote, or would have written; in the order in which they were written.
            async fn audit_logs(
                &self,
                #[graphql(desc = "The most audit rows: 0 to 1000, unless the server is set to another number.", default = 100)] first: i32,
            ) -> async_graphql::Result<Vec<$crate::batch::One<$crate::audit::graphql::AuditLog>>> {
                self.0.audit_logs(first).await
            }

            /// The events that the command wrote, or would have written; in the order in which they happened.
            async fn events(
                &self,
                #[graphql(desc = "The most events: 0 to 1000, unless the server is set to another number.", default = 100)] first: i32,
            ) -> async_graphql::Result<Vec<$crate::batch::One<$crate::events::graphql::Event>>> {
                self.0.events(first).await
            }

            /// The place of the command's last event in the order of all events; opaque. Null where nothing was written.
            async fn cursor(&self) -> async_graphql::Result<Option<String>> {
                self.0.cursor().await
            }

            /// Whether the command had been carried out before under the same idempotency key, and was not carried out again.
            async fn is_replay(&self) -> bool {
                self.0.is_replay
            }

            /// Whether nothing was written because it was a dry run.
            async fn is_dry_run(&self) -> bool {
                self.0.is_dry_run
            }
        }
    };
}

pub(crate) use {mutations, payload};
