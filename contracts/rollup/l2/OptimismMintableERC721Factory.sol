// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {OptimismMintableERC721} from "./OptimismMintableERC721.sol";

/// @title OptimismMintableERC721Factory
/// @notice Makes the twins of NFT collections of L1.
contract OptimismMintableERC721Factory {
    /// @notice The bridge that may mint and burn the tokens.
    address public immutable bridge;
    /// @notice Chain id of L1.
    uint256 public immutable remoteChainID;
    /// @notice Collections made here.
    mapping(address => bool) public isOptimismMintableERC721;

    event OptimismMintableERC721Created(address indexed localToken, address indexed remoteToken, address deployer);

    error ZeroRemoteToken();

    constructor(address bridge_, uint256 remoteChainID_) {
        bridge = bridge_;
        remoteChainID = remoteChainID_;
    }

    /// @notice The bridge, by its older name.
    function BRIDGE() external view returns (address) {
        return bridge;
    }

    /// @notice Chain id of L1, by its older name.
    function REMOTE_CHAIN_ID() external view returns (uint256) {
        return remoteChainID;
    }

    function createOptimismMintableERC721(address remoteToken, string calldata name, string calldata symbol)
        external
        returns (address localToken)
    {
        if (remoteToken == address(0)) revert ZeroRemoteToken();
        bytes32 salt = keccak256(abi.encode(remoteToken, name, symbol));
        localToken = address(new OptimismMintableERC721{salt: salt}(bridge, remoteChainID, remoteToken, name, symbol));
        isOptimismMintableERC721[localToken] = true;
        emit OptimismMintableERC721Created(localToken, remoteToken, msg.sender);
    }

    function version() external pure returns (string memory) {
        return "2.0.0";
    }
}
