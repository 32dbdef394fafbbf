//! Tests of the whole chain.

mod building;
mod crash;
mod damage;
mod harness;
mod logs;
mod restart;
mod states;
mod threads;
mod unwinding;
