//! The embedded Layer 1 as a client sees it, over HTTP.

#![allow(clippy::unwrap_used)]

mod anvil;
mod blobs;
mod impersonation;
mod mining;
mod reorg;
mod restart;
mod state;
mod support;
mod time;
