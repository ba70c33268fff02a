//! Runs a plan: loads the rows of a level, then every relation of all of them at once, and so on down.

use std::collections::HashMap;
use std::ops::Range;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join_all};
use uuid::Uuid;

use super::BatchError;
use super::at_hand::{self, AtHand};
use super::loader::{Ask, Found};
use super::plan::{Filled, Find, Keys, Level, Load, Plan, Wants};
use super::reads::{Reads, Scope};
use super::search::{Hits, Placed, Search};
use crate::database::Row;
use crate::explain::{Part, Place, Recorder};

/// The rows of a level, and what was loaded for them: one entry for each of the level's loads.
#[derive(Default)]
pub(crate) struct Objects {
    pub(crate) rows: Vec<Row>,
    /// What stands in the place of rows, where the level is of hits.
    pub(super) hits: Vec<Placed>,
    pub(crate) loads: Vec<Result<Loaded, BatchError>>,
}

/// What a load brought, for each row of its level.
pub(crate) enum Loaded {
    /// At most one row each: its place among the rows.
    One { places: Vec<Option<usize>>, objects: Objects },
    /// A page each.
    Connection { pages: Vec<LoadedPage>, totals: Result<Vec<i64>, BatchError>, objects: Objects },
    /// What ordinary code computed.
    Computed(serde_json::Value),
}

/// One parent's page.
pub(crate) struct LoadedPage {
    /// The page's place among the rows.
    pub(crate) rows: Range<usize>,
    pub(crate) has_next: bool,
    pub(crate) has_previous: bool,
    /// That there is no object whose page it would be.
    pub(crate) is_unknown: bool,
}

/// Loads for one request.
pub(crate) struct Run<'r> {
    pub(crate) plan: &'r Plan,
    pub(crate) filled: &'r Filled,
    pub(crate) reads: &'r Reads,
    /// The plan's number within the request.
    pub(crate) number: usize,
    /// Whether loads of another plan may ask for the same at the same time.
    pub(crate) has_siblings: bool,
    /// What need not be read of the objects whose ids are given.
    pub(crate) at_hand: Option<&'r dyn AtHand>,
}

impl Run<'_> {
    /// All that the operation wants.
    pub(crate) async fn load_root(&self) -> Objects {
        self.load_below(0, Vec::new(), Vec::new()).await
    }

    /// Loads all that the plan wants for the rows of a level.
    fn load_below(&self, level: usize, rows: Vec<Row>, hits: Vec<Placed>) -> BoxFuture<'_, Objects> {
        let loads = &self.plan.levels[level].loads;
        async move {
            let loads = match &loads[..] {
                [] => Vec::new(),
                [load] => vec![self.load(load, self.place(level, 0), &rows, &hits).await],
                loads => {
                    let loads = loads.iter().enumerate();
                    join_all(loads.map(|(number, load)| self.load(load, self.place(level, number), &rows, &hits))).await
                }
            };
            Objects { rows, hits, loads }
        }
        .boxed()
    }

    fn place(&self, level: usize, load: usize) -> Place {
        Place { plan: self.number, level, load, part: Part::Rows }
    }

    async fn load(&self, load: &Load, place: Place, rows: &[Row], hits: &[Placed]) -> Result<Loaded, BatchError> {
        let keys = self.keys(load, rows, hits)?;
        match &load.find {
            Find::One { .. } => self.load_one(load, place, keys).await,
            Find::First { .. } => {
                let (places, children) = first_of_each(self.load_rows(load, place, all(keys)?).await?);
                Ok(Loaded::One { places, objects: self.load_below(load.level, children, Vec::new()).await })
            }
            Find::Computed { computed, asked } => {
                let arguments = self.filled.asked.get(*asked);
                let arguments = arguments.ok_or(BatchError::Broken("a computed field was not filled in"))?;
                let Reads { database, scope: Scope { caller, .. }, .. } = self.reads;
                self.tell_of(place, 1);
                let recorded = database.reading_at(place);
                let database = recorded.as_deref().unwrap_or(database);
                computed.compute.compute(database, caller, arguments).await.map(Loaded::Computed)
            }
            Find::Search { search, asked, wants } => self.load_hits(load, place, search, (*asked, *wants)).await,
            Find::Groups { .. } | Find::More { .. } | Find::Connection { .. } => {
                self.load_connection(load, place, all(keys)?).await
            }
        }
    }

    /// The keys of a load: those that the rows hold, or those that the arguments name.
    fn keys(&self, load: &Load, rows: &[Row], hits: &[Placed]) -> Result<Vec<Option<Uuid>>, BatchError> {
        Ok(match load.keys {
            Keys::None => vec![Some(Uuid::nil())],
            Keys::Cell(cell) => rows.iter().map(|row| row.uuid(cell)).collect::<Result<_, _>>()?,
            Keys::Member(member) => {
                hits.iter().filter(|placed| placed.hit.member == member).map(|placed| Some(placed.hit.id)).collect()
            }
            Keys::Given { given, object } => {
                let keys = self.filled.given.get(given).and_then(|given| given.keys.get(object));
                let keys = keys.ok_or(BatchError::Broken("the keys of a load were not given"))?;
                keys.iter().copied().map(Some).collect()
            }
        })
    }

    async fn load_rows(&self, load: &Load, place: Place, keys: Vec<Uuid>) -> Result<Vec<Found>, BatchError> {
        match &load.rows {
            None => Ok(std::iter::repeat_with(Found::default).take(keys.len()).collect()),
            Some(statement) => {
                let ask = Ask::new(load.name, place, statement, self.filled)?;
                let ask = match (load.keys, &load.find) {
                    (Keys::Given { given, object }, Find::More { .. }) => {
                        ask.with_beside(self.filled.given.get(given).and_then(|given| given.beside.get(object)))
                    }
                    _ => ask,
                };
                self.ask(ask, keys).await
            }
        }
    }

    /// Boxed, since the future of a statement is large and would be moved with each that waits for it.
    fn ask(&self, ask: Ask, keys: Vec<Uuid>) -> BoxFuture<'_, Result<Vec<Found>, BatchError>> {
        self.tell_of(ask.place(), keys.len());
        let dispatcher = &self.reads.dispatcher;
        if self.plan.shares || self.has_siblings {
            async move { dispatcher.load(&ask, keys).await }.boxed()
        } else {
            dispatcher.load_alone(ask, keys).boxed()
        }
    }

    /// The rows with these ids: each is loaded once, however often it is asked for.
    async fn load_one(&self, load: &Load, place: Place, keys: Vec<Option<Uuid>>) -> Result<Loaded, BatchError> {
        let (distinct, wanted) = distinct(keys);
        // What the rows lead to may be hidden from the caller.
        let at_hand = self.at_hand.filter(|_| matches!(load.keys, Keys::Given { .. }));
        let at_hand = at_hand.and_then(|at_hand| at_hand::rows(at_hand, &self.plan.levels[load.level], &distinct));
        let (places, rows) = match at_hand {
            Some(rows) => ((0..rows.len()).map(Some).collect(), rows),
            None => first_of_each(self.load_rows(load, place, distinct).await?),
        };
        let places = wanted.into_iter().map(|wanted| places[wanted?]).collect();
        Ok(Loaded::One { places, objects: self.load_below(load.level, rows, Vec::new()).await })
    }

    async fn load_connection(&self, load: &Load, place: Place, keys: Vec<Uuid>) -> Result<Loaded, BatchError> {
        let totals = async {
            let Some(statement) = &load.count else { return Ok(Vec::new()) };
            let place = Place { part: Part::Count, ..place };
            let found = self.ask(Ask::new(load.name, place, statement, self.filled)?, keys.clone()).await?;
            Ok(found.into_iter().map(|found| found.count).collect())
        };
        let (found, totals) = futures_util::join!(self.load_rows(load, place, keys.clone()), totals);
        let mut rows = Vec::new();
        let pages = found?.into_iter().map(|found| {
            let start = rows.len();
            let Found { rows: own, has_next, has_previous, is_unknown, .. } = found;
            // The first parent's rows are the level's as they are: often there is no other.
            if start == 0 {
                rows = own;
            } else {
                rows.extend(own);
            }
            LoadedPage { rows: start..rows.len(), has_next, has_previous, is_unknown }
        });
        let pages = pages.collect();
        Ok(Loaded::Connection { pages, totals, objects: self.load_below(load.level, rows, Vec::new()).await })
    }

    /// The hits of a search, and the objects behind them.
    async fn load_hits(
        &self,
        load: &Load,
        place: Place,
        search: &'static Search,
        (asked, wants): (usize, Wants),
    ) -> Result<Loaded, BatchError> {
        let wanted = self.filled.wanted.get(asked).ok_or(BatchError::Broken("a search was not filled in"))?;
        let Reads { database, scope: Scope { caller, .. }, .. } = self.reads;
        let hits = async {
            let needs_hits = wants.rows || wants.has_next || wants.has_previous;
            if !needs_hits {
                return Ok(Hits::default());
            }
            self.tell_of(place, 1);
            let recorded = database.reading_at(place);
            search.finder.find(recorded.as_deref().unwrap_or(database), caller, wanted).await
        };
        let total = async {
            if !wants.total {
                return Ok(Vec::new());
            }
            let place = Place { part: Part::Count, ..place };
            self.tell_of(place, 1);
            let recorded = database.reading_at(place);
            Ok(vec![search.finder.count(recorded.as_deref().unwrap_or(database), caller, wanted).await?])
        };
        let (found, totals) = futures_util::join!(hits, total);
        let Hits { hits, has_previous, has_next } = found?;
        let mut places = vec![0; search.members.len()];
        let entries = hits.into_iter().map(|hit| {
            let next = places.get_mut(hit.member).ok_or(BatchError::Broken("a hit is of no type that is searched"))?;
            *next += 1;
            Ok(Placed { place: *next - 1, hit })
        });
        let entries = entries.collect::<Result<Vec<_>, BatchError>>()?;
        let page = LoadedPage { rows: 0..entries.len(), has_next, has_previous, is_unknown: false };
        let objects = self.load_below(load.level, Vec::new(), entries).await;
        Ok(Loaded::Connection { pages: vec![page], totals, objects })
    }
}

impl Run<'_> {
    /// Tells who wants to know that a load asks for so many keys.
    fn tell_of(&self, place: Place, keys: usize) {
        if let Some(recorder) = self.reads.database.recorder() {
            recorder.asks(place, keys);
        }
    }

    /// Tells which loads may be one statement, since they ask alike.
    pub(crate) fn tell_what_is_alike(&self, recorder: &Recorder) {
        let mut asks: Vec<Ask> = Vec::new();
        for (level, Level { loads, .. }) in self.plan.levels.iter().enumerate() {
            for (number, load) in loads.iter().enumerate() {
                for (part, statement) in [(Part::Rows, &load.rows), (Part::Count, &load.count)] {
                    let place = Place { part, ..self.place(level, number) };
                    let ask = statement.as_ref().map(|statement| Ask::new(load.name, place, statement, self.filled));
                    let Some(Ok(ask)) = ask else { continue };
                    for known in asks.iter().filter(|known| **known == ask) {
                        recorder.add_alike(known.place(), place);
                    }
                    asks.push(ask);
                }
            }
        }
    }
}

/// Each key once, and the place among these of each that was asked for.
fn distinct(keys: Vec<Option<Uuid>>) -> (Vec<Uuid>, Vec<Option<usize>>) {
    // One needs no table.
    if let [key] = keys[..] {
        return (key.into_iter().collect(), vec![key.map(|_| 0)]);
    }
    let mut distinct = Vec::new();
    let mut known = HashMap::new();
    let mut place = |key| {
        *known.entry(key).or_insert_with(|| {
            distinct.push(key);
            distinct.len() - 1
        })
    };
    let wanted = keys.into_iter().map(|key| key.map(&mut place)).collect();
    (distinct, wanted)
}

/// The first row that was found for each key, and where it is.
fn first_of_each(found: Vec<Found>) -> (Vec<Option<usize>>, Vec<Row>) {
    let mut rows = Vec::with_capacity(found.len());
    let places = found.into_iter().map(|found| {
        rows.push(found.rows.into_iter().next()?);
        Some(rows.len() - 1)
    });
    (places.collect(), rows)
}

/// The keys, all of which there must be: a row that stands beside another one may have gone.
fn all(keys: Vec<Option<Uuid>>) -> Result<Vec<Uuid>, BatchError> {
    keys.into_iter().collect::<Option<_>>().ok_or(BatchError::Vanished)
}
