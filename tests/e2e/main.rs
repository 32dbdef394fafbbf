//! The whole program from outside: the real binary as processes, its files, its JSON-RPC.
//!
//! Every scenario runs on the embedded L1, and on Anvil if MEZZ_ANVIL names its binary.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

mod attacks;
mod batches;
mod crash;
mod dead_sequencer;
mod doctor;
mod duties;
// A release build has no points to die at.
#[cfg(debug_assertions)]
mod failed_writes;
#[cfg(debug_assertions)]
mod fault_points;
mod full_disk;
mod heads;
mod l1_faults;
mod lifecycle;
mod limits;
mod money;
mod ops;
mod options;
mod reorg;
mod secrets;
mod soak;
mod support;
mod verifier;

/// A scenario as two tests: `embedded` and `anvil`.
macro_rules! on_both {
    ($name:ident) => {
        on_both!($name, &[]);
    };
    ($name:ident, $anvil_args:expr) => {
        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn embedded() {
                let _turn = crate::support::turn().await;
                super::$name(&crate::support::L1::Embedded).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn anvil() {
                let _turn = crate::support::turn().await;
                if let Some(anvil) = crate::support::Anvil::start($anvil_args).await {
                    super::$name(&crate::support::L1::Anvil(anvil)).await;
                }
            }
        }
    };
}
pub(crate) use on_both;
