//! The file with the blobs of one block, named by the block's number and hash.
//!
//! Magic, then two sections, each with its length and checksum: which transactions and versioned
//! hashes there are, and the sidecars. A file is complete under its name or not there at all.

use super::{Summary, TxBlobs, summarize};
use alloy_eips::eip7594::BlobTransactionSidecarVariant;
use alloy_rlp::{Decodable, Encodable, Header, RlpDecodable, RlpEncodable};
use mezz_fault::replace_file;
use mezz_primitives::B256;
use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::Arc,
};

const MAGIC: &[u8; 8] = b"mezzblb1";
const EXTENSION: &str = "blobs";
/// More than the sidecars of any block have.
const MAX_SECTION: u64 = 64 << 20;

#[derive(RlpEncodable, RlpDecodable)]
struct TxSummary {
    hash: B256,
    versioned_hashes: Vec<B256>,
}

pub(super) fn path(dir: &Path, number: u64, hash: B256) -> PathBuf {
    dir.join(format!("{number:012}-{hash}.{EXTENSION}"))
}

/// Number and hash of the block, if the file is one of ours.
pub(super) fn parse_name(path: &Path) -> Option<(u64, B256)> {
    let name = path.file_name()?.to_str()?;
    let (number, hash) = name.strip_suffix(EXTENSION)?.strip_suffix('.')?.split_once('-')?;
    Some((number.parse().ok()?, hash.parse().ok()?))
}

/// Writes the file durably.
pub(super) fn write(path: &Path, hash: B256, txs: &[TxBlobs]) -> io::Result<Summary> {
    let mut summary = summarize(hash, txs);
    let list: Vec<TxSummary> = summary
        .txs
        .iter()
        .map(|(hash, hashes)| TxSummary { hash: *hash, versioned_hashes: hashes.clone() })
        .collect();
    let mut bytes = MAGIC.to_vec();
    section(&mut bytes, &alloy_rlp::encode(&list));
    let mut body = Vec::new();
    for (tx, sidecar) in txs {
        let payload_length = tx.length() + sidecar.length();
        Header { list: true, payload_length }.encode(&mut body);
        tx.encode(&mut body);
        sidecar.encode(&mut body);
    }
    section(&mut bytes, &body);
    summary.bytes = bytes.len() as u64;

    replace_file(path, &bytes, "blobs")?;
    Ok(summary)
}

/// Which blobs the file has.
pub(super) fn read_summary(path: &Path, hash: B256) -> io::Result<Summary> {
    let mut file = open(path)?;
    let bytes = read_section(&mut file)?;
    let list = Vec::<TxSummary>::decode(&mut bytes.as_slice()).map_err(damaged)?;
    Ok(Summary {
        hash,
        txs: list.into_iter().map(|tx| (tx.hash, tx.versioned_hashes)).collect(),
        bytes: file.metadata()?.len(),
    })
}

/// The blobs.
pub(super) fn read(path: &Path) -> io::Result<Vec<TxBlobs>> {
    let mut file = open(path)?;
    let skipped = section_header(&mut file)?.0;
    file.seek(SeekFrom::Current(skipped.cast_signed()))?;
    let bytes = read_section(&mut file)?;
    let mut rest = bytes.as_slice();
    let mut txs = Vec::new();
    while !rest.is_empty() {
        let mut item = Header::decode_bytes(&mut rest, true).map_err(damaged)?;
        let tx = B256::decode(&mut item).map_err(damaged)?;
        let sidecar = BlobTransactionSidecarVariant::decode(&mut item).map_err(damaged)?;
        txs.push((tx, Arc::new(sidecar)));
    }
    Ok(txs)
}

fn open(path: &Path) -> io::Result<File> {
    let mut file = File::open(path)?;
    let mut magic = [0; MAGIC.len()];
    file.read_exact(&mut magic)?;
    if &magic != MAGIC {
        return Err(damaged("not a file of blobs"));
    }
    Ok(file)
}

fn section(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    out.extend_from_slice(&crc32fast::hash(bytes).to_le_bytes());
    out.extend_from_slice(bytes);
}

fn section_header(file: &mut File) -> io::Result<(u64, u32)> {
    let mut length = [0; 8];
    let mut checksum = [0; 4];
    file.read_exact(&mut length)?;
    file.read_exact(&mut checksum)?;
    let length = u64::from_le_bytes(length);
    if length > MAX_SECTION {
        return Err(damaged("a section is too long"));
    }
    Ok((length, u32::from_le_bytes(checksum)))
}

fn read_section(file: &mut File) -> io::Result<Vec<u8>> {
    let (length, checksum) = section_header(file)?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != length || crc32fast::hash(&bytes) != checksum {
        return Err(damaged("a section does not have its checksum"));
    }
    Ok(bytes)
}

fn damaged(reason: impl ToString) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_eips::{
        eip4844::{Blob, Bytes48},
        eip7594::BlobTransactionSidecarEip7594,
    };
    use std::fs;

    fn txs() -> Vec<TxBlobs> {
        let sidecar = |n: u8| {
            BlobTransactionSidecarVariant::Eip7594(BlobTransactionSidecarEip7594::new(
                vec![Blob::repeat_byte(n)],
                vec![Bytes48::repeat_byte(n)],
                vec![Bytes48::repeat_byte(n); 128],
            ))
        };
        vec![
            (B256::repeat_byte(1), Arc::new(sidecar(1))),
            (B256::repeat_byte(2), Arc::new(sidecar(2))),
        ]
    }

    #[test]
    fn file_gives_back_what_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let hash = B256::repeat_byte(9);
        let path = path(dir.path(), 77, hash);
        assert_eq!(parse_name(&path), Some((77, hash)));
        let summary = write(&path, hash, &txs()).unwrap();
        assert_eq!(read_summary(&path, hash).unwrap(), summary);
        assert_eq!(read(&path).unwrap(), txs());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no part left");
    }

    #[test]
    fn damage_is_found_wherever_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let hash = B256::repeat_byte(9);
        let path = path(dir.path(), 77, hash);
        write(&path, hash, &txs()).unwrap();
        let good = fs::read(&path).unwrap();
        for at in [0, 8, 16, 25, 40, 300, good.len() / 2, good.len() - 1] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&path, bad).unwrap();
            assert!(
                read_summary(&path, hash).is_err() || read(&path).is_err(),
                "a changed byte at {at} is not noticed"
            );
        }
        for length in [0, 7, 19, 100, good.len() - 1] {
            fs::write(&path, &good[..length]).unwrap();
            assert!(read(&path).is_err());
        }
    }
}
