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

/// Calls `visit` with every Rust and Solidity file below `folder`.
fn sources(folder: &Path, visit: &mut impl FnMut(&Path, &str)) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            if !["target", "node_modules", "artifacts"].iter().any(|skip| path.ends_with(skip)) {
                sources(&path, visit);
            }
        } else if path.extension().is_some_and(|ext| ext == "rs" || ext == "sol") {
            visit(&path, &fs::read_to_string(&path).unwrap());
        }
    }
}

/// The names of the tests below `folder`.
fn tests(folder: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    sources(&root().join(folder), &mut |path, source| {
        if path.extension().is_some_and(|ext| ext == "rs") {
            names.extend(rust_tests(source));
        } else {
            names.extend(solidity_tests(source));
        }
    });
    names
}

/// Functions with a test's attribute, also within `proptest!` but not where a macro is defined, and
/// the scenarios that a macro makes tests of.
fn rust_tests(source: &str) -> Vec<String> {
    let mut names = Vec::new();
    let (mut marked, mut in_macro) = (false, false);
    for line in source.lines() {
        in_macro = (in_macro || line.starts_with("macro_rules!")) && line != "}";
        if in_macro {
            continue;
        }
        let line = line.trim_start();
        let macros = ["attack!(", "on_both!("];
        names.extend(macros.iter().find_map(|start| line.strip_prefix(start)).map(identifier));
        marked |= ["#[test]", "#[tokio::test"].iter().any(|start| line.starts_with(start));
        let function = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ");
        if let Some(function) = function {
            if marked {
                names.push(identifier(function));
            }
            marked = false;
        }
    }
    names
}

/// What Foundry runs: functions whose name begins with `test` or `invariant`.
fn solidity_tests(source: &str) -> Vec<String> {
    let functions = source.lines().filter_map(|line| line.trim_start().strip_prefix("function "));
    let runs = |name: &String| ["test", "invariant"].iter().any(|start| name.starts_with(start));
    functions.map(identifier).filter(runs).collect()
}

/// What `text` begins with.
fn identifier(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
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
    let known: BTreeSet<_> =
        ["crates", "contracts", "src", "tests"].into_iter().flat_map(tests).collect();
    for page in ["rollup.md", "attacks.md"] {
        let named = named(page);
        assert!(named.len() > 40, "{page}: {} tests are named", named.len());
        let missing: Vec<_> = named.difference(&known).collect();
        assert!(missing.is_empty(), "{page}: {missing:?}");
    }
}

#[test]
fn every_attack_is_documented() {
    let begin = |folder, start| tests(folder).into_iter().filter(move |n| n.starts_with(start));
    let on_contracts: Vec<_> = begin("contracts/test", "test_attack_").collect();
    let on_parts: Vec<_> = begin("crates", "attack_").collect();
    let on_nodes: Vec<_> = tests("tests/e2e/attacks").into_iter().collect();
    let attacks = [on_contracts, on_parts, on_nodes];
    let least = [60, 15, 20];
    for (attacks, least) in attacks.iter().zip(least) {
        assert!(attacks.len() > least, "only {attacks:?}");
    }
    let named = named("attacks.md");
    let missing: Vec<_> = attacks.iter().flatten().filter(|name| !named.contains(*name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn helpers_are_no_tests() {
    let rust = r#"
macro_rules! m {
    () => {
        #[test]
        fn made() {}
    };
}
#[tokio::test(flavor = "multi_thread")]
async fn a() {}
fn helper() {}
    #[test]
    #[ignore]
    fn b() {}
// fn remark() {}
on_both!(c, &[]);
async fn c() {}
attack!(d);
"#;
    assert_eq!(rust_tests(rust), ["a", "b", "c", "d"]);
    let solidity = "function setUp() public {}\n    function test_a() public {}\n";
    assert_eq!(solidity_tests(solidity), ["test_a"]);
}
