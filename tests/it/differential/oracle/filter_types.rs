//! What lists can be filtered by: the one table from which come the oracle's input types, its checks, and the generator's
//! filters.

use std::borrow::Cow;

use async_graphql::indexmap::IndexMap;
use async_graphql::registry::{Deprecation, MetaInputValue, MetaType, Registry};
use async_graphql::{InputType, InputValueResult, Value};

use super::inputs::{DeploymentStatus, FeatureStatus, TestStatus};

/// What a field of a filter compares.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compares {
    /// An id of this type.
    Id(&'static str),
    Text,
    Int,
    Float,
    Time,
    /// A value of this enum.
    Enum(&'static str),
    /// The counts of a summary of this type.
    Summary(&'static str),
    /// The object that it leads to, by a filter of this type.
    One(&'static str),
    /// The objects of a list.
    Many(&'static str),
}

use Compares::{Enum, Float, Id, Int, Many, One, Summary, Text, Time};

/// The fields of each object's filter, in the order in which they are looked at; `and`, `or` and `not` are in all of them.
pub(crate) const FILTERS: &[(&str, &[(&str, Compares)])] = &[
    (
        "Project",
        &[
            ("id", Id("project")),
            ("name", Text),
            ("description", Text),
            ("featureCount", Int),
            ("progress", Float),
            ("featureSummary", Summary("FeatureSummary")),
            ("testSummary", Summary("TestSummary")),
            ("features", Many("Feature")),
            ("rowVersion", Int),
            ("createdAt", Time),
            ("updatedAt", Time),
        ],
    ),
    (
        "Feature",
        &[
            ("id", Id("feature")),
            ("name", Text),
            ("description", Text),
            ("priority", Int),
            ("status", Enum("FeatureStatus")),
            ("project", One("Project")),
            ("tests", Many("TestCase")),
            ("testSummary", Summary("TestSummary")),
            ("deployments", Many("Deployment")),
            ("deploymentStatus", Enum("DeploymentStatus")),
            ("rowVersion", Int),
            ("createdAt", Time),
            ("updatedAt", Time),
        ],
    ),
    (
        "TestCase",
        &[
            ("id", Id("test_case")),
            ("name", Text),
            ("status", Enum("TestStatus")),
            ("durationMs", Int),
            ("message", Text),
            ("feature", One("Feature")),
            ("rowVersion", Int),
            ("createdAt", Time),
            ("updatedAt", Time),
        ],
    ),
    (
        "Deployment",
        &[
            ("id", Id("deployment")),
            ("environment", Text),
            ("version", Text),
            ("status", Enum("DeploymentStatus")),
            ("deployedAt", Time),
            ("feature", One("Feature")),
            ("rowVersion", Int),
            ("createdAt", Time),
            ("updatedAt", Time),
        ],
    ),
];

/// The counts of a summary.
pub(crate) fn counts(summary: &str) -> &'static [&'static str] {
    match summary {
        "TestSummary" => &["total", "passed", "failed", "pending", "skipped"],
        _ => &["total", "notStarted", "inProgress", "blocked", "completed", "cancelled"],
    }
}

/// The operators that an operator input has, in the order in which they are looked at, each with the type of what it takes.
pub(crate) fn operators(compares: Compares) -> Vec<(&'static str, String)> {
    let scalar = |name: &str, operators: &[&'static str]| {
        let list = ("in", format!("[{name}!]"));
        let mut all: Vec<_> = operators.iter().map(|operator| (*operator, name.to_owned())).collect();
        all.insert(1, list);
        all
    };
    let flag = |name| (name, "Boolean".to_owned());
    let in_order = ["eq", "gt", "gte", "lt", "lte"];
    match compares {
        Id(_) => scalar("ID", &["eq"]),
        Enum(name) => [scalar(name, &["eq"]), vec![flag("isNull")]].concat(),
        Int => [scalar("Int", &in_order), vec![flag("isNull")]].concat(),
        Float => [scalar("Float", &in_order), vec![flag("isNull")]].concat(),
        Time => [scalar("DateTime", &in_order), vec![flag("isNull")]].concat(),
        Text => {
            let text = scalar("String", &["eq", "gt", "gte", "lt", "lte", "contains", "startsWith"]);
            [vec![flag("ignoreCase")], text, vec![flag("isNull")]].concat()
        }
        Summary(of) => counts(of).iter().map(|count| (*count, "IntFilter".to_owned())).collect(),
        Many(of) => ["some", "none", "every"].map(|name| (name, format!("{of}Filter"))).into(),
        One(_) => Vec::new(),
    }
}

/// The name of the input type of a field.
pub(crate) fn input_name(compares: Compares) -> String {
    match compares {
        Id(_) => "IDFilter".to_owned(),
        Text => "StringFilter".to_owned(),
        Int => "IntFilter".to_owned(),
        Time => "DateTimeFilter".to_owned(),
        Float => "FloatFilter".to_owned(),
        Enum(name) | One(name) | Summary(name) => format!("{name}Filter"),
        Many(of) => format!("{of}ListFilter"),
    }
}

/// A filter of the objects at this place of [`FILTERS`], as it was given. The schema has made sure of its form.
pub(crate) struct Filter<const OF: usize>(pub(crate) Value);

pub(crate) type ProjectFilter = Filter<0>;
pub(crate) type FeatureFilter = Filter<1>;
pub(crate) type TestCaseFilter = Filter<2>;
pub(crate) type DeploymentFilter = Filter<3>;

impl<const OF: usize> InputType for Filter<OF> {
    type RawValueType = Value;

    fn type_name() -> Cow<'static, str> {
        Cow::Owned(format!("{}Filter", FILTERS[OF].0))
    }

    fn create_type_info(registry: &mut Registry) -> String {
        FeatureStatus::create_type_info(registry);
        TestStatus::create_type_info(registry);
        DeploymentStatus::create_type_info(registry);
        <super::children::Time as InputType>::create_type_info(registry);
        for (object, fields) in FILTERS {
            let name = format!("{object}Filter");
            let own = format!("[{name}!]");
            let mut inputs = vec![("and", own.clone()), ("or", own), ("not", name.clone())];
            inputs.extend(fields.iter().map(|(field, compares)| (*field, input_name(*compares))));
            register(registry, &name, inputs);
            register(registry, "IntFilter", operators(Int));
            for (_, compares) in *fields {
                if !matches!(compares, One(_)) {
                    register(registry, &input_name(*compares), operators(*compares));
                }
            }
        }
        Self::qualified_type_name()
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        Ok(Self(value.unwrap_or_default()))
    }

    fn to_value(&self) -> Value {
        self.0.clone()
    }

    fn as_raw_value(&self) -> Option<&Value> {
        Some(&self.0)
    }
}

fn register(registry: &mut Registry, name: &str, fields: Vec<(&'static str, String)>) {
    let input_fields: IndexMap<_, _> =
        fields.into_iter().map(|(name, ty)| (name.to_owned(), input(name, ty))).collect();
    registry.types.entry(name.to_owned()).or_insert_with(|| MetaType::InputObject {
        name: name.to_owned(),
        description: None,
        input_fields,
        visible: None,
        inaccessible: false,
        tags: Vec::new(),
        rust_typename: None,
        oneof: false,
        directive_invocations: Vec::new(),
    });
}

fn input(name: &str, ty: String) -> MetaInputValue {
    MetaInputValue {
        name: name.to_owned(),
        description: None,
        ty,
        deprecation: Deprecation::NoDeprecated,
        default_value: None,
        visible: None,
        inaccessible: false,
        tags: Vec::new(),
        is_secret: false,
        directive_invocations: Vec::new(),
    }
}
