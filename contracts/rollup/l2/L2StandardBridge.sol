// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BridgeBase} from "../../shared/BridgeBase.sol";
import {Constants} from "../../shared/Constants.sol";
import {OptimismMintableERC20} from "../../shared/OptimismMintableERC20.sol";
import {StandardBridge} from "../../shared/StandardBridge.sol";

/// @title L2StandardBridge
/// @notice The token bridge on L2, with the names that its clients use.
contract L2StandardBridge is StandardBridge {
    event WithdrawalInitiated(
        address indexed l1Token,
        address indexed l2Token,
        address indexed from,
        address to,
        uint256 amount,
        bytes extraData
    );
    event DepositFinalized(
        address indexed l1Token,
        address indexed l2Token,
        address indexed from,
        address to,
        uint256 amount,
        bytes extraData
    );

    constructor(address l1Bridge_) BridgeBase(Constants.L2_CROSS_DOMAIN_MESSENGER, l1Bridge_) {}

    /// @notice Withdraws a token, or ETH under its stand-in address, to the sender's address on L1.
    function withdraw(address l2Token, uint256 amount, uint32 minGasLimit, bytes calldata extraData)
        external
        payable
        onlyEOA
    {
        _withdraw(l2Token, msg.sender, amount, minGasLimit, extraData);
    }

    /// @notice Withdraws a token, or ETH under its stand-in address, to `to` on L1.
    function withdrawTo(address l2Token, address to, uint256 amount, uint32 minGasLimit, bytes calldata extraData)
        external
        payable
    {
        _withdraw(l2Token, to, amount, minGasLimit, extraData);
    }

    /// @notice The bridge on L1.
    function l1TokenBridge() external view returns (address) {
        return otherBridge;
    }

    function _withdraw(address l2Token, address to, uint256 amount, uint32 minGasLimit, bytes calldata extraData)
        private
    {
        if (l2Token == Constants.LEGACY_ERC20_ETH) {
            _bridgeETH(to, amount, minGasLimit, extraData);
        } else {
            address l1Token = OptimismMintableERC20(l2Token).l1Token();
            _bridgeERC20(l2Token, l1Token, to, amount, minGasLimit, extraData);
        }
    }

    function _emitETHInitiated(address from, address to, uint256 amount, bytes memory extraData) internal override {
        emit WithdrawalInitiated(address(0), Constants.LEGACY_ERC20_ETH, from, to, amount, extraData);
        super._emitETHInitiated(from, to, amount, extraData);
    }

    function _emitETHFinalized(address from, address to, uint256 amount, bytes memory extraData) internal override {
        emit DepositFinalized(address(0), Constants.LEGACY_ERC20_ETH, from, to, amount, extraData);
        super._emitETHFinalized(from, to, amount, extraData);
    }

    function _emitERC20Initiated(
        address localToken,
        address remoteToken,
        address from,
        address to,
        uint256 amount,
        bytes memory extraData
    ) internal override {
        emit WithdrawalInitiated(remoteToken, localToken, from, to, amount, extraData);
        super._emitERC20Initiated(localToken, remoteToken, from, to, amount, extraData);
    }

    function _emitERC20Finalized(
        address localToken,
        address remoteToken,
        address from,
        address to,
        uint256 amount,
        bytes memory extraData
    ) internal override {
        emit DepositFinalized(remoteToken, localToken, from, to, amount, extraData);
        super._emitERC20Finalized(localToken, remoteToken, from, to, amount, extraData);
    }
}
