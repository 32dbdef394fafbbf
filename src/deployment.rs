//! `deployment.json`: what a client needs to use a running chain.
//!
//! `mezz up` writes it last, when everything answers; the other commands and scripts read it.
//! Contracts have the names that viem's OP chain definitions use.

use alloy::primitives::{Address, B256};
use mezz_contracts::predeploys::l2_contracts;
use mezz_rollup::RollupConfig;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// File name inside the data directory.
pub(crate) const FILE_NAME: &str = "deployment.json";

/// A chain, its L1, and, on a devnet, the funded accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Deployment {
    /// Family of Layer 2.
    pub(crate) kind: String,
    /// The Layer 1.
    pub(crate) l1: Layer,
    /// The Layer 2.
    pub(crate) l2: Layer,
    /// Well-known dev accounts; empty unless the chain is a devnet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) accounts: Vec<DevAccount>,
    /// URL of the metrics of `mezz up`, if they are served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) metrics: Option<String>,
}

/// One of the two layers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Layer {
    /// JSON-RPC URL.
    pub(crate) rpc: String,
    /// Where blobs are read; of L1 only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) beacon: Option<String>,
    /// EIP-155 chain id.
    pub(crate) chain_id: u64,
    /// Addresses by name.
    pub(crate) contracts: BTreeMap<String, Address>,
}

/// An account whose key everybody knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DevAccount {
    /// Its address.
    pub(crate) address: Address,
    /// Its key; worth nothing outside a devnet.
    pub(crate) private_key: B256,
}

/// Why there is no usable deployment.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeploymentError {
    /// No file.
    #[error(
        "no chain is running from {0}: there is no deployment.json; start one with `mezz up`, or name its directory with --data-dir"
    )]
    Missing(PathBuf),
    /// The file is not readable.
    #[error("cannot read {0}: {1}")]
    Read(PathBuf, io::Error),
    /// The file is not writable.
    #[error("cannot write {0}: {1}")]
    Write(PathBuf, io::Error),
    /// The file is not a deployment.
    #[error("{0} is not a deployment: {1}")]
    Parse(PathBuf, serde_json::Error),
    /// A contract is absent.
    #[error("the deployment names no contract `{0}`")]
    NoContract(String),
}

impl Deployment {
    /// What the chain itself says, for clients of nodes that run elsewhere.
    pub(crate) fn of_chain(rollup: &RollupConfig, l1_rpc: &str, l2_rpc: &str) -> Self {
        let contracts = &rollup.contracts;
        let l1 = [
            ("portal", contracts.portal),
            ("inbox", contracts.inbox),
            ("disputeGameFactory", contracts.dispute_game_factory),
            ("anchorStateRegistry", contracts.anchor_state_registry),
            ("l1CrossDomainMessenger", contracts.l1_cross_domain_messenger),
            ("l1StandardBridge", contracts.l1_standard_bridge),
            ("l1Erc721Bridge", contracts.l1_erc721_bridge),
        ];
        Self {
            kind: "optimistic".to_owned(),
            l1: Layer {
                rpc: l1_rpc.to_owned(),
                beacon: None,
                chain_id: rollup.l1_chain_id,
                contracts: l1.map(|(name, address)| (name.to_owned(), address)).into(),
            },
            l2: Layer::l2(l2_rpc, rollup.l2_chain_id),
            accounts: Vec::new(),
            metrics: None,
        }
    }

    /// Reads the deployment of a data directory.
    pub(crate) fn load(data_dir: &Path) -> Result<Self, DeploymentError> {
        let path = data_dir.join(FILE_NAME);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(DeploymentError::Missing(data_dir.to_owned()));
            }
            Err(error) => return Err(DeploymentError::Read(path, error)),
        };
        serde_json::from_str(&text).map_err(|error| DeploymentError::Parse(path, error))
    }

    /// Writes it whole or not at all.
    pub(crate) fn save(&self, data_dir: &Path) -> Result<PathBuf, DeploymentError> {
        let path = data_dir.join(FILE_NAME);
        let mut text = serde_json::to_string_pretty(self)
            .map_err(|error| DeploymentError::Parse(path.clone(), error))?;
        text.push('\n');
        mezz_fault::replace_file(&path, text.as_bytes(), "file")
            .map_err(|error| DeploymentError::Write(path.clone(), error))?;
        Ok(path)
    }

    /// Removes the file, so that nobody takes a stopped chain for a running one.
    pub(crate) fn remove(data_dir: &Path) -> Result<(), DeploymentError> {
        let path = data_dir.join(FILE_NAME);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(DeploymentError::Write(path, error))
            }
            _ => Ok(()),
        }
    }
}

impl Layer {
    /// A Layer 2, whose contracts have the same addresses on every chain.
    pub(crate) fn l2(rpc: &str, chain_id: u64) -> Self {
        let contracts =
            l2_contracts().into_iter().map(|(name, address)| (name.to_owned(), address)).collect();
        Self { rpc: rpc.to_owned(), beacon: None, chain_id, contracts }
    }

    /// Address of the contract `name`.
    pub(crate) fn contract(&self, name: &str) -> Result<Address, DeploymentError> {
        self.contracts
            .get(name)
            .copied()
            .ok_or_else(|| DeploymentError::NoContract(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(chain_id: u64) -> Layer {
        Layer {
            rpc: "http://127.0.0.1:1".into(),
            beacon: None,
            chain_id,
            contracts: BTreeMap::from([("portal".to_owned(), Address::repeat_byte(1))]),
        }
    }

    #[test]
    fn is_read_back_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        let deployment = Deployment {
            kind: "optimistic".into(),
            l1: layer(1),
            l2: layer(2),
            accounts: vec![],
            metrics: None,
        };
        deployment.save(dir.path()).unwrap();
        assert_eq!(Deployment::load(dir.path()).unwrap(), deployment);
        assert!(deployment.l1.contract("portal").is_ok());
        assert!(deployment.l1.contract("inbox").is_err());
        Deployment::remove(dir.path()).unwrap();
        Deployment::remove(dir.path()).unwrap();
        assert!(matches!(Deployment::load(dir.path()), Err(DeploymentError::Missing(_))));
    }

    #[test]
    fn garbage_is_named() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(FILE_NAME), "{").unwrap();
        let error = Deployment::load(dir.path()).unwrap_err().to_string();
        assert!(error.contains("is not a deployment"), "{error}");
    }
}
