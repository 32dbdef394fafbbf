//! The plan of a deployment: which transactions create the contracts on L1, and where they will be.
//!
//! The contracts refer to each other and the L2 genesis refers to them, so addresses are known
//! before anything is sent: they follow from the deployer and its nonce. No constructor calls
//! another contract, so the transactions may be sent all at once.

use crate::artifacts::Contract;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::SolValue;
use mezz_primitives::addresses::MULTICALL3;
use serde::{Deserialize, Serialize};

/// Type of the proposals' game, "permissioned" in the OP Stack's numbering.
pub const GAME_TYPE: u32 = 1;
/// Most gas of a transaction (EIP-7825).
pub const MAX_TX_GAS: u64 = 16_777_216;
/// Most bytes of creation code with its arguments (EIP-3860).
pub const MAX_INITCODE: usize = 49_152;
/// Longest delay that a deployment may have, in seconds: about 34 years.
pub const MAX_DELAY: u64 = 1 << 30;

/// Why there is no plan for a deployment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeployError {
    /// An account that has a duty is the zero address.
    #[error("the {role} must not be the zero address")]
    ZeroAddress {
        /// The duty.
        role: &'static str,
    },
    /// A delay is too long.
    #[error("the {name} of {seconds} s is longer than {MAX_DELAY} s")]
    DelayTooLong {
        /// The delay.
        name: &'static str,
        /// Its length in seconds.
        seconds: u64,
    },
    /// The chain's configuration does not fit in the transaction that announces it.
    #[error("the configuration of {bytes} bytes is too long to be announced: at most {max} bytes")]
    ConfigTooLong {
        /// Its length.
        bytes: usize,
        /// The most that fits.
        max: usize,
    },
    /// The deployer has no nonces left.
    #[error("the deployer's nonce {0} is too high")]
    NonceTooHigh(u64),
}

/// Addresses of a deployment on L1. Serialised by the names that viem's chain definitions use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct L1Addresses {
    /// Takes deposits and pays withdrawals out.
    pub portal: Address,
    /// Takes batches.
    pub inbox: Address,
    /// Makes and finds games.
    pub dispute_game_factory: Address,
    /// Says which games count.
    pub anchor_state_registry: Address,
    /// Messenger.
    pub l1_cross_domain_messenger: Address,
    /// Token bridge.
    pub l1_standard_bridge: Address,
    /// NFT bridge.
    pub l1_erc721_bridge: Address,
    /// Makes twins of L2 tokens.
    pub optimism_mintable_erc20_factory: Address,
    /// Code that the games share.
    pub dispute_game: Address,
    /// Many calls in one.
    pub multicall3: Address,
}

/// The contracts in the order in which they are created. The inbox comes last of those that make
/// the chain: who sees its announcement finds all others in place.
const ORDER: [Contract; 9] = [
    Contract::AnchorStateRegistry,
    Contract::ProposalGame,
    Contract::DisputeGameFactory,
    Contract::Portal,
    Contract::L1CrossDomainMessenger,
    Contract::L1StandardBridge,
    Contract::L1ERC721Bridge,
    Contract::OptimismMintableERC20Factory,
    Contract::Inbox,
];

impl L1Addresses {
    /// Where the contracts will be if `deployer` creates them from `first_nonce` on.
    ///
    /// With `deploy_multicall3` false, Multicall3 is taken to be at its usual address.
    pub fn predict(deployer: Address, first_nonce: u64, deploy_multicall3: bool) -> Self {
        // A nonce that would overflow is refused when the plan is made.
        let nth = |n: u64| deployer.create(first_nonce.saturating_add(n));
        Self {
            anchor_state_registry: nth(0),
            dispute_game: nth(1),
            dispute_game_factory: nth(2),
            portal: nth(3),
            l1_cross_domain_messenger: nth(4),
            l1_standard_bridge: nth(5),
            l1_erc721_bridge: nth(6),
            optimism_mintable_erc20_factory: nth(7),
            inbox: nth(8),
            multicall3: if deploy_multicall3 { nth(9) } else { MULTICALL3 },
        }
    }
}

/// What a deployment needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeployParams {
    /// Account that sends the transactions.
    pub deployer: Address,
    /// Its nonce for the first of them.
    pub first_nonce: u64,
    /// May appoint the batcher, and set the types of games.
    pub owner: Address,
    /// May stop payouts and discard games.
    pub guardian: Address,
    /// May post batches.
    pub batcher: Address,
    /// May propose output roots.
    pub proposer: Address,
    /// Chain id of L2.
    pub l2_chain_id: u64,
    /// Output root of the L2 genesis.
    pub genesis_output_root: B256,
    /// Number of the L2 genesis block.
    pub genesis_l2_block: u64,
    /// How long a proposal can be disputed, in seconds.
    pub max_clock_duration: u64,
    /// How old a withdrawal's proof must be, in seconds.
    pub proof_maturity_delay: u64,
    /// How long a decided game waits before it counts, in seconds.
    pub finality_delay: u64,
    /// The chain's configuration, announced by the inbox.
    pub config: Bytes,
    /// Whether Multicall3 is created as well.
    pub deploy_multicall3: bool,
}

/// A transaction of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeployTx {
    /// The contract that it creates.
    pub name: &'static str,
    /// Where that will be.
    pub address: Address,
    /// Nonce that the transaction must have.
    pub nonce: u64,
    /// Whom it calls; nobody if it creates.
    pub to: Option<Address>,
    /// Creation code with its arguments, or calldata.
    pub input: Bytes,
    /// Gas that is enough for it.
    pub gas_limit: u64,
}

/// The transactions of a deployment, in order, and what they create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeployPlan {
    /// Where the contracts will be.
    pub addresses: L1Addresses,
    /// The transactions.
    pub txs: Vec<DeployTx>,
}

impl DeployPlan {
    /// Plans a deployment.
    ///
    /// # Errors
    /// If a parameter could not work on the chain.
    pub fn new(params: &DeployParams) -> Result<Self, DeployError> {
        validate(params)?;
        let addresses =
            L1Addresses::predict(params.deployer, params.first_nonce, params.deploy_multicall3);
        let order =
            ORDER.into_iter().chain(params.deploy_multicall3.then_some(Contract::Multicall3));
        let txs = order
            .zip(params.first_nonce..)
            .map(|(contract, nonce)| {
                let code = &contract.artifact().creation_code;
                let input: Bytes =
                    [&code[..], &constructor(contract, params, &addresses)].concat().into();
                DeployTx {
                    name: contract.name(),
                    address: params.deployer.create(nonce),
                    nonce,
                    to: None,
                    gas_limit: gas_limit(contract, &input),
                    input,
                }
            })
            .collect();
        Ok(Self { addresses, txs })
    }
}

/// Most bytes of configuration that the inbox can announce.
pub fn max_config_len() -> usize {
    // Four words of arguments, one of length, and the padding to a word.
    MAX_INITCODE - Contract::Inbox.artifact().creation_code.len() - 6 * 32
}

fn validate(params: &DeployParams) -> Result<(), DeployError> {
    for (role, address) in [
        ("deployer", params.deployer),
        ("owner", params.owner),
        ("guardian", params.guardian),
        ("batcher", params.batcher),
        ("proposer", params.proposer),
    ] {
        if address.is_zero() {
            return Err(DeployError::ZeroAddress { role });
        }
    }
    for (name, seconds) in [
        ("challenge window", params.max_clock_duration),
        ("proof maturity delay", params.proof_maturity_delay),
        ("finality delay", params.finality_delay),
    ] {
        if seconds > MAX_DELAY {
            return Err(DeployError::DelayTooLong { name, seconds });
        }
    }
    let max = max_config_len();
    if params.config.len() > max {
        return Err(DeployError::ConfigTooLong { bytes: params.config.len(), max });
    }
    // A nonce is below 2^64 - 1 (EIP-2681).
    if params.first_nonce > u64::MAX - 1 - ORDER.len() as u64 - 1 {
        return Err(DeployError::NonceTooHigh(params.first_nonce));
    }
    Ok(())
}

/// Arguments of a contract's constructor.
fn constructor(contract: Contract, p: &DeployParams, a: &L1Addresses) -> Vec<u8> {
    match contract {
        Contract::AnchorStateRegistry => (
            a.dispute_game_factory,
            p.guardian,
            U256::from(p.finality_delay),
            GAME_TYPE,
            p.genesis_output_root,
            U256::from(p.genesis_l2_block),
        )
            .abi_encode_params(),
        Contract::ProposalGame => {
            (p.proposer, p.max_clock_duration, a.anchor_state_registry, U256::from(p.l2_chain_id))
                .abi_encode_params()
        }
        Contract::DisputeGameFactory => (p.owner, GAME_TYPE, a.dispute_game).abi_encode_params(),
        Contract::Portal => {
            (a.anchor_state_registry, a.dispute_game_factory, U256::from(p.proof_maturity_delay))
                .abi_encode_params()
        }
        Contract::L1CrossDomainMessenger => a.portal.abi_encode(),
        Contract::L1StandardBridge | Contract::L1ERC721Bridge => {
            a.l1_cross_domain_messenger.abi_encode()
        }
        Contract::OptimismMintableERC20Factory => a.l1_standard_bridge.abi_encode(),
        Contract::Inbox => {
            (p.owner, p.batcher, U256::from(p.l2_chain_id), p.config.clone()).abi_encode_params()
        }
        // The rest take no arguments, or are not deployed.
        _ => Vec::new(),
    }
}

/// Gas that is enough to create a contract, whatever its constructor does: reads its arguments,
/// sets a few slots and logs them.
fn gas_limit(contract: Contract, input: &[u8]) -> u64 {
    const CREATE: u64 = 21_000 + 32_000;
    /// A dozen new slots and logs.
    const CONSTRUCTOR: u64 = 400_000;
    // 200 for a byte of code (EIP-170).
    let code = 200 * contract.artifact().runtime_code.len() as u64;
    // 40 for a byte of calldata (EIP-7623 at most), 2 for a word of creation code (EIP-3860); a
    // byte of arguments is copied and logged for less than 16.
    CREATE + CONSTRUCTOR + code + (40 + 1 + 16) * input.len() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn params() -> DeployParams {
        DeployParams {
            deployer: Address::repeat_byte(1),
            first_nonce: 7,
            owner: Address::repeat_byte(2),
            guardian: Address::repeat_byte(3),
            batcher: Address::repeat_byte(4),
            proposer: Address::repeat_byte(5),
            l2_chain_id: 901,
            genesis_output_root: B256::repeat_byte(6),
            genesis_l2_block: 0,
            max_clock_duration: 60,
            proof_maturity_delay: 0,
            finality_delay: 0,
            config: Bytes::from_static(b"{}"),
            deploy_multicall3: true,
        }
    }

    fn all(a: &L1Addresses) -> BTreeSet<Address> {
        let json = serde_json::to_value(a).unwrap();
        json.as_object().unwrap().values().map(|v| v.as_str().unwrap().parse().unwrap()).collect()
    }

    #[test]
    fn addresses_are_those_of_the_transactions() {
        for deploy_multicall3 in [false, true] {
            let params = DeployParams { deploy_multicall3, ..params() };
            let plan = DeployPlan::new(&params).unwrap();
            assert_eq!(plan.addresses, L1Addresses::predict(params.deployer, 7, deploy_multicall3));
            let mut created: BTreeSet<_> = plan.txs.iter().map(|tx| tx.address).collect();
            assert_eq!(created.len(), plan.txs.len());
            if !deploy_multicall3 {
                created.insert(MULTICALL3);
            }
            assert_eq!(created, all(&plan.addresses));
            let at = |name: &str| plan.txs.iter().find(|tx| tx.name == name).unwrap().address;
            let a = &plan.addresses;
            assert_eq!(at("AnchorStateRegistry"), a.anchor_state_registry);
            assert_eq!(at("ProposalGame"), a.dispute_game);
            assert_eq!(at("DisputeGameFactory"), a.dispute_game_factory);
            assert_eq!(at("Portal"), a.portal);
            assert_eq!(at("L1CrossDomainMessenger"), a.l1_cross_domain_messenger);
            assert_eq!(at("L1StandardBridge"), a.l1_standard_bridge);
            assert_eq!(at("L1ERC721Bridge"), a.l1_erc721_bridge);
            assert_eq!(at("OptimismMintableERC20Factory"), a.optimism_mintable_erc20_factory);
            assert_eq!(at("Inbox"), a.inbox);
        }
    }

    #[test]
    fn transactions_keep_the_protocol_limits() {
        let params = DeployParams { config: vec![0xff; max_config_len()].into(), ..params() };
        for (tx, nonce) in DeployPlan::new(&params).unwrap().txs.iter().zip(7..) {
            assert_eq!(tx.nonce, nonce);
            assert!(tx.input.len() <= MAX_INITCODE, "{}", tx.name);
            assert!(tx.gas_limit <= MAX_TX_GAS, "{}", tx.name);
        }
    }

    #[test]
    fn addresses_do_not_depend_on_what_is_only_known_later() {
        let other = DeployParams {
            genesis_output_root: B256::ZERO,
            config: vec![1; 1_000].into(),
            ..params()
        };
        assert_eq!(
            DeployPlan::new(&params()).unwrap().addresses,
            DeployPlan::new(&other).unwrap().addresses
        );
    }

    #[test]
    fn constructor_arguments_match_the_abi() {
        let params = params();
        let addresses = L1Addresses::predict(params.deployer, 7, true);
        for contract in ORDER {
            let json: serde_json::Value = serde_json::from_str(contract.json()).unwrap();
            let inputs = json["abi"]
                .as_array()
                .unwrap()
                .iter()
                .find(|item| item["type"] == "constructor")
                .map_or(0, |item| item["inputs"].as_array().unwrap().len());
            let arguments = constructor(contract, &params, &addresses);
            // Only the inbox has an argument that is not one word: its length and two bytes.
            let extra = if contract == Contract::Inbox { 64 } else { 0 };
            assert_eq!(arguments.len(), inputs * 32 + extra, "{contract:?}");
        }
    }

    #[test]
    fn impossible_parameters_are_refused() {
        let zero = DeployParams { batcher: Address::ZERO, ..params() };
        assert_eq!(DeployPlan::new(&zero), Err(DeployError::ZeroAddress { role: "batcher" }));

        let slow = DeployParams { finality_delay: MAX_DELAY + 1, ..params() };
        assert!(matches!(DeployPlan::new(&slow), Err(DeployError::DelayTooLong { .. })));

        let long = DeployParams { config: vec![0; max_config_len() + 1].into(), ..params() };
        assert!(matches!(DeployPlan::new(&long), Err(DeployError::ConfigTooLong { .. })));

        let used = DeployParams { first_nonce: u64::MAX - 3, ..params() };
        assert_eq!(DeployPlan::new(&used), Err(DeployError::NonceTooHigh(u64::MAX - 3)));
    }

    #[test]
    fn names_are_those_that_clients_expect() {
        let json = serde_json::to_value(L1Addresses::predict(Address::ZERO, 0, false)).unwrap();
        for name in [
            "portal",
            "inbox",
            "disputeGameFactory",
            "anchorStateRegistry",
            "l1CrossDomainMessenger",
            "l1StandardBridge",
            "l1Erc721Bridge",
            "optimismMintableErc20Factory",
            "disputeGame",
            "multicall3",
        ] {
            assert!(json[name].is_string(), "{name}");
        }
    }
}
