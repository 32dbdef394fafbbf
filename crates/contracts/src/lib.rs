//! Compiled contracts, their bindings, the deployment plan and the L2 predeploys.
//!
//! The sources are in `contracts/`; their compiled form is committed and embedded here, so that
//! building needs no Solidity compiler. Nothing in this crate does I/O.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod artifacts;
pub mod bindings;
pub mod deploy;
pub mod predeploys;

pub use artifacts::{Artifact, ArtifactError, Contract};
pub use deploy::{DeployError, DeployParams, DeployPlan, DeployTx, L1Addresses};
pub use predeploys::{FeeVaultNetwork, L2GenesisParams, l1_genesis_alloc, l2_genesis_alloc};
