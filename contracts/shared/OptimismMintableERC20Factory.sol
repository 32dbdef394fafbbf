// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {OptimismMintableERC20} from "./OptimismMintableERC20.sol";

/// @title OptimismMintableERC20Factory
/// @notice Makes the twins of ERC-20 tokens of the other layer, at addresses that follow from their parameters.
contract OptimismMintableERC20Factory {
    /// @notice The bridge that may mint and burn the tokens.
    address public immutable bridge;
    /// @notice Remote token of each token made here.
    mapping(address => address) public deployments;

    event StandardL2TokenCreated(address indexed remoteToken, address indexed localToken);
    event OptimismMintableERC20Created(address indexed localToken, address indexed remoteToken, address deployer);

    error ZeroRemoteToken();

    constructor(address bridge_) {
        bridge = bridge_;
    }

    /// @notice The bridge, by its older name.
    function BRIDGE() external view returns (address) {
        return bridge;
    }

    /// @notice Makes a token with 18 decimals; the older name.
    function createStandardL2Token(address remoteToken, string calldata name, string calldata symbol)
        external
        returns (address)
    {
        return createOptimismMintableERC20WithDecimals(remoteToken, name, symbol, 18);
    }

    /// @notice Makes a token with 18 decimals.
    function createOptimismMintableERC20(address remoteToken, string calldata name, string calldata symbol)
        external
        returns (address)
    {
        return createOptimismMintableERC20WithDecimals(remoteToken, name, symbol, 18);
    }

    /// @notice Makes a token.
    function createOptimismMintableERC20WithDecimals(
        address remoteToken,
        string calldata name,
        string calldata symbol,
        uint8 decimals
    ) public returns (address localToken) {
        if (remoteToken == address(0)) revert ZeroRemoteToken();
        bytes32 salt = keccak256(abi.encode(remoteToken, name, symbol, decimals));
        localToken = address(new OptimismMintableERC20{salt: salt}(bridge, remoteToken, name, symbol, decimals));
        deployments[localToken] = remoteToken;
        emit StandardL2TokenCreated(remoteToken, localToken);
        emit OptimismMintableERC20Created(localToken, remoteToken, msg.sender);
    }

    function version() external pure returns (string memory) {
        return "2.0.0";
    }
}
