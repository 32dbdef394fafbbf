//! What is sent: transfers of ETH, of a token, and swaps, each by a thousand accounts that pay each other.

use crate::{
    Failure,
    accounts::{self, Call, SENDERS, Signed, addresses, sign_all},
};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, address, hex, keccak256};
use alloy_sol_types::{SolCall, SolEvent, SolValue, sol};
use mezz_contracts::Contract;
use serde_json::{Value, json};
use std::{fs, path::Path};

/// The node packages that hold Uniswap's bytecode.
const PACKAGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/node_modules");
/// Wei that each sender gets: 5 ETH.
const FUNDS: U256 = U256::from_limbs([5_000_000_000_000_000_000, 0, 0, 0]);
/// Units of a token that each sender gets.
const TOKENS: U256 = U256::from_limbs([1_000_000_000_000_000_000, 0, 0, 0]);
/// Accounts with ether at the start that fund the senders.
const FUNDERS: usize = 10;
/// The first of them, which makes the contracts.
const FIRST_FUNDER: Address = address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266");

sol! {
    event Transfer(address indexed from, address indexed to, uint256 value);
    function balanceOf(address owner);
    function getAmountsOut(uint256 amountIn, address[] path);
    function mint(address to, uint256 amount);
    function transfer(address to, uint256 amount);
    function approve(address spender, uint256 amount);
    function addLiquidity(
        address tokenA, address tokenB, uint256 amountA, uint256 amountB, uint256 minA, uint256 minB,
        address to, uint256 deadline
    );
    function swapExactTokensForTokens(
        uint256 amountIn, uint256 amountOutMin, address[] path, address to, uint256 deadline
    );
}

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// ETH from account to account.
    Transfers,
    /// A token of OpenZeppelin's code from account to account.
    Erc20,
    /// One token against another in a pool of Uniswap V2, through its router.
    Swaps,
}

/// Transactions that prepare the chain; all of them are mined before what follows.
#[derive(Debug)]
pub(crate) struct Round {
    pub(crate) txs: Vec<Signed>,
    /// The nonces that say that they are mined.
    pub(crate) until: Vec<(Address, u64)>,
}

/// Signed transactions.
#[derive(Debug)]
pub(crate) struct Workload {
    /// What prepares the chain, in order.
    pub(crate) setup: Vec<Round>,
    /// What is measured, of each sender in the order of its nonces.
    pub(crate) timed: Vec<Vec<Signed>>,
    /// The senders' nonces when all is mined.
    pub(crate) until: Vec<(Address, u64)>,
}

impl Kind {
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Transfers => "ETH transfers",
            Self::Erc20 => "ERC-20 transfers",
            Self::Swaps => "Uniswap V2 swaps",
        }
    }

    /// At least `count` transactions, the same number from each sender.
    pub(crate) fn workload(self, count: usize) -> Result<Workload, Failure> {
        Workload::new(count, |chain, senders| {
            Ok(match self {
                Self::Transfers => Target::Account,
                Self::Erc20 => chain.token(senders),
                Self::Swaps => chain.pool(senders)?,
            })
        })
    }
}

impl Workload {
    /// At least `count` transfers of ETH, the same number from each sender, to accounts that are not there yet.
    pub(crate) fn to_new_accounts(count: usize) -> Result<Self, Failure> {
        Self::new(count, |_, _| Ok(Target::NewAccount))
    }

    fn new(
        count: usize,
        target: impl FnOnce(&mut Setup, &[Address]) -> Result<Target, Failure>,
    ) -> Result<Self, Failure> {
        let rich = accounts::rich()?;
        let keys = accounts::senders()?;
        let senders = addresses(&keys);
        let funders = addresses(&rich);
        let mut chain = Setup { calls: funding(&senders), nonces: vec![0; FUNDERS] };
        for call in &chain.calls {
            chain.nonces[call.from] += 1;
        }
        let target = target(&mut chain, &senders)?;
        let until = funders.iter().copied().zip(chain.nonces).collect();
        let mut setup = vec![Round { txs: sign_all(&rich, &chain.calls)?, until }];
        let mut first_nonce = 0;
        if let Target::Pool { tokens, router } = &target {
            first_nonce = 1;
            let approve = approveCall { spender: *router, amount: U256::MAX }.abi_encode();
            let calls: Vec<_> = (0..SENDERS)
                .map(|from| call(from, 0, tokens[from % 2], 100_000, approve.clone()))
                .collect();
            let until = senders.iter().map(|sender| (*sender, 1)).collect();
            setup.push(Round { txs: sign_all(&keys, &calls)?, until });
        }

        let each = count.div_ceil(SENDERS) as u64;
        let mut calls = Vec::with_capacity(count);
        for from in 0..SENDERS {
            for turn in 0..each {
                calls.push(target.call(&senders, from, turn, first_nonce + turn));
            }
        }
        let signed = sign_all(&keys, &calls)?;
        let timed =
            signed.chunks(usize::try_from(each).unwrap_or(usize::MAX)).map(<[_]>::to_vec).collect();
        let until = senders.iter().map(|sender| (*sender, first_nonce + each)).collect();
        Ok(Self { setup, timed, until })
    }
}

/// Parameters of `eth_call` for a sender's balance of the token of [`Kind::Erc20`].
pub(crate) fn token_balance(sender: Address) -> Value {
    let data = Bytes::from(balanceOfCall { owner: sender }.abi_encode());
    json!([{ "to": own_contract(0), "data": data }, "latest"])
}

/// Parameters of `eth_call` for what the pool of [`Kind::Swaps`] pays.
pub(crate) fn swap_quote(sender: Address) -> Value {
    let path = vec![own_contract(0), own_contract(1)];
    let amount = U256::from(1_000_000_000) + U256::from(sender[0]);
    let data = Bytes::from(getAmountsOutCall { amountIn: amount, path }.abi_encode());
    json!([{ "to": own_contract(3), "from": sender, "data": data }, "latest"])
}

/// Parameters of `eth_getLogs` for what a sender has sent of the token of [`Kind::Erc20`].
pub(crate) fn token_logs(sender: Address) -> Value {
    transfers("0x0", "latest", &[Transfer::SIGNATURE_HASH, sender.into_word()])
}

/// Parameters of `eth_getLogs` for every transfer of that token in some blocks.
pub(crate) fn all_token_logs(from: u64, to: u64) -> Value {
    transfers(&format!("{from:#x}"), &format!("{to:#x}"), &[Transfer::SIGNATURE_HASH])
}

fn transfers(from: &str, to: &str, topics: &[B256]) -> Value {
    json!([{ "fromBlock": from, "toBlock": to, "address": own_contract(0), "topics": topics }])
}

/// Whom a sender pays in one of its turns in [`Workload::to_new_accounts`].
pub(crate) fn new_account(from: usize, turn: u64) -> Address {
    Address::from_word(keccak256(format!("mezz-bench account {from} {turn}")))
}

/// The contract that the first funder made as its nth.
fn own_contract(nth: u64) -> Address {
    FIRST_FUNDER.create((SENDERS / FUNDERS) as u64 + nth)
}

/// What the measured transactions call.
enum Target {
    Account,
    NewAccount,
    Token(Address),
    Pool { tokens: [Address; 2], router: Address },
}

impl Target {
    fn call(&self, senders: &[Address], from: usize, turn: u64, nonce: u64) -> Call {
        let shift = usize::try_from(7 * turn + 1).unwrap_or(1);
        let to = senders[(from + shift) % senders.len()];
        match self {
            Self::Account | Self::NewAccount => {
                let is_new = matches!(self, Self::NewAccount);
                let to = if is_new { new_account(from, turn) } else { to };
                Call { value: U256::from(turn + 1), ..call(from, nonce, to, 21_000, Vec::new()) }
            }
            Self::Token(token) => {
                let input = transferCall { to, amount: U256::from(turn + 1) }.abi_encode();
                call(from, nonce, *token, 100_000, input)
            }
            Self::Pool { tokens, router } => {
                let path = vec![tokens[from % 2], tokens[(from + 1) % 2]];
                let input = swapExactTokensForTokensCall {
                    amountIn: U256::from(1_000_000_000 + turn),
                    amountOutMin: U256::ZERO,
                    path,
                    to: senders[from],
                    deadline: U256::MAX,
                };
                call(from, nonce, *router, 250_000, input.abi_encode())
            }
        }
    }
}

/// The transactions of the funders.
struct Setup {
    calls: Vec<Call>,
    nonces: Vec<u64>,
}

impl Setup {
    fn send(&mut self, to: TxKind, gas: u64, input: Vec<u8>) {
        let nonce = self.nonces[0];
        self.nonces[0] += 1;
        self.calls.push(Call { from: 0, nonce, to, value: U256::ZERO, gas, input: input.into() });
    }

    fn create(&mut self, code: &Bytes, arguments: &[u8]) -> Address {
        let address = FIRST_FUNDER.create(self.nonces[0]);
        self.send(TxKind::Create, 8_000_000, [code, arguments].concat());
        address
    }

    /// A token of which every sender has some.
    fn token(&mut self, senders: &[Address]) -> Target {
        let owner = FIRST_FUNDER;
        let code = &Contract::OptimismMintableERC20.artifact().creation_code;
        let arguments = (owner, owner, "Gold".to_owned(), "GLD".to_owned(), U256::from(18));
        let token = self.create(code, &arguments.abi_encode_params());
        for to in senders {
            let input = mintCall { to: *to, amount: TOKENS }.abi_encode();
            self.send(TxKind::Call(token), 200_000, input);
        }
        Target::Token(token)
    }

    /// A pool of two tokens, of one of which every sender has some.
    fn pool(&mut self, senders: &[Address]) -> Result<Target, Failure> {
        let owner = FIRST_FUNDER;
        let supply = TOKENS * U256::from(1_000_000);
        let token_code = bytecode("v2-core/build/ERC20.json")?;
        let factory_code = bytecode("v2-core/build/UniswapV2Factory.json")?;
        let router_code = bytecode("v2-periphery/build/UniswapV2Router02.json")?;
        let tokens = [(); 2].map(|()| self.create(&token_code, &supply.abi_encode()));
        let factory = self.create(&factory_code, &owner.abi_encode());
        // The second argument, wrapped ether, is not called here.
        let router = self.create(&router_code, &(factory, owner).abi_encode_params());
        for token in tokens {
            let input = approveCall { spender: router, amount: U256::MAX }.abi_encode();
            self.send(TxKind::Call(token), 100_000, input);
        }
        let amount = TOKENS * U256::from(1_000);
        let liquidity = addLiquidityCall {
            tokenA: tokens[0],
            tokenB: tokens[1],
            amountA: amount,
            amountB: amount,
            minA: U256::ZERO,
            minB: U256::ZERO,
            to: owner,
            deadline: U256::MAX,
        };
        self.send(TxKind::Call(router), 8_000_000, liquidity.abi_encode());
        for (at, to) in senders.iter().enumerate() {
            let input = transferCall { to: *to, amount: TOKENS }.abi_encode();
            self.send(TxKind::Call(tokens[at % 2]), 100_000, input);
        }
        Ok(Target::Pool { tokens, router })
    }
}

fn call(from: usize, nonce: u64, to: Address, gas: u64, input: Vec<u8>) -> Call {
    Call { from, nonce, to: TxKind::Call(to), value: U256::ZERO, gas, input: input.into() }
}

/// Ether for the senders, from each funder to its share of them.
fn funding(senders: &[Address]) -> Vec<Call> {
    let share = senders.len().div_ceil(FUNDERS);
    let funds = senders.chunks(share).enumerate().flat_map(|(from, share)| {
        (0u64..).zip(share).map(move |(nonce, to)| Call {
            value: FUNDS,
            ..call(from, nonce, *to, 21_000, Vec::new())
        })
    });
    funds.collect()
}

/// Creation code from a node package of Uniswap.
fn bytecode(path: &str) -> Result<Bytes, Failure> {
    let path = Path::new(PACKAGES).join("@uniswap").join(path);
    let json = fs::read(&path).map_err(|error| {
        format!("{}: {error}; `npm ci --ignore-scripts` in examples/ brings it", path.display())
    })?;
    let artifact: Value = serde_json::from_slice(&json)?;
    // The packages were built by different tools.
    let code =
        artifact["bytecode"].as_str().or_else(|| artifact["evm"]["bytecode"]["object"].as_str());
    Ok(hex::decode(code.unwrap_or_default())?.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_sender_has_its_nonces_in_order_and_no_transaction_is_there_twice() {
        let workload = Kind::Erc20.workload(2 * SENDERS).unwrap();
        assert_eq!(workload.timed.len(), SENDERS);
        assert!(workload.timed.iter().all(|txs| txs.len() == 2));
        assert!(workload.until.iter().all(|(_, nonce)| *nonce == 2));
        let hashes: HashSet<_> = workload.timed.iter().flatten().map(|tx| tx.hash).collect();
        assert_eq!(hashes.len(), 2 * SENDERS);
        let funded: usize = workload.setup.iter().map(|round| round.txs.len()).sum();
        assert_eq!(funded, 2 * SENDERS + 1, "ether and tokens for each, and the token");
    }
}
