//! Logs and receipts of one block, by hash, checked against the block's header.

use super::{L1Client, L1Error};
use crate::types::L1Log;
use alloy::{
    consensus::{Header, Sealed, proofs::calculate_receipt_root},
    primitives::{Address, B256, Bloom, BloomInput},
    rpc::types::{Filter, Log, TransactionReceipt},
};
use std::sync::atomic::Ordering;

/// Which logs are wanted: those of any of `addresses` whose first topic is any of `topics`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// Contracts; none means that no log is wanted.
    pub addresses: Vec<Address>,
    /// First topics; none means any, and also logs without topics.
    pub topics: Vec<B256>,
}

/// How far the node is trusted about the logs of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogCheck {
    /// All receipts of a block that may hold a wanted log are fetched and checked against the
    /// receipts root of its header, so that no log can be left out, changed or invented. Nodes
    /// without `eth_getBlockReceipts` are asked as under [`LogCheck::Bloom`].
    #[default]
    Receipts,
    /// Only the wanted logs are fetched and checked against the header's bloom: a node may leave
    /// logs out. Far less data on a busy chain.
    Bloom,
}

impl LogFilter {
    /// Whether a block with this bloom may hold a wanted log. `false` is certain.
    pub fn may_match(&self, bloom: &Bloom) -> bool {
        let has = |bytes: &[u8]| bloom.contains_input(BloomInput::Raw(bytes));
        self.addresses.iter().any(|address| has(address.as_slice()))
            && (self.topics.is_empty() || self.topics.iter().any(|topic| has(topic.as_slice())))
    }

    /// Whether a log is wanted.
    pub fn matches(&self, address: &Address, topics: &[B256]) -> bool {
        self.addresses.contains(address)
            && (self.topics.is_empty()
                || topics.first().is_some_and(|first| self.topics.contains(first)))
    }
}

impl L1Client {
    /// The wanted logs of one block, in order. Nothing is asked if the header's bloom rules them
    /// out.
    ///
    /// # Errors
    /// [`L1Error::NotFound`] if the node no longer has the block, [`L1Error::WrongAnswer`] if the
    /// answer contradicts the header; else any transport error.
    pub async fn block_logs(
        &self,
        header: &Sealed<Header>,
        filter: &LogFilter,
        check: LogCheck,
    ) -> Result<Vec<L1Log>, L1Error> {
        if !filter.may_match(&header.logs_bloom) {
            return Ok(Vec::new());
        }
        if check == LogCheck::Receipts && !self.inner.no_receipts.load(Ordering::Relaxed) {
            match self.receipts(header).await {
                Ok(receipts) => return Ok(wanted_logs(&receipts, filter)),
                Err(error) if error.is_method_missing() => {
                    self.inner.no_receipts.store(true, Ordering::Relaxed);
                    tracing::warn!(
                        url = self.url(),
                        "L1 has no eth_getBlockReceipts: its word is taken for which logs a block has"
                    );
                }
                Err(error) => return Err(error),
            }
        }
        self.logs(header, filter).await
    }

    /// The wanted logs of one block by `eth_getLogs`, checked for place and against the bloom.
    ///
    /// # Errors
    /// As [`Self::block_logs`].
    pub async fn logs(
        &self,
        header: &Sealed<Header>,
        filter: &LogFilter,
    ) -> Result<Vec<L1Log>, L1Error> {
        const METHOD: &str = "eth_getLogs";
        if filter.addresses.is_empty() {
            return Ok(Vec::new());
        }
        let mut question =
            Filter::new().at_block_hash(header.hash()).address(filter.addresses.clone());
        if !filter.topics.is_empty() {
            question = question.event_signature(filter.topics.clone());
        }
        let answer: Vec<Log> = self.request(METHOD, (question,)).await?;
        check_logs(answer, header, filter).map_err(|reason| self.wrong(METHOD, reason))
    }

    /// All receipts of one block, checked against the receipts root of its header.
    ///
    /// # Errors
    /// As [`Self::block_logs`].
    pub async fn receipts(
        &self,
        header: &Sealed<Header>,
    ) -> Result<Vec<TransactionReceipt>, L1Error> {
        const METHOD: &str = "eth_getBlockReceipts";
        let answer: Option<Vec<TransactionReceipt>> =
            self.request(METHOD, (header.hash(),)).await?;
        let receipts =
            answer.ok_or_else(|| self.not_found(format!("receipts of block {}", header.hash())))?;
        let consensus: Vec<_> = receipts
            .iter()
            .map(|receipt| receipt.clone().into_primitives_receipt().inner)
            .collect();
        let root = calculate_receipt_root(&consensus);
        if root != header.receipts_root {
            let reason = format!(
                "the receipts of block {} have the root {root}, its header says {}",
                header.number, header.receipts_root
            );
            return Err(self.wrong(METHOD, reason));
        }
        Ok(receipts)
    }
}

fn wanted_logs(receipts: &[TransactionReceipt], filter: &LogFilter) -> Vec<L1Log> {
    let mut wanted = Vec::new();
    let mut log_index = 0;
    for (transaction_index, receipt) in (0u64..).zip(receipts) {
        for log in receipt.inner.logs() {
            if filter.matches(&log.address(), log.topics()) {
                wanted.push(L1Log {
                    address: log.address(),
                    topics: log.topics().to_vec(),
                    data: log.inner.data.data.clone(),
                    transaction_hash: receipt.transaction_hash,
                    transaction_index,
                    log_index,
                });
            }
            log_index += 1;
        }
    }
    wanted
}

fn check_logs(
    answer: Vec<Log>,
    header: &Sealed<Header>,
    filter: &LogFilter,
) -> Result<Vec<L1Log>, String> {
    let mut logs: Vec<L1Log> = Vec::with_capacity(answer.len());
    for log in answer {
        if log.block_hash != Some(header.hash()) {
            return Err(format!(
                "asked for logs of block {}, got one of {:?}",
                header.hash(),
                log.block_hash
            ));
        }
        if log.removed {
            return Err(format!("a removed log of block {}", header.hash()));
        }
        if !filter.matches(&log.address(), log.topics()) {
            return Err(format!("a log of {} that was not asked for", log.address()));
        }
        if !header.logs_bloom.contains_raw_log(log.address(), log.topics()) {
            return Err(format!(
                "a log of {} that the bloom of block {} rules out",
                log.address(),
                header.number
            ));
        }
        let (Some(transaction_hash), Some(transaction_index), Some(log_index)) =
            (log.transaction_hash, log.transaction_index, log.log_index)
        else {
            return Err("a log without its place".to_owned());
        };
        if logs.last().is_some_and(|last| last.log_index >= log_index) {
            return Err("logs out of order".to_owned());
        }
        logs.push(L1Log {
            address: log.address(),
            topics: log.topics().to_vec(),
            data: log.inner.data.data,
            transaction_hash,
            transaction_index,
            log_index,
        });
    }
    Ok(logs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::{Bytes, LogData};

    fn log(address: Address, topic: B256, header: &Sealed<Header>, index: u64) -> Log {
        Log {
            inner: alloy::primitives::Log {
                address,
                data: LogData::new_unchecked(vec![topic], Bytes::new()),
            },
            block_hash: Some(header.hash()),
            block_number: Some(header.number),
            transaction_hash: Some(B256::with_last_byte(9)),
            transaction_index: Some(0),
            log_index: Some(index),
            ..Default::default()
        }
    }

    fn header_with(address: Address, topic: B256) -> Sealed<Header> {
        let mut bloom = Bloom::ZERO;
        bloom.accrue_raw_log(address, &[topic]);
        Sealed::new(Header { logs_bloom: bloom, number: 7, ..Default::default() })
    }

    #[test]
    fn bloom_rules_out_other_addresses_and_topics() {
        let (a, t) = (Address::with_last_byte(1), B256::with_last_byte(2));
        let bloom = header_with(a, t).logs_bloom;
        let filter = |a, t: &[B256]| LogFilter { addresses: vec![a], topics: t.to_vec() };
        assert!(filter(a, &[]).may_match(&bloom));
        assert!(filter(a, &[t]).may_match(&bloom));
        assert!(!filter(a, &[B256::with_last_byte(3)]).may_match(&bloom));
        assert!(!filter(Address::with_last_byte(4), &[t]).may_match(&bloom));
        assert!(!LogFilter::default().may_match(&Bloom::repeat_byte(0xff)));
    }

    #[test]
    fn logs_of_another_block_order_or_contract_are_wrong() {
        let (a, t) = (Address::with_last_byte(1), B256::with_last_byte(2));
        let header = header_with(a, t);
        let filter = LogFilter { addresses: vec![a], topics: vec![] };
        let good = vec![log(a, t, &header, 0), log(a, t, &header, 1)];
        assert_eq!(check_logs(good.clone(), &header, &filter).unwrap().len(), 2);

        let mut moved = good.clone();
        moved[1].block_hash = Some(B256::ZERO);
        assert!(check_logs(moved, &header, &filter).is_err());
        let mut twice = good.clone();
        twice[1].log_index = Some(0);
        assert!(check_logs(twice, &header, &filter).is_err());
        let mut removed = good;
        removed[0].removed = true;
        assert!(check_logs(removed, &header, &filter).is_err());
        let foreign = vec![log(Address::with_last_byte(3), t, &header, 0)];
        assert!(check_logs(foreign, &header, &filter).is_err());
        let invented = vec![log(a, B256::with_last_byte(0xee), &header, 0)];
        assert!(check_logs(invented, &header, &filter).unwrap_err().contains("rules out"));
    }
}
