//! Whether a row fits a filter, straight from the words of what a filter means: all fields of an input object hold, all
//! operators of an operator input hold, and a comparison with nothing does not.

use async_graphql::{Error, Value};
use chrono::{DateTime, Utc};
use entity::{deployment, feature, project, test_case};
use sea_orm::ActiveEnum as _;

use super::filter_types::{Compares, FILTERS, counts, operators};
use super::id;
use super::page::{Cell, Fraction, refuse};
use super::summaries::{count_features, count_tests, progress};
use crate::differential::world::World;

/// A row of any table.
#[derive(Clone, Copy)]
pub(crate) enum Row<'w> {
    Project(&'w project::Model),
    Feature(&'w feature::Model),
    TestCase(&'w test_case::Model),
    Deployment(&'w deployment::Model),
}

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

fn maybe<T>(value: Option<T>, cell: impl FnOnce(T) -> Cell) -> Cell {
    value.map_or(Cell::Nothing, cell)
}

impl<'w> Row<'w> {
    /// The object type.
    fn object(self) -> &'static str {
        match self {
            Self::Project(_) => "Project",
            Self::Feature(_) => "Feature",
            Self::TestCase(_) => "TestCase",
            Self::Deployment(_) => "Deployment",
        }
    }

    /// What it has in a field that is compared.
    fn cell(self, world: &World, field: &str) -> Cell {
        match (self, field) {
            (Self::Project(row), "id") => Cell::Id(row.id),
            (Self::Project(row), "name") => text(&row.name),
            (Self::Project(row), "description") => maybe(row.description.as_deref(), text),
            (Self::Project(row), "featureCount") => Cell::count(world.features_of(row.id).count()),
            (Self::Project(row), "progress") => Cell::Float(Fraction(progress(world, row.id))),
            (Self::Project(row), "rowVersion") => Cell::Int(row.row_version),
            (Self::Project(row), "createdAt") => Cell::Time(row.created_at),
            (Self::Project(row), "updatedAt") => Cell::Time(row.updated_at),
            (Self::Feature(row), "id") => Cell::Id(row.id),
            (Self::Feature(row), "name") => text(&row.name),
            (Self::Feature(row), "description") => maybe(row.description.as_deref(), text),
            (Self::Feature(row), "priority") => Cell::Int(row.priority),
            (Self::Feature(row), "status") => Cell::Text(row.status.to_value()),
            (Self::Feature(row), "rowVersion") => Cell::Int(row.row_version),
            (Self::Feature(row), "createdAt") => Cell::Time(row.created_at),
            (Self::Feature(row), "updatedAt") => Cell::Time(row.updated_at),
            (Self::Feature(row), "deploymentStatus") => {
                maybe(world.latest_deployment(row.id, None), |latest| Cell::Text(latest.status.to_value()))
            }
            (Self::TestCase(row), "id") => Cell::Id(row.id),
            (Self::TestCase(row), "name") => text(&row.name),
            (Self::TestCase(row), "status") => Cell::Text(row.status.to_value()),
            (Self::TestCase(row), "durationMs") => maybe(row.duration_ms, Cell::Int),
            (Self::TestCase(row), "message") => maybe(row.message.as_deref(), text),
            (Self::TestCase(row), "rowVersion") => Cell::Int(row.row_version),
            (Self::TestCase(row), "createdAt") => Cell::Time(row.created_at),
            (Self::TestCase(row), "updatedAt") => Cell::Time(row.updated_at),
            (Self::Deployment(row), "id") => Cell::Id(row.id),
            (Self::Deployment(row), "environment") => text(&row.environment),
            (Self::Deployment(row), "version") => text(&row.version),
            (Self::Deployment(row), "status") => Cell::Text(row.status.to_value()),
            (Self::Deployment(row), "deployedAt") => maybe(row.deployed_at, Cell::Time),
            (Self::Deployment(row), "rowVersion") => Cell::Int(row.row_version),
            (Self::Deployment(row), "createdAt") => Cell::Time(row.created_at),
            (Self::Deployment(row), "updatedAt") => Cell::Time(row.updated_at),
            (row, field) => panic!("{} is not filtered by {field}", row.object()),
        }
    }

    /// The rows that a relation leads to.
    fn related(self, world: &'w World, field: &str) -> Vec<Row<'w>> {
        match (self, field) {
            (Self::Project(row), "features") => world.features_of(row.id).map(Row::Feature).collect(),
            (Self::Feature(row), "project") => world.project(row.project_id).map(Row::Project).into_iter().collect(),
            (Self::Feature(row), "tests") => world.tests_of(row.id).map(Row::TestCase).collect(),
            (Self::Feature(row), "deployments") => world.deployments_of(row.id).map(Row::Deployment).collect(),
            (
                Self::TestCase(test_case::Model { feature_id, .. })
                | Self::Deployment(deployment::Model { feature_id, .. }),
                "feature",
            ) => world.feature(*feature_id).map(Row::Feature).into_iter().collect(),
            (row, field) => panic!("{} leads nowhere by {field}", row.object()),
        }
    }

    /// A count of a summary.
    fn count(self, world: &World, summary: &str, count: &str) -> Cell {
        // As the column's words are.
        let spelled: String = count
            .chars()
            .flat_map(|c| c.is_uppercase().then_some('_').into_iter().chain([c.to_ascii_lowercase()]))
            .collect();
        let status = (count != "total").then_some(spelled.as_str());
        let counts = |test: &&test_case::Model| status.is_none_or(|status| test.status.to_value() == status);
        Cell::count(match (self, summary) {
            (Self::Feature(row), "TestSummary") => world.tests_of(row.id).filter(counts).count(),
            (Self::Project(row), "TestSummary") => count_tests(world, row.id, status),
            (Self::Project(row), "FeatureSummary") => count_features(world.features_of(row.id), status),
            (row, summary) => panic!("{} has no {summary}", row.object()),
        })
    }
}

/// Whether a row fits a filter, which [`check`] has let pass.
pub(crate) fn fits(world: &World, row: Row<'_>, filter: &Value) -> bool {
    entries(filter).all(|(field, value)| match field {
        "and" => items(value).iter().all(|filter| fits(world, row, filter)),
        "or" => items(value).iter().any(|filter| fits(world, row, filter)),
        "not" => !fits(world, row, value),
        field => match compares(row.object(), field) {
            Compares::One(_) => row.related(world, field).iter().any(|other| fits(world, *other, value)),
            Compares::Many(_) => entries(value).all(|(operator, filter)| {
                let others = row.related(world, field);
                let mut fit = others.iter().map(|other| fits(world, *other, filter));
                match operator {
                    "some" => fit.any(|fits| fits),
                    "none" => !fit.any(|fits| fits),
                    _ => fit.all(|fits| fits),
                }
            }),
            Compares::Summary(of) => {
                entries(value).all(|(count, operators)| holds(&row.count(world, of, count), Compares::Int, operators))
            }
            compares => holds(&row.cell(world, field), compares, value),
        },
    })
}

/// Whether all operators hold for a cell.
fn holds(cell: &Cell, compares: Compares, operators: &Value) -> bool {
    let ignore_case = entries(operators).any(|(name, value)| name == "ignoreCase" && *value == Value::Boolean(true));
    let fold = |cell: Cell| match cell {
        Cell::Text(text) if ignore_case => Cell::Text(text.to_ascii_lowercase()),
        cell => cell,
    };
    let cell = fold(cell.clone());
    let given = |value: &Value| fold(read(compares, value).unwrap_or_else(|| panic!("{value} was checked")));
    let is_there = cell != Cell::Nothing;
    let texts = |value: &Value| match (&cell, given(value)) {
        (Cell::Text(text), Cell::Text(part)) => Some((text.clone(), part)),
        _ => None,
    };
    entries(operators).all(|(operator, value)| match operator {
        "eq" => is_there && cell == given(value),
        "in" => is_there && items(value).iter().any(|value| cell == given(value)),
        "gt" => is_there && cell > given(value),
        "gte" => is_there && cell >= given(value),
        "lt" => is_there && cell < given(value),
        "lte" => is_there && cell <= given(value),
        "contains" => texts(value).is_some_and(|(text, part)| text.contains(&part)),
        "startsWith" => texts(value).is_some_and(|(text, part)| text.starts_with(&part)),
        "isNull" => *value == Value::Boolean(!is_there),
        _ => true,
    })
}

/// Refuses a filter that has no meaning, wherever the rows are: null, ids of another type, text that no row can hold; and one
/// that is too much. What is wrong first in the order of the declaration is told, not in that of the document.
pub(crate) fn check(object: &str, filter: &Value, path: &str) -> Result<(), Error> {
    Check { depth: 0, conditions: 0 }.object(object, filter, path)
}

/// How much of a filter has been looked at.
struct Check {
    depth: usize,
    conditions: usize,
}

impl Check {
    fn object(&mut self, object: &str, filter: &Value, path: &str) -> Result<(), Error> {
        self.depth += 1;
        if self.depth > 8 {
            return Err(refuse(
                "INVALID_ARGUMENT",
                format!("{path} is the filter of an object inside of 8 others, which is the most"),
            ));
        }
        let before = self.conditions;
        let (_, fields) = FILTERS.iter().find(|(name, _)| *name == object).expect("the object can be filtered");
        for (field, compares) in *fields {
            let Some((value, path)) = given(filter, field, path)? else { continue };
            match compares {
                Compares::One(other) => self.object(other, value, &path)?,
                Compares::Many(other) => {
                    for operator in ["some", "none", "every"] {
                        let Some((filter, path)) = given(value, operator, &path)? else { continue };
                        self.object(other, filter, &path)?;
                    }
                }
                Compares::Summary(of) => {
                    for count in counts(of) {
                        let Some((tests, path)) = given(value, count, &path)? else { continue };
                        self.operators(Compares::Int, tests, &path)?;
                    }
                }
                compares => self.operators(*compares, value, &path)?,
            }
        }
        for connective in ["and", "or"] {
            let Some((filters, path)) = given(filter, connective, path)? else { continue };
            for (index, filter) in items(filters).iter().enumerate() {
                let path = format!("{path}[{index}]");
                not_null(filter, &path)?;
                self.object(object, filter, &path)?;
            }
        }
        if let Some((filter, path)) = given(filter, "not", path)? {
            self.object(object, filter, &path)?;
        }
        if self.conditions == before {
            self.count(path)?;
        }
        self.depth -= 1;
        Ok(())
    }

    fn operators(&mut self, compares: Compares, tests: &Value, path: &str) -> Result<(), Error> {
        for (operator, _) in operators(compares) {
            let Some((value, path)) = given(tests, operator, path)? else { continue };
            if operator != "ignoreCase" {
                self.count(&path)?;
            }
            for (index, item) in items(value).iter().enumerate() {
                let path = if operator == "in" { format!("{path}[{index}]") } else { path.clone() };
                not_null(item, &path)?;
                match (compares, item) {
                    (Compares::Id(prefix), Value::String(text)) => drop(id::read(&path, text, &[prefix])?),
                    // A number may stand for an id.
                    (Compares::Id(prefix), other) => drop(id::read(&path, &other.to_string(), &[prefix])?),
                    (Compares::Int, Value::Number(_)) if read(compares, item).is_none() => {
                        let reason = "must be a whole number of 32 bits";
                        return Err(refuse("INVALID_ARGUMENT", format!("{path} {reason}")));
                    }
                    // Validation does not read times.
                    (Compares::Time, _) if operator != "isNull" && read(compares, item).is_none() => {
                        let reason = "must be a time as RFC 3339 has it, of the years 1 to 9999 in UTC";
                        return Err(refuse("INVALID_ARGUMENT", format!("{path} {reason}")));
                    }
                    (Compares::Text, Value::String(text)) if text.contains('\0') => {
                        return Err(refuse("INVALID_ARGUMENT", format!("{path} must not hold the character U+0000")));
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn count(&mut self, path: &str) -> Result<(), Error> {
        self.conditions += 1;
        if self.conditions > 100 {
            let reason = "is one condition too many: a filter has at most 100";
            return Err(refuse("INVALID_ARGUMENT", format!("{path} {reason}")));
        }
        Ok(())
    }
}

/// A field of an input object, if it is given, and its path.
fn given<'v>(input: &'v Value, field: &str, path: &str) -> Result<Option<(&'v Value, String)>, Error> {
    let Some((_, value)) = entries(input).find(|(name, _)| *name == field) else { return Ok(None) };
    let path = format!("{path}.{field}");
    not_null(value, &path)?;
    Ok(Some((value, path)))
}

fn not_null(value: &Value, path: &str) -> Result<(), Error> {
    if *value == Value::Null {
        let reason = "must not be null: leave it out, or use isNull";
        return Err(refuse("INVALID_ARGUMENT", format!("{path} {reason}")));
    }
    Ok(())
}

/// What is given to compare with.
fn read(compares: Compares, value: &Value) -> Option<Cell> {
    Some(match (compares, value) {
        (Compares::Id(prefix), Value::String(text)) => Cell::Id(id::read("", text, &[prefix]).ok()?.1),
        (Compares::Text, Value::String(text)) => Cell::Text(text.clone()),
        (Compares::Int, Value::Number(number)) => Cell::Int(i32::try_from(number.as_i64()?).ok()?),
        (Compares::Float, Value::Number(number)) => Cell::Float(Fraction(number.as_f64()?)),
        (Compares::Time, Value::String(text)) => Cell::Time(text.parse::<DateTime<Utc>>().ok()?),
        (Compares::Enum(_), Value::Enum(name)) => Cell::Text(name.to_ascii_lowercase()),
        (Compares::Enum(_), Value::String(name)) => Cell::Text(name.to_ascii_lowercase()),
        _ => return None,
    })
}

fn compares(object: &str, field: &str) -> Compares {
    let (_, fields) = FILTERS.iter().find(|(name, _)| *name == object).expect("the object can be filtered");
    fields.iter().find(|(name, _)| *name == field).expect("the schema has checked the filter's fields").1
}

/// The fields of an input object.
fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let Value::Object(fields) = value else { panic!("the schema has checked that {value} is an object") };
    fields.iter().map(|(name, value)| (name.as_str(), value))
}

/// A list; one value stands for a list of one.
fn items(value: &Value) -> &[Value] {
    match value {
        Value::List(items) => items,
        one => std::slice::from_ref(one),
    }
}
