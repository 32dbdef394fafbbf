//! The pure core of the rollup: batch format and derivation rules.
