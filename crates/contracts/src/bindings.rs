//! Calls, events and errors of the contracts, as far as the node uses them.
//!
//! Written by hand, because expanding whole artifacts would cost more compile time than all else
//! here; a test compares every item with the artifacts.

#![allow(missing_docs, reason = "the contracts' sources document their functions")]

use alloy_sol_types::sol;

sol! {
    /// A message from L2 to L1.
    #[derive(Debug, PartialEq, Eq)]
    struct WithdrawalTransaction {
        uint256 nonce;
        address sender;
        address target;
        uint256 value;
        uint256 gasLimit;
        bytes data;
    }

    /// The preimage of an output root of version 0.
    #[derive(Debug, PartialEq, Eq)]
    struct OutputRootProof {
        bytes32 version;
        bytes32 stateRoot;
        bytes32 messagePasserStorageRoot;
        bytes32 latestBlockhash;
    }

    /// A game found by a search.
    #[derive(Debug, PartialEq, Eq)]
    struct GameSearchResult {
        uint256 index;
        bytes32 metadata;
        uint64 timestamp;
        bytes32 rootClaim;
        bytes extraData;
    }

    #[derive(Debug, PartialEq, Eq)]
    interface IPortal {
        event TransactionDeposited(address indexed from, address indexed to, uint256 indexed version, bytes opaqueData);
        event WithdrawalProven(bytes32 indexed withdrawalHash, address indexed from, address indexed to);
        event WithdrawalProvenExtension1(bytes32 indexed withdrawalHash, address indexed proofSubmitter);
        event WithdrawalFinalized(bytes32 indexed withdrawalHash, bool success);

        error OutOfGas();
        error OptimismPortal_AlreadyFinalized();
        error OptimismPortal_BadTarget();
        error OptimismPortal_CallPaused();
        error OptimismPortal_CalldataTooLarge();
        error OptimismPortal_GasEstimation();
        error OptimismPortal_GasLimitTooLow();
        error OptimismPortal_GasLimitTooHigh();
        error OptimismPortal_ImproperDisputeGame();
        error OptimismPortal_InsufficientBalance();
        error OptimismPortal_InvalidDisputeGame();
        error OptimismPortal_InvalidMerkleProof();
        error OptimismPortal_InvalidOutputRootProof();
        error OptimismPortal_InvalidProofTimestamp();
        error OptimismPortal_InvalidRootClaim();
        error OptimismPortal_MintTooLarge();
        error OptimismPortal_NoReentrancy();
        error OptimismPortal_ProofNotOldEnough();
        error OptimismPortal_Unproven();

        function depositTransaction(address _to, uint256 _value, uint64 _gasLimit, bool _isCreation, bytes _data) external payable;
        function donateETH() external payable;
        function proveWithdrawalTransaction(WithdrawalTransaction _tx, uint256 _disputeGameIndex, OutputRootProof _outputRootProof, bytes[] _withdrawalProof) external;
        function finalizeWithdrawalTransaction(WithdrawalTransaction _tx) external;
        function finalizeWithdrawalTransactionExternalProof(WithdrawalTransaction _tx, address _proofSubmitter) external;
        function checkWithdrawal(bytes32 _withdrawalHash, address _proofSubmitter) external view;
        function provenWithdrawals(bytes32 withdrawalHash, address proofSubmitter) external view returns (address disputeGameProxy, uint64 timestamp);
        function finalizedWithdrawals(bytes32 withdrawalHash) external view returns (bool);
        function numProofSubmitters(bytes32 _withdrawalHash) external view returns (uint256);
        function proofSubmitters(bytes32 withdrawalHash, uint256 index) external view returns (address);
        function proofMaturityDelaySeconds() external view returns (uint256);
        function disputeGameFinalityDelaySeconds() external view returns (uint256);
        function respectedGameType() external view returns (uint32);
        function disputeGameFactory() external view returns (address);
        function anchorStateRegistry() external view returns (address);
        function guardian() external view returns (address);
        function l2Sender() external view returns (address);
        function paused() external view returns (bool);
        function params() external view returns (uint128 prevBaseFee, uint64 prevBoughtGas, uint64 prevBlockNum);
        function minimumGasLimit(uint64 _byteCount) external pure returns (uint64);
        function version() external pure returns (string);
    }

    #[derive(Debug, PartialEq, Eq)]
    interface IInbox {
        event RollupCreated(uint256 indexed l2ChainId, bytes config);
        event BatcherSet(address indexed previous, address indexed next);
        event BatchSubmitted(uint64 indexed index, bytes32[] blobHashes);
        event BatchSubmittedCalldata(uint64 indexed index, bytes32 dataHash);

        error NotBatcher();
        error NotTopLevel();
        error NoBlobs();
        error EmptyBatch();
        error NonCanonicalCalldata();

        function submitBatch() external;
        function submitBatchCalldata(bytes data) external;
        function setBatcher(address next) external;
        function batcher() external view returns (address);
        function batchCount() external view returns (uint64);
        function owner() external view returns (address);
    }

    #[derive(Debug, PartialEq, Eq)]
    interface IDisputeGameFactory {
        event DisputeGameCreated(address indexed disputeProxy, uint32 indexed gameType, bytes32 indexed rootClaim);

        error NoImplementation(uint32 gameType);
        error IncorrectBondAmount();
        error GameAlreadyExists(bytes32 uuid);
        error L1BlockMismatch();

        function create(uint32 _gameType, bytes32 _rootClaim, bytes _extraData) external payable returns (address proxy_);
        function createOnL1Block(uint32 _gameType, bytes32 _rootClaim, bytes _extraData, uint256 _l1Number, bytes32 _l1Hash) external payable returns (address proxy_);
        function gameCount() external view returns (uint256 gameCount_);
        function gameAtIndex(uint256 _index) external view returns (uint32 gameType_, uint64 timestamp_, address proxy_);
        function games(uint32 _gameType, bytes32 _rootClaim, bytes _extraData) external view returns (address proxy_, uint64 timestamp_);
        function gameImpls(uint32 gameType) external view returns (address);
        function initBonds(uint32 gameType) external view returns (uint256);
        function findLatestGames(uint32 _gameType, uint256 _start, uint256 _n) external view returns (GameSearchResult[] games_);
        function getGameUUID(uint32 _gameType, bytes32 _rootClaim, bytes _extraData) external pure returns (bytes32 uuid_);
    }

    #[derive(Debug, PartialEq, Eq)]
    interface IDisputeGame {
        event Resolved(uint8 indexed status);

        error BadAuth();
        error BadExtraData();
        error UnexpectedRootClaim(bytes32 rootClaim);
        error ClockNotExpired();
        error GameNotInProgress();

        function resolve() external returns (uint8 status_);
        function status() external view returns (uint8);
        function createdAt() external view returns (uint64);
        function resolvedAt() external view returns (uint64);
        function maxClockDuration() external view returns (uint64);
        function gameType() external view returns (uint32 gameType_);
        function rootClaim() external view returns (bytes32 rootClaim_);
        function l1Head() external view returns (bytes32 l1Head_);
        function l2SequenceNumber() external view returns (uint256 l2SequenceNumber_);
        function l2BlockNumber() external view returns (uint256 l2BlockNumber_);
        function l2ChainId() external view returns (uint256);
        function extraData() external view returns (bytes extraData_);
        function gameCreator() external view returns (address creator_);
        function proposer() external view returns (address);
        function wasRespectedGameTypeWhenCreated() external view returns (bool);
        function anchorStateRegistry() external view returns (address);
    }

    #[derive(Debug, PartialEq, Eq)]
    interface IAnchorStateRegistry {
        event AnchorUpdated(address indexed game);
        event DisputeGameBlacklisted(address indexed disputeGame);

        error AnchorStateRegistry_Unauthorized();
        error AnchorStateRegistry_InvalidAnchorGame();

        function getAnchorRoot() external view returns (bytes32 root, uint256 l2SequenceNumber);
        function getStartingAnchorRoot() external view returns (bytes32 root, uint256 l2SequenceNumber);
        function anchorGame() external view returns (address);
        function setAnchorState(address game) external;
        function blacklistDisputeGame(address game) external;
        function updateRetirementTimestamp() external;
        function setRespectedGameType(uint32 gameType) external;
        function pause() external;
        function unpause() external;
        function paused() external view returns (bool);
        function guardian() external view returns (address);
        function respectedGameType() external view returns (uint32);
        function disputeGameFinalityDelaySeconds() external view returns (uint256);
        function isGameProper(address game) external view returns (bool);
        function isGameRespected(address game) external view returns (bool);
        function isGameBlacklisted(address game) external view returns (bool);
        function isGameRetired(address game) external view returns (bool);
        function isGameRegistered(address game) external view returns (bool);
        function isGameResolved(address game) external view returns (bool);
        function isGameFinalized(address game) external view returns (bool);
        function isGameClaimValid(address game) external view returns (bool);
    }

    #[derive(Debug, PartialEq, Eq)]
    interface ICrossDomainMessenger {
        event SentMessage(address indexed target, address sender, bytes message, uint256 messageNonce, uint256 gasLimit);
        event SentMessageExtension1(address indexed sender, uint256 value);
        event RelayedMessage(bytes32 indexed msgHash);
        event FailedRelayedMessage(bytes32 indexed msgHash);

        function sendMessage(address target, bytes message, uint32 minGasLimit) external payable;
        function relayMessage(uint256 nonce, address sender, address target, uint256 value, uint256 minGasLimit, bytes message) external payable;
        function messageNonce() external view returns (uint256);
        function otherMessenger() external view returns (address);
        function successfulMessages(bytes32 hash) external view returns (bool);
        function failedMessages(bytes32 hash) external view returns (bool);
        function baseGas(bytes message, uint32 minGasLimit) external pure returns (uint64);
    }

    #[derive(Debug, PartialEq, Eq)]
    interface IStandardBridge {
        event ETHBridgeInitiated(address indexed from, address indexed to, uint256 amount, bytes extraData);
        event ETHBridgeFinalized(address indexed from, address indexed to, uint256 amount, bytes extraData);
        event ERC20BridgeInitiated(address indexed localToken, address indexed remoteToken, address indexed from, address to, uint256 amount, bytes extraData);
        event ERC20BridgeFinalized(address indexed localToken, address indexed remoteToken, address indexed from, address to, uint256 amount, bytes extraData);

        function bridgeETH(uint32 minGasLimit, bytes extraData) external payable;
        function bridgeETHTo(address to, uint32 minGasLimit, bytes extraData) external payable;
        function bridgeERC20(address localToken, address remoteToken, uint256 amount, uint32 minGasLimit, bytes extraData) external;
        function bridgeERC20To(address localToken, address remoteToken, address to, uint256 amount, uint32 minGasLimit, bytes extraData) external;
        function deposits(address localToken, address remoteToken) external view returns (uint256);
        function messenger() external view returns (address);
        function otherBridge() external view returns (address);
    }

    #[derive(Debug, PartialEq, Eq)]
    interface IERC721Bridge {
        event ERC721BridgeInitiated(address indexed localToken, address indexed remoteToken, address indexed from, address to, uint256 tokenId, bytes extraData);
        event ERC721BridgeFinalized(address indexed localToken, address indexed remoteToken, address indexed from, address to, uint256 tokenId, bytes extraData);

        function bridgeERC721(address localToken, address remoteToken, uint256 tokenId, uint32 minGasLimit, bytes extraData) external;
        function bridgeERC721To(address localToken, address remoteToken, address to, uint256 tokenId, uint32 minGasLimit, bytes extraData) external;
        function otherBridge() external view returns (address);
    }

    #[derive(Debug, PartialEq, Eq)]
    interface IL2ToL1MessagePasser {
        event MessagePassed(uint256 indexed nonce, address indexed sender, address indexed target, uint256 value, uint256 gasLimit, bytes data, bytes32 withdrawalHash);

        function initiateWithdrawal(address _target, uint256 _gasLimit, bytes _data) external payable;
        function sentMessages(bytes32 withdrawalHash) external view returns (bool);
        function messageNonce() external view returns (uint256);
        function burn() external;
    }

    #[derive(Debug, PartialEq, Eq)]
    interface IL1Block {
        function setL1BlockValuesIsthmus() external;
        function number() external view returns (uint64);
        function timestamp() external view returns (uint64);
        function basefee() external view returns (uint256);
        function hash() external view returns (bytes32);
        function sequenceNumber() external view returns (uint64);
        function blobBaseFee() external view returns (uint256);
        function batcherHash() external view returns (bytes32);
        function baseFeeScalar() external view returns (uint32);
        function blobBaseFeeScalar() external view returns (uint32);
        function operatorFeeScalar() external view returns (uint32);
        function operatorFeeConstant() external view returns (uint64);
    }

    #[derive(Debug, PartialEq, Eq)]
    interface IGasPriceOracle {
        function getL1Fee(bytes _data) external view returns (uint256);
        function getL1FeeUpperBound(uint256 _unsignedTxSize) external view returns (uint256);
        function getL1GasUsed(bytes _data) external pure returns (uint256);
        function getOperatorFee(uint256 _gasUsed) external view returns (uint256);
        function l1BaseFee() external view returns (uint256);
        function blobBaseFee() external view returns (uint256);
    }

    #[derive(Debug, PartialEq, Eq)]
    interface IFeeVault {
        function withdraw() external returns (uint256 value_);
        function recipient() external view returns (address);
        function totalProcessed() external view returns (uint256);
    }

    #[derive(Debug, PartialEq, Eq)]
    interface IOptimismMintableERC20Factory {
        event OptimismMintableERC20Created(address indexed localToken, address indexed remoteToken, address deployer);

        function createOptimismMintableERC20(address remoteToken, string name, string symbol) external returns (address);
        function createOptimismMintableERC20WithDecimals(address remoteToken, string name, string symbol, uint8 decimals) external returns (address localToken);
    }

    #[derive(Debug, PartialEq, Eq)]
    interface IERC20 {
        event Transfer(address indexed from, address indexed to, uint256 value);

        function balanceOf(address account) external view returns (uint256);
        function allowance(address owner, address spender) external view returns (uint256);
        function approve(address spender, uint256 value) external returns (bool);
        function transfer(address to, uint256 value) external returns (bool);
        function transferFrom(address from, address to, uint256 value) external returns (bool);
        function decimals() external view returns (uint8);
        function symbol() external view returns (string);
    }
}

/// Game status: neither side has won yet.
pub const GAME_IN_PROGRESS: u8 = 0;
/// Game status: the claim is wrong.
pub const GAME_CHALLENGER_WINS: u8 = 1;
/// Game status: the claim stands.
pub const GAME_DEFENDER_WINS: u8 = 2;

impl From<mezz_primitives::output::Withdrawal> for WithdrawalTransaction {
    fn from(w: mezz_primitives::output::Withdrawal) -> Self {
        Self {
            nonce: w.nonce,
            sender: w.sender,
            target: w.target,
            value: w.value,
            gasLimit: w.gas_limit,
            data: w.data,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifacts::Contract;
    use alloy_primitives::keccak256;
    use serde_json::Value;
    use std::collections::BTreeSet;

    fn type_of(input: &Value) -> String {
        let name = input["type"].as_str().unwrap();
        match name.strip_prefix("tuple") {
            None => name.to_owned(),
            Some(suffix) => format!("({}){suffix}", types_of(&input["components"])),
        }
    }

    fn types_of(inputs: &Value) -> String {
        inputs.as_array().unwrap().iter().map(type_of).collect::<Vec<_>>().join(",")
    }

    /// What an ABI declares: kind and signature.
    fn abi(contract: Contract) -> BTreeSet<(String, String)> {
        let json: Value = serde_json::from_str(contract.json()).unwrap();
        json["abi"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|item| item["name"].is_string())
            .map(|item| {
                let signature =
                    format!("{}({})", item["name"].as_str().unwrap(), types_of(&item["inputs"]));
                (item["type"].as_str().unwrap().to_owned(), signature)
            })
            .collect()
    }

    fn check(
        contracts: &[Contract],
        functions: &[[u8; 4]],
        events: &[[u8; 32]],
        errors: &[[u8; 4]],
    ) {
        for contract in contracts {
            let abi = abi(*contract);
            let hashes = |kind: &str| -> BTreeSet<[u8; 32]> {
                abi.iter().filter(|(k, _)| k == kind).map(|(_, s)| keccak256(s).0).collect()
            };
            let short = |kind: &str| -> BTreeSet<[u8; 4]> {
                hashes(kind).into_iter().map(|h| [h[0], h[1], h[2], h[3]]).collect()
            };
            for selector in functions {
                assert!(short("function").contains(selector), "{contract:?} {selector:02x?}");
            }
            for selector in errors {
                assert!(short("error").contains(selector), "{contract:?} {selector:02x?}");
            }
            for topic in events {
                assert!(hashes("event").contains(topic), "{contract:?} {topic:02x?}");
            }
        }
    }

    macro_rules! check {
        ($contracts:expr, $interface:ident { $($functions:ident)? } { $($events:ident)? } { $($errors:ident)? }) => {
            check(
                $contracts,
                &[$($interface::$functions::SELECTORS,)? &[] as &[[u8; 4]]].concat(),
                &[$($interface::$events::SELECTORS,)? &[] as &[[u8; 32]]].concat(),
                &[$($interface::$errors::SELECTORS,)? &[] as &[[u8; 4]]].concat(),
            )
        };
    }

    #[test]
    fn bindings_are_in_the_abis() {
        use Contract as C;
        check!(&[C::Portal], IPortal { IPortalCalls } { IPortalEvents } { IPortalErrors });
        check!(&[C::Inbox], IInbox { IInboxCalls } { IInboxEvents } { IInboxErrors });
        check!(&[C::DisputeGameFactory], IDisputeGameFactory { IDisputeGameFactoryCalls } { IDisputeGameFactoryEvents } { IDisputeGameFactoryErrors });
        check!(&[C::ProposalGame], IDisputeGame { IDisputeGameCalls } { IDisputeGameEvents } { IDisputeGameErrors });
        check!(&[C::AnchorStateRegistry], IAnchorStateRegistry { IAnchorStateRegistryCalls } { IAnchorStateRegistryEvents } { IAnchorStateRegistryErrors });
        check!(&[C::L1CrossDomainMessenger, C::L2CrossDomainMessenger], ICrossDomainMessenger { ICrossDomainMessengerCalls } { ICrossDomainMessengerEvents } {});
        check!(&[C::L1StandardBridge, C::L2StandardBridge], IStandardBridge { IStandardBridgeCalls } { IStandardBridgeEvents } {});
        check!(&[C::L1ERC721Bridge, C::L2ERC721Bridge], IERC721Bridge { IERC721BridgeCalls } { IERC721BridgeEvents } {});
        check!(&[C::L2ToL1MessagePasser], IL2ToL1MessagePasser { IL2ToL1MessagePasserCalls } { IL2ToL1MessagePasserEvents } {});
        check!(&[C::L1Block], IL1Block { IL1BlockCalls } {} {});
        check!(&[C::GasPriceOracle], IGasPriceOracle { IGasPriceOracleCalls } {} {});
        check!(&[C::FeeVault], IFeeVault { IFeeVaultCalls } {} {});
        check!(&[C::OptimismMintableERC20Factory], IOptimismMintableERC20Factory { IOptimismMintableERC20FactoryCalls } { IOptimismMintableERC20FactoryEvents } {});
        check!(&[C::OptimismMintableERC20, C::WETH9], IERC20 { IERC20Calls } { IERC20Events } {});
    }

    #[test]
    fn the_protocol_names_the_same_things() {
        use alloy_sol_types::{SolCall, SolEvent};
        use mezz_primitives::{deposit, l1_info};
        assert_eq!(
            IPortal::TransactionDeposited::SIGNATURE_HASH,
            deposit::TRANSACTION_DEPOSITED_TOPIC
        );
        assert_eq!(
            IL1Block::setL1BlockValuesIsthmusCall::SELECTOR,
            l1_info::SET_L1_BLOCK_VALUES_SELECTOR
        );
    }

    #[test]
    fn a_withdrawal_hashes_as_its_abi_encoding() {
        use alloy_primitives::{Address, U256};
        use alloy_sol_types::SolValue;
        let withdrawal = mezz_primitives::output::Withdrawal {
            nonce: U256::from(1) << 240,
            sender: Address::repeat_byte(1),
            target: Address::repeat_byte(2),
            value: U256::from(3),
            gas_limit: U256::from(4),
            data: vec![5; 33].into(),
        };
        let encoded = WithdrawalTransaction::from(withdrawal.clone()).abi_encode_params();
        // Parameters of a function, not of a tuple: the hash leaves the outer offset out.
        assert_eq!(withdrawal.hash(), keccak256(&encoded));
    }
}
