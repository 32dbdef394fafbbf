//! `mezz status`: the heads, what is proposed, the books, and who is believed.

use super::{Context, node::show_trust};
use crate::{
    Failure,
    cli::Target,
    client::Client,
    output::Output,
    units::{show_duration, show_ether, show_places},
};
use mezz_contracts::bindings::{IDisputeGame, IInbox};
use mezz_l1::L1Client;
use mezz_rollup::{
    books::{BooksReport, Entry, Totals},
    games::Games,
    rpc::{TrustProfile, types::SyncStatus},
};
use serde_json::json;
use std::time::Duration;

/// Batches that are listed.
const LISTED: usize = 5;
/// Decimal places of ether in the list: a batch of nothing costs some ten thousand gas.
const PLACES: u8 = 12;

/// Shows it.
pub(crate) async fn run(context: &Context, target: &Target) -> Result<(), Failure> {
    let deployment = context.chain(target).await?;
    let out = context.out;
    let l1 = Client::new("L1", &deployment.l1.rpc)?;
    let l2 = Client::new("L2", &deployment.l2.rpc)?;
    let status: SyncStatus = l2.request("optimism_syncStatus", ()).await?;
    let trust: TrustProfile = l2.request("mezz_trustProfile", ()).await?;
    let books: BooksReport = l2.request("mezz_batches", ()).await?;
    let portal = deployment.l1.contract("portal")?;
    let factory = deployment.l1.contract("disputeGameFactory")?;
    let inbox = deployment.l1.contract("inbox")?;
    let batches = l1.call(inbox, &IInbox::batchCountCall {}).await?;
    let registry = deployment.l1.contract("anchorStateRegistry")?;
    let games = Games { l1: L1Client::new(&deployment.l1.rpc)?, factory, registry };
    let (count, newest) = (games.count().await?, games.newest_standing().await?);
    let held = l1.balance(portal).await?;
    let now = l1.now().await?;

    out.line(format!(
        "{} rollup, chain {}, {}",
        deployment.kind, deployment.l2.chain_id, trust.role
    ));
    out.line("\nL1");
    out.field("endpoint", &deployment.l1.rpc);
    out.field("head", status.head_l1.number.to_string());
    out.field("finalized", status.finalized_l1.number.to_string());
    out.field("derived up to", status.current_l1.number.to_string());
    out.line("\nL2");
    out.field("endpoint", &deployment.l2.rpc);
    for (name, block) in [
        ("unsafe head", status.unsafe_l2),
        ("safe head", status.safe_l2),
        ("finalized head", status.finalized_l2),
    ] {
        let origin = block.l1_origin.number;
        out.field(name, format!("{}  (L1 origin {origin})", block.number));
    }
    out.line("\nOn L1");
    out.field("batches", batches.to_string());
    out.field("held by the portal", show_ether(held));
    match newest {
        None if count == 0 => out.field("newest proposal", "none yet"),
        None => out.field("newest proposal", format!("none that counts  ({count} discarded)")),
        Some((index, game)) => {
            let window = l1.call(game.proxy, &IDisputeGame::maxClockDurationCall {}).await?;
            let left = game.created_at.saturating_add(window).saturating_sub(now);
            let stands = match left {
                0 => "now".to_owned(),
                left => format!("in {}", show_duration(Duration::from_secs(left))),
            };
            let after = match count.saturating_sub(index + 1) {
                0 => String::new(),
                after => format!(", {after} newer discarded"),
            };
            let line =
                format!("L2 block {}, stands {stands}  ({count} in all{after})", game.number);
            out.field("newest proposal", line);
        }
    }
    let proposed = newest.map(|(_, game)| game.number.to_string());
    show_books(out, &books.totals);
    for line in newest_batches(&books.newest) {
        out.line(line);
    }
    out.line("\nWho is believed");
    show_trust(out, &trust);
    out.result(&json!({
        "kind": deployment.kind,
        "sync": status,
        "batches": batches,
        "books": books,
        "proposals": count.to_string(),
        "proposedBlock": proposed,
        "portalBalance": held.to_string(),
        "trust": trust,
    }));
    Ok(())
}

/// Shows what the batches of the derived chain collected and cost.
fn show_books(out: Output, totals: &Totals) {
    let Totals { batches, in_vain, in_calldata, unpriced, bytes, contents, spent } = *totals;
    out.line("\nBooks");
    let mut posted = format!("{batches}, {in_calldata} of them in calldata");
    if in_vain > 0 {
        posted += &format!(", {in_vain} in vain");
    }
    out.field("batches derived", posted);
    let each = bytes.checked_div(contents.transactions);
    let each = each.map_or_else(String::new, |each| format!(", {each} for each"));
    out.field("transactions", format!("{}, in {bytes} bytes{each}", contents.transactions));
    let collected = contents.collected;
    out.field(
        "collected on L2",
        format!(
            "{}  (base {}, priority {}, L1 data {})",
            show_ether(collected.total()),
            show_ether(collected.base),
            show_ether(collected.priority),
            show_ether(collected.l1_data)
        ),
    );
    let mut paid = format!(
        "{}  (gas {}, blob gas {})",
        show_ether(spent.total()),
        show_ether(spent.gas),
        show_ether(spent.blob_gas)
    );
    if unpriced > 0 {
        paid += &format!(", without {unpriced} batches of which L1 did not say what they cost");
    }
    out.field("spent on L1", paid);
}

/// A table of the newest batches, the newest first.
fn newest_batches(newest: &[Entry]) -> Vec<String> {
    if newest.is_empty() {
        return Vec::new();
    }
    let header = ["L1 block", "L2 blocks", "transactions", "bytes", "collected", "spent", "result"];
    let rows = newest.iter().take(LISTED).map(row);
    let rows: Vec<_> = [header.map(str::to_owned)].into_iter().chain(rows).collect();
    let widths: [usize; 7] = std::array::from_fn(|column| {
        rows.iter().map(|row| row[column].len()).max().unwrap_or_default()
    });
    let aligned = rows.iter().map(|row| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("  {cell:>width$}"));
        cells.collect::<String>()
    });
    ["\nNewest batches, ETH".to_owned()].into_iter().chain(aligned).collect()
}

fn row(batch: &Entry) -> [String; 7] {
    let blocks = match batch.contents.blocks {
        0 => "in vain".to_owned(),
        1 => batch.last_block.to_string(),
        blocks => {
            format!("{}-{}", batch.last_block.saturating_sub(blocks - 1), batch.last_block)
        }
    };
    let collected = batch.contents.collected.total();
    let (spent, result) = match batch.spent.map(|spent| spent.total()) {
        None => ("unknown".to_owned(), "unknown".to_owned()),
        Some(spent) => {
            let sign = if collected < spent { "-" } else { "+" };
            let result = show_places(collected.abs_diff(spent), PLACES);
            (show_places(spent, PLACES), format!("{sign}{result}"))
        }
    };
    [
        batch.l1.number.to_string(),
        blocks,
        batch.contents.transactions.to_string(),
        batch.bytes.to_string(),
        show_places(collected, PLACES),
        spent,
        result,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::{B256, U256};
    use mezz_derivation::L1Ref;
    use mezz_rollup::books::{Carrier, Collected, Contents, Spent};

    fn batch(l1: u64, blocks: u64, collected: u64, spent: Option<u64>) -> Entry {
        let collected = Collected { base: U256::from(collected), ..Collected::default() };
        Entry {
            index: 0,
            l1: L1Ref { number: l1, hash: B256::ZERO },
            transaction: B256::ZERO,
            carrier: Carrier::Blobs,
            bytes: 61,
            last_block: 1_041,
            contents: Contents { blocks, transactions: 12, collected },
            spent: spent.map(|wei| Spent { gas: U256::from(wei), blob_gas: U256::ZERO }),
            totals: Totals::default(),
        }
    }

    #[test]
    fn newest_batches_are_a_table() {
        let newest = [
            batch(1_045, 4, 90_182_705_373_217, Some(2_142_012_131_072)),
            batch(1_040, 1, 0, Some(2_142_012_600_000)),
            batch(1_036, 0, 0, None),
        ];
        let lines = newest_batches(&newest);
        let expected = [
            "\nNewest batches, ETH",
            "  L1 block  L2 blocks  transactions  bytes       collected           spent           result",
            "      1045  1038-1041            12     61  0.000090182705  0.000002142012  +0.000088040693",
            "      1040       1041            12     61  0.000000000000  0.000002142013  -0.000002142013",
            "      1036    in vain            12     61  0.000000000000         unknown          unknown",
        ];
        assert_eq!(lines, expected, "{}", lines.join("\n"));
        let many = vec![batch(1, 1, 1, Some(1)); LISTED + 1];
        assert_eq!(newest_batches(&many).len(), LISTED + 2);
        assert!(newest_batches(&[]).is_empty());
    }
}
