//! Whether the comparison can fail, and whether it leaves nothing out.

use std::collections::{BTreeMap, BTreeSet};

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, FieldDefinition, InterfaceType, ObjectType, Type, TypeDefinition, TypeKind, TypeSystemDefinition,
};
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

/// What the oracle does not have: who may what and how often, which `access/` and `door/` look at, what is sent where (`webhooks/`), and the audit and the events. They
/// are lists like any others, through the same code; what is theirs alone (ids of several types, entries from JSON, an order of their own, what is computed from events) has no plain
/// counterpart that would not be the same code again, and is compared with what was written in `history/`.
fn is_left_out(name: &str) -> bool {
    let history =
        ["AuditLog", "Event", "FieldChange", "JSON", "ActorKind", "FeatureState", "ProjectState", "TestCaseState"];
    let access = ["User", "ProjectMember", "ProjectRole", "InstanceRole", "Viewer", "RateLimit", "Webhook"];
    let types = history.into_iter().chain(access);
    let fields = [
        "auditLogs",
        "history",
        "events",
        "changes",
        "rateLimit",
        "viewer",
        "viewerRole",
        "user",
        "users",
        "members",
        "memberships",
        "webhook",
        "webhooks",
    ];
    let computed = ["AsOf", "Diff"];
    types.into_iter().any(|prefix| name.starts_with(prefix))
        || ["DeploymentState", "FeatureChange", "Subscription"].contains(&name)
        || fields.contains(&name)
        || computed.iter().any(|end| name.ends_with(end))
}

/// The type and field names of a schema, with what a field takes and gives; `Root` is the oracle's own.
fn schema_fields(sdl: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for (name, definition) in types_to_read(sdl) {
        if name == "Root" {
            continue;
        }
        let mut add = |what: String| {
            all.insert(format!("{name} {what}"));
        };
        match definition.kind {
            TypeKind::Object(object) => {
                object.implements.iter().for_each(|interface| add(format!("implements {}", interface.node)));
                for field in object.fields {
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
                for field in input.fields {
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

/// The types that a query can reach; what only mutations give and take is left out, and what the oracle does not have.
fn types_to_read(sdl: &str) -> BTreeMap<String, TypeDefinition> {
    let mut types = BTreeMap::new();
    for definition in parse_schema(sdl).unwrap().definitions {
        if let TypeSystemDefinition::Type(definition) = definition {
            types.insert(definition.node.name.node.to_string(), definition.node);
        }
    }
    let (mut reached, mut waiting) = (BTreeMap::new(), vec!["Query".to_owned()]);
    while let Some(name) = waiting.pop() {
        let Some(definition) = types.remove(&name) else { continue };
        waiting.extend(mentioned(&definition.kind));
        let implements = |other: &TypeDefinition| matches!(&other.kind, TypeKind::Object(object) if object.implements.iter().any(|known| known.node == *name));
        waiting.extend(types.values().filter(|other| implements(other)).map(|other| other.name.node.to_string()));
        reached.insert(name, definition);
    }
    reached.retain(|name, _| !is_left_out(name));
    for definition in reached.values_mut() {
        match &mut definition.kind {
            TypeKind::Object(object) => object.fields.retain(|field| !is_left_out(&field.node.name.node)),
            TypeKind::InputObject(input) => input.fields.retain(|field| !is_left_out(&field.node.name.node)),
            _ => {}
        }
    }
    reached
}

fn mentioned(kind: &TypeKind) -> Vec<String> {
    let of_field = |field: &FieldDefinition| {
        let arguments = field.arguments.iter().map(|argument| named(&argument.node.ty.node));
        arguments.chain([named(&field.ty.node)]).collect::<Vec<_>>()
    };
    match kind {
        TypeKind::Object(ObjectType { fields, .. }) | TypeKind::Interface(InterfaceType { fields, .. }) => {
            fields.iter().flat_map(|field| of_field(&field.node)).collect()
        }
        TypeKind::InputObject(input) => input.fields.iter().map(|field| named(&field.node.ty.node)).collect(),
        TypeKind::Union(union) => union.members.iter().map(|member| member.node.to_string()).collect(),
        TypeKind::Enum(_) | TypeKind::Scalar => Vec::new(),
    }
}

fn named(ty: &Type) -> String {
    match &ty.base {
        BaseType::Named(name) => name.to_string(),
        BaseType::List(item) => named(item),
    }
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
    for (name, definition) in types_to_read(&Api::sdl()) {
        let (TypeKind::Object(ObjectType { fields, .. }) | TypeKind::Interface(InterfaceType { fields, .. })) =
            definition.kind
        else {
            continue;
        };
        there.extend(fields.into_iter().map(|field| (name.clone(), field.node.name.node.to_string())));
    }
    assert_eq!(known, there, "generate/fields.rs lists the schema's fields");
}
