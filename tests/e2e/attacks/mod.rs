//! Attacks on running nodes, each a test of its own. `docs/attacks.md` lists them with those on the
//! contracts and on the parts.

mod batches;
mod deposits;
mod pool;
mod proposals;
mod rpc;
mod scene;
mod tokens;
mod withdrawals;
