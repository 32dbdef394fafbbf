//! `eth_config` (EIP-7910): the rules that hold, for operators to compare.

use crate::{Args, Failure, context::Context, methods::Table};
use alloy_eips::{
    eip2935::HISTORY_STORAGE_ADDRESS,
    eip4788::BEACON_ROOTS_ADDRESS,
    eip7910::{EthConfig, EthForkConfig, SystemContract},
};
use jsonrpsee::core::RegisterMethodError;
use mezz_primitives::{Address, address};

/// The precompiled contracts of Osaka by their names in EIP-7910; the first has address 1.
const PRECOMPILES: [&str; 17] = [
    "ECREC",
    "SHA256",
    "RIPEMD160",
    "ID",
    "MODEXP",
    "BN254_ADD",
    "BN254_MUL",
    "BN254_PAIRING",
    "BLAKE2F",
    "KZG_POINT_EVALUATION",
    "BLS12_G1ADD",
    "BLS12_G1MSM",
    "BLS12_G2ADD",
    "BLS12_G2MSM",
    "BLS12_PAIRING_CHECK",
    "BLS12_MAP_FP_TO_G1",
    "BLS12_MAP_FP2_TO_G2",
];
/// EIP-7951.
const P256VERIFY: Address = address!("0x0000000000000000000000000000000000000100");

pub(super) fn register(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.quick("eth_config", config)
}

/// All forks are active since genesis and none is scheduled.
fn config(context: &Context, args: Args<'_>) -> Result<EthConfig, Failure> {
    args.end()?;
    let spec = context.chain.spec();
    let named = PRECOMPILES.iter().zip(1u8..);
    let precompiles = named.map(|(name, byte)| ((*name).to_owned(), Address::with_last_byte(byte)));
    // With no fork after genesis, EIP-6122's hash is the checksum of the genesis hash alone.
    let fork_id = crc32fast::hash(context.chain.genesis_hash().as_slice());
    let current = EthForkConfig {
        activation_time: 0,
        blob_schedule: spec.blobs,
        chain_id: spec.chain_id,
        fork_id: fork_id.to_be_bytes().into(),
        precompiles: precompiles.chain([("P256VERIFY".to_owned(), P256VERIFY)]).collect(),
        system_contracts: [
            (SystemContract::BeaconRoots, BEACON_ROOTS_ADDRESS),
            (SystemContract::HistoryStorage, HISTORY_STORAGE_ADDRESS),
        ]
        .into(),
    };
    Ok(EthConfig { current, next: None, last: None })
}
