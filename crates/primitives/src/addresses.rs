//! Addresses that every L2 has: the OP Stack's predeploys and system accounts.

use alloy_primitives::{Address, address};

/// Sender of the L1 attributes transaction. Nobody has its key.
pub const DEPOSITOR_ACCOUNT: Address = address!("DeaDDEaDDeAdDeAdDEAdDEaddeAddEAdDEAd0001");

/// Wrapped ether.
pub const WETH9: Address = address!("4200000000000000000000000000000000000006");
/// Messages between the layers, L2 side.
pub const L2_CROSS_DOMAIN_MESSENGER: Address = address!("4200000000000000000000000000000000000007");
/// Estimates of the L1 data fee.
pub const GAS_PRICE_ORACLE: Address = address!("420000000000000000000000000000000000000F");
/// ETH and ERC-20 bridge, L2 side.
pub const L2_STANDARD_BRIDGE: Address = address!("4200000000000000000000000000000000000010");
/// Collects priority fees; the beneficiary of every L2 block.
pub const SEQUENCER_FEE_VAULT: Address = address!("4200000000000000000000000000000000000011");
/// Makes the L2 side of L1 tokens.
pub const OPTIMISM_MINTABLE_ERC20_FACTORY: Address =
    address!("4200000000000000000000000000000000000012");
/// ERC-721 bridge, L2 side.
pub const L2_ERC721_BRIDGE: Address = address!("4200000000000000000000000000000000000014");
/// What L2 knows of L1.
pub const L1_BLOCK: Address = address!("4200000000000000000000000000000000000015");
/// Commitments to withdrawals.
pub const L2_TO_L1_MESSAGE_PASSER: Address = address!("4200000000000000000000000000000000000016");
/// Makes the L2 side of L1 NFTs.
pub const OPTIMISM_MINTABLE_ERC721_FACTORY: Address =
    address!("4200000000000000000000000000000000000017");
/// Collects base fees.
pub const BASE_FEE_VAULT: Address = address!("4200000000000000000000000000000000000019");
/// Collects L1 data fees.
pub const L1_FEE_VAULT: Address = address!("420000000000000000000000000000000000001A");
/// Collects operator fees.
pub const OPERATOR_FEE_VAULT: Address = address!("420000000000000000000000000000000000001b");

/// Multicall3, at its usual address on every chain.
pub const MULTICALL3: Address = address!("cA11bde05977b3631167028862bE2a173976CA11");
/// The deterministic deployment proxy (Arachnid's), at its usual address on every chain.
pub const DETERMINISTIC_DEPLOYER: Address = address!("4e59b44847b379578588920cA78FbF26c0B4956C");
