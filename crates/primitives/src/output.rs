//! Output roots and withdrawals: what L1 needs to know of L2.

use alloc::vec::Vec;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};

/// Output root, version 0: keccak-256 of four words: the version (zero), the state root, the
/// storage root of the message passer, and the block's hash. Source: OP Stack specification.
pub fn output_root_v0(
    state_root: B256,
    message_passer_storage_root: B256,
    block_hash: B256,
) -> B256 {
    let mut preimage = [0u8; 128];
    preimage[32..64].copy_from_slice(state_root.as_slice());
    preimage[64..96].copy_from_slice(message_passer_storage_root.as_slice());
    preimage[96..].copy_from_slice(block_hash.as_slice());
    keccak256(preimage)
}

/// A withdrawal as the message passer commits to it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "camelCase")
)]
pub struct Withdrawal {
    /// Counter of the message passer, with the message version in the top two bytes.
    pub nonce: U256,
    /// Who called the message passer.
    pub sender: Address,
    /// Whom the portal calls.
    pub target: Address,
    /// Wei.
    pub value: U256,
    /// Gas that the call on L1 has at least.
    pub gas_limit: U256,
    /// Calldata of the call on L1.
    pub data: Bytes,
}

impl Withdrawal {
    /// keccak-256 of the ABI encoding of (nonce, sender, target, value, gas limit, data).
    pub fn hash(&self) -> B256 {
        let mut out = Vec::with_capacity(7 * 32 + self.data.len() + 31);
        let mut word = |value: U256| out.extend_from_slice(&value.to_be_bytes::<32>());
        word(self.nonce);
        word(U256::from_be_slice(self.sender.as_slice()));
        word(U256::from_be_slice(self.target.as_slice()));
        word(self.value);
        word(self.gas_limit);
        word(U256::from(6 * 32));
        word(U256::from(self.data.len()));
        out.extend_from_slice(&self.data);
        out.resize(out.len().next_multiple_of(32), 0);
        keccak256(out)
    }
}

/// The slot of the message passer that says a withdrawal was sent: `sentMessages[hash]`, a
/// mapping at slot 0.
pub fn withdrawal_storage_slot(withdrawal_hash: B256) -> B256 {
    let mut preimage = [0u8; 64];
    preimage[..32].copy_from_slice(withdrawal_hash.as_slice());
    keccak256(preimage)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::b256;

    #[test]
    fn output_root_of_zeros() {
        assert_eq!(output_root_v0(B256::ZERO, B256::ZERO, B256::ZERO), keccak256([0u8; 128]));
    }

    #[test]
    fn every_part_of_the_output_root_counts() {
        let zero = output_root_v0(B256::ZERO, B256::ZERO, B256::ZERO);
        let one = B256::repeat_byte(1);
        let roots = [
            output_root_v0(one, B256::ZERO, B256::ZERO),
            output_root_v0(B256::ZERO, one, B256::ZERO),
            output_root_v0(B256::ZERO, B256::ZERO, one),
        ];
        assert!(roots.iter().all(|root| *root != zero));
        assert!(roots[0] != roots[1] && roots[1] != roots[2] && roots[0] != roots[2]);
    }

    #[test]
    fn mapping_slot_is_soliditys() {
        // keccak256(abi.encode(uint256(0), uint256(0)))
        assert_eq!(
            withdrawal_storage_slot(B256::ZERO),
            b256!("ad3228b676f7d3cd4284a5443f17f1962b36e491b30a40b2405849e597ba5fb5")
        );
    }
}
