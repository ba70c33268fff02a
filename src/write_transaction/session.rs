//! What a command sees of a transaction: rows as they are, and events to let happen to them.
//!
//! **Invariant:** nothing is written before the command has decided; a row changes here as it will in its table, by
//! [`apply`], so that a later step of the same command sees what an earlier one did.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use entity::{event, feature};
use sea_orm::{DbBackend, FromQueryResult as _, IdenStatic as _, Iterable as _, Statement};
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use super::connection::Connection;
use super::data_keys::DataKeys;
use super::deliveries::Deliveries;
use super::records::{Tables, Written};
use crate::access::{Caller, Needs, Role};
use crate::clock;
use crate::database::row_set::RowSet;
use crate::database::{DatabaseError, Parameters, dialect};
use crate::encryption::KeyRing;
use crate::events::{self, Aggregate as _, Effect, Happened, Hash, NO_EVENT, Owner, Stamp, apply, hash_of};

/// A transaction as a command sees it.
pub struct Session<'t> {
    pub(super) connection: &'t Connection,
    pub(super) caller: &'t Caller,
    pub(super) request_id: &'t str,
    pub(super) key_ring: &'t KeyRing,
    pub(super) now: DateTime<Utc>,
    pub(super) tables: Tables,
    pub(super) data_keys: DataKeys,
    pub(super) deliveries: Deliveries,
    pub(super) events: Vec<event::Model>,
    /// Whether some of them name a feature where the project should stand: the feature was not read.
    pub(super) names_features: bool,
    /// What the command asks of the caller.
    needs: Needs,
    relies_on_constraints: bool,
    /// Projects that it has made: they are the caller's.
    made: HashSet<Uuid>,
}

/// The most events of one aggregate that a conflict tells of.
const MOST_EVENTS_SINCE: i32 = 100;

impl<'t> Session<'t> {
    pub(super) fn new(
        connection: &'t Connection,
        caller: &'t Caller,
        request_id: &'t str,
        key_ring: &'t KeyRing,
    ) -> Self {
        let now = clock::now();
        Self {
            connection,
            caller,
            request_id,
            key_ring,
            now,
            tables: Tables::default(),
            data_keys: DataKeys::default(),
            deliveries: Deliveries::default(),
            events: Vec::new(),
            names_features: false,
            needs: Needs::Admin,
            relies_on_constraints: !connection.is_transaction() && caller.is_admin(),
            made: HashSet::new(),
        }
    }

    /// Reads the rows with these ids. Whatever is not there is not there afterwards.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn load<A: Written>(&mut self, ids: Vec<Uuid>) -> Result<(), DatabaseError> {
        let records = A::records(&self.tables);
        let mut unknown: Vec<Uuid> = ids.into_iter().filter(|id| records.record(*id).is_none()).collect();
        unknown.sort_unstable();
        unknown.dedup();
        self.load_where::<A>(RowSet::of_ids("id", unknown)).await
    }

    /// Reads the rows whose columns have the values of one of the rows wanted: `feature_id` and `name`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn load_where<A: Written>(&mut self, wanted: RowSet) -> Result<(), DatabaseError> {
        if wanted.is_empty() {
            return Ok(());
        }
        let statement = select_rows::<A>(self.connection, wanted);
        let mut found = read_rows::<A>(self.connection, statement.clone()).await?;
        // A row that was waited for comes as it is now, with the events as they were before: ask again, now that it is locked.
        if self.connection.locks() && found.iter().any(|(_, hash)| hash.is_none()) {
            found = read_rows::<A>(self.connection, statement).await?;
        }
        for (row, hash) in found {
            let hash = hash.ok_or_else(|| {
                let id = A::stamp(&row).id;
                sea_orm::DbErr::Custom(format!("the {} {id} has no event of its version", A::KIND))
            })?;
            A::records_mut(&mut self.tables).keep(row, hash);
        }
        Ok(())
    }

    /// The row, if it was loaded or made, and is not hidden.
    pub fn get<A: Written>(&self, id: Uuid) -> Option<&A::Model> {
        self.get_hidden::<A>(id).filter(|row| A::stamp(row).deleted_at.is_none())
    }

    /// The row, if it was loaded or made, hidden or not.
    pub fn get_hidden<A: Written>(&self, id: Uuid) -> Option<&A::Model> {
        A::records(&self.tables).get(id).filter(|row| self.sees::<A>(row))
    }

    /// The row of this name under this parent, if it was loaded or made, hidden or not. A row has the name by which the database
    /// knows it until the transaction is done, even if it is to have another one, or is to go: constraints ask row by row.
    pub fn named<A: Written>(&self, parent: Uuid, name: &str) -> Option<&A::Model> {
        A::records(&self.tables).named(parent, name).filter(|row| self.sees::<A>(row))
    }

    /// Whether the constraints of the database tell what need not be asked before: names that are taken, parents that are gone.
    /// Where they do, the command is asked again, of a session for which they do not. What a caller may do is never left to them.
    pub fn relies_on_constraints(&self) -> bool {
        self.relies_on_constraints
    }

    /// The same of parents of a kind. A feature may be hidden: PostgreSQL tells it when something is added to it, SQLite has to be asked before.
    pub fn relies_on_parents<P: Written>(&self) -> bool {
        let may_be_hidden = P::KIND == feature::Entity::KIND;
        self.relies_on_constraints && (!may_be_hidden || self.connection.backend() == DbBackend::Postgres)
    }

    /// All rows that were loaded or made, hidden or not, in no order.
    pub fn rows<A: Written>(&self) -> impl Iterator<Item = &A::Model> {
        A::records(&self.tables).rows().filter(|row| self.sees::<A>(row))
    }

    /// Says what the command, or the step of it that is next, asks of the caller.
    pub fn require(&mut self, needs: Needs) {
        self.needs = needs;
    }

    /// The projects that the command has made.
    pub(super) fn made_projects(&self) -> Vec<Uuid> {
        self.made.iter().copied().collect()
    }

    /// Who sends the command.
    pub fn caller(&self) -> &Caller {
        self.caller
    }

    /// The caller's role in a project; none where the caller may not even know of it.
    pub fn role_in(&self, project: Uuid) -> Option<Role> {
        if self.made.contains(&project) { Some(Role::Owner) } else { self.caller.rights().role_in(project) }
    }

    /// What the caller lacks to change what belongs to a row's project, if anything.
    pub fn missing_for<A: Written>(&self, row: &A::Model) -> Option<Needs> {
        let project = self.project_of(A::owner(row), A::stamp(row).id);
        (!self.is_allowed(project)).then_some(self.needs)
    }

    /// What the caller lacks to do what is no project's, if anything.
    pub fn missing(&self) -> Option<Needs> {
        (!self.is_allowed(None)).then_some(self.needs)
    }

    fn is_allowed(&self, project: Option<Uuid>) -> bool {
        self.caller.is_admin()
            || match self.needs {
                Needs::Role(role) => project.and_then(|project| self.role_in(project)).is_some_and(|own| own >= role),
                Needs::NewProject => {
                    self.caller.rights().makes_projects && project.is_none_or(|project| self.made.contains(&project))
                }
                Needs::Admin => false,
            }
    }

    /// Whether the caller may know of a row. Users are known by their names to whoever may ask.
    fn sees<A: Written>(&self, row: &A::Model) -> bool {
        self.caller.is_admin()
            || match A::owner(row) {
                Owner::Instance => true,
                owner => {
                    let project = self.project_of(owner, A::stamp(row).id);
                    project.is_some_and(|project| self.role_in(project).is_some())
                }
            }
    }

    /// The project of the object with this id; none where that was not read.
    fn project_of(&self, owner: Owner, id: Uuid) -> Option<Uuid> {
        match owner {
            Owner::Nothing => Some(id),
            Owner::Instance => None,
            Owner::Project(project) => Some(project),
            Owner::Feature(feature) => self.tables.project_of(feature),
        }
    }

    /// Makes a row: its fields are taken, and its id, unless that is nil; its version and times are given.
    ///
    /// # Errors
    /// When the row is not what its own events say: a fault of ours.
    pub fn create<A: Written>(&mut self, row: &A::Model) -> Result<Uuid, DatabaseError> {
        let id = Some(A::stamp(row).id).filter(|id| !id.is_nil()).unwrap_or_else(Uuid::now_v7);
        self.happen::<A>(id, "create", &events::values::<A>(row))?;
        Ok(id)
    }

    /// Lets a row say what `after` says. Nothing happens if it does already; the answer tells.
    ///
    /// # Errors
    /// As for [`Session::create`].
    pub fn update<A: Written>(&mut self, verb: &str, after: &A::Model) -> Result<bool, DatabaseError> {
        let id = A::stamp(after).id;
        let changes = events::changes::<A>(self.get_hidden::<A>(id), Some(after));
        if changes.is_empty() {
            return Ok(false);
        }
        let payload = changes.into_iter().map(|change| (change.field.to_owned(), change.after)).collect();
        self.happen::<A>(id, verb, &payload)?;
        Ok(true)
    }

    /// Ends, hides or restores a row: `delete`, `purge`, `restore`.
    ///
    /// # Errors
    /// As for [`Session::create`].
    pub fn mark<A: Written>(&mut self, verb: &str, id: Uuid) -> Result<(), DatabaseError> {
        self.happen::<A>(id, verb, &Map::new())
    }

    /// The events since a version of each of many aggregates, at most so many of each, in order.
    pub(super) async fn events_since(&self, wanted: RowSet) -> Result<Vec<event::Model>, DatabaseError> {
        let backend = self.connection.backend();
        let columns: Vec<String> = event::Column::iter().map(|column| format!("e.{}", column.as_str())).collect();
        let (join, events) = (dialect::join_in_order(backend), dialect::events_by_version(backend));
        let statement = Parameters::statement(backend, |parameters| {
            format!(
                "SELECT {} FROM {} {join} {events} ON e.aggregate_id = d.aggregate_id AND e.version > d.since \
                 AND e.version <= CAST(d.since AS bigint) + {MOST_EVENTS_SINCE} ORDER BY e.aggregate_id, e.version",
                columns.join(", "),
                parameters.add_rows(wanted),
            )
        });
        let rows = self.connection.query_all(statement).await?;
        let events = rows.iter().map(|row| event::Model::from_query_result(row, ""));
        Ok(events.collect::<Result<_, _>>()?)
    }

    /// Lets happen to a row, which has no events, what makes it what it is.
    pub(super) fn adopt<A: Written>(&mut self, row: A::Model) -> Result<(), DatabaseError> {
        let Stamp { id, created_at, updated_at, deleted_at, .. } = A::stamp(&row);
        let now = std::mem::replace(&mut self.now, created_at);
        let values = events::values::<A>(&row);
        A::records_mut(&mut self.tables).adopt(row);
        self.happen::<A>(id, "create", &values)?;
        if updated_at > created_at {
            self.now = updated_at;
            self.happen::<A>(id, "adopt", &Map::new())?;
        }
        if let Some(deleted_at) = deleted_at {
            self.now = deleted_at;
            self.happen::<A>(id, "delete", &Map::new())?;
        }
        self.now = now;
        Ok(())
    }

    fn happen<A: Written>(&mut self, id: Uuid, verb: &str, payload: &Map<String, Json>) -> Result<(), DatabaseError> {
        debug_assert!(A::VERBS.contains(&verb), "followers know every type of events: {verb}");
        let records = A::records(&self.tables);
        let (row, previous) = records.record(id).map_or((None, NO_EVENT), |record| (record.now.as_ref(), record.hash));
        let stamp = row.map(A::stamp);
        let version = stamp.map_or(1, |stamp| stamp.version + 1);
        let at = stamp.map_or(self.now, |stamp| self.now.max(stamp.updated_at));
        let event_type = format!("{}.{verb}", A::KIND);
        let happened = Happened { id, version, effect: Effect::of::<A>(&event_type), payload, at };
        let after = apply::<A>(row, happened).map_err(|error| sea_orm::DbErr::Custom(error.to_string()))?;
        let mut event = event::Model {
            id: Uuid::now_v7(),
            position: 0,
            transaction_id: 0,
            aggregate_type: A::KIND.to_owned(),
            aggregate_id: id,
            version,
            event_type,
            payload: serde_json::to_string(payload).unwrap_or_default(),
            actor_id: self.caller.id().to_owned(),
            actor_kind: self.caller.kind().as_str().to_owned(),
            request_id: self.request_id.to_owned(),
            created_at: at,
            project_id: None,
            hash: Vec::new(),
        };
        let hash = hash_of(&event, &previous);
        event.hash = hash.to_vec();
        let owner = row.or(after.as_ref()).map_or(Owner::Nothing, A::owner);
        if row.is_none() && owner == Owner::Nothing {
            self.made.insert(id);
        }
        if !self.is_allowed(self.project_of(owner, id)) {
            return Err(sea_orm::DbErr::Custom(format!("{} without the right to it", event.event_type)).into());
        }
        event.project_id = match owner {
            Owner::Feature(feature) => Some(self.tables.project_of(feature).unwrap_or_else(|| {
                self.names_features = true;
                feature
            })),
            owner => self.project_of(owner, id),
        };
        A::records_mut(&mut self.tables).put(id, after, hash, &event.event_type);
        self.events.push(event);
        Ok(())
    }
}

async fn read_rows<A: Written>(
    connection: &Connection,
    statement: Statement,
) -> Result<Vec<(A::Model, Option<Hash>)>, DatabaseError> {
    let rows = connection.query_all(statement).await?;
    let read = rows.iter().map(|row| {
        let hash: Option<Vec<u8>> = row.try_get("", "hash")?;
        Ok((A::Model::from_query_result(row, "")?, hash.and_then(|hash| Hash::try_from(hash).ok())))
    });
    read.collect()
}

/// Rows with the hash of their latest event. In a transaction of PostgreSQL nobody else can change or refer to them from here
/// on; they are locked in the order of their ids, so that two commands do not wait for each other.
fn select_rows<A: Written>(connection: &Connection, wanted: RowSet) -> Statement {
    let backend = connection.backend();
    let table = A::default();
    let table = table.table_name();
    let columns: Vec<String> = A::Column::iter().map(|column| format!("t.{}", column.as_str())).collect();
    let keys = wanted.column_names();
    let keys: Vec<String> = keys.split(", ").map(|column| format!("t.{column} = d.{column}")).collect();
    let (join, events) = (dialect::join_in_order(backend), dialect::events_by_version(backend));
    let locking = if connection.locks() { " ORDER BY t.id FOR UPDATE OF t" } else { "" };
    Parameters::statement(backend, |parameters| {
        format!(
            "SELECT {}, e.hash FROM {} {join} {table} t ON {} \
             LEFT JOIN {events} ON e.aggregate_id = t.id AND e.version = t.row_version{locking}",
            columns.join(", "),
            parameters.add_rows(wanted),
            keys.join(" AND "),
        )
    })
}
