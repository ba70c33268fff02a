//! Whether the comparison can fail, and whether it leaves nothing out.

use std::collections::{BTreeMap, BTreeSet};

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{BaseType, ServiceDocument, Type, TypeKind, TypeSystemDefinition};
use throughline::graphql::Api;

use super::compare::{Answers, Bench};
use super::generate::{Document, fields, generate};
use super::oracle::Oracle;
use super::shrink::shrink;
use crate::support::Backend;

on_both!(a_missing_row_is_found_and_shown_in_few_words);

async fn a_missing_row_is_found_and_shown_in_few_words(backend: Backend) {
    let bench = Bench::with_oracle_over(backend, super::world::World::without_a_test).await;
    for seed in 1..500 {
        let document = generate(seed, &bench.known);
        if bench.ask(&document).await.differ() {
            let smallest = shrink(document, async |smaller: Document| bench.ask(&smaller).await.differ()).await;
            let text = smallest.text();
            assert!(text.lines().count() <= 24, "seed {seed} could be smaller:\n{text}");
            return;
        }
    }
    panic!("no document noticed that a test is missing");
}

#[test]
fn any_other_answer_differs() {
    let right = r#"{"data":{"a":1,"b":[null,{"c":"x"}]},"errors":[{"message":"no","path":["b",0]}]}"#;
    let differ = |other: &str| Answers { engine: other.to_owned(), oracle: right.to_owned(), statements: 0 }.differ();
    assert!(!differ(right));
    for (part, other) in [
        (r#""a":1,"b":[null,{"c":"x"}]"#, r#""b":[null,{"c":"x"}],"a":1"#),
        (r#"[null,{"c":"x"}]"#, r#"[{"c":"x"},null]"#),
        (r#"{"c":"x"}"#, "{}"),
        (r#""no""#, r#""yes""#),
        (r#"["b",0]"#, r#"["b",1]"#),
    ] {
        assert_ne!(right.replace(part, other), right);
        assert!(differ(&right.replace(part, other)), "{other}");
    }
}

/// What the oracle does not have: the audit and the events. They are lists like any others, through the same code; what is
/// theirs alone (ids of several types, entries from JSON, an order of their own, what is computed from events) has no plain
/// counterpart that would not be the same code again, and is compared with what was written in `history/`.
fn is_history(name: &str) -> bool {
    let types =
        ["AuditLog", "Event", "FieldChange", "JSON", "ActorKind", "FeatureState", "ProjectState", "TestCaseState"];
    let fields = ["auditLogs", "history", "events"];
    let computed = ["AsOf", "Diff"];
    types.iter().any(|prefix| name.starts_with(prefix))
        || name == "DeploymentState"
        || fields.contains(&name)
        || computed.iter().any(|end| name.ends_with(end))
}

/// The names of the types that a query can lead to: what only mutations take or give is no read.
fn read_types(document: &ServiceDocument) -> BTreeSet<String> {
    let mut leads_to: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for definition in &document.definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let mut named = Vec::new();
        match &definition.node.kind {
            TypeKind::Object(object) => {
                for field in &object.fields {
                    named.push(&field.node.ty.node);
                    named.extend(field.node.arguments.iter().map(|argument| &argument.node.ty.node));
                }
            }
            TypeKind::InputObject(input) => named.extend(input.fields.iter().map(|field| &field.node.ty.node)),
            _ => {}
        }
        let mut to: Vec<String> = named.into_iter().map(base_name).collect();
        if let TypeKind::Union(union) = &definition.node.kind {
            to.extend(union.members.iter().map(|member| member.node.to_string()));
        }
        leads_to.insert(definition.node.name.node.to_string(), to);
    }
    let (mut known, mut next) = (BTreeSet::new(), vec!["Query".to_owned()]);
    while let Some(name) = next.pop() {
        if known.insert(name.clone()) {
            next.extend(leads_to.get(&name).into_iter().flatten().cloned());
        }
    }
    known
}

fn base_name(ty: &Type) -> String {
    match &ty.base {
        BaseType::Named(name) => name.to_string(),
        BaseType::List(of) => base_name(of),
    }
}

/// The type and field names of a schema, with what a field takes and gives; `Root` is the oracle's own.
fn schema_fields(sdl: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let document = parse_schema(sdl).unwrap();
    let read = read_types(&document);
    for definition in document.definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let name = definition.node.name.node;
        if name == "Root" || !read.contains(name.as_str()) || is_history(&name) {
            continue;
        }
        let mut add = |what: String| {
            all.insert(format!("{name} {what}"));
        };
        match definition.node.kind {
            TypeKind::Object(object) => {
                object.implements.iter().for_each(|interface| add(format!("implements {}", interface.node)));
                for field in object.fields.into_iter().filter(|field| !is_history(&field.node.name.node)) {
                    let arguments = field.node.arguments.iter().map(|argument| {
                        let argument = &argument.node;
                        let default = argument.default_value.as_ref().map(|value| &value.node);
                        format!("{}: {} = {default:?}", argument.name.node, argument.ty.node)
                    });
                    let arguments: Vec<_> = arguments.collect();
                    add(format!("{}({}): {}", field.node.name.node, arguments.join(", "), field.node.ty.node));
                }
            }
            TypeKind::InputObject(input) => {
                for field in input.fields.into_iter().filter(|field| !is_history(&field.node.name.node)) {
                    let default = field.node.default_value.map(|value| value.node);
                    add(format!("{}: {} = {default:?}", field.node.name.node, field.node.ty.node));
                }
            }
            TypeKind::Enum(values) => {
                values.values.iter().for_each(|value| add(value.node.value.node.to_string()));
            }
            TypeKind::Interface(interface) => {
                interface
                    .fields
                    .iter()
                    .for_each(|field| add(format!("{}: {}", field.node.name.node, field.node.ty.node)));
            }
            TypeKind::Union(union) => union.members.iter().for_each(|member| add(member.node.to_string())),
            TypeKind::Scalar => add("scalar".to_owned()),
        }
    }
    all
}

#[test]
fn the_oracles_schema_is_the_products() {
    let (product, oracle) = (schema_fields(&Api::sdl()), schema_fields(&Oracle::sdl()));
    assert!(product.len() > 100, "the schema was read");
    let missing: Vec<_> = product.difference(&oracle).collect();
    let more: Vec<_> = oracle.difference(&product).collect();
    assert!(missing.is_empty() && more.is_empty(), "the oracle lacks {missing:#?}\nand has {more:#?}");
}

#[test]
fn every_field_is_asked_for() {
    let known: BTreeSet<_> = fields().iter().map(|field| (field.on.to_owned(), field.name.to_owned())).collect();
    let mut there = BTreeSet::new();
    let document = parse_schema(Api::sdl()).unwrap();
    let read = read_types(&document);
    for definition in document.definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let (TypeKind::Object(async_graphql::parser::types::ObjectType { fields, .. })
        | TypeKind::Interface(async_graphql::parser::types::InterfaceType { fields, .. })) = definition.node.kind
        else {
            continue;
        };
        let name = definition.node.name.node;
        if !read.contains(name.as_str()) || is_history(&name) {
            continue;
        }
        let fields = fields.into_iter().filter(|field| !is_history(&field.node.name.node));
        there.extend(fields.map(|field| (name.to_string(), field.node.name.node.to_string())));
    }
    assert_eq!(known, there, "generate/fields.rs lists the schema's fields");
}
