//! How small batches get, and how fast: `cargo bench -p mezz-derivation --bench batch`.
//!
//! An argument behind `--` keeps the rows whose name has it, as `-- model`. Each row is of one run on one core: bytes for a transaction with its signature, and megabytes
//! of raw transactions in a second, each way. The rows of `docs/batches.md` come from here; with
//! `-- --dump FOLDER` the columns are written to files for compressors that are no part of this.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, clippy::cast_possible_truncation)]

#[path = "../../tests/op_mainnet/span.rs"]
mod span;
#[path = "../../tests/op_mainnet/transfers.rs"]
mod transfers;
mod variants;

use mezz_derivation::{
    Batch,
    batch::{Compression, encode},
};
use std::{fs, path::Path, time::Instant};

/// Seconds for which each thing is done again and again.
const LEAST: f64 = 0.5;

/// What `work` answers, and the seconds that it takes.
fn timed<T>(mut work: impl FnMut() -> T) -> (T, f64) {
    let (start, start_on_core) = (Instant::now(), seconds_on_core());
    let mut times = 0.0;
    loop {
        let result = work();
        times += 1.0;
        let on_core = seconds_on_core().zip(start_on_core).map(|(end, start)| end - start);
        let taken = on_core.unwrap_or_else(|| start.elapsed().as_secs_f64());
        if taken >= LEAST {
            return (result, taken / times);
        }
    }
}

/// Seconds that this thread has had a core to itself, where the system tells: other work on the
/// machine then does not count.
fn seconds_on_core() -> Option<f64> {
    let schedule = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(schedule.split(' ').next()?.parse::<f64>().ok()? / 1e9)
}

/// A batch to measure.
struct Corpus {
    name: &'static str,
    batch: Batch,
    chain_id: u64,
}

impl Corpus {
    fn raw(&self) -> Vec<&[u8]> {
        self.batch.blocks.iter().flat_map(|b| &b.transactions).map(|raw| raw.as_ref()).collect()
    }

    fn megabytes(&self) -> f64 {
        self.raw().iter().map(|raw| raw.len()).sum::<usize>() as f64 / 1e6
    }

    fn row(&self, name: &str, bytes: usize, encoding: f64, decoding: Option<f64>) {
        let speed = |seconds: f64| format!("{:.1}", self.megabytes() / seconds);
        println!(
            "| {name:<44} | {:>6.1} | {:>7} | {:>7} |",
            bytes as f64 / self.raw().len() as f64,
            speed(encoding),
            decoding.map_or_else(|| "-".to_owned(), speed),
        );
    }

    fn product(&self, name: &str, compression: Compression) {
        let (encoded, encoding) =
            timed(|| encode(&self.batch, self.chain_id, compression).unwrap());
        let (decoded, decoding) = timed(|| Batch::decode(&encoded, self.chain_id).unwrap());
        assert_eq!(decoded, self.batch, "nothing may be lost");
        self.row(name, encoded.len(), encoding, Some(decoding));
    }
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let only = |name: &str| args.iter().all(|arg| name.contains(arg.as_str()));
    let corpora = [
        Corpus {
            name: "OP Mainnet, June 2024",
            batch: span::decode_channel(include_bytes!("../../testdata/op-mainnet-channel.zlib")),
            chain_id: span::CHAIN_ID,
        },
        Corpus {
            name: "plain transfers",
            batch: transfers::batch(6_000),
            chain_id: transfers::CHAIN_ID,
        },
    ];
    if let [flag, folder] = &args[..]
        && flag == "--dump"
    {
        for corpus in &corpora {
            dump(corpus, Path::new(folder));
        }
        return;
    }
    for corpus in &corpora {
        println!(
            "\n{}: {} transactions, {:.3} MB raw\n",
            corpus.name,
            corpus.raw().len(),
            corpus.megabytes()
        );
        println!("| {:<44} | {:>6} | {:>7} | {:>7} |", "", "B/tx", "MB/s in", "MB/s out");
        println!("|{:-<46}|{:->8}|{:->9}|{:->9}|", "", ":", ":", ":");
        let variants = variants::all(&corpus.raw(), corpus.chain_id);
        for (name, data, kept) in variants.into_iter().filter(|(name, ..)| only(name)) {
            let (size, encoding) = timed(|| variants::brotli(&data, 9, 22, false).len());
            corpus.row(&name, size + kept, encoding, None);
        }
        if only("columns, brotli 11, large window") {
            let encoded = encode(&corpus.batch, corpus.chain_id, Compression::Stored).unwrap();
            let (columns, beside) = variants::stored_columns(&encoded, corpus.raw().len());
            let (size, encoding) = timed(|| variants::brotli(columns, 11, 28, true).len());
            corpus.row("columns, brotli 11, large window", size + beside, encoding, None);
        }
        for quality in [5, 9, 10, 11] {
            if only("columns, brotli") {
                corpus.product(&format!("columns, brotli {quality}"), Compression::Brotli(quality));
            }
        }
        if only("columns, model") {
            corpus.product("columns, model", Compression::Model);
        }
    }
}

/// Writes the stored columns, for other compressors, and the size of what is beside them: of the
/// whole, and of both halves, so that a dictionary trained on one can be tried on the other.
fn dump(corpus: &Corpus, folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let name = corpus.name.split([',', ' ']).next().unwrap();
    let blocks = &corpus.batch.blocks;
    let (first, second) = blocks.split_at(blocks.len() / 2);
    for (part, blocks) in [("all", &blocks[..]), ("first", first), ("second", second)] {
        let batch = Batch { blocks: blocks.to_vec(), ..corpus.batch.clone() };
        let encoded = encode(&batch, corpus.chain_id, Compression::Stored).unwrap();
        let transactions = blocks.iter().map(|block| block.transactions.len()).sum();
        let (columns, beside) = variants::stored_columns(&encoded, transactions);
        let path = folder.join(format!("{name}-{part}.columns"));
        fs::write(&path, columns).unwrap();
        println!(
            "{}: {transactions} transactions, {} bytes, and {beside} beside them",
            path.display(),
            columns.len()
        );
    }
}
