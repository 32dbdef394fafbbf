//! The `mezz` command line.
fn main() {}
