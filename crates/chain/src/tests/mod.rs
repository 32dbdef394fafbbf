//! Tests of the whole chain.

mod building;
// Without debug assertions there are no points.
#[cfg(debug_assertions)]
mod crash;
mod damage;
mod harness;
mod logs;
mod restart;
mod states;
mod threads;
mod unwinding;
