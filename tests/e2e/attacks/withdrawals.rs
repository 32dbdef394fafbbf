//! Theft from the portal, with the real proofs of a running node.

use super::proposals::send_as;
use crate::{
    on_both,
    support::{
        ICaller, L1, Mezz, Rpc, address, ether, events, fresh_address, games, init_code, key, logs,
        portal, small, supply, text, wait_until,
    },
};
use alloy::{
    primitives::{Address, B256, Bytes, FixedBytes, U256, keccak256},
    sol_types::{SolCall, SolError},
};
use mezz_contracts::bindings::{
    IAnchorStateRegistry, ICrossDomainMessenger, IL2ToL1MessagePasser, IPortal,
    WithdrawalTransaction,
};
use mezz_primitives::{
    addresses::{L2_CROSS_DOMAIN_MESSENGER, L2_TO_L1_MESSAGE_PASSER},
    output::{Withdrawal, withdrawal_storage_slot},
};
use mezz_rollup::{L2Client, withdrawal};
use serde_json::json;

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

on_both!(reentrant_and_reverting_receivers);
async fn reentrant_and_reverting_receivers(l1: &L1) {
    let dir = tempfile::tempdir().unwrap();
    let mezz = Mezz::up(dir.path(), l1, &[]).await;
    let (l1, l2, deployment) = (mezz.l1(), mezz.l2(), mezz.deployment());
    let portal = portal(&deployment);
    let messenger = address(&deployment, "/l1/contracts/l1CrossDomainMessenger");
    let held = l1.balance(portal).await;
    let begun = supply(&l2, &deployment, &[], l2.head().await).await;

    // Whoever wants may tell the receivers what to do. Each account sends one thing at a time.
    let receiver = async |index| {
        let created = l1.create(key(index), init_code("Caller", &[])).await;
        address(&created, "/contractAddress")
    };
    let tell = async |index, receiver, target, data| {
        l1.execute(key(index), receiver, U256::ZERO, &ICaller::setCall { target, data }).await;
    };
    let refuse = async |index, receiver, refusing| {
        let call = ICaller::setRefusingCall { refusing };
        l1.execute(key(index), receiver, U256::ZERO, &call).await;
    };
    let (greedy, meddler, refusing) = tokio::join!(receiver(3), receiver(4), receiver(5));

    // Three straight through the portal and one through the messengers.
    let straight = |target| {
        let call = IL2ToL1MessagePasser::initiateWithdrawalCall {
            _target: target,
            _gasLimit: U256::from(500_000),
            _data: Bytes::new(),
        };
        (L2_TO_L1_MESSAGE_PASSER, call.abi_encode())
    };
    let message = ICrossDomainMessenger::sendMessageCall {
        target: refusing,
        message: Bytes::new(),
        minGasLimit: 200_000,
    };
    let message = (L2_CROSS_DOMAIN_MESSENGER, message.abi_encode());
    let calls = [straight(greedy), straight(meddler), straight(refusing), message];
    let (owner, values) = (key(OWNER), [3, 4, 2, 1]);
    let mut sent = Vec::new();
    for (nonce, ((to, input), value)) in (0..).zip(calls.into_iter().zip(values)) {
        let tx = l2.send_call(&owner, nonce, to, ether(value), 600_000, input.into()).await;
        sent.push(tx.unwrap());
    }
    // Anybody can prove them; only time is missing then.
    let prove = async |index: u32, tx: &str| {
        let (withdrawal, _) = initiated(&l2, tx).await;
        let from = index.to_string();
        mezz.client(&["withdraw", "--tx", tx, "--until", "proven", "--from", &from]).await;
        Proven { withdrawal, by: index }
    };
    let (to_greedy, to_meddler, refused, message) = tokio::join!(
        prove(3, &sent[0]),
        prove(4, &sent[1]),
        prove(5, &sent[2]),
        prove(6, &sent[3])
    );
    let all = [&to_greedy, &to_meddler, &refused, &message];

    // One finalizes its own withdrawal again while it is paid, one another's, and one takes nothing.
    tokio::join!(
        tell(3, greedy, portal, to_greedy.finalize().abi_encode().into()),
        tell(4, meddler, portal, refused.finalize().abi_encode().into()),
        refuse(5, refusing, true),
    );
    mezz.client(&["l1", "increase-time", "2m"]).await;
    for proven in all {
        let check = IPortal::checkWithdrawalCall {
            _withdrawalHash: proven.withdrawal.hash(),
            _proofSubmitter: proven.prover(),
        };
        let is_ripe = || async { l1.try_read(portal, &check).await.is_some() };
        wait_until("it can be finalized", is_ripe).await;
    }
    let paid = async |proven: &Proven| {
        let call = proven.finalize();
        let receipt = l1.execute(key(proven.by), portal, U256::ZERO, &call).await;
        let events = events::<IPortal::WithdrawalFinalized>(&receipt);
        let [event] = &events[..] else { panic!("{} are finalized", events.len()) };
        assert_eq!(event.withdrawalHash, proven.withdrawal.hash());
        event.success
    };
    assert_eq!(tokio::join!(paid(&to_greedy), paid(&to_meddler)), (true, true));
    let reentrancy = FixedBytes::from(IPortal::OptimismPortal_NoReentrancy::SELECTOR);
    for (receiver, value) in [(greedy, 3), (meddler, 4)] {
        assert_eq!(l1.read(receiver, &ICaller::callsCall {}).await, U256::ONE);
        assert!(!l1.read(receiver, &ICaller::okCall {}).await);
        assert_eq!(l1.read(receiver, &ICaller::answerCall {}).await, reentrancy);
        assert_eq!(l1.balance(receiver).await, ether(value));
    }
    let finalized = IPortal::finalizedWithdrawalsCall { withdrawalHash: refused.withdrawal.hash() };
    assert!(!l1.read(portal, &finalized).await);

    // What is refused stays in the portal, or in the messenger until it is taken, and stands in
    // nobody's way.
    assert_eq!(tokio::join!(paid(&refused), paid(&message)), (false, true));
    let data = message.withdrawal.data.clone();
    let relay = ICrossDomainMessenger::relayMessageCall::abi_decode(&data).unwrap();
    let hash = keccak256(&data);
    assert!(l1.read(messenger, &ICrossDomainMessenger::failedMessagesCall { hash }).await);
    assert_eq!(l1.balance(refusing).await, ether(0));
    assert_eq!(l1.balance(messenger).await, ether(1));

    // Now it takes its ether, and asks for it again meanwhile.
    tokio::join!(refuse(5, refusing, false), tell(6, refusing, messenger, data));
    l1.execute(key(THIEF), messenger, U256::ZERO, &relay).await;
    assert!(l1.read(messenger, &ICrossDomainMessenger::successfulMessagesCall { hash }).await);
    assert_eq!(l1.read(refusing, &ICaller::callsCall {}).await, U256::ONE);
    let thief = key(THIEF).address();
    l1.assert_reverts(thief, messenger, &relay, &["MessengerAlreadyRelayed()"]).await;
    for proven in all {
        let already = ["OptimismPortal_AlreadyFinalized()"];
        l1.assert_reverts(thief, portal, &proven.finalize(), &already).await;
    }

    for (account, value) in [(greedy, 3), (meddler, 4), (refusing, 1), (messenger, 0)] {
        assert_eq!(l1.balance(account).await, ether(value), "{account}");
    }
    assert_eq!(l1.balance(portal).await, held - ether(8));
    assert_eq!(l2.balance(L2_TO_L1_MESSAGE_PASSER).await, ether(10));
    assert_eq!(supply(&l2, &deployment, &[], l2.head().await).await, begun);
}

/// A withdrawal that a dev account has proven.
struct Proven {
    withdrawal: Withdrawal,
    by: u32,
}

impl Proven {
    fn prover(&self) -> Address {
        key(self.by).address()
    }

    /// What finalizes it, whoever sends that: so can whoever is paid.
    fn finalize(&self) -> IPortal::finalizeWithdrawalTransactionExternalProofCall {
        IPortal::finalizeWithdrawalTransactionExternalProofCall {
            _tx: self.withdrawal.clone().into(),
            _proofSubmitter: self.prover(),
        }
    }
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
        let (withdrawal, block) = initiated(&mezz.l2(), &tx).await;
        Self {
            portal: portal(&mezz.deployment()),
            block,
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
        let input = Bytes::from(call.abi_encode());
        let request = json!({ "from": key(OWNER).address(), "to": self.portal, "input": input });
        self.mezz.l1().call("eth_call", (request, "latest")).await;
    }

    /// The portal refuses the call with one of these errors, Solidity's signatures; all that the
    /// node says of it.
    async fn reverts(&self, call: &impl SolCall, errors: &[&str]) -> String {
        self.mezz.l1().assert_reverts(key(OWNER).address(), self.portal, call, errors).await
    }
}

/// The withdrawal that an L2 transaction has initiated, and its block.
pub(super) async fn initiated(l2: &Rpc, tx: &str) -> (Withdrawal, u64) {
    let receipt = l2.wait_receipt(tx).await;
    let withdrawal = withdrawal::initiated(&logs(&receipt)).pop();
    (withdrawal.expect("a withdrawal"), small(&receipt["blockNumber"]))
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
