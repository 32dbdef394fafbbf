//! Tokens that do other than a token should, at the bridge: what arrives on L2 is never more than
//! what the bridge holds, and an honest token beside them does not notice.

use super::withdrawals::initiated;
use crate::{
    on_both,
    support::{
        ICallingToken, IOddToken, IReentrantToken, IToken, L1, Mezz, Rpc, address, ether, events,
        fresh_address, init_code, key, text, wait_until,
    },
};
use alloy::{
    primitives::{Address, Bytes, U256},
    signers::local::PrivateKeySigner,
    sol_types::SolCall,
};
use mezz_contracts::bindings::{IERC20, IOptimismMintableERC20Factory, IStandardBridge};
use mezz_primitives::addresses::OPTIMISM_MINTABLE_ERC20_FACTORY;

/// Dev accounts that own the tokens; each sends for its own token only, so that all can at once.
const HONEST: u32 = 3;
const FEE: u32 = 4;
const ODD: u32 = 5;
const REVERTING: u32 = 6;
const REENTRANT: u32 = 7;
const CALLING: u32 = 8;

/// Of a deposit on L2: a twin's mint, and what the messenger wants.
const GAS_ON_L2: u32 = 200_000;

on_both!(hostile_tokens_at_the_bridge);
async fn hostile_tokens_at_the_bridge(l1: &L1) {
    let dir = tempfile::tempdir().unwrap();
    let mezz = Mezz::up(dir.path(), l1, &[]).await;
    let mezz = &mezz;
    let (honest, fee, odd, reverting, reentrant, calling) = tokio::join!(
        honest(mezz),
        fee_on_transfer(mezz),
        false_returning(mezz),
        reverting(mezz),
        reentrant(mezz),
        calling(mezz),
    );
    // Messages arrive in order, so that all that was sent is there when this is.
    honest.bridge(ether(10)).await;
    honest.wait_supply(ether(1_010)).await;
    let arrived = [
        (&honest, ether(1_010)),
        (&fee, ether(0)),
        (&odd, ether(1_000)),
        (&reverting, ether(0)),
        (&reentrant, ether(0)),
        (&calling, ether(1_000)),
    ];
    for (token, wei) in arrived {
        token.assert_covered(wei).await;
    }

    // On its way back, a token delivers the message that pays it out once more, from the payout.
    let messenger = address(&mezz.deployment(), "/l1/contracts/l1CrossDomainMessenger");
    let (whole, part) = tokio::join!(honest.withdraw("1010"), calling.withdraw("400"));
    let data = initiated(&mezz.l2(), &part.tx).await.0.data;
    let set = ICallingToken::setCall { from: calling.bridge, target: messenger, data };
    mezz.l1().execute(key(CALLING), calling.l1, U256::ZERO, &set).await;
    mezz.client(&["l1", "increase-time", "2m"]).await;
    tokio::join!(honest.go_on(&whole.tx, "finalized"), calling.go_on(&part.tx, "finalized"));
    assert!(!mezz.l1().read(calling.l1, &ICallingToken::okCall {}).await);
    assert_eq!(calling.balance(part.receiver).await, ether(400));
    calling.assert_covered(ether(600)).await;
    assert_eq!(honest.balance(whole.receiver).await, ether(1_010));
    honest.assert_covered(ether(0)).await;
    odd.assert_covered(ether(1_000)).await;
}

async fn honest(mezz: &Mezz) -> Bridged<'_> {
    let token = Bridged::new(mezz, HONEST, "Token", &[]).await;
    token.mint_and_approve(ether(1_010)).await;
    token.bridge(ether(1_000)).await;
    token
}

async fn fee_on_transfer(mezz: &Mezz) -> Bridged<'_> {
    let token = Bridged::new(mezz, FEE, "FeeToken", &[]).await;
    token.mint_and_approve(ether(1_000)).await;
    token.assert_refused(WRONG_AMOUNT, &[ether(1_000), ether(990)]).await;
    token
}

/// A transfer that fails answers false, or nothing at all. One that succeeds and answers nothing is
/// a transfer.
async fn false_returning(mezz: &Mezz) -> Bridged<'_> {
    let token = Bridged::new(mezz, ODD, "OddToken", &[]).await;
    let mint = IToken::mintCall { to: token.owner.address(), amount: ether(1_000) };
    token.execute(token.l1, &mint).await;
    token.execute(token.l1, &IOddToken::setCall { broken: true, silent: false }).await;
    let word = U256::from_be_bytes(token.l1.into_word().0);
    token.assert_refused("SafeERC20FailedOperation(address)", &[word]).await;
    token.execute(token.l1, &IOddToken::setCall { broken: true, silent: true }).await;
    token.assert_refused(WRONG_AMOUNT, &[ether(1_000), U256::ZERO]).await;
    token.execute(token.l1, &IOddToken::setCall { broken: false, silent: true }).await;
    token.bridge(ether(1_000)).await;
    token
}

async fn reverting(mezz: &Mezz) -> Bridged<'_> {
    let token = Bridged::new(mezz, REVERTING, "BombToken", &[U256::ZERO]).await;
    token.assert_refused("Error(string)", &[]).await;
    token
}

/// Bridges 400 more from within the transfer; counted by what arrived, they would count twice.
async fn reentrant(mezz: &Mezz) -> Bridged<'_> {
    let token = Bridged::new(mezz, REENTRANT, "ReentrantToken", &[]).await;
    token.mint_and_approve(ether(1_000)).await;
    let arm = IReentrantToken::armCall { bridge: token.bridge, amount: ether(400) };
    token.execute(token.l1, &arm).await;
    token.assert_refused(WRONG_AMOUNT, &[ether(1_000), ether(1_400)]).await;
    token
}

/// A token that does no wrong before it is told to.
async fn calling(mezz: &Mezz) -> Bridged<'_> {
    let token = Bridged::new(mezz, CALLING, "CallingToken", &[]).await;
    token.mint_and_approve(ether(1_000)).await;
    token.bridge(ether(1_000)).await;
    token
}

/// Expected and received.
const WRONG_AMOUNT: &str = "BridgeAmountReceived(uint256,uint256)";

/// A token on L1 with a twin on L2.
struct Bridged<'a> {
    mezz: &'a Mezz,
    index: u32,
    owner: PrivateKeySigner,
    l1: Address,
    l2: Address,
    bridge: Address,
}

/// A withdrawal that has been proven.
struct OnItsWay {
    tx: String,
    receiver: Address,
}

impl<'a> Bridged<'a> {
    /// A token of `contracts/test`, and its twin.
    async fn new(mezz: &'a Mezz, index: u32, name: &str, arguments: &[U256]) -> Self {
        let owner = key(index);
        let created = mezz.l1().create(owner.clone(), init_code(name, arguments)).await;
        let l1 = address(&created, "/contractAddress");
        let twin = IOptimismMintableERC20Factory::createOptimismMintableERC20Call {
            remoteToken: l1,
            name: name.to_owned(),
            symbol: "TWN".to_owned(),
        };
        let factory = OPTIMISM_MINTABLE_ERC20_FACTORY;
        let receipt = mezz.l2().execute(owner.clone(), factory, U256::ZERO, &twin).await;
        type Created = IOptimismMintableERC20Factory::OptimismMintableERC20Created;
        let l2 = events::<Created>(&receipt)[0].localToken;
        let bridge = address(&mezz.deployment(), "/l1/contracts/l1StandardBridge");
        Self { mezz, index, owner, l1, l2, bridge }
    }

    /// A call on L1 that succeeds.
    async fn execute(&self, to: Address, call: &impl SolCall) {
        self.mezz.l1().execute(self.owner.clone(), to, U256::ZERO, call).await;
    }

    async fn mint_and_approve(&self, amount: U256) {
        self.execute(self.l1, &IToken::mintCall { to: self.owner.address(), amount }).await;
        self.execute(self.l1, &IERC20::approveCall { spender: self.bridge, value: amount }).await;
    }

    fn deposit(&self, amount: U256) -> IStandardBridge::bridgeERC20Call {
        IStandardBridge::bridgeERC20Call {
            localToken: self.l1,
            remoteToken: self.l2,
            amount,
            minGasLimit: GAS_ON_L2,
            extraData: Bytes::new(),
        }
    }

    async fn bridge(&self, amount: U256) {
        self.execute(self.bridge, &self.deposit(amount)).await;
    }

    /// The bridge does not take 1,000 of it, and says why: a signature, and words after it.
    async fn assert_refused(&self, error: &str, words: &[U256]) {
        let (l1, call) = (self.mezz.l1(), self.deposit(ether(1_000)));
        let from = self.owner.address();
        let said = l1.assert_reverts(from, self.bridge, &call, &[error]).await;
        for word in words {
            assert!(said.contains(&format!("{word:064x}")), "{word} in {said}");
        }
        let input = call.abi_encode().into();
        let owner = self.owner.clone();
        let hash = l1.transact(owner, self.bridge, U256::ZERO, 1_000_000, input).await;
        assert_eq!(text(&l1.wait_receipt(&hash).await, "/status"), "0x0");
    }

    /// What there is of the twin.
    async fn supply(&self) -> U256 {
        self.mezz.l2().read(self.l2, &IToken::totalSupplyCall {}).await
    }

    async fn wait_supply(&self, amount: U256) {
        wait_until("a token is on L2", || async { self.supply().await == amount }).await;
    }

    async fn balance(&self, account: Address) -> U256 {
        self.mezz.l1().read(self.l1, &IERC20::balanceOfCall { account }).await
    }

    /// So much is on L2, and the bridge has it and says so.
    async fn assert_covered(&self, amount: U256) {
        assert_eq!(self.supply().await, amount, "{} on L2", self.l1);
        assert_eq!(self.balance(self.bridge).await, amount, "{} in the bridge", self.l1);
        let l1: Rpc = self.mezz.l1();
        let deposits = IStandardBridge::depositsCall { localToken: self.l1, remoteToken: self.l2 };
        assert_eq!(l1.read(self.bridge, &deposits).await, amount, "{} in the books", self.l1);
    }

    /// Sends so many whole tokens back, up to the proof.
    async fn withdraw(&self, amount: &str) -> OnItsWay {
        let receiver = fresh_address();
        let (token, to, from) = (self.l2.to_string(), receiver.to_string(), self.index.to_string());
        let args = ["withdraw", amount, "--token", &token, "--to", &to, "--from", &from];
        let begun = self.mezz.client(&[&args[..], &["--until", "proven"]].concat()).await;
        OnItsWay { tx: text(&begun, "/l2Transaction").to_owned(), receiver }
    }

    async fn go_on(&self, tx: &str, until: &str) {
        let from = self.index.to_string();
        self.mezz.client(&["withdraw", "--tx", tx, "--until", until, "--from", &from]).await;
    }
}
