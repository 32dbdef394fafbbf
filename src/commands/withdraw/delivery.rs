//! The message that a withdrawal may carry: finalizing the withdrawal need not deliver it.

use crate::{Failure, client::Client, output::Output};
use alloy::{
    network::TransactionBuilder,
    primitives::{Address, B256, address, keccak256},
    providers::Provider,
    rpc::types::TransactionRequest,
    sol_types::SolCall,
};
use mezz_contracts::{
    bindings::ICrossDomainMessenger, deploy::MAX_TX_GAS, predeploys::L2_CROSS_DOMAIN_MESSENGER,
};
use mezz_primitives::output::Withdrawal;

/// For this origin a messenger reverts where it would else only note that a message failed.
const ESTIMATION_ADDRESS: Address = address!("0000000000000000000000000000000000000001");

/// Where a message stands on L1 whose withdrawal has been finalized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Delivery {
    /// Its call succeeded.
    Done,
    /// Its call failed; the messenger keeps it for another try.
    Waiting,
    /// The messenger has not got it.
    Missing,
}

impl Delivery {
    /// From what the messenger says of it.
    const fn of(successful: bool, failed: bool) -> Self {
        match (successful, failed) {
            // A message that failed at first stays noted as failed.
            (true, _) => Self::Done,
            (false, true) => Self::Waiting,
            (false, false) => Self::Missing,
        }
    }
}

/// The hash by which the messenger of L1 knows the message that a withdrawal carries, if it is one.
fn message_hash(withdrawal: &Withdrawal, messenger: Address) -> Option<B256> {
    let is_message = withdrawal.sender == L2_CROSS_DOMAIN_MESSENGER
        && withdrawal.target == messenger
        && withdrawal.data.starts_with(&ICrossDomainMessenger::relayMessageCall::SELECTOR);
    is_message.then(|| keccak256(&withdrawal.data))
}

/// Sees to it that the message which a finalized withdrawal may carry has been delivered. A
/// finalized withdrawal need not be: the messenger keeps a message whose call fails, and
/// anyone can make it fail at first by finalizing it inside the delivery of another.
pub(super) async fn deliver(
    out: Output,
    l1: &Client,
    messenger: Address,
    withdrawal: &Withdrawal,
) -> Result<(), Failure> {
    let Some(hash) = message_hash(withdrawal, messenger) else { return Ok(()) };
    match delivery(l1, messenger, hash).await? {
        Delivery::Done => return Ok(()),
        Delivery::Missing => {
            return Err(format!(
                    "the withdrawal is finalized, but the messenger on L1 has not got its message {hash}"
                )
                .into());
        }
        Delivery::Waiting => {}
    }
    let step = out.step("The message's call failed on L1; relaying it again");
    let request =
        TransactionRequest::default().with_to(messenger).with_input(withdrawal.data.clone());
    // From anybody else, an estimation would be content with gas at which the call fails.
    let estimation = request.clone().with_from(ESTIMATION_ADDRESS);
    let gas = l1.provider().estimate_gas(estimation).await.map_err(|error| {
            let error = l1.error("the message", &error);
            format!(
                "the message {hash} waits in the messenger on L1, for its call fails still ({error}); `mezz withdraw --tx` tries it again"
            )
        })?;
    let gas = gas.saturating_add(gas / 4).min(MAX_TX_GAS);
    let pending = l1
        .provider()
        .send_transaction(request.with_gas_limit(gas))
        .await
        .map_err(|error| l1.error("the transaction", &error))?;
    let receipt = l1.wait_receipt(*pending.tx_hash()).await?;
    // Another may have relayed it in between, and that one's call is as good.
    if delivery(l1, messenger, hash).await? != Delivery::Done {
        return Err(format!(
                "the message {hash} waits in the messenger on L1, for its call failed again (transaction {}); `mezz withdraw --tx` tries it again",
                receipt.transaction_hash
            )
            .into());
    }
    step.done(&format!("in L1 block {}", receipt.block_number));
    Ok(())
}

async fn delivery(l1: &Client, messenger: Address, hash: B256) -> Result<Delivery, Failure> {
    let successful = ICrossDomainMessenger::successfulMessagesCall { hash };
    let failed = ICrossDomainMessenger::failedMessagesCall { hash };
    Ok(Delivery::of(l1.call(messenger, &successful).await?, l1.call(messenger, &failed).await?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::{Bytes, U256};
    use mezz_contracts::predeploys::L2_STANDARD_BRIDGE;

    const MESSENGER: Address = Address::repeat_byte(0x22);

    fn withdrawal(sender: Address, target: Address, data: Vec<u8>) -> Withdrawal {
        Withdrawal {
            nonce: U256::ZERO,
            sender,
            target,
            value: U256::ZERO,
            gas_limit: U256::ZERO,
            data: data.into(),
        }
    }

    #[test]
    fn a_message_that_failed_once_is_delivered_when_it_succeeded() {
        assert_eq!(Delivery::of(true, false), Delivery::Done);
        assert_eq!(Delivery::of(true, true), Delivery::Done);
        assert_eq!(Delivery::of(false, true), Delivery::Waiting);
        assert_eq!(Delivery::of(false, false), Delivery::Missing);
    }

    #[test]
    fn only_calls_of_the_messenger_are_messages() {
        let call = ICrossDomainMessenger::relayMessageCall {
            nonce: U256::from(1) << 240,
            sender: L2_STANDARD_BRIDGE,
            target: Address::repeat_byte(3),
            value: U256::ZERO,
            minGasLimit: U256::from(200_000),
            message: Bytes::from_static(b"hello"),
        }
        .abi_encode();
        let message = withdrawal(L2_CROSS_DOMAIN_MESSENGER, MESSENGER, call.clone());
        assert_eq!(message_hash(&message, MESSENGER), Some(keccak256(&call)));
        // Anyone can send the same bytes, or send to the messenger, without its being a message.
        for other in [
            withdrawal(Address::repeat_byte(9), MESSENGER, call.clone()),
            withdrawal(L2_CROSS_DOMAIN_MESSENGER, Address::repeat_byte(9), call),
            withdrawal(L2_CROSS_DOMAIN_MESSENGER, MESSENGER, Vec::new()),
        ] {
            assert_eq!(message_hash(&other, MESSENGER), None);
        }
    }
}
