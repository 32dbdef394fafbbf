//! What a withdrawal needs at each of its steps: initiate on L2, prove on L1, wait, finalize.

use alloy::{
    primitives::{B256, Log},
    sol_types::SolEvent,
};
use mezz_contracts::bindings::{IL2ToL1MessagePasser, OutputRootProof};
use mezz_primitives::{addresses::L2_TO_L1_MESSAGE_PASSER, output::Withdrawal};

use crate::rpc::types::OutputAtBlock;

/// The withdrawals that a transaction initiated, from its logs, in order.
pub fn initiated<'a>(logs: impl IntoIterator<Item = &'a Log>) -> Vec<Withdrawal> {
    logs.into_iter()
        .filter(|log| log.address == L2_TO_L1_MESSAGE_PASSER)
        .filter_map(|log| IL2ToL1MessagePasser::MessagePassed::decode_log(log).ok())
        .map(|event| Withdrawal {
            nonce: event.nonce,
            sender: event.sender,
            target: event.target,
            value: event.value,
            gas_limit: event.gasLimit,
            data: event.data.data,
        })
        .collect()
}

/// The preimage of a proposal's output root.
pub fn output_root_proof(output: &OutputAtBlock) -> OutputRootProof {
    OutputRootProof {
        version: B256::ZERO,
        stateRoot: output.state_root,
        messagePasserStorageRoot: output.withdrawal_storage_root,
        latestBlockhash: output.block_ref.hash,
    }
}

/// What must be over before a proven withdrawal can be finalized. All times in seconds of L1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Maturity {
    /// When it was proven.
    pub proven_at: u64,
    /// How old the proof must be.
    pub proof_delay: u64,
    /// When the game was created.
    pub game_created_at: u64,
    /// How long it can be disputed.
    pub challenge_window: u64,
    /// How long a decided game waits.
    pub finality_delay: u64,
}

impl Maturity {
    /// The first second of L1 at which it can be finalized.
    ///
    /// Both delays must have passed, not only be reached: the portal compares strictly.
    pub fn ready_at(&self) -> u64 {
        let proof = self.proven_at.saturating_add(self.proof_delay);
        let game = self
            .game_created_at
            .saturating_add(self.challenge_window)
            .saturating_add(self.finality_delay);
        proof.max(game).saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::{Address, U256};

    #[test]
    fn the_later_of_both_delays_counts() {
        let maturity = Maturity {
            proven_at: 100,
            proof_delay: 50,
            game_created_at: 90,
            challenge_window: 60,
            finality_delay: 10,
        };
        assert_eq!(maturity.ready_at(), 161);
        assert_eq!(Maturity { proof_delay: 80, ..maturity }.ready_at(), 181);
    }

    #[test]
    fn logs_of_other_contracts_are_no_withdrawals() {
        let event = IL2ToL1MessagePasser::MessagePassed {
            nonce: U256::from(1),
            sender: Address::repeat_byte(1),
            target: Address::repeat_byte(2),
            value: U256::from(3),
            gasLimit: U256::from(4),
            data: vec![5].into(),
            withdrawalHash: B256::ZERO,
        };
        let log = |address| Log { address, data: event.encode_log_data() };
        assert!(initiated([&log(Address::ZERO)]).is_empty());
        let found = initiated([&log(L2_TO_L1_MESSAGE_PASSER)]);
        assert_eq!(found[0].value, U256::from(3));
    }
}
