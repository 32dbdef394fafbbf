//! The documents name the test that guards each rule and beats each attack; the tests must exist.

#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

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

/// The tests that a page names, in square brackets: [`name`] or [`module::name`, `name`], over
/// lines.
fn named(page: &str) -> BTreeSet<String> {
    let page = fs::read_to_string(root().join("docs").join(page)).unwrap();
    page.split("[`")
        .skip(1)
        .filter_map(|rest| rest.split("`]").next())
        .flat_map(|names| names.split(','))
        .map(|name| name.trim_matches(|c: char| c.is_whitespace() || c == '`'))
        .map(|name| name.rsplit("::").next().unwrap_or(name).to_owned())
        .collect()
}

#[test]
fn every_test_that_a_document_names_exists() {
    let mut known = BTreeSet::new();
    for folder in ["crates", "contracts", "src", "tests"] {
        functions(&root().join(folder), &mut known);
    }
    for page in ["rollup.md", "attacks.md"] {
        let named = named(page);
        assert!(named.len() > 40, "{page}: {} tests are named", named.len());
        let missing: Vec<_> = named.difference(&known).collect();
        assert!(missing.is_empty(), "{page}: {missing:?}");
    }
}

#[test]
fn every_attack_on_the_contracts_and_the_nodes_is_documented() {
    let mut known = BTreeSet::new();
    functions(&root().join("contracts/test"), &mut known);
    let mut attacks: BTreeSet<_> =
        known.into_iter().filter(|name| name.starts_with("test_attack_")).collect();
    for entry in fs::read_dir(root().join("tests/e2e/attacks")).unwrap().flatten() {
        let source = fs::read_to_string(entry.path()).unwrap();
        for invocation in ["\nattack!(", "\non_both!("] {
            let names = source.split(invocation).skip(1);
            attacks
                .extend(names.filter_map(|rest| rest.split([')', ',']).next().map(str::to_owned)));
        }
    }
    assert!(attacks.len() > 100, "{} attacks", attacks.len());
    let named = named("attacks.md");
    let missing: Vec<_> = attacks.difference(&named).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
