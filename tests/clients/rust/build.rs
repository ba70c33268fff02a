//! Builds the client anew when the schema has changed, which its macros read and do not tell of.

fn main() {
    println!("cargo:rerun-if-changed=../../../schema.graphql");
    println!("cargo:rerun-if-changed=src");
}
