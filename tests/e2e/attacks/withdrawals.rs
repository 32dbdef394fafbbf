//! Theft from the portal, with the real proofs of a running node.

use super::proposals::send_as;
use crate::{
    on_both,
    support::{L1, Mezz, ether, fresh_address, games, key, portal, small, text},
};
use alloy::{
    primitives::{Address, B256, Bytes, Log, U256, keccak256},
    sol_types::SolCall,
};
use mezz_contracts::bindings::{IAnchorStateRegistry, IPortal, WithdrawalTransaction};
use mezz_primitives::{
    addresses::L2_TO_L1_MESSAGE_PASSER,
    output::{Withdrawal, withdrawal_storage_slot},
};
use mezz_rollup::{L2Client, withdrawal};
use serde_json::{Value, json};

/// Dev accounts of `mezz up`: who withdraws, and a thief.
const OWNER: u32 = 2;
const THIEF: u32 = 3;

on_both!(forged_withdrawal);
async fn forged_withdrawal(l1: &L1) {
    let theft = Theft::new(l1).await;
    let (index, block) = theft.game().await;
    let honest = theft.proof(&theft.withdrawal, index, block).await;
    theft.succeeds(&honest).await;

    // The same slot, more money, another receiver, or a withdrawal that never was. Where the way to
    // its slot leaves the trie depends on its hash.
    let absent = ["TrieKeyAbsent()", "TriePathDiffers()"];
    let thief = key(THIEF).address();
    let forgeries = [
        Withdrawal { value: ether(1_000), ..theft.withdrawal.clone() },
        Withdrawal { target: thief, ..theft.withdrawal.clone() },
        Withdrawal { nonce: theft.withdrawal.nonce + U256::ONE, ..theft.withdrawal.clone() },
    ];
    for forged in forgeries {
        let forged =
            IPortal::proveWithdrawalTransactionCall { _tx: forged.into(), ..honest.clone() };
        theft.reverts(&forged, &[&absent[..], &["TrieWrongHash()"]].concat()).await;
        // With the node's own proof of the slot, which shows that it is empty.
        let index = forged._disputeGameIndex;
        let own: Withdrawal = withdrawal_of(&forged._tx);
        let proven_empty = theft.proof(&own, index, block).await;
        theft.reverts(&proven_empty, &absent).await;
    }
    // Another state, against the real proposal.
    let mut state = honest.clone();
    state._outputRootProof.messagePasserStorageRoot = B256::repeat_byte(7);
    theft.reverts(&state, &["OptimismPortal_InvalidOutputRootProof()"]).await;
    // A proposal that does not exist: an index beyond the factory's list.
    let nowhere = IPortal::proveWithdrawalTransactionCall {
        _disputeGameIndex: U256::from(1_000_000),
        ..honest
    };
    let refused = theft.reverts(&nowhere, &["Panic(uint256)"]).await;
    assert!(refused.contains(&format!("{:064x}", 0x32)), "{refused}");
}

on_both!(early_and_replayed_withdrawal);
async fn early_and_replayed_withdrawal(l1: &L1) {
    let theft = Theft::new(l1).await;
    let finalize =
        IPortal::finalizeWithdrawalTransactionCall { _tx: theft.withdrawal.clone().into() };
    theft.reverts(&finalize, &["OptimismPortal_Unproven()"]).await;
    theft.mezz.client(&theft.go_on("proven")).await;
    theft.reverts(&finalize, &["OptimismPortal_ProofNotOldEnough()"]).await;
    assert_eq!(theft.mezz.l1().balance(theft.receiver).await, ether(0));

    theft.mezz.client(&["l1", "increase-time", "2m"]).await;
    theft.mezz.client(&theft.go_on("finalized")).await;
    assert_eq!(theft.mezz.l1().balance(theft.receiver).await, ether(1));
    theft.reverts(&finalize, &["OptimismPortal_AlreadyFinalized()"]).await;
}

on_both!(withdrawal_against_a_discarded_proposal);
async fn withdrawal_against_a_discarded_proposal(l1: &L1) {
    let theft = Theft::new(l1).await;
    theft.mezz.client(&theft.go_on("proven")).await;
    let (l1, deployment) = (theft.mezz.l1(), theft.mezz.deployment());
    let proven = IPortal::provenWithdrawalsCall {
        withdrawalHash: theft.withdrawal.hash(),
        proofSubmitter: key(OWNER).address(),
    };
    let game = l1.read(theft.portal, &proven).await.disputeGameProxy;
    let registry: Address = text(&deployment, "/l1/contracts/anchorStateRegistry").parse().unwrap();
    let guardian = l1.read(registry, &IAnchorStateRegistry::guardianCall {}).await;
    let discard = IAnchorStateRegistry::blacklistDisputeGameCall { game };
    send_as(&l1, guardian, registry, &discard, U256::ZERO).await;

    theft.mezz.client(&["l1", "increase-time", "2m"]).await;
    let finalize =
        IPortal::finalizeWithdrawalTransactionCall { _tx: theft.withdrawal.clone().into() };
    // Old enough, so the discarding alone stands against it.
    theft.reverts(&finalize, &["OptimismPortal_InvalidRootClaim()"]).await;
    assert_eq!(l1.balance(theft.receiver).await, ether(0));

    // The owner's money is not lost: a later proposal holds it too.
    theft.mezz.client(&theft.go_on("proven")).await;
    let again = l1.read(theft.portal, &proven).await.disputeGameProxy;
    assert_ne!(again, game);
    theft.mezz.client(&["l1", "increase-time", "2m"]).await;
    theft.mezz.client(&theft.go_on("finalized")).await;
    assert_eq!(l1.balance(theft.receiver).await, ether(1));
}

/// A chain with a withdrawal of an ether that has been initiated.
struct Theft {
    mezz: Mezz,
    portal: Address,
    receiver: Address,
    /// L2 transaction of the withdrawal.
    tx: String,
    withdrawal: Withdrawal,
    /// L2 block of the withdrawal.
    block: u64,
    _dir: tempfile::TempDir,
}

impl Theft {
    async fn new(l1: &L1) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mezz = Mezz::up(dir.path(), l1, &[]).await;
        let receiver = fresh_address();
        let to = receiver.to_string();
        let from = OWNER.to_string();
        let begun = ["withdraw", "1", "--to", &to, "--until", "initiated", "--from", &from];
        let begun = mezz.client(&begun).await;
        let tx = text(&begun, "/l2Transaction").to_owned();
        let receipt = mezz.l2().wait_receipt(&tx).await;
        let logs: Vec<Log> = receipt["logs"].as_array().unwrap().iter().map(log).collect();
        let withdrawal = withdrawal::initiated(&logs).pop().unwrap();
        Self {
            portal: portal(&mezz.deployment()),
            block: small(&receipt["blockNumber"]),
            mezz,
            receiver,
            tx,
            withdrawal,
            _dir: dir,
        }
    }

    /// Arguments of the command that brings the withdrawal up to a step.
    fn go_on<'a>(&'a self, until: &'a str) -> [&'a str; 7] {
        ["withdraw", "--tx", &self.tx, "--until", until, "--from", "2"]
    }

    /// Index and L2 block of a proposal that covers the withdrawal, mined a second ago at least.
    async fn game(&self) -> (U256, u64) {
        let factory = self.mezz.deployment();
        let factory = text(&factory, "/l1/contracts/disputeGameFactory").parse().unwrap();
        let l1 = self.mezz.l1();
        loop {
            for (index, game) in games(&l1, factory).await.into_iter().enumerate() {
                let now = small(&l1.block("latest").await["timestamp"]);
                let number: u64 = game.number.to();
                if number >= self.block && game.created_at < now {
                    return (U256::from(index), number);
                }
            }
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    }

    /// What proves `withdrawal` against the proposal of L2 block `block`, as the node has it.
    async fn proof(
        &self,
        withdrawal: &Withdrawal,
        index: U256,
        block: u64,
    ) -> IPortal::proveWithdrawalTransactionCall {
        let l2 = self.mezz.l2();
        let output = L2Client::new(l2.url()).unwrap().output_at(block).await.unwrap();
        let slot = withdrawal_storage_slot(withdrawal.hash());
        let params = (L2_TO_L1_MESSAGE_PASSER, [slot], format!("{block:#x}"));
        let proof = l2.call("eth_getProof", params).await;
        let nodes = serde_json::from_value(proof["storageProof"][0]["proof"].clone()).unwrap();
        IPortal::proveWithdrawalTransactionCall {
            _tx: withdrawal.clone().into(),
            _disputeGameIndex: index,
            _outputRootProof: withdrawal::output_root_proof(&output),
            _withdrawalProof: nodes,
        }
    }

    /// The portal lets the call pass.
    async fn succeeds(&self, call: &impl SolCall) {
        self.call(call).await.unwrap();
    }

    /// The portal refuses the call with one of these errors, Solidity's signatures; all that the
    /// node says of it.
    async fn reverts(&self, call: &impl SolCall, errors: &[&str]) -> String {
        let refused = self.call(call).await.expect_err("a theft").to_lowercase();
        let mut selectors = errors.iter().map(|error| alloy::hex::encode(&keccak256(error)[..4]));
        let known = selectors.any(|selector| refused.contains(&selector));
        assert!(known, "{refused}, none of {errors:?}");
        assert!(refused.contains("revert"), "{refused}");
        refused
    }

    async fn call(&self, call: &impl SolCall) -> Result<Value, String> {
        let from = key(OWNER).address();
        let input = Bytes::from(call.abi_encode());
        let request = json!({ "from": from, "to": self.portal, "input": input });
        self.mezz.l1().try_call("eth_call", (request, "latest")).await
    }
}

fn withdrawal_of(tx: &WithdrawalTransaction) -> Withdrawal {
    Withdrawal {
        nonce: tx.nonce,
        sender: tx.sender,
        target: tx.target,
        value: tx.value,
        gas_limit: tx.gasLimit,
        data: tx.data.clone(),
    }
}

fn log(json: &Value) -> Log {
    let field = |name: &str| json[name].clone();
    Log::new_unchecked(
        serde_json::from_value(field("address")).unwrap(),
        serde_json::from_value(field("topics")).unwrap(),
        serde_json::from_value(field("data")).unwrap(),
    )
}
