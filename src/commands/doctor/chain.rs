//! The chain on L1, and the L2 node that a duty reads from.

use super::{
    account,
    l1::{self, Facts},
    report::Report,
};
use crate::{client::Client, commands::duties};
use alloy::primitives::Address;
use mezz_l1::L1Error;
use mezz_rollup::{L2Client, RollupConfig, discover::discover};

/// L1 blocks that an L2 node may be behind in deriving.
const LAG: u64 = 64;

/// The chain that an inbox has announced, on an L1 that has its beginning.
pub(super) async fn announced(
    report: &mut Report,
    l1: &Facts,
    inbox: Option<Address>,
) -> Option<RollupConfig> {
    let mend = "name the Inbox that `mezz deploy` has printed with --inbox, and its L1 with --l1";
    let rollup = match discover(&l1.client, inbox).await {
        Ok(rollup) => rollup,
        Err(error) => {
            report.fail("inbox", error.to_string(), mend);
            return None;
        }
    };
    let found = format!("{} announces chain {}", rollup.contracts.inbox, rollup.l2_chain_id);
    report.ok("inbox", found);
    let origin = rollup.genesis.l1;
    match l1.client.header(origin.number.into()).await {
        Ok(header) if header.hash() == origin.hash => {
            report.ok("beginning", format!("this L1 has block {}, where it begins", origin.number));
        }
        Ok(_) | Err(L1Error::NotFound { .. }) => report.fail(
            "beginning",
            format!("this L1 does not have block {origin}, where it begins"),
            "use a node of the L1 that the chain was deployed on; it must have old blocks",
        ),
        Err(error) => report.fail("beginning", error.to_string(), "use another node of L1"),
    }
    Some(rollup)
}

/// The L2 node at `url`: on the announced chain, fresh, and derived.
pub(super) async fn l2_node(report: &mut Report, url: &str, l1: &Facts) -> Option<RollupConfig> {
    let mend = "name the JSON-RPC URL of a running sequencer or verifier with --l2";
    let node = match L2Client::new(url) {
        Ok(node) => node,
        Err(error) => {
            report.fail("answers", error.to_string(), mend);
            return None;
        }
    };
    let rollup = match node.rollup_config().await {
        Ok(rollup) => rollup,
        Err(error) => {
            report.fail("answers", error.to_string(), mend);
            return None;
        }
    };
    report.ok("answers", format!("a node of chain {}", rollup.l2_chain_id));
    match discover(&l1.client, Some(rollup.contracts.inbox)).await {
        Ok(announced) if announced == rollup => {
            report.ok("same chain", format!("the one that {} announces", rollup.contracts.inbox));
        }
        Ok(_) => report.fail(
            "same chain",
            format!("{} announces another chain", rollup.contracts.inbox),
            "use an L2 node and an L1 node of one chain",
        ),
        Err(error) => {
            let mend = "use an L2 node and an L1 node of one chain";
            report.fail("same chain", error.to_string(), mend);
        }
    }
    match node.sync_status().await {
        Ok(status) => {
            let block = format!("block {}", status.unsafe_l2.number);
            // Its time cannot be behind that of its L1, which has been looked at.
            let dev = l1.head.timestamp > l1::now();
            l1::age(report, "head", &block, status.unsafe_l2.timestamp, dev);
            let behind = l1.head.number.saturating_sub(status.current_l1.number);
            let found =
                format!("L1 is derived up to block {}, {behind} behind", status.current_l1.number);
            if behind > LAG {
                report.warn("derivation", found, "wait until it has caught up, or see its log");
            } else {
                report.ok("derivation", found);
            }
        }
        Err(error) => report.fail("head", error.to_string(), mend),
    }
    Some(rollup)
}

/// Whether the account is the one that the contracts of the chain allow.
pub(super) async fn role(
    report: &mut Report,
    l1_url: &str,
    rollup: &RollupConfig,
    duty: &str,
    account: Address,
) {
    let allowed = match Client::new("L1", l1_url) {
        Ok(client) => duties::allowed(&client, rollup, duty).await,
        Err(error) => Err(error),
    };
    match allowed {
        Ok(allowed) => account::role(report, duty, account, allowed),
        Err(error) => {
            report.fail("role", error.to_string(), "see that L1 has the contracts of the chain");
        }
    }
}
