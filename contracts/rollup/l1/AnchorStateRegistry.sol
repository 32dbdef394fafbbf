// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {GameStatus} from "../../shared/Types.sol";
import {IAnchorStateRegistry, IDisputeGame, IDisputeGameFactory} from "./IDispute.sol";

/// @title AnchorStateRegistry
/// @notice Says which games are to be believed, and keeps the newest output root that has become final.
contract AnchorStateRegistry is IAnchorStateRegistry {
    /// @notice Makes and knows the games.
    IDisputeGameFactory public immutable disputeGameFactory;
    /// @notice May stop payouts, and discard games before they count.
    address public immutable guardian;
    /// @notice How long a decided game waits before it counts, in seconds.
    uint256 public immutable disputeGameFinalityDelaySeconds;
    bytes32 private immutable startingRoot;
    uint256 private immutable startingL2Block;

    /// @notice The game whose claim is the anchor; zero while it is the starting root.
    IDisputeGame public anchorGame;
    /// @notice Whether payouts are stopped.
    bool public paused;
    /// @notice The type of game that counts.
    uint32 public respectedGameType;
    /// @notice Games created at this time or before do not count, in seconds.
    uint64 public retirementTimestamp;
    /// @notice Games that the guardian has discarded.
    mapping(IDisputeGame => bool) public disputeGameBlacklist;

    event AnchorUpdated(IDisputeGame indexed game);
    event RespectedGameTypeSet(uint32 gameType);
    event RetirementTimestampSet(uint256 timestamp);
    event DisputeGameBlacklisted(IDisputeGame indexed disputeGame);
    event Paused(address account);
    event Unpaused(address account);

    error AnchorStateRegistry_Unauthorized();
    error AnchorStateRegistry_InvalidAnchorGame();

    constructor(
        address disputeGameFactory_,
        address guardian_,
        uint256 disputeGameFinalityDelaySeconds_,
        uint32 respectedGameType_,
        bytes32 startingRoot_,
        uint256 startingL2Block_
    ) {
        disputeGameFactory = IDisputeGameFactory(disputeGameFactory_);
        guardian = guardian_;
        disputeGameFinalityDelaySeconds = disputeGameFinalityDelaySeconds_;
        respectedGameType = respectedGameType_;
        startingRoot = startingRoot_;
        startingL2Block = startingL2Block_;
    }

    modifier onlyGuardian() {
        if (msg.sender != guardian) revert AnchorStateRegistry_Unauthorized();
        _;
    }

    /// @notice Stops proofs, payouts and deliveries from L2.
    function pause() external onlyGuardian {
        paused = true;
        emit Paused(msg.sender);
    }

    function unpause() external onlyGuardian {
        paused = false;
        emit Unpaused(msg.sender);
    }

    /// @notice Makes another type of game the one that counts.
    function setRespectedGameType(uint32 gameType) external onlyGuardian {
        respectedGameType = gameType;
        emit RespectedGameTypeSet(gameType);
    }

    /// @notice Discards all games created so far. The anchor, being one of them, goes back to the start.
    function updateRetirementTimestamp() external onlyGuardian {
        retirementTimestamp = uint64(block.timestamp);
        _resetAnchor();
        emit RetirementTimestampSet(block.timestamp);
    }

    /// @notice Discards a game. If it was the anchor, the anchor goes back to the start.
    function blacklistDisputeGame(IDisputeGame game) external onlyGuardian {
        disputeGameBlacklist[game] = true;
        if (address(game) == address(anchorGame)) _resetAnchor();
        emit DisputeGameBlacklisted(game);
    }

    /// @notice Makes a game's claim the anchor, if it counts and is newer. Anyone may call this.
    function setAnchorState(IDisputeGame game) external {
        if (!isGameClaimValid(game)) revert AnchorStateRegistry_InvalidAnchorGame();
        (, uint256 current) = getAnchorRoot();
        if (game.l2SequenceNumber() <= current) revert AnchorStateRegistry_InvalidAnchorGame();
        anchorGame = game;
        emit AnchorUpdated(game);
    }

    /// @notice The newest final output root and its L2 block.
    function getAnchorRoot() public view returns (bytes32 root, uint256 l2SequenceNumber) {
        if (address(anchorGame) == address(0)) return (startingRoot, startingL2Block);
        return (anchorGame.rootClaim(), anchorGame.l2SequenceNumber());
    }

    /// @notice The anchor, by its older name; it is the same for all types of game.
    function anchors(uint32) external view returns (bytes32 root, uint256 l2SequenceNumber) {
        return getAnchorRoot();
    }

    /// @notice The output root that the chain began with.
    function getStartingAnchorRoot() external view returns (bytes32 root, uint256 l2SequenceNumber) {
        return (startingRoot, startingL2Block);
    }

    /// @notice Whether the factory of this deployment made the game, for this registry.
    function isGameRegistered(IDisputeGame game) public view returns (bool) {
        (uint32 gameType, bytes32 rootClaim, bytes memory extraData) = game.gameData();
        (IDisputeGame known,) = disputeGameFactory.games(gameType, rootClaim, extraData);
        return address(known) == address(game) && address(game.anchorStateRegistry()) == address(this);
    }

    /// @notice Whether the game was of the type that counted when it was created.
    function isGameRespected(IDisputeGame game) public view returns (bool) {
        return game.wasRespectedGameTypeWhenCreated();
    }

    function isGameBlacklisted(IDisputeGame game) public view returns (bool) {
        return disputeGameBlacklist[game];
    }

    function isGameRetired(IDisputeGame game) public view returns (bool) {
        return game.createdAt() <= retirementTimestamp;
    }

    function isGameResolved(IDisputeGame game) public view returns (bool) {
        return game.resolvedAt() != 0 && game.status() != GameStatus.IN_PROGRESS;
    }

    /// @notice Whether the game is one to go by at all: registered, not discarded, and payouts not stopped.
    function isGameProper(IDisputeGame game) public view returns (bool) {
        return isGameRegistered(game) && !isGameBlacklisted(game) && !isGameRetired(game) && !paused;
    }

    /// @notice Whether the game is decided and has waited long enough.
    function isGameFinalized(IDisputeGame game) public view returns (bool) {
        return isGameResolved(game) && block.timestamp - game.resolvedAt() > disputeGameFinalityDelaySeconds;
    }

    /// @notice Whether the claim of the game is true as far as this deployment is concerned.
    function isGameClaimValid(IDisputeGame game) public view returns (bool) {
        return isGameProper(game) && isGameRespected(game) && isGameFinalized(game)
            && game.status() == GameStatus.DEFENDER_WINS;
    }

    function version() external pure returns (string memory) {
        return "3.0.0";
    }

    /// @dev An anchor that is not believed must not stand in the way of the games that follow.
    function _resetAnchor() private {
        if (address(anchorGame) == address(0)) return;
        anchorGame = IDisputeGame(address(0));
        emit AnchorUpdated(anchorGame);
    }
}
