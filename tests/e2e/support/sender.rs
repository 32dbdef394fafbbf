//! The sender of a batcher or a proposer, for transactions of a test's own.

use super::key;
use mezz_l1::{L1Client, SenderConfig, TxSender};
use std::time::Duration;

/// Sends to the L1 with the key of a dev account, as a duty does.
pub(crate) async fn tx_sender(l1_url: &str, index: u32) -> TxSender {
    let client = L1Client::new(l1_url).unwrap();
    let chain_id = client.chain_id().await.unwrap();
    let config =
        SenderConfig { poll_interval: Duration::from_millis(200), ..SenderConfig::default() };
    let (sender, task) = TxSender::new(client, key(index), chain_id, None, config).unwrap();
    tokio::spawn(task.run());
    sender
}
