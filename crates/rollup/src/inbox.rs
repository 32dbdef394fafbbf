//! The calldata of transactions that post batches to the inbox.

use alloy::{
    eips::eip4844::Bytes48,
    primitives::{B256, Bytes, keccak256},
    sol_types::SolCall,
};
use mezz_contracts::bindings::IInbox;

/// The call that posts a batch in calldata.
pub(crate) fn post_calldata(data: Bytes) -> Bytes {
    IInbox::submitBatchCalldataCall { data }.abi_encode().into()
}

/// The batch that a call posted, if it is the one with this hash.
pub(crate) fn calldata(input: &[u8], hash: B256) -> Option<Bytes> {
    let call = IInbox::submitBatchCalldataCall::abi_decode(input).ok()?;
    (keccak256(&call.data) == hash).then_some(call.data)
}

/// The call that posts a batch in blobs, followed by their commitments: the contract does not read
/// them, and verifiers check several blobs with them in the time of one. 768 gas for each.
pub(crate) fn post_blobs(commitments: &[Bytes48]) -> Bytes {
    let mut input = IInbox::submitBatchCall {}.abi_encode();
    input.extend(commitments.iter().flatten());
    input.into()
}

/// The commitments that follow such a call: what its sender says, which may be anything.
pub(crate) fn commitments(input: &[u8]) -> Vec<Bytes48> {
    let said = input.strip_prefix(&IInbox::submitBatchCall::SELECTOR).unwrap_or_default();
    said.chunks_exact(Bytes48::len_bytes()).map(Bytes48::from_slice).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commitments_are_read_back() {
        for count in [0, 1, 6] {
            let all: Vec<_> = (0..count).map(Bytes48::repeat_byte).collect();
            assert_eq!(commitments(&post_blobs(&all)), all);
        }
    }

    #[test]
    fn calls_without_commitments_have_none() {
        let mut cut = post_blobs(&[Bytes48::repeat_byte(7)]).to_vec();
        cut.pop();
        for input in [&[][..], &[1, 2, 3], &cut, &post_calldata(Bytes::from_static(&[7; 48]))] {
            assert!(commitments(input).is_empty());
        }
    }

    #[test]
    fn calldata_is_believed_by_its_hash() {
        let batch = Bytes::from_static(b"a batch");
        let input = post_calldata(batch.clone());
        assert_eq!(calldata(&input, keccak256(&batch)), Some(batch));
        assert_eq!(calldata(&input, B256::ZERO), None);
        assert_eq!(calldata(&input[..50], B256::ZERO), None);
    }
}
