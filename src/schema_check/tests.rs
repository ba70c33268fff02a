//! Every rule with the smallest schemas that show it.

use super::{Sdl, compare};

/// The changes from one schema to another, a line each. Both have a query, which needs something to ask for.
fn changes(old: &str, new: &str) -> Vec<String> {
    let read = |text: &str| Sdl::read(&format!("type Query {{ ok: Boolean }} {text}")).unwrap();
    lines(&read(old), &read(new))
}

fn lines(old: &Sdl, new: &Sdl) -> Vec<String> {
    compare(old, new)
        .iter()
        .map(|change| format!("{} {}: {}", change.severity, change.coordinate, change.change))
        .collect()
}

/// Checks what the change says, and what the change back says.
#[track_caller]
fn check(old: &str, new: &str, forth: &[&str], back: &[&str]) {
    assert_eq!(changes(old, new), forth, "from {old} to {new}");
    assert_eq!(changes(new, old), back, "from {new} to {old}");
    assert_eq!(changes(old, old), [""; 0]);
}

#[test]
fn types() {
    check("", "scalar Date", &["safe Date: the type is new"], &["breaking Date: the type is gone"]);
    check(
        "scalar Date",
        "enum Date { NOW }",
        &["breaking Date: it was a scalar and is an enum"],
        &["breaking Date: it was an enum and is a scalar"],
    );
}

#[test]
fn fields() {
    check(
        "type A { a: Int }",
        "type A { a: Int b: Int }",
        &["safe A.b: the field is new"],
        &["breaking A.b: the field is gone"],
    );
    check(
        "interface A { a: Int }",
        "interface A { a: Int b: Int }",
        &["safe A.b: the field is new"],
        &["breaking A.b: the field is gone"],
    );
    check(
        "type A { a: Int }",
        "type A { a: Int @deprecated(reason: \"b\") }",
        &["safe A.a: it is deprecated: b"],
        &["safe A.a: it is no longer deprecated"],
    );
}

#[test]
fn types_of_fields() {
    for (old, new) in [("Int", "Int!"), ("[Int]", "[Int]!"), ("[Int]", "[Int!]"), ("[[Int]!]", "[[Int!]!]!")] {
        check(
            &format!("type A {{ a: {old} }}"),
            &format!("type A {{ a: {new} }}"),
            &[&format!("safe A.a: the type is {new} and was {old}")],
            &[&format!("breaking A.a: the type is {old} and was {new}")],
        );
    }
    for (old, new) in
        [("Int", "Float"), ("Int", "[Int]"), ("Int!", "[Int!]!"), ("[Int!]", "[Int]!"), ("[Int]", "[[Int]]")]
    {
        check(
            &format!("type A {{ a: {old} }}"),
            &format!("type A {{ a: {new} }}"),
            &[&format!("breaking A.a: the type is {new} and was {old}")],
            &[&format!("breaking A.a: the type is {old} and was {new}")],
        );
    }
}

#[test]
fn interfaces_of_types() {
    for kind in ["type", "interface"] {
        check(
            &format!("interface I {{ a: Int }} {kind} A {{ a: Int }}"),
            &format!("interface I {{ a: Int }} {kind} A implements I {{ a: Int }}"),
            &["dangerous A: it is a I now"],
            &["breaking A: it is no I any more"],
        );
    }
}

#[test]
fn members_of_unions() {
    check(
        "type A { a: Int } type B { a: Int } union U = A",
        "type A { a: Int } type B { a: Int } union U = A | B",
        &["dangerous U: B is a new member"],
        &["breaking U: B is no member any more"],
    );
}

#[test]
fn values_of_enums() {
    check("enum E { A }", "enum E { A B }", &["dangerous E.B: the value is new"], &["breaking E.B: the value is gone"]);
    check(
        "enum E { A B }",
        "enum E { A @deprecated B }",
        &["safe E.A: it is deprecated: No longer supported"],
        &["safe E.A: it is no longer deprecated"],
    );
}

#[test]
fn arguments_and_input_fields() {
    // An argument, a field of an input object and an argument of a directive follow the same rules, but for one.
    let places = [
        ("type A { a(z: Int %): Int }", "A.a(b:)", "argument"),
        ("input A { z: Int % }", "A.b", "field"),
        ("directive @a(z: Int %) on FIELD", "@a(b:)", "argument"),
    ];
    for (text, at, noun) in places {
        let with = |declared: &str| text.replace('%', declared);
        let new = if at.starts_with('@') { "safe" } else { "dangerous" };
        let gone = format!("breaking {at}: the {noun} is gone");
        for optional in ["b: Int", "b: Int = 1", "b: Int! = 1"] {
            check(&with(""), &with(optional), &[&format!("{new} {at}: the {noun} is new")], &[&gone]);
        }
        check(&with(""), &with("b: Int!"), &[&format!("breaking {at}: the {noun} is new and required")], &[&gone]);
        for (old, new) in [("Int!", "Int"), ("[Int]!", "[Int]"), ("[Int!]", "[Int]"), ("[[Int!]!]!", "[[Int]!]")] {
            check(
                &with(&format!("b: {old}")),
                &with(&format!("b: {new}")),
                &[&format!("safe {at}: the type is {new} and was {old}")],
                &[&format!("breaking {at}: the type is {old} and was {new}")],
            );
        }
        for (old, new) in [("Int", "Float"), ("Int", "[Int]"), ("[Int!]", "[Int]!"), ("[Int]", "[[Int]]")] {
            check(
                &with(&format!("b: {old}")),
                &with(&format!("b: {new}")),
                &[&format!("breaking {at}: the type is {new} and was {old}")],
                &[&format!("breaking {at}: the type is {old} and was {new}")],
            );
        }
        check(
            &with("b: Int"),
            &with("b: Int = 1"),
            &[&format!("safe {at}: there is a default: 1")],
            &[&format!("dangerous {at}: the default 1 is gone")],
        );
        check(
            &with("b: Int! = 1"),
            &with("b: Int! = 2"),
            &[&format!("dangerous {at}: the default is 2 and was 1")],
            &[&format!("dangerous {at}: the default is 1 and was 2")],
        );
        check(
            &with("b: Int!"),
            &with("b: Int! = 1"),
            &[&format!("safe {at}: there is a default: 1")],
            &[&format!("breaking {at}: it is required now: the default 1 is gone")],
        );
        check(
            &with("b: Int"),
            &with("b: Int @deprecated(reason: \"c\")"),
            &[&format!("safe {at}: it is deprecated: c")],
            &[&format!("safe {at}: it is no longer deprecated")],
        );
    }
}

#[test]
fn defaults_are_values_and_no_texts() {
    let with = |value: &str| format!("input P {{ x: Int y: [Int] }} type A {{ a(p: P = {value}): Int }}");
    assert_eq!(changes(&with("{ x: 1, y: [1, 2] }"), &with("{y:[1 2] x:1}")), [""; 0]);
    assert_eq!(
        changes(&with("{ x: 1, y: [1, 2] }"), &with("{ x: 1, y: [2, 1] }")),
        ["dangerous A.a(p:): the default is {x: 1, y: [2, 1]} and was {x: 1, y: [1, 2]}"]
    );
}

#[test]
fn input_objects_of_one_field() {
    check(
        "input A { a: Int b: Int }",
        "input A @oneOf { a: Int b: Int }",
        &["breaking A: exactly one of its fields must be given now"],
        &["safe A: more than one of its fields may be given now"],
    );
}

#[test]
fn directives() {
    check("", "directive @a on FIELD", &["safe @a: the directive is new"], &["breaking @a: the directive is gone"]);
    check(
        "directive @a on FIELD",
        "directive @a repeatable on FIELD",
        &["safe @a: it may stand more than once in a place now"],
        &["breaking @a: it may stand only once in a place now"],
    );
    check(
        "directive @a on FIELD",
        "directive @a on FIELD | FRAGMENT_SPREAD",
        &["safe @a: it may stand at FRAGMENT_SPREAD now"],
        &["breaking @a: it may no longer stand at FRAGMENT_SPREAD"],
    );
}

#[test]
fn roots_of_operations() {
    check(
        "type Mutation { a: Int }",
        "type Mutation { a: Int } type Change { a: Int } schema { query: Query mutation: Change }",
        &["breaking Change: it is the mutation root now, which was Mutation", "safe Change: the type is new"],
        &["breaking Change: the type is gone", "breaking Mutation: it is the mutation root now, which was Change"],
    );
    check(
        "type Change { a: Int }",
        "type Change { a: Int } schema { query: Query subscription: Change }",
        &["safe Change: it is the subscription root, which there was not"],
        &["breaking Change: it is no longer the subscription root"],
    );
}

#[test]
fn what_does_not_count() {
    for (old, new) in [
        ("type A { a: Int }", "\"A text\" type A { \"Another\" a: Int }"),
        ("type A { a: Int b: Int }", "extend type A { b: Int } type A { a: Int }"),
        ("union U = Query interface I { a: Int }", "interface I { a: Int } union U = | Query"),
        ("", "directive @skip(if: Boolean!) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT scalar ID"),
        ("", "schema { query: Query }"),
    ] {
        check(old, new, &[], &[]);
    }
}

#[test]
fn what_breaks_comes_first() {
    let lines = changes("enum E { A B } type T { a: Int }", "enum E { A C } type T { b: Int }");
    assert_eq!(
        lines,
        [
            "breaking E.B: the value is gone",
            "breaking T.a: the field is gone",
            "dangerous E.C: the value is new",
            "safe T.b: the field is new",
        ]
    );
}

#[test]
fn what_is_no_schema_is_refused_with_its_place() {
    for (text, expected) in [
        ("", "1:1: Unexpected <EOF>"),
        ("type Query {\n  a: Int\n", "3:1: expected"),
        ("query { a }", "1:1: a schema holds no operations and no fragments"),
        ("type Query { a: Missing }", "1:17: Missing is named as a type, which is not declared"),
        ("type Query { a(b: [Missing!]): Int }", "1:20: Missing is named"),
        ("type Query implements Missing { a: Int }", "1:23: Missing is named"),
        ("type Query { a: Int }\nunion U = Missing", "2:11: Missing is named"),
        ("schema { query: Missing }", "1:17: Missing is named"),
        ("type Query { a: Int a: Int }", "1:21: a is declared twice"),
        ("type Query { a(b: Int b: Int): Int }", "1:23: b is declared twice"),
        ("type Query { a: Int } scalar Query", "1:30: Query is declared twice"),
        ("type Query { a: Int } extend scalar Query @a", "1:37: Query is extended as a type of another kind"),
        ("extend type Query { a: Int }", "1:13: Query is extended, but not declared"),
        ("type Query { a: Int } union U = Query | Query", "1:41: Query is named twice"),
        ("enum E { A A } type Query { a: E }", "1:12: A is declared twice"),
        ("type A { a: Int }", "1:1: it declares no type Query"),
    ] {
        let error = Sdl::read(text).unwrap_err().to_string();
        assert!(error.starts_with(expected) && error.lines().count() == 1, "{text}: {error}");
    }
}
