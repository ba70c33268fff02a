//! The SDL: what is checked in is what the program prints, and it explains itself.

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};
use throughline::graphql::Api;

#[test]
fn the_checked_in_schema_is_the_programs() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema.graphql");
    let checked_in = std::fs::read_to_string(path).unwrap();
    let current = Api::sdl();
    assert!(checked_in == current, "schema.graphql is stale: cargo run -- schema > schema.graphql");
}

#[test]
fn everything_is_described() {
    let document = parse_schema(Api::sdl()).unwrap();
    let (mut missing, mut described) = (Vec::new(), 0);
    let mut check = |name: String, description: Option<&str>| {
        described += 1;
        if description.is_none_or(|text| text.trim().len() < 8) {
            missing.push(name);
        }
    };
    for definition in &document.definitions {
        let TypeSystemDefinition::Type(ty) = definition else { continue };
        let (ty, name) = (&ty.node, ty.node.name.node.to_string());
        check(name.clone(), ty.description.as_ref().map(|text| text.node.as_str()));
        match &ty.kind {
            TypeKind::Object(async_graphql::parser::types::ObjectType { fields, .. })
            | TypeKind::Interface(async_graphql::parser::types::InterfaceType { fields, .. }) => {
                for field in fields {
                    let name = format!("{name}.{}", field.node.name.node);
                    check(name.clone(), field.node.description.as_ref().map(|text| text.node.as_str()));
                    for argument in &field.node.arguments {
                        let name = format!("{name}({})", argument.node.name.node);
                        check(name, argument.node.description.as_ref().map(|text| text.node.as_str()));
                    }
                }
            }
            TypeKind::InputObject(input) => {
                for field in &input.fields {
                    let name = format!("{name}.{}", field.node.name.node);
                    check(name, field.node.description.as_ref().map(|text| text.node.as_str()));
                }
            }
            TypeKind::Enum(values) => {
                for value in &values.values {
                    let name = format!("{name}.{}", value.node.value.node);
                    check(name, value.node.description.as_ref().map(|text| text.node.as_str()));
                }
            }
            TypeKind::Scalar | TypeKind::Union(_) => {}
        }
    }
    assert_eq!(missing, Vec::<String>::new(), "without a description");
    assert!(described > 100, "{described} descriptions were found");
}
