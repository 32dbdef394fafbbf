//! The specification names the test that guards each rule; the tests must exist.

#![allow(clippy::unwrap_used)]

use std::{collections::BTreeSet, fs, path::Path};

/// Collects the names of functions in Rust and Solidity files below `folder`.
fn functions(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            if !["target", "node_modules", "artifacts"].iter().any(|skip| path.ends_with(skip)) {
                functions(&path, names);
            }
        } else if path.extension().is_some_and(|ext| ext == "rs" || ext == "sol") {
            let source = fs::read_to_string(&path).unwrap();
            for keyword in ["fn ", "function "] {
                names.extend(source.split(keyword).skip(1).map(|rest| {
                    rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
                }));
            }
        }
    }
}

#[test]
fn every_test_that_the_specification_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut known = BTreeSet::new();
    functions(&root.join("crates"), &mut known);
    functions(&root.join("contracts"), &mut known);
    functions(&root.join("src"), &mut known);
    functions(&root.join("tests"), &mut known);
    let page = fs::read_to_string(root.join("docs/rollup.md")).unwrap();
    // Tests are named in square brackets: [`name`] or [`name`, `name`], over lines.
    let named: Vec<&str> = page
        .split("[`")
        .skip(1)
        .filter_map(|rest| rest.split("`]").next())
        .flat_map(|names| names.split(','))
        .map(|name| name.trim_matches(|c: char| c.is_whitespace() || c == '`'))
        .collect();
    assert!(named.len() > 40, "{} tests are named", named.len());
    let missing: Vec<_> = named.iter().filter(|name| !known.contains(**name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
