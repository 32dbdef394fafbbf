//! A deployment that was begun: written down before its first transaction, so that a start after a
//! crash takes up the chain that is announced on L1 already instead of announcing a second one.

use super::up::SavedChain;
use crate::Failure;
use alloy::{
    eips::BlockId,
    primitives::{Address, B256, U256},
};
use mezz_contracts::L1Addresses;
use mezz_l1::L1Client;
use mezz_primitives::addresses::MULTICALL3;
use mezz_rollup::discover::{DiscoverError, discover};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fs, io, path::Path, time::Duration};

/// File name inside the data directory.
pub(crate) const FILE_NAME: &str = "deploying.json";
/// How long transactions of the deployment that still wait on L1 are waited for.
const MINE_TIMEOUT: Duration = Duration::from_secs(120);

/// What a finished deployment is recognised by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Intent {
    l1_chain_id: u64,
    /// Hash of L1's block 0: another L1 may have the same chain id.
    l1_genesis: B256,
    deployer: Address,
    contracts: L1Addresses,
    /// Wei that the portal holds when it is finished.
    backing: U256,
}

impl Intent {
    /// What the next deployment by `deployer` will be.
    pub(crate) async fn new(
        l1: &L1Client,
        deployer: Address,
        backing: U256,
    ) -> Result<Self, Failure> {
        let nonce = l1.nonce(deployer, BlockId::latest()).await?;
        let deploy_multicall3 = l1.code(MULTICALL3, BlockId::latest()).await?.is_empty();
        Ok(Self {
            l1_chain_id: l1.chain_id().await?,
            l1_genesis: l1.header(0.into()).await?.hash(),
            deployer,
            contracts: L1Addresses::predict(deployer, nonce, deploy_multicall3),
            backing,
        })
    }

    /// Writes it down; it is on disk when this returns.
    pub(crate) fn save(&self, dir: &Path) -> Result<(), Failure> {
        let path = dir.join(FILE_NAME);
        let json = serde_json::to_vec_pretty(self)?;
        mezz_fault::replace_file(&path, &json, "file")
            .map_err(|error| format!("cannot write {}: {error}", path.display()).into())
    }

    /// The one of an earlier start, if that did not come to its end. A file that cannot be read is
    /// none.
    pub(crate) fn load(dir: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(dir.join(FILE_NAME)).ok()?).ok()
    }

    /// Forgets it.
    pub(crate) fn remove(dir: &Path) -> Result<(), Failure> {
        match fs::remove_file(dir.join(FILE_NAME)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// The chain that it became, if all of it is on this L1.
    pub(crate) async fn adopt(&self, l1: &L1Client) -> Result<Option<SavedChain>, Failure> {
        if l1.chain_id().await? != self.l1_chain_id
            || l1.header(0.into()).await?.hash() != self.l1_genesis
        {
            return Ok(None);
        }
        self.wait_mined(l1).await?;
        let json = serde_json::to_value(&self.contracts)?;
        let contracts: BTreeMap<String, Address> = serde_json::from_value(json)?;
        for address in contracts.values() {
            if l1.code(*address, BlockId::latest()).await?.is_empty() {
                return Ok(None);
            }
        }
        if l1.balance(self.contracts.portal, BlockId::latest()).await? < self.backing {
            return Ok(None);
        }
        match discover(l1, Some(self.contracts.inbox)).await {
            Ok(rollup) => Ok(Some(SavedChain { rollup, contracts: self.contracts.clone() })),
            Err(DiscoverError::L1(error)) => Err(error.into()),
            Err(_) => Ok(None),
        }
    }

    /// Waits until none of the deployer's transactions waits.
    async fn wait_mined(&self, l1: &L1Client) -> Result<(), Failure> {
        let deadline = tokio::time::Instant::now() + MINE_TIMEOUT;
        loop {
            let mined = l1.nonce(self.deployer, BlockId::latest()).await?;
            let pending = l1.nonce(self.deployer, BlockId::pending()).await?;
            if pending <= mined || tokio::time::Instant::now() > deadline {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_read_back_and_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Intent::load(dir.path()), None);
        let intent = Intent {
            l1_chain_id: 1,
            l1_genesis: B256::repeat_byte(1),
            deployer: Address::repeat_byte(2),
            contracts: L1Addresses::predict(Address::repeat_byte(2), 7, true),
            backing: U256::from(5),
        };
        intent.save(dir.path()).unwrap();
        assert_eq!(Intent::load(dir.path()), Some(intent));
        Intent::remove(dir.path()).unwrap();
        Intent::remove(dir.path()).unwrap();
        assert_eq!(Intent::load(dir.path()), None);
        fs::write(dir.path().join(FILE_NAME), "{").unwrap();
        assert_eq!(Intent::load(dir.path()), None);
    }
}
