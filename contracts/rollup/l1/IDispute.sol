// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {GameStatus} from "../../shared/Types.sol";

/// @notice A proposal: the claim that an L2 block has an output root, and the game that decides about it.
interface IDisputeGame {
    event Resolved(GameStatus indexed status);

    /// @notice Called once by the factory.
    function initialize() external payable;
    /// @notice Records the result.
    function resolve() external returns (GameStatus status_);
    /// @notice When the game was created, in seconds.
    function createdAt() external view returns (uint64);
    /// @notice When the game was decided, in seconds; zero while it is not.
    function resolvedAt() external view returns (uint64);
    function status() external view returns (GameStatus);
    function gameType() external view returns (uint32 gameType_);
    function gameCreator() external view returns (address creator_);
    function rootClaim() external view returns (bytes32 rootClaim_);
    /// @notice Hash of the L1 block before the one that created the game.
    function l1Head() external view returns (bytes32 l1Head_);
    function l2SequenceNumber() external view returns (uint256 l2SequenceNumber_);
    function extraData() external view returns (bytes memory extraData_);
    function gameData() external view returns (uint32 gameType_, bytes32 rootClaim_, bytes memory extraData_);
    function wasRespectedGameTypeWhenCreated() external view returns (bool);
    function anchorStateRegistry() external view returns (IAnchorStateRegistry registry_);
}

interface IDisputeGameFactory {
    function gameAtIndex(uint256 index)
        external
        view
        returns (uint32 gameType_, uint64 timestamp_, IDisputeGame proxy_);
    function games(uint32 gameType, bytes32 rootClaim, bytes calldata extraData)
        external
        view
        returns (IDisputeGame proxy_, uint64 timestamp_);
}

interface IAnchorStateRegistry {
    function disputeGameFactory() external view returns (IDisputeGameFactory);
    function disputeGameFinalityDelaySeconds() external view returns (uint256);
    function guardian() external view returns (address);
    function paused() external view returns (bool);
    function respectedGameType() external view returns (uint32);
    function retirementTimestamp() external view returns (uint64);
    function disputeGameBlacklist(IDisputeGame game) external view returns (bool);
    function getAnchorRoot() external view returns (bytes32 root, uint256 l2SequenceNumber);
    function isGameProper(IDisputeGame game) external view returns (bool);
    function isGameRespected(IDisputeGame game) external view returns (bool);
    function isGameClaimValid(IDisputeGame game) external view returns (bool);
    function setAnchorState(IDisputeGame game) external;
}
