//! The first block.

use crate::{DevnetConfig, DevnetError, clock};
use mezz_chain::{Genesis, GenesisAccount};
use mezz_primitives::{Address, Bytes, U256};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fs, path::Path};

const FILE: &str = "devnet.json";
/// The base fee that EIP-1559 began with, wei per gas.
const BASE_FEE: u64 = alloy_eips::eip1559::INITIAL_BASE_FEE;

/// What the first block depends on and no setting says.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Origin {
    /// Unix seconds of the first start.
    genesis_time: u64,
}

/// The first block: the usual contracts, the funded accounts, and what the caller adds.
pub(crate) fn genesis(config: &DevnetConfig, accounts: &[Address]) -> Result<Genesis, DevnetError> {
    let timestamp = match &config.data_dir {
        Some(dir) => genesis_time(dir)?,
        None => clock::now(),
    };
    let mut alloc = BTreeMap::new();
    for (address, account) in mezz_contracts::l1_genesis_alloc() {
        let storage = account.storage.unwrap_or_default();
        let account = GenesisAccount {
            nonce: account.nonce.unwrap_or_default(),
            balance: account.balance,
            code: account.code.unwrap_or_default(),
            storage: storage
                .into_iter()
                .map(|(slot, value)| (U256::from_be_bytes(slot.0), U256::from_be_bytes(value.0)))
                .collect(),
        };
        alloc.insert(address, account);
    }
    for address in accounts {
        let account = GenesisAccount { balance: config.balance, ..Default::default() };
        alloc.insert(*address, account);
    }
    alloc.extend(config.alloc.clone());
    Ok(Genesis {
        timestamp,
        gas_limit: config.gas_limit,
        base_fee: BASE_FEE,
        extra_data: Bytes::new(),
        alloc,
        ..Genesis::default()
    })
}

/// The time of the first start, which the first one writes down.
fn genesis_time(dir: &Path) -> Result<u64, DevnetError> {
    let path = dir.join(FILE);
    let io = |source| DevnetError::Io { path: path.clone(), source };
    match fs::read(&path) {
        Ok(bytes) => {
            let origin: Origin = serde_json::from_slice(&bytes).map_err(|error| {
                DevnetError::Damaged { path: path.clone(), reason: error.to_string() }
            })?;
            Ok(origin.genesis_time)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            fs::create_dir_all(dir).map_err(io)?;
            let origin = Origin { genesis_time: clock::now() };
            let text = serde_json::to_vec(&origin).map_err(|error| io(error.into()))?;
            mezz_fault::replace_file(&path, &text, "origin").map_err(io)?;
            Ok(origin.genesis_time)
        }
        Err(error) => Err(io(error)),
    }
}
