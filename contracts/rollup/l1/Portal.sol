// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Constants} from "../../shared/Constants.sol";
import {Hashing} from "../../shared/Hashing.sol";
import {MerkleTrie} from "../../shared/MerkleTrie.sol";
import {SafeCall} from "../../shared/SafeCall.sol";
import {Sender} from "../../shared/Sender.sol";
import {GameStatus, OutputRootProof, WithdrawalTransaction} from "../../shared/Types.sol";
import {IAnchorStateRegistry, IDisputeGame, IDisputeGameFactory} from "./IDispute.sol";
import {ResourceMetering} from "./ResourceMetering.sol";

/// @title Portal
/// @notice The door between the layers. It takes deposits, which L2 must include, and pays withdrawals out after they
///         have been proven against an output root that a game has let stand. It holds the ETH of L2.
contract Portal is ResourceMetering {
    /// @notice A proof of a withdrawal.
    /// @param disputeGameProxy The game whose output root it was proven against.
    /// @param timestamp        When, in seconds.
    struct ProvenWithdrawal {
        IDisputeGame disputeGameProxy;
        uint64 timestamp;
    }

    /// @dev Version of the layout of `opaqueData`.
    uint256 private constant DEPOSIT_VERSION = 0;
    /// @dev L2 gas of a deposit made by a plain transfer of ETH.
    uint64 private constant RECEIVE_DEFAULT_GAS_LIMIT = 100_000;
    /// @dev Most calldata of a deposit, in bytes: it must fit where transactions are gossiped and replayed.
    uint256 private constant MAX_DATA = 120_000;
    /// @dev Most gas of a transaction (EIP-7825); the rule holds on L2 as well.
    uint64 private constant MAX_DEPOSIT_GAS = 16_777_216;

    /// @notice Says which game is to be believed.
    IAnchorStateRegistry public immutable anchorStateRegistry;
    /// @notice Knows the games.
    IDisputeGameFactory public immutable disputeGameFactory;
    /// @notice How old a proof must be, in seconds.
    uint256 public immutable proofMaturityDelaySeconds;

    /// @notice Withdrawals paid out, by hash.
    mapping(bytes32 => bool) public finalizedWithdrawals;
    /// @notice Proofs, by withdrawal hash and by who submitted them.
    mapping(bytes32 => mapping(address => ProvenWithdrawal)) public provenWithdrawals;
    /// @notice Who has proven a withdrawal, in order.
    mapping(bytes32 => address[]) public proofSubmitters;
    /// @dev Sender on L2 of the withdrawal being paid out; zero outside.
    address private transient currentSender;

    event TransactionDeposited(address indexed from, address indexed to, uint256 indexed version, bytes opaqueData);
    event WithdrawalProven(bytes32 indexed withdrawalHash, address indexed from, address indexed to);
    event WithdrawalProvenExtension1(bytes32 indexed withdrawalHash, address indexed proofSubmitter);
    event WithdrawalFinalized(bytes32 indexed withdrawalHash, bool success);

    error OptimismPortal_AlreadyFinalized();
    error OptimismPortal_BadTarget();
    error OptimismPortal_CallPaused();
    error OptimismPortal_CalldataTooLarge();
    error OptimismPortal_GasEstimation();
    error OptimismPortal_GasLimitTooLow();
    error OptimismPortal_GasLimitTooHigh();
    error OptimismPortal_ImproperDisputeGame();
    error OptimismPortal_InvalidDisputeGame();
    error OptimismPortal_InvalidMerkleProof();
    error OptimismPortal_InvalidOutputRootProof();
    error OptimismPortal_InvalidProofTimestamp();
    error OptimismPortal_InvalidRootClaim();
    error OptimismPortal_MintTooLarge();
    error OptimismPortal_NoReentrancy();
    error OptimismPortal_ProofNotOldEnough();
    error OptimismPortal_Unproven();
    /// @notice The ETH behind this withdrawal is not here. It can be finalized once it is.
    error OptimismPortal_InsufficientBalance();

    constructor(address anchorStateRegistry_, address disputeGameFactory_, uint256 proofMaturityDelaySeconds_) {
        anchorStateRegistry = IAnchorStateRegistry(anchorStateRegistry_);
        disputeGameFactory = IDisputeGameFactory(disputeGameFactory_);
        proofMaturityDelaySeconds = proofMaturityDelaySeconds_;
    }

    modifier whenNotPaused() {
        if (paused()) revert OptimismPortal_CallPaused();
        _;
    }

    /// @notice Deposits ETH for the sender. From a contract the ETH arrives at its own address, which on L2 may
    ///         belong to nobody.
    receive() external payable metered(RECEIVE_DEFAULT_GAS_LIMIT) {
        _deposit(msg.sender, abi.encodePacked(msg.value, msg.value, RECEIVE_DEFAULT_GAS_LIMIT, false));
    }

    /// @notice Takes ETH without making a deposit.
    function donateETH() external payable {}

    /// @notice Sends a transaction to L2. The ETH sent along is minted there for the sender.
    /// @param _to         Target on L2; zero for a creation.
    /// @param _value      ETH in wei that the L2 transaction carries.
    /// @param _gasLimit   L2 gas, which is paid for by burning L1 gas.
    /// @param _isCreation Whether a contract is created.
    /// @param _data       Calldata, or creation code.
    function depositTransaction(address _to, uint256 _value, uint64 _gasLimit, bool _isCreation, bytes calldata _data)
        external
        payable
        metered(_gasLimit)
    {
        if (_isCreation && _to != address(0)) revert OptimismPortal_BadTarget();
        if (_data.length > MAX_DATA) revert OptimismPortal_CalldataTooLarge();
        if (_gasLimit < minimumGasLimit(uint64(_data.length))) revert OptimismPortal_GasLimitTooLow();
        if (_gasLimit > MAX_DEPOSIT_GAS) revert OptimismPortal_GasLimitTooHigh();
        _deposit(_to, abi.encodePacked(msg.value, _value, _gasLimit, _isCreation, _data));
    }

    /// @notice Proves that a withdrawal is in the state whose output root a game claims.
    /// @param _tx               The withdrawal.
    /// @param _disputeGameIndex Index of the game in the factory.
    /// @param _outputRootProof  Preimage of the game's output root.
    /// @param _withdrawalProof  Storage proof of the message passer, nodes from the root down.
    function proveWithdrawalTransaction(
        WithdrawalTransaction memory _tx,
        uint256 _disputeGameIndex,
        OutputRootProof calldata _outputRootProof,
        bytes[] calldata _withdrawalProof
    ) external whenNotPaused {
        // A withdrawal must not speak as the portal to itself.
        if (_tx.target == address(this)) revert OptimismPortal_BadTarget();

        (,, IDisputeGame game) = disputeGameFactory.gameAtIndex(_disputeGameIndex);
        if (!anchorStateRegistry.isGameProper(game)) revert OptimismPortal_ImproperDisputeGame();
        if (!anchorStateRegistry.isGameRespected(game) || game.status() == GameStatus.CHALLENGER_WINS) {
            revert OptimismPortal_InvalidDisputeGame();
        }
        if (block.timestamp <= game.createdAt()) revert OptimismPortal_InvalidProofTimestamp();
        if (Hashing.hashOutputRootProof(_outputRootProof) != game.rootClaim()) {
            revert OptimismPortal_InvalidOutputRootProof();
        }

        bytes32 hash = Hashing.hashWithdrawal(_tx);
        // `sentMessages` is the first variable of the message passer.
        bytes32 slot = keccak256(abi.encode(hash, uint256(0)));
        bytes calldata value = MerkleTrie.get(
            keccak256(abi.encode(slot)), _outputRootProof.messagePasserStorageRoot, _withdrawalProof
        );
        if (value.length != 1 || value[0] != 0x01) revert OptimismPortal_InvalidMerkleProof();

        provenWithdrawals[hash][msg.sender] =
            ProvenWithdrawal({disputeGameProxy: game, timestamp: uint64(block.timestamp)});
        proofSubmitters[hash].push(msg.sender);
        emit WithdrawalProven(hash, _tx.sender, _tx.target);
        emit WithdrawalProvenExtension1(hash, msg.sender);
    }

    /// @notice Pays out a withdrawal that the sender has proven.
    function finalizeWithdrawalTransaction(WithdrawalTransaction memory _tx) external {
        finalizeWithdrawalTransactionExternalProof(_tx, msg.sender);
    }

    /// @notice Pays out a withdrawal that `_proofSubmitter` has proven. A withdrawal is called once: if the call
    ///         fails, its ETH stays here. The messengers are built so that theirs does not fail.
    function finalizeWithdrawalTransactionExternalProof(WithdrawalTransaction memory _tx, address _proofSubmitter)
        public
        whenNotPaused
    {
        if (currentSender != address(0)) revert OptimismPortal_NoReentrancy();
        bytes32 hash = Hashing.hashWithdrawal(_tx);
        checkWithdrawal(hash, _proofSubmitter);
        if (_tx.value > address(this).balance) revert OptimismPortal_InsufficientBalance();

        finalizedWithdrawals[hash] = true;
        currentSender = _tx.sender;
        bool success = SafeCall.callWithMinGas(_tx.target, _tx.gasLimit, _tx.value, _tx.data);
        currentSender = address(0);

        emit WithdrawalFinalized(hash, success);
        if (!success && tx.origin == Constants.ESTIMATION_ADDRESS) revert OptimismPortal_GasEstimation();
    }

    /// @notice Reverts unless a withdrawal can be finalized now.
    function checkWithdrawal(bytes32 _withdrawalHash, address _proofSubmitter) public view {
        if (finalizedWithdrawals[_withdrawalHash]) revert OptimismPortal_AlreadyFinalized();
        ProvenWithdrawal memory proven = provenWithdrawals[_withdrawalHash][_proofSubmitter];
        if (proven.timestamp == 0) revert OptimismPortal_Unproven();
        if (proven.timestamp <= proven.disputeGameProxy.createdAt()) revert OptimismPortal_InvalidProofTimestamp();
        if (block.timestamp - proven.timestamp <= proofMaturityDelaySeconds) {
            revert OptimismPortal_ProofNotOldEnough();
        }
        // Asked again now: the game may have been blacklisted, retired or lost since the proof.
        if (!anchorStateRegistry.isGameClaimValid(proven.disputeGameProxy)) revert OptimismPortal_InvalidRootClaim();
    }

    /// @notice Sender on L2 of the withdrawal being paid out, 0x…dEaD outside.
    function l2Sender() external view returns (address) {
        return currentSender == address(0) ? Constants.NO_SENDER : currentSender;
    }

    function numProofSubmitters(bytes32 _withdrawalHash) external view returns (uint256) {
        return proofSubmitters[_withdrawalHash].length;
    }

    function disputeGameFinalityDelaySeconds() external view returns (uint256) {
        return anchorStateRegistry.disputeGameFinalityDelaySeconds();
    }

    function respectedGameType() external view returns (uint32) {
        return anchorStateRegistry.respectedGameType();
    }

    function respectedGameTypeUpdatedAt() external view returns (uint64) {
        return anchorStateRegistry.retirementTimestamp();
    }

    function disputeGameBlacklist(IDisputeGame _disputeGame) external view returns (bool) {
        return anchorStateRegistry.disputeGameBlacklist(_disputeGame);
    }

    function guardian() external view returns (address) {
        return anchorStateRegistry.guardian();
    }

    /// @notice Whether proving and finalizing are stopped. Deposits never are.
    function paused() public view returns (bool) {
        return anchorStateRegistry.paused();
    }

    /// @notice Least gas of a deposit with `_byteCount` bytes of data (EIP-7623).
    function minimumGasLimit(uint64 _byteCount) public pure returns (uint64) {
        return _byteCount * 40 + 21_000;
    }

    /// @notice Clients read from the major version that withdrawals go through dispute games.
    function version() external pure returns (string memory) {
        return "5.0.0";
    }

    /// @param opaqueData mint (32), value (32), gas limit (8), whether it creates (1), data.
    function _deposit(address to, bytes memory opaqueData) private {
        // A deposit transaction has 128 bits for it, and L2 could go on neither with nor without this one.
        if (msg.value > type(uint128).max) revert OptimismPortal_MintTooLarge();
        address from = Sender.isEOA() ? msg.sender : Sender.alias_(msg.sender);
        emit TransactionDeposited(from, to, DEPOSIT_VERSION, opaqueData);
    }
}
