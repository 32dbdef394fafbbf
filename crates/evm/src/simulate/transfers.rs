//! The logs of a transaction together with its transfers of ether, in the order in which they
//! happened: `traceTransfers` of `eth_simulateV1`.

use alloc::{vec, vec::Vec};
use mezz_primitives::{Address, B256, Log, U256, address, b256};
use revm::{
    Inspector,
    interpreter::{CallInputs, CallOutcome, CreateInputs, CreateOutcome},
};

/// Stands for ether where a token is expected (ERC-7528).
const ETHER: Address = address!("0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee");
/// `Transfer(address,address,uint256)` of ERC-20.
const TRANSFER: B256 = b256!("0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");

/// Listens to one transaction.
#[derive(Debug, Default)]
pub(super) struct Transfers {
    logs: Vec<Log>,
    /// Where the logs of each running frame begin: they go with it if it fails.
    frames: Vec<usize>,
}

fn transfer(from: Address, to: Address, value: U256) -> Log {
    let topics = vec![TRANSFER, from.into_word(), to.into_word()];
    Log::new_unchecked(ETHER, topics, value.to_be_bytes::<32>().into())
}

impl Transfers {
    /// What was logged and transferred since the last time.
    pub(super) fn take(&mut self) -> Vec<Log> {
        self.frames.clear();
        core::mem::take(&mut self.logs)
    }

    /// Ends a frame and yields where its logs begin.
    fn end(&mut self, success: bool) -> usize {
        let begin = self.frames.pop().unwrap_or_default().min(self.logs.len());
        if !success {
            self.logs.truncate(begin);
        }
        begin
    }
}

impl<C> Inspector<C> for Transfers {
    fn log(&mut self, _: &mut C, log: Log) {
        self.logs.push(log);
    }

    fn call(&mut self, _: &mut C, inputs: &mut CallInputs) -> Option<CallOutcome> {
        self.frames.push(self.logs.len());
        if let Some(value) = inputs.transfer_value().filter(|value| !value.is_zero()) {
            self.logs.push(transfer(inputs.transfer_from(), inputs.transfer_to(), value));
        }
        None
    }

    fn call_end(&mut self, _: &mut C, _: &CallInputs, outcome: &mut CallOutcome) {
        self.end(outcome.result.is_ok());
    }

    fn create(&mut self, _: &mut C, _: &mut CreateInputs) -> Option<CreateOutcome> {
        self.frames.push(self.logs.len());
        None
    }

    fn create_end(&mut self, _: &mut C, inputs: &CreateInputs, outcome: &mut CreateOutcome) {
        let begin = self.end(outcome.result.is_ok());
        // Only now it is known where the ether went: before all that the new contract did.
        if let Some(created) = outcome.address.filter(|_| outcome.result.is_ok())
            && !inputs.value().is_zero()
        {
            self.logs.insert(begin, transfer(inputs.caller(), created, inputs.value()));
        }
    }

    fn selfdestruct(&mut self, contract: Address, target: Address, value: U256) {
        if !value.is_zero() && contract != target {
            self.logs.push(transfer(contract, target, value));
        }
    }
}
