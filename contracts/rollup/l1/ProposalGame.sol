// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LibClone} from "solady/src/utils/LibClone.sol";
import {GameStatus} from "../../shared/Types.sol";
import {IAnchorStateRegistry, IDisputeGame} from "./IDispute.sol";

/// @title ProposalGame
/// @notice A proposal of an output root. It stands, with no transaction by anyone, once its clock has run out.
/// @dev    Each game is a small clone of one implementation; creator, claim, L1 head and L2 block number are appended
///         to the clone's code. Nobody can dispute a claim in this type of game: only the proposer may make one, and
///         the guardian of the registry may discard it.
contract ProposalGame is IDisputeGame {
    /// @dev "Permissioned" in the OP Stack's numbering of game types.
    uint32 private constant GAME_TYPE = 1;
    /// @dev creator (20), root claim (32), L1 head (32), L2 block number (32).
    uint256 private constant ARGS_LENGTH = 116;

    /// @notice The only account that may propose.
    address public immutable proposer;
    /// @notice How long a claim may be disputed, in seconds.
    uint64 public immutable maxClockDuration;
    IAnchorStateRegistry public immutable anchorStateRegistry;
    /// @notice Chain id of the L2.
    uint256 public immutable l2ChainId;

    /// @notice When the game was created, in seconds.
    uint64 public createdAt;
    /// @notice Whether this type of game counted when the game was created.
    bool public wasRespectedGameTypeWhenCreated;
    /// @dev Whether the result has been announced.
    bool private announced;

    error AlreadyInitialized();
    error BadAuth();
    error BadExtraData();
    error IncorrectBondAmount();
    error UnexpectedRootClaim(bytes32 rootClaim);
    error ClockNotExpired();
    error GameNotInProgress();

    constructor(address proposer_, uint64 maxClockDuration_, address anchorStateRegistry_, uint256 l2ChainId_) {
        proposer = proposer_;
        maxClockDuration = maxClockDuration_;
        anchorStateRegistry = IAnchorStateRegistry(anchorStateRegistry_);
        l2ChainId = l2ChainId_;
    }

    /// @notice Called by the factory in the transaction that makes the game.
    function initialize() external payable {
        if (createdAt != 0) revert AlreadyInitialized();
        if (msg.sender != address(anchorStateRegistry.disputeGameFactory())) revert BadAuth();
        bytes memory args = LibClone.argsOnClone(address(this));
        if (args.length != ARGS_LENGTH) revert BadExtraData();
        if (gameCreator() != proposer) revert BadAuth();
        // Nothing can be lost in this game, so that nothing need be at stake.
        if (msg.value != 0) revert IncorrectBondAmount();
        (, uint256 anchor) = anchorStateRegistry.getAnchorRoot();
        if (l2SequenceNumber() <= anchor) revert UnexpectedRootClaim(rootClaim());
        createdAt = uint64(block.timestamp);
        wasRespectedGameTypeWhenCreated = anchorStateRegistry.respectedGameType() == GAME_TYPE;
    }

    /// @notice Announces the result, once, and makes the claim the anchor if it may be that already. Nothing waits
    ///         for this call: `status` and `resolvedAt` tell the result without it.
    function resolve() external returns (GameStatus status_) {
        if (announced) revert GameNotInProgress();
        status_ = status();
        if (status_ == GameStatus.IN_PROGRESS) revert ClockNotExpired();
        announced = true;
        emit Resolved(status_);
        try anchorStateRegistry.setAnchorState(this) {} catch {}
    }

    function status() public view returns (GameStatus) {
        return resolvedAt() == 0 ? GameStatus.IN_PROGRESS : GameStatus.DEFENDER_WINS;
    }

    /// @notice When the clock ran out, in seconds; zero while it runs.
    function resolvedAt() public view returns (uint64) {
        if (createdAt == 0) return 0;
        uint64 end = createdAt + maxClockDuration;
        return block.timestamp < end ? 0 : end;
    }

    function gameType() public pure returns (uint32 gameType_) {
        return GAME_TYPE;
    }

    function gameCreator() public view returns (address creator_) {
        return address(bytes20(_word(0)));
    }

    function rootClaim() public view returns (bytes32 rootClaim_) {
        return _word(20);
    }

    function l1Head() external view returns (bytes32 l1Head_) {
        return _word(52);
    }

    function l2SequenceNumber() public view returns (uint256 l2SequenceNumber_) {
        return uint256(_word(84));
    }

    /// @notice The L2 block number, by its older name.
    function l2BlockNumber() external view returns (uint256 l2BlockNumber_) {
        return l2SequenceNumber();
    }

    function extraData() public view returns (bytes memory extraData_) {
        return abi.encode(l2SequenceNumber());
    }

    function gameData() external view returns (uint32 gameType_, bytes32 rootClaim_, bytes memory extraData_) {
        return (GAME_TYPE, rootClaim(), extraData());
    }

    function version() external pure returns (string memory) {
        return "1.0.0";
    }

    /// @dev 32 bytes of the clone's arguments.
    function _word(uint256 offset) private view returns (bytes32) {
        return bytes32(LibClone.argsOnClone(address(this), offset, offset + 32));
    }
}
