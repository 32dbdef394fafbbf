//! What an embedded Layer 1 is started with.

use mezz_chain::GenesisAccount;
use mezz_primitives::{Address, U256};
use mezz_rpc::{Cors, Limits};
use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

/// 31337: what Anvil and Hardhat use. Wallets and libraries know it as a local development chain,
/// and scripts written for those nodes sign for the right chain without being told.
pub const DEFAULT_CHAIN_ID: u64 = 31_337;

/// The mnemonic of the well-known development accounts.
pub const DEFAULT_MNEMONIC: &str = "test test test test test test test test test test test junk";

/// When blocks are mined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mining {
    /// A block every so often, with or without transactions; at least one second, since
    /// Ethereum's timestamps are in seconds and strictly increasing.
    Interval(Duration),
    /// A block as soon as a transaction can be in one.
    OnDemand,
    /// Only when a verb asks for one.
    Manual,
}

/// How long blobs are kept. The oldest go when either bound is exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobRetention {
    /// Blocks after which the blobs of a block go.
    pub blocks: u64,
    /// Bytes of all blobs together, with their proofs.
    pub bytes: u64,
}

impl Default for BlobRetention {
    fn default() -> Self {
        Self { blocks: 16_384, bytes: 4 << 30 }
    }
}

/// Settings of an embedded Layer 1.
#[derive(Clone, Debug)]
pub struct DevnetConfig {
    /// Where to listen. Port 0 lets the system choose.
    pub addr: SocketAddr,
    /// Limits of its JSON-RPC.
    pub limits: Limits,
    /// Which web pages may call it.
    pub cors: Cors,
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Where the chain, its blobs and its clock are kept; none: in memory only. What the first
    /// block depends on (chain id, accounts, gas limit) must be the same at every start.
    pub data_dir: Option<PathBuf>,
    /// When blocks are mined.
    pub mining: Mining,
    /// BIP-39 phrase of the funded accounts, at the usual path `m/44'/60'/0'/0/i`.
    pub mnemonic: String,
    /// Number of funded accounts, at most 1,000.
    pub account_count: u32,
    /// Wei of each of them.
    pub balance: U256,
    /// Accounts of the first block besides these and the usual contracts.
    pub alloc: BTreeMap<Address, GenesisAccount>,
    /// The finalized head lies so many blocks behind the newest, the safe head half as many.
    pub finality_depth: u64,
    /// Gas of a block.
    pub gas_limit: u64,
    /// How long blobs are kept.
    pub blobs: BlobRetention,
}

impl Default for DevnetConfig {
    /// Port 8545 of the loopback interface, in memory, a block for every transaction, ten
    /// accounts of 10,000 ether, finality after 64 blocks as on mainnet, 60,000,000 gas.
    fn default() -> Self {
        Self {
            addr: (Ipv4Addr::LOCALHOST, 8545).into(),
            limits: Limits::default(),
            cors: Cors::default(),
            chain_id: DEFAULT_CHAIN_ID,
            data_dir: None,
            mining: Mining::OnDemand,
            mnemonic: DEFAULT_MNEMONIC.to_owned(),
            account_count: 10,
            balance: U256::from(10_000) * U256::from(1_000_000_000_000_000_000u64),
            alloc: BTreeMap::new(),
            finality_depth: 64,
            gas_limit: 60_000_000,
            blobs: BlobRetention::default(),
        }
    }
}
