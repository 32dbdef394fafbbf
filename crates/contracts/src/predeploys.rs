//! Contracts that are in a genesis: the system contracts of L2, and what both layers offer.

use crate::artifacts::{ArtifactError, Contract};
use alloy_eips::{
    eip2935::{HISTORY_STORAGE_ADDRESS, HISTORY_STORAGE_CODE},
    eip4788::{BEACON_ROOTS_ADDRESS, BEACON_ROOTS_CODE},
};
use alloy_genesis::GenesisAccount;
use alloy_primitives::{Address, Bytes, U256, bytes};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub use mezz_primitives::addresses::*;

/// Runtime code of the deterministic deployer: creates, with CREATE2 and the salt in the first 32
/// bytes of the calldata, a contract from the rest. Source: github.com/Arachnid/deterministic-deployment-proxy.
pub static DETERMINISTIC_DEPLOYER_CODE: Bytes = bytes!(
    "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3"
);

/// The layer on which the recipient of fees is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FeeVaultNetwork {
    /// Fees are withdrawn through the portal.
    L1,
    /// Fees are transferred on L2.
    L2,
}

/// What the system contracts of an L2 must know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct L2GenesisParams {
    /// Chain id of L1, which the twins of NFTs name.
    pub l1_chain_id: u64,
    /// Messenger on L1.
    pub l1_cross_domain_messenger: Address,
    /// Token bridge on L1.
    pub l1_standard_bridge: Address,
    /// NFT bridge on L1.
    pub l1_erc721_bridge: Address,
    /// Who gets the fees of all vaults.
    pub fee_vault_recipient: Address,
    /// Least amount that a vault sends on, in wei.
    pub fee_vault_min_withdrawal: U256,
    /// Where the recipient is.
    pub fee_vault_network: FeeVaultNetwork,
}

/// Accounts of the L2 genesis that are contracts.
///
/// # Errors
/// If an artifact lacks an immutable variable that is set here; a test shows that none does.
pub fn l2_genesis_alloc(
    params: &L2GenesisParams,
) -> Result<BTreeMap<Address, GenesisAccount>, ArtifactError> {
    let word = |address: Address| U256::from_be_slice(address.as_slice());
    let messenger = ("messenger", word(L2_CROSS_DOMAIN_MESSENGER));
    let vault = Contract::FeeVault.runtime_code(&[
        ("recipient", word(params.fee_vault_recipient)),
        ("minWithdrawalAmount", params.fee_vault_min_withdrawal),
        (
            "withdrawalNetwork",
            match params.fee_vault_network {
                FeeVaultNetwork::L1 => U256::ZERO,
                FeeVaultNetwork::L2 => U256::ONE,
            },
        ),
    ])?;
    let code = [
        (WETH9, Contract::WETH9.runtime_code(&[])?),
        (
            L2_CROSS_DOMAIN_MESSENGER,
            Contract::L2CrossDomainMessenger
                .runtime_code(&[("otherMessenger", word(params.l1_cross_domain_messenger))])?,
        ),
        (GAS_PRICE_ORACLE, Contract::GasPriceOracle.runtime_code(&[])?),
        (
            L2_STANDARD_BRIDGE,
            Contract::L2StandardBridge
                .runtime_code(&[messenger, ("otherBridge", word(params.l1_standard_bridge))])?,
        ),
        (SEQUENCER_FEE_VAULT, vault.clone()),
        (
            OPTIMISM_MINTABLE_ERC20_FACTORY,
            Contract::OptimismMintableERC20Factory
                .runtime_code(&[("bridge", word(L2_STANDARD_BRIDGE))])?,
        ),
        (
            L2_ERC721_BRIDGE,
            Contract::L2ERC721Bridge
                .runtime_code(&[messenger, ("otherBridge", word(params.l1_erc721_bridge))])?,
        ),
        (L1_BLOCK, Contract::L1Block.runtime_code(&[])?),
        (L2_TO_L1_MESSAGE_PASSER, Contract::L2ToL1MessagePasser.runtime_code(&[])?),
        (
            OPTIMISM_MINTABLE_ERC721_FACTORY,
            Contract::OptimismMintableERC721Factory.runtime_code(&[
                ("bridge", word(L2_ERC721_BRIDGE)),
                ("remoteChainID", U256::from(params.l1_chain_id)),
            ])?,
        ),
        (BASE_FEE_VAULT, vault.clone()),
        (L1_FEE_VAULT, vault.clone()),
        (OPERATOR_FEE_VAULT, vault),
    ];
    let mut alloc = l1_genesis_alloc();
    alloc.extend(code.into_iter().map(|(address, code)| (address, contract(code))));
    Ok(alloc)
}

/// Accounts of the embedded L1's genesis that are contracts; L2 has them too: Multicall3, the
/// deterministic deployer, and the contracts that blocks write to by themselves (EIP-2935,
/// EIP-4788).
pub fn l1_genesis_alloc() -> BTreeMap<Address, GenesisAccount> {
    [
        (MULTICALL3, Contract::Multicall3.artifact().runtime_code.clone()),
        (DETERMINISTIC_DEPLOYER, DETERMINISTIC_DEPLOYER_CODE.clone()),
        (HISTORY_STORAGE_ADDRESS, HISTORY_STORAGE_CODE.clone()),
        (BEACON_ROOTS_ADDRESS, BEACON_ROOTS_CODE.clone()),
    ]
    .into_iter()
    .map(|(address, code)| (address, contract(code)))
    .collect()
}

/// The contracts of L2 by the names that viem's chain definitions use.
pub fn l2_contracts() -> BTreeMap<&'static str, Address> {
    [
        ("baseFeeVault", BASE_FEE_VAULT),
        ("gasPriceOracle", GAS_PRICE_ORACLE),
        ("l1Block", L1_BLOCK),
        ("l1FeeVault", L1_FEE_VAULT),
        ("l2CrossDomainMessenger", L2_CROSS_DOMAIN_MESSENGER),
        ("l2Erc721Bridge", L2_ERC721_BRIDGE),
        ("l2StandardBridge", L2_STANDARD_BRIDGE),
        ("l2ToL1MessagePasser", L2_TO_L1_MESSAGE_PASSER),
        ("multicall3", MULTICALL3),
        ("operatorFeeVault", OPERATOR_FEE_VAULT),
        ("optimismMintableErc20Factory", OPTIMISM_MINTABLE_ERC20_FACTORY),
        ("optimismMintableErc721Factory", OPTIMISM_MINTABLE_ERC721_FACTORY),
        ("sequencerFeeVault", SEQUENCER_FEE_VAULT),
        ("weth9", WETH9),
    ]
    .into()
}

fn contract(code: Bytes) -> GenesisAccount {
    // A contract's nonce starts at one (EIP-161).
    GenesisAccount::default().with_nonce(Some(1)).with_code(Some(code))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{address, b256, keccak256};

    fn params() -> L2GenesisParams {
        L2GenesisParams {
            l1_chain_id: 31_337,
            l1_cross_domain_messenger: Address::repeat_byte(0xa1),
            l1_standard_bridge: Address::repeat_byte(0xa2),
            l1_erc721_bridge: Address::repeat_byte(0xa3),
            fee_vault_recipient: Address::repeat_byte(0xa4),
            fee_vault_min_withdrawal: U256::from(1),
            fee_vault_network: FeeVaultNetwork::L2,
        }
    }

    #[test]
    fn every_predeploy_has_code_and_knows_its_counterpart() {
        let alloc = l2_genesis_alloc(&params()).unwrap();
        for (name, address) in l2_contracts() {
            let account = &alloc[&address];
            assert!(account.code.as_ref().is_some_and(|code| !code.is_empty()), "{name}");
            assert_eq!(account.nonce, Some(1), "{name}");
        }
        for (address, byte) in [
            (L2_CROSS_DOMAIN_MESSENGER, 0xa1),
            (L2_STANDARD_BRIDGE, 0xa2),
            (L2_ERC721_BRIDGE, 0xa3),
            (SEQUENCER_FEE_VAULT, 0xa4),
            (BASE_FEE_VAULT, 0xa4),
            (L1_FEE_VAULT, 0xa4),
            (OPERATOR_FEE_VAULT, 0xa4),
        ] {
            let code = alloc[&address].code.as_ref().unwrap();
            assert!(code.windows(20).any(|w| w == [byte; 20]), "{address}");
        }
    }

    #[test]
    fn the_shared_contracts_are_on_both_layers() {
        let l2 = l2_genesis_alloc(&params()).unwrap();
        for (address, account) in l1_genesis_alloc() {
            assert_eq!(l2[&address], account);
        }
        assert!(l2.contains_key(&address!("4e59b44847b379578588920cA78FbF26c0B4956C")));
        // The hash that nodes of public networks return for this contract.
        assert_eq!(
            keccak256(&DETERMINISTIC_DEPLOYER_CODE),
            b256!("2fa86add0aed31f33a762c9d88e807c475bd51d0f52bd0955754b2608f7e4989")
        );
    }

    #[test]
    fn what_the_protocol_reads_is_where_it_reads_it() {
        let layout = |contract: Contract| -> Vec<(String, String, u64)> {
            let json: serde_json::Value = serde_json::from_str(contract.json()).unwrap();
            json["storageLayout"]
                .as_array()
                .unwrap()
                .iter()
                .map(|v| {
                    let text = |key: &str| v[key].as_str().unwrap().to_owned();
                    (text("label"), text("slot"), v["offset"].as_u64().unwrap())
                })
                .collect()
        };
        let passer = layout(Contract::L2ToL1MessagePasser);
        assert_eq!(passer[0], ("sentMessages".into(), "0".into(), 0));
        let l1_block = layout(Contract::L1Block);
        for (label, slot, offset) in [
            ("number", "0", 0),
            ("timestamp", "0", 8),
            ("basefee", "1", 0),
            ("hash", "2", 0),
            ("sequenceNumber", "3", 0),
            ("blobBaseFeeScalar", "3", 8),
            ("baseFeeScalar", "3", 12),
            ("batcherHash", "4", 0),
            ("blobBaseFee", "7", 0),
            ("operatorFeeConstant", "8", 0),
            ("operatorFeeScalar", "8", 8),
        ] {
            assert!(l1_block.contains(&(label.into(), slot.into(), offset)), "{label}");
        }
    }
}
