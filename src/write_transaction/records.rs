//! The rows that a transaction has read or made, as they were and as they will be.

use std::borrow::Cow;
use std::collections::HashMap;
use std::str::FromStr as _;

use entity::{deployment, feature, project, project_member, test_case, user, webhook};
use sea_orm::{ModelTrait as _, Value};
use uuid::Uuid;

use crate::events::{Aggregate, Hash, NO_EVENT, Owner};

/// Rows of one table.
#[derive(Debug)]
pub struct Records<A: Aggregate> {
    by_id: HashMap<Uuid, Record<A>>,
    by_name: HashMap<(Uuid, String), Uuid>,
    /// Those that have changed, in the order in which they first did.
    pub(super) touched: Vec<Uuid>,
}

/// A row, as it was and as it will be.
#[derive(Debug)]
pub(super) struct Record<A: Aggregate> {
    /// As the database has it; nothing for what is new.
    pub(super) before: Option<A::Model>,
    /// As it will be; nothing for what is gone.
    pub(super) now: Option<A::Model>,
    /// The hash of its latest event.
    pub(super) hash: Hash,
    /// The type of the last event of this transaction, but for `create`, which stays as long as the row does.
    pub(super) action: Option<String>,
}

impl<A: Aggregate> Record<A> {
    /// The row as it will be, unless it is hidden.
    fn shown(&self) -> Option<&A::Model> {
        self.now.as_ref().filter(|row| A::stamp(row).deleted_at.is_none())
    }
}

impl<A: Aggregate> Default for Records<A> {
    fn default() -> Self {
        Self { by_id: HashMap::new(), by_name: HashMap::new(), touched: Vec::new() }
    }
}

impl<A: Aggregate> Records<A> {
    /// The row, hidden or not.
    pub(super) fn get(&self, id: Uuid) -> Option<&A::Model> {
        self.by_id.get(&id).and_then(|record| record.now.as_ref())
    }

    pub(super) fn record(&self, id: Uuid) -> Option<&Record<A>> {
        self.by_id.get(&id)
    }

    /// The row of this name, hidden or not; of a row that is to go, what it was.
    pub(super) fn named(&self, parent: Uuid, name: &str) -> Option<&A::Model> {
        let record = self.by_id.get(self.by_name.get(&(parent, name.to_owned()))?)?;
        record.now.as_ref().or(record.before.as_ref())
    }

    /// All rows, hidden ones too.
    pub(super) fn rows(&self) -> impl Iterator<Item = &A::Model> {
        self.by_id.values().filter_map(|record| record.now.as_ref())
    }

    /// Those that have changed.
    pub(super) fn touched(&self) -> impl Iterator<Item = &Record<A>> {
        self.touched.iter().filter_map(|id| self.by_id.get(id))
    }

    /// Takes a row from the database, unless it is here already: what happened to it since is not undone.
    pub(super) fn keep(&mut self, row: A::Model, hash: Hash) {
        let id = A::stamp(&row).id;
        if self.by_id.contains_key(&id) {
            return;
        }
        self.name(id, None, Some(&row));
        self.by_id.insert(id, Record { before: Some(row.clone()), now: Some(row), hash, action: None });
    }

    /// Takes a row from the database to which nothing has happened: its events are still to come.
    pub(super) fn adopt(&mut self, row: A::Model) {
        let id = A::stamp(&row).id;
        self.by_id.insert(id, Record { before: Some(row), now: None, hash: NO_EVENT, action: None });
    }

    /// Puts the row as an event has made it.
    pub(super) fn put(&mut self, id: Uuid, now: Option<A::Model>, hash: Hash, event_type: &str) {
        let before = self.get(id).cloned();
        self.name(id, before.as_ref(), now.as_ref());
        let record = self.by_id.entry(id).or_insert(Record { before: None, now: None, hash, action: None });
        if record.action.is_none() {
            self.touched.push(id);
        }
        if record.before.is_some() || record.action.is_none() || now.is_none() {
            record.action = Some(event_type.to_owned());
        }
        (record.now, record.hash) = (now, hash);
    }
}

impl<A: Aggregate> Records<A> {
    /// Lets the row be found by its name, and no longer by one that nobody but this transaction knows.
    fn name(&mut self, id: Uuid, before: Option<&A::Model>, now: Option<&A::Model>) {
        let key = |row| A::natural_key(row).map(|(parent, name)| (parent, name.to_owned()));
        let (before, now) = (before.and_then(key), now.and_then(key));
        if before == now {
            return;
        }
        let stored = self.by_id.get(&id).and_then(|record| record.before.as_ref()).and_then(key);
        if let Some(before) = before.filter(|before| stored.as_ref() != Some(before)) {
            self.by_name.remove(&before);
        }
        if let Some(now) = now {
            self.by_name.insert(now, id);
        }
    }
}

/// The rows of all tables.
#[derive(Debug, Default)]
pub struct Tables {
    pub(super) users: Records<user::Entity>,
    pub(super) projects: Records<project::Entity>,
    pub(super) project_members: Records<project_member::Entity>,
    pub(super) features: Records<feature::Entity>,
    pub(super) tests: Records<test_case::Entity>,
    pub(super) deployments: Records<deployment::Entity>,
    pub(super) webhooks: Records<webhook::Entity>,
}

impl Tables {
    /// The project of a feature, if that was read or made.
    pub(super) fn project_of(&self, feature: Uuid) -> Option<Uuid> {
        let record = self.features.record(feature)?;
        record.now.as_ref().or(record.before.as_ref()).map(|feature| feature.project_id)
    }

    /// The version that the object of an id will have, if it will be there.
    pub(super) fn version(&self, id: Uuid) -> Option<i32> {
        TABLES.iter().find_map(|table| (table.version)(self, id))
    }

    /// What a row holds in these columns, by its kind; nothing where it was neither read nor made, is gone or hidden, or has no such
    /// column.
    pub fn cells(&self, kind: &str, id: Uuid, columns: &[Cow<'static, str>]) -> Option<Vec<Value>> {
        let table = TABLES.iter().find(|table| table.kind == kind)?;
        (table.cells)(self, id, columns)
    }
}

/// A table, for whoever knows a row's kind or id alone.
struct Table {
    kind: &'static str,
    version: fn(&Tables, Uuid) -> Option<i32>,
    cells: Cells,
}

type Cells = fn(&Tables, Uuid, &[Cow<'static, str>]) -> Option<Vec<Value>>;

impl Table {
    const fn of<A: Written>() -> Self {
        Self { kind: A::KIND, version: version::<A>, cells: cells::<A> }
    }
}

fn version<A: Written>(tables: &Tables, id: Uuid) -> Option<i32> {
    A::records(tables).get(id).map(|row| A::stamp(row).version)
}

fn cells<A: Written>(tables: &Tables, id: Uuid, columns: &[Cow<'static, str>]) -> Option<Vec<Value>> {
    let row = A::records(tables).record(id)?.shown()?;
    // What belongs to a feature is hidden with it.
    if let Owner::Feature(feature) = A::owner(row)
        && tables.features.record(feature).is_some_and(|feature| feature.shown().is_none())
    {
        return None;
    }
    columns.iter().map(|name| A::Column::from_str(name).ok().map(|column| row.get(column))).collect()
}

/// An aggregate that transactions write.
pub trait Written: Aggregate {
    /// Its rows.
    fn records(tables: &Tables) -> &Records<Self>;
    /// Its rows.
    fn records_mut(tables: &mut Tables) -> &mut Records<Self>;
}

/// Says where the rows of each table are kept.
macro_rules! written {
    ($($aggregate:ident in $place:ident),+ $(,)?) => {
        const TABLES: &[Table] = &[$(Table::of::<$aggregate::Entity>()),+];

        $(
            impl Written for $aggregate::Entity {
                fn records(tables: &Tables) -> &Records<Self> {
                    &tables.$place
                }

                fn records_mut(tables: &mut Tables) -> &mut Records<Self> {
                    &mut tables.$place
                }
            }
        )+
    };
}

written!(
    project in projects,
    feature in features,
    test_case in tests,
    deployment in deployments,
    project_member in project_members,
    user in users,
    webhook in webhooks,
);
