//! Any bytes as a batch, and as the blobs that carry one: an error or a batch, never a panic; and
//! what is a batch is the same one when it is encoded again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mezz_derivation::{
    batch::{self, Batch, BatchHeader, Compression},
    blob,
};

const CHAIN_ID: u64 = 901;

fuzz_target!(|data: &[u8]| {
    let header = BatchHeader::decode(data);
    if let Ok(found) = Batch::decode(data, CHAIN_ID) {
        let header = header.expect("what decodes has a header");
        assert_eq!(header.first_number, found.first_number);
        assert_eq!(header.block_count, found.blocks.len());
        // Raw transactions may make the columns longer than the bounds allow.
        if let Ok(again) = batch::encode(&found, CHAIN_ID, Compression::FAST) {
            assert_eq!(Batch::decode(&again, CHAIN_ID).as_ref(), Ok(&found));
        }
    }
    // The first byte says where the packing is damaged, and how.
    let Some((at, rest)) = data.split_first() else { return };
    if let Ok(mut blobs) = blob::to_blobs(rest) {
        let packed: Vec<_> = blobs.iter().map(|blob| blob.as_slice()).collect();
        assert_eq!(blob::from_blobs(&packed).as_deref(), Ok(rest));
        blobs[0][usize::from(*at)] ^= at.rotate_left(3) | 1;
        let packed: Vec<_> = blobs.iter().map(|blob| blob.as_slice()).collect();
        // A changed byte of the batch is the batch's matter; all else is noticed.
        let _ = blob::from_blobs(&packed);
    }
});
