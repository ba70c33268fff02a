//! Who asks, as the caller is known here.

use std::sync::LazyLock;

use chrono::{DateTime, SecondsFormat, Utc};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use sea_orm::ActiveEnum as _;
use serde_json::{Value as Json, json};

use super::graphql::InstanceRole;
use crate::access::{Caller, LOCAL_OWNER};
use crate::audit::graphql::ActorKind;
use crate::batch::{Arguments, BatchError, Compute, Computed, RootField, Shape, id};
use crate::database::Database;

/// What the query root says of who asks.
pub fn root_fields() -> Vec<RootField> {
    let computed = Computed { shape, is_list: false, arguments: Vec::new(), compute: &Viewer };
    vec![RootField::computed("viewer", "Who asks, and what that one may do on the whole instance.", computed)]
}

fn shape() -> &'static Shape {
    static SHAPE: LazyLock<Shape> = LazyLock::new(|| {
        Shape::of("Viewer", "Who asks. What the viewer may do in a project, `Project.viewerRole` tells.")
            .leaf::<String>("name", "The name by which events and the audit know the viewer.")
            .leaf::<ActorKind>("kind", "What kind of actor it is.")
            .leaf::<InstanceRole>("instanceRole", "What the viewer may do on the whole instance.")
            .leaf::<Option<String>>(
                "userId",
                "The viewer as a user, for `user` and `node`; null where there is no such user.",
            )
            .leaf::<Option<String>>("onBehalfOf", "For whom an agent acts; null where it acts for nobody else.")
            .leaf::<Option<String>>("runId", "The agent's run or the CI job; null where none was named.")
            .flag("isLocalOwner", "Whether it is simply whoever sits at the machine: nobody had to say who they are.")
            .leaf::<Option<DateTime<Utc>>>("expiresAt", "When the credential ends; null where it does not.")
    });
    &SHAPE
}

struct Viewer;

impl Compute for Viewer {
    fn compute<'f>(
        &'f self,
        _: &'f Database,
        caller: &'f Caller,
        _: &'f Arguments,
    ) -> BoxFuture<'f, Result<Json, BatchError>> {
        async move {
            let time = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
            Ok(json!({
                "name": caller.id(),
                "kind": caller.kind().as_str().to_uppercase(),
                "instanceRole": caller.rights().instance.to_value().to_uppercase(),
                "userId": caller.user().map(|user| id::format("user", user)),
                "onBehalfOf": caller.on_behalf_of(),
                "runId": caller.run_id(),
                "isLocalOwner": caller.id() == LOCAL_OWNER,
                "expiresAt": caller.expires_at().map(time),
            }))
        }
        .boxed()
    }
}
