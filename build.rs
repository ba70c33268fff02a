//! Takes GraphiQL into the binary, as `graphiql/build` has left it in `graphiql/dist`; nothing, where that was not run.
//!
//! **Invariant:** it looks at that folder only, which is always there, so that nothing is built again unless the bundle is another one.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=graphiql/dist");
    let dist = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("graphiql/dist");
    let mut list = String::from("&[\n");
    for path in compressed_files(&dist)? {
        let name = path.strip_prefix(&dist)?.with_extension("");
        let name = name.to_str().ok_or_else(|| format!("{} is not UTF-8", path.display()))?.replace('\\', "/");
        // As the compiler knows the folder then: a target folder that another checkout shares keeps this text.
        let file =
            |kind| format!("concat!(env!(\"CARGO_MANIFEST_DIR\"), {:?})", format!("/graphiql/dist/{name}.{kind}"));
        let (brotli, gzip) = (file("br"), file("gz"));
        writeln!(
            list,
            "    Asset {{ path: {name:?}, brotli: include_bytes!({brotli}), gzip: include_bytes!({gzip}) }},"
        )?;
    }
    list.push(']');
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("graphiql.rs"), list)?;
    Ok(())
}

/// The bundle's files as brotli has them, by name; gzip's stand beside them.
fn compressed_files(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(compressed_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "br") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
