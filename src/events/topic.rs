//! Which events a follower wants: those of one project, or of some types, or all.
//!
//! **Invariant:** [`Topic::wants`], [`Topic::condition`] and [`Topic::filter`] hold for the same events: in memory, in the statement of a
//! follower, and in a list that a client asks for, which shows what the caller may see by itself.

use std::fmt::Write as _;
use std::sync::Arc;

use async_graphql::indexmap::IndexMap;
use async_graphql::{ID, Name, Value};
use entity::user::InstanceRole;
use entity::{deployment, event, feature, project, project_member, test_case, user, webhook};
use sea_orm::DbBackend;
use uuid::Uuid;

use super::{Aggregate, KINDS};
use crate::access::{Caller, Rights, Role};
use crate::batch::{Argument, Arguments, BatchError, id};
use crate::database::{Parameters, dialect};

/// Which events are wanted. The default wants all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Topic {
    /// Those of this project, its features, and their tests and deployments.
    pub project_id: Option<Uuid>,
    /// Those of these types; none where there are none.
    pub types: Option<Vec<String>>,
    /// What its follower may see of it; everything where nobody is named.
    pub rights: Option<Arc<Rights>>,
}

impl Topic {
    /// Whether an event is one of them.
    #[must_use]
    pub fn wants(&self, event: &event::Model) -> bool {
        self.project_id.is_none_or(|project| event.project_id == Some(project))
            && self.types.as_ref().is_none_or(|types| types.contains(&event.event_type))
            && self.rights.as_ref().is_none_or(|rights| rights.see(event.project_id))
    }

    /// Those of one kind of object in a project, whatever happened to it.
    #[must_use]
    pub fn of_kind<A: Aggregate>(project_id: Uuid) -> Self {
        Self { project_id: Some(project_id), types: Some(types_of::<A>().collect()), rights: None }
    }

    /// The same, of what the caller may see.
    #[must_use]
    pub fn seen_by(self, caller: &Caller) -> Self {
        Self { rights: Some(Arc::clone(caller.rights())), ..self }
    }

    /// What [`Topic::wants`] asks, for a statement that reads events: it begins with ` AND`, or is nothing.
    pub(super) fn condition(&self, backend: DbBackend, parameters: &mut Parameters) -> String {
        let mut condition = String::new();
        if let Some(project) = self.project_id {
            condition = format!(" AND project_id = {}", parameters.add(project));
        }
        if let Some(types) = &self.types {
            let types: Vec<String> = types.iter().map(|wanted| parameters.add(wanted.as_str())).collect();
            let wanted = if types.is_empty() { "NULL".to_owned() } else { types.join(", ") };
            let _ = write!(condition, " AND event_type IN ({wanted})");
        }
        match self.rights.as_deref() {
            None | Some(Rights { instance: InstanceRole::Admin, .. }) => {}
            Some(Rights { everywhere: Some(_), .. }) => condition.push_str(" AND project_id IS NOT NULL"),
            Some(rights) => {
                let seen: Vec<Uuid> = rights.projects_with(Role::Viewer).collect();
                let seen = parameters.add(dialect::list_keys(backend, &seen, &[]));
                let _ = write!(condition, " AND {}", dialect::is_one_of_keys(backend, "project_id", &seen));
            }
        }
        condition
    }

    /// The topic as the filter of a list of events.
    pub(super) fn filter(&self) -> Value {
        let object = |name: &str, value| Value::Object(IndexMap::from([(Name::new(name), value)]));
        let mut fields = IndexMap::new();
        if let Some(project) = self.project_id {
            let project = id::format(<project::Entity as Aggregate>::KIND, project);
            fields.insert(Name::new("projectId"), object("eq", project.into()));
        }
        if let Some(types) = &self.types {
            let types = types.iter().map(|wanted| wanted.as_str().into()).collect();
            fields.insert(Name::new("type"), object("in", Value::List(types)));
        }
        if fields.is_empty() { Value::Null } else { Value::Object(fields) }
    }

    /// What a client says of a topic: `projectId` and `types`.
    #[must_use]
    pub fn arguments() -> Vec<Argument> {
        vec![
            Argument::of::<Option<ID>>(
                "projectId",
                "Only what happens to this project, its features, and their tests and deployments.",
            ),
            Argument::of::<Option<Vec<String>>>(
                "types",
                "Only events of these types: `feature.change_status`, or `feature` for all that happens to features.",
            ),
        ]
    }

    /// The topic that such arguments name.
    ///
    /// # Errors
    /// Where the id is none of a project, or there is no such type.
    pub fn read(arguments: &Arguments) -> Result<Self, BatchError> {
        let project = arguments.get::<Option<ID>>("projectId")?;
        let project = project.map(|text| id::parse("projectId", &text, &[<project::Entity as Aggregate>::KIND]));
        let types = arguments.get::<Option<Vec<String>>>("types")?;
        Ok(Self {
            project_id: project.transpose()?.map(|(_, key)| key),
            types: types.map(|types| read_types(&types)).transpose()?,
            rights: None,
        })
    }
}

/// A type of events that there is not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no type of events; there are {}", known_types().join(", "))]
pub struct UnknownType {
    /// Which of those that were named.
    pub index: usize,
}

/// The types of events that are named: a kind of object stands for all of its types.
///
/// # Errors
/// The first that there is not.
pub fn types_named<T: AsRef<str>>(names: &[T]) -> Result<Vec<String>, UnknownType> {
    let known = known_types();
    let mut types = Vec::new();
    for (index, wanted) in names.iter().map(AsRef::as_ref).enumerate() {
        let is_kind = KINDS.contains(&wanted);
        let fits = |known: &&String| {
            *known == wanted || (is_kind && known.split_once('.').is_some_and(|(kind, _)| kind == wanted))
        };
        let fitting: Vec<String> = known.iter().filter(fits).cloned().collect();
        if fitting.is_empty() {
            return Err(UnknownType { index });
        }
        types.extend(fitting);
    }
    types.sort_unstable();
    types.dedup();
    Ok(types)
}

fn read_types(names: &[String]) -> Result<Vec<String>, BatchError> {
    types_named(names).map_err(|error| BatchError::InvalidArgument {
        argument: format!("types[{}]", error.index),
        reason: error.to_string(),
    })
}

/// The types of all events that there can be.
fn known_types() -> Vec<String> {
    let types = types_of::<project::Entity>().chain(types_of::<feature::Entity>());
    let types = types.chain(types_of::<test_case::Entity>()).chain(types_of::<deployment::Entity>());
    types
        .chain(types_of::<project_member::Entity>())
        .chain(types_of::<user::Entity>())
        .chain(types_of::<webhook::Entity>())
        .collect()
}

fn types_of<A: Aggregate>() -> impl Iterator<Item = String> {
    A::VERBS.iter().map(|verb| format!("{}.{verb}", A::KIND))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_stands_for_all_of_its_types() {
        let read = |types: &[&str]| read_types(&types.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        assert_eq!(read(&["feature.create"]).unwrap(), ["feature.create"]);
        let features = read(&["feature", "feature.create"]).unwrap();
        assert!(features.len() > 3 && features.iter().all(|known| known.starts_with("feature.")), "{features:?}");
        assert!(read(&[]).unwrap().is_empty());
        for wrong in ["", "feature.", "feature.fly", "FEATURE", "test"] {
            let error = read(&["feature", wrong]).unwrap_err().to_string();
            assert!(error.starts_with("types[1] is no type of events; there are project.create, "), "{error}");
        }
    }
}
