//! The SDL: what is checked in is what the program prints, it explains itself, and what breaks clients is told.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};
use throughline::graphql::Api;

use crate::support::program;

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

#[test]
fn introspection_is_what_code_generators_read() {
    let answer = run(program().args(["schema", "--format", "introspection"]), "");
    assert_eq!(answer.status.code(), Some(0));
    let answer: serde_json::Value = serde_json::from_slice(&answer.stdout).unwrap();
    let schema = &answer["data"]["__schema"];
    assert_eq!((&schema["queryType"]["name"], &schema["mutationType"]["name"]), (&"Query".into(), &"Mutation".into()));
    let types = schema["types"].as_array().unwrap();
    let named = |name: &str| types.iter().find(|ty| ty["name"] == name).unwrap();
    assert_eq!(named("ChangeInput")["isOneOf"], true);
    assert!(named("DateTime")["specifiedByURL"].as_str().unwrap().contains("rfc3339"));
    // The deepest type that there is: it is told to its name.
    let nodes =
        named("Query")["fields"].as_array().unwrap().iter().find(|field| field["name"] == "featureCounts").unwrap();
    assert_eq!(nodes["type"]["ofType"]["ofType"]["ofType"]["name"], "FeatureCount");
}

#[test]
fn what_breaks_clients_is_told_by_the_exit_code() {
    let check = |old: &str, more: &[&str]| {
        let output = run(program().args(["schema", "check", "-"]).args(more), old);
        let [stdout, stderr] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        (output.status.code().unwrap(), stdout, stderr)
    };
    let current = Api::sdl();
    assert_eq!(check(&current, &[]), (0, "0 breaking, 0 dangerous, 0 safe\n".to_owned(), String::new()));

    // An old schema, in which something is not what it is now.
    let less = current.replace("type AuditLog implements Node {", "type AuditLog {");
    let less = less.replace("type TestSummary {", "type Tally {").replace("TestSummary!", "Tally!");
    let (code, lines, error) = check(&less, &[]);
    assert_eq!((code, error.as_str()), (1, "throughline: 3 changes break clients\n"), "{lines}");
    assert_eq!(
        lines,
        "breaking   Feature.testSummary: the type is TestSummary! and was Tally!\n\
         breaking   Project.testSummary: the type is TestSummary! and was Tally!\n\
         breaking   Tally: the type is gone\n\
         dangerous  AuditLog: it is a Node now\n\
         safe       TestSummary: the type is new\n\
         3 breaking, 1 dangerous, 1 safe\n"
    );

    // A break may be meant. What is permitted and does not break changes nothing, and a reason has to be given.
    let folder = tempfile::tempdir().unwrap();
    let permitted = folder.path().join("permitted.txt");
    let permitted = permitted.to_str().unwrap();
    std::fs::write(permitted, "# before 1.0\nTally  it is called TestSummary\n\nAuditLog  is a node\n").unwrap();
    let (code, lines, error) = check(&less, &["--permitted", permitted]);
    assert_eq!((code, error.as_str()), (1, "throughline: 2 changes break clients\n"));
    assert!(lines.contains("breaking   Tally: the type is gone (permitted: it is called TestSummary)\n"), "{lines}");
    let all = "Tally it is called TestSummary\nFeature.testSummary\tlikewise\nProject.testSummary  and here";
    std::fs::write(permitted, all).unwrap();
    let (code, json, _) = check(&less, &["--permitted", permitted, "--format", "json"]);
    assert_eq!(code, 0);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        json[0],
        serde_json::json!({
            "severity": "breaking", "coordinate": "Feature.testSummary", "change": "the type is TestSummary! and was Tally!",
            "permitted": "likewise",
        })
    );
    assert_eq!(
        (json.as_array().unwrap().len(), &json[3]["severity"], json[3].get("permitted")),
        (5, &"dangerous".into(), None)
    );
    std::fs::write(permitted, "\nTally").unwrap();
    let (code, _, error) = check(&less, &["--permitted", permitted]);
    assert_eq!((code, error), (2, format!("throughline: {permitted}:2: Tally has no reason\n")));
}

#[test]
fn an_old_schema_that_cannot_be_read_is_told_with_its_place() {
    // Up to a brace, wherever that is: a text that is cut in a description would be told at its beginning.
    let sdl = Api::sdl();
    let half = &sdl[..sdl[..20_000].rfind(" {").unwrap() + 2];
    let output = run(program().args(["schema", "check", "-"]), half);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), error.lines().count()), (Some(2), 1), "{error}");
    let last = half.lines().count();
    assert!(error.starts_with(&format!("throughline: -:{last}:")), "{error}");

    let output = run(program().args(["schema", "check", "no/such.graphql"]), "");
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(error.starts_with("throughline: no/such.graphql: No such file"), "{error}");
}

/// Runs a program that is given a text on its standard input.
fn run(command: &mut Command, input: &str) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A program that does not read its input may have left by now.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}
