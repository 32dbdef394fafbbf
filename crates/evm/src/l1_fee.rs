//! The prices of L1 data, as the L1Block predeploy holds them.
//!
//! Storage layout (OP Stack, since Ecotone): slot 1 the base fee, slot 7 the blob base fee, slot 3
//! packed from its low end: sequence number (8 bytes), blob base fee scalar (4), base fee scalar (4).

use crate::state::StateReader;
use mezz_primitives::{Address, U256, addresses::L1_BLOCK, fee::L1FeeParams};

const BASE_FEE_SLOT: U256 = U256::from_limbs([1, 0, 0, 0]);
const SCALARS_SLOT: U256 = U256::from_limbs([3, 0, 0, 0]);
const BLOB_BASE_FEE_SLOT: U256 = U256::from_limbs([7, 0, 0, 0]);

/// Where the slots are read.
pub(crate) trait L1FeeReads {
    type Error;

    fn slot(&mut self, address: Address, slot: U256) -> Result<U256, Self::Error>;
}

struct FromReader<'a, S>(&'a S);

impl<S: StateReader> L1FeeReads for FromReader<'_, S> {
    type Error = S::Error;

    fn slot(&mut self, address: Address, slot: U256) -> Result<U256, Self::Error> {
        self.0.storage(&address, &slot)
    }
}

/// The prices of L1 data in `state`: what a transaction of the next block pays if L1 stays as it
/// is, and what the transactions of the block that left this state have paid.
pub fn read_l1_fee_params<S: StateReader>(state: &S) -> Result<L1FeeParams, S::Error> {
    params_from_slots(&mut FromReader(state))
}

pub(crate) fn params_from_slots<R: L1FeeReads>(reads: &mut R) -> Result<L1FeeParams, R::Error> {
    let scalars = reads.slot(L1_BLOCK, SCALARS_SLOT)?.to_be_bytes::<32>();
    let scalar = |at: usize| {
        u32::from_be_bytes([scalars[at], scalars[at + 1], scalars[at + 2], scalars[at + 3]])
    };
    Ok(L1FeeParams {
        l1_base_fee: reads.slot(L1_BLOCK, BASE_FEE_SLOT)?,
        blob_base_fee: reads.slot(L1_BLOCK, BLOB_BASE_FEE_SLOT)?,
        base_fee_scalar: scalar(16),
        blob_base_fee_scalar: scalar(20),
    })
}
