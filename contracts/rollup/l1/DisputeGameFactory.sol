// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {LibClone} from "solady/src/utils/LibClone.sol";
import {IDisputeGame, IDisputeGameFactory} from "./IDispute.sol";

/// @title DisputeGameFactory
/// @notice Makes a game for each proposal, and finds games.
contract DisputeGameFactory is IDisputeGameFactory, Ownable {
    /// @notice A game found by a search.
    /// @param index     Its index.
    /// @param metadata  Type (4 bytes), creation time (8 bytes) and address (20 bytes).
    /// @param timestamp Creation time in seconds.
    /// @param rootClaim The output root it claims.
    /// @param extraData What the type of game adds: the L2 block number.
    struct GameSearchResult {
        uint256 index;
        bytes32 metadata;
        uint64 timestamp;
        bytes32 rootClaim;
        bytes extraData;
    }

    /// @notice Code of each type of game.
    mapping(uint32 => address) public gameImpls;
    /// @notice ETH in wei that a new game of each type must bring.
    mapping(uint32 => uint256) public initBonds;
    mapping(bytes32 => bytes32) private byUUID;
    bytes32[] private list;

    event DisputeGameCreated(address indexed disputeProxy, uint32 indexed gameType, bytes32 indexed rootClaim);
    event ImplementationSet(address indexed impl, uint32 indexed gameType);
    event InitBondUpdated(uint32 indexed gameType, uint256 indexed newBond);

    error NoImplementation(uint32 gameType);
    error IncorrectBondAmount();
    error GameAlreadyExists(bytes32 uuid);
    error L1BlockMismatch();

    constructor(address owner_, uint32 gameType, address impl) Ownable(owner_) {
        gameImpls[gameType] = impl;
        emit ImplementationSet(impl, gameType);
    }

    function setImplementation(uint32 _gameType, address _impl) external onlyOwner {
        gameImpls[_gameType] = _impl;
        emit ImplementationSet(_impl, _gameType);
    }

    function setInitBond(uint32 _gameType, uint256 _initBond) external onlyOwner {
        initBonds[_gameType] = _initBond;
        emit InitBondUpdated(_gameType, _initBond);
    }

    /// @notice Makes a game.
    /// @param _gameType  Its type.
    /// @param _rootClaim The output root claimed.
    /// @param _extraData The L2 block number in 32 bytes.
    function create(uint32 _gameType, bytes32 _rootClaim, bytes calldata _extraData)
        external
        payable
        returns (IDisputeGame proxy_)
    {
        return _create(_gameType, _rootClaim, _extraData);
    }

    /// @notice Makes a game if this chain is the one that the claim was derived from. A transaction that an L1 reorg has
    ///         dropped stays valid, and anyone may send it again: it must not propose the root of an orphaned fork.
    /// @param _gameType  Its type.
    /// @param _rootClaim The output root claimed.
    /// @param _extraData The L2 block number in 32 bytes.
    /// @param _l1Number  L1 block up to which the claim was derived; one of the last 256.
    /// @param _l1Hash    Its hash.
    function createOnL1Block(
        uint32 _gameType,
        bytes32 _rootClaim,
        bytes calldata _extraData,
        uint256 _l1Number,
        bytes32 _l1Hash
    ) external payable returns (IDisputeGame proxy_) {
        // The hash of a block too old or yet to come reads as zero.
        if (_l1Hash == 0 || blockhash(_l1Number) != _l1Hash) revert L1BlockMismatch();
        return _create(_gameType, _rootClaim, _extraData);
    }

    function gameCount() external view returns (uint256 gameCount_) {
        return list.length;
    }

    function gameAtIndex(uint256 _index)
        external
        view
        returns (uint32 gameType_, uint64 timestamp_, IDisputeGame proxy_)
    {
        return _unpack(list[_index]);
    }

    /// @notice The game with these parameters; zero if there is none.
    function games(uint32 _gameType, bytes32 _rootClaim, bytes calldata _extraData)
        external
        view
        returns (IDisputeGame proxy_, uint64 timestamp_)
    {
        (, timestamp_, proxy_) = _unpack(byUUID[getGameUUID(_gameType, _rootClaim, _extraData)]);
    }

    /// @notice Up to `_n` games of a type, newest first, from index `_start` down.
    function findLatestGames(uint32 _gameType, uint256 _start, uint256 _n)
        external
        view
        returns (GameSearchResult[] memory games_)
    {
        if (_start >= list.length || _n == 0) return games_;
        uint256 room = _n > _start ? _start + 1 : _n;
        games_ = new GameSearchResult[](room);
        uint256 found;
        for (uint256 i = _start + 1; i > 0 && found < room; --i) {
            bytes32 id = list[i - 1];
            (uint32 gameType, uint64 timestamp, IDisputeGame game) = _unpack(id);
            if (gameType != _gameType) continue;
            games_[found++] = GameSearchResult({
                index: i - 1,
                metadata: id,
                timestamp: timestamp,
                rootClaim: game.rootClaim(),
                extraData: game.extraData()
            });
        }
        assembly ("memory-safe") {
            mstore(games_, found)
        }
    }

    /// @notice What makes a game unique.
    function getGameUUID(uint32 _gameType, bytes32 _rootClaim, bytes calldata _extraData)
        public
        pure
        returns (bytes32 uuid_)
    {
        return keccak256(abi.encode(_gameType, _rootClaim, _extraData));
    }

    function version() external pure returns (string memory) {
        return "1.2.0";
    }

    function _create(uint32 _gameType, bytes32 _rootClaim, bytes calldata _extraData)
        private
        returns (IDisputeGame proxy_)
    {
        address impl = gameImpls[_gameType];
        if (impl == address(0)) revert NoImplementation(_gameType);
        if (msg.value != initBonds[_gameType]) revert IncorrectBondAmount();
        bytes32 uuid = getGameUUID(_gameType, _rootClaim, _extraData);
        if (byUUID[uuid] != 0) revert GameAlreadyExists(uuid);

        bytes32 l1Head = blockhash(block.number - 1);
        proxy_ = IDisputeGame(LibClone.clone(impl, abi.encodePacked(msg.sender, _rootClaim, l1Head, _extraData)));
        bytes32 id = bytes32((uint256(_gameType) << 224) | (block.timestamp << 160) | uint160(address(proxy_)));
        byUUID[uuid] = id;
        list.push(id);
        proxy_.initialize{value: msg.value}();
        emit DisputeGameCreated(address(proxy_), _gameType, _rootClaim);
    }

    function _unpack(bytes32 id) private pure returns (uint32 gameType, uint64 timestamp, IDisputeGame game) {
        uint256 word = uint256(id);
        return (uint32(word >> 224), uint64(word >> 160), IDisputeGame(address(uint160(word))));
    }
}
