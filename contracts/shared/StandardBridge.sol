// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ERC165Checker} from "@openzeppelin/contracts/utils/introspection/ERC165Checker.sol";
import {BridgeBase} from "./BridgeBase.sol";
import {ILegacyMintableERC20, IOptimismMintableERC20} from "./IOptimismMintable.sol";
import {SafeCall} from "./SafeCall.sol";

/// @title StandardBridge
/// @notice Moves ETH and ERC-20 tokens. On its home layer a token is locked here; on the other its twin is minted.
/// @dev    What is locked is counted for each pair of tokens: a token that lies can only empty its own pairs.
abstract contract StandardBridge is BridgeBase {
    using SafeERC20 for IERC20;

    /// @dev Gas with which the other layer handles ETH sent here without data.
    uint32 internal constant RECEIVE_DEFAULT_GAS_LIMIT = 200_000;

    /// @notice Amount locked of a local token for its remote twin.
    mapping(address => mapping(address => uint256)) public deposits;

    event ETHBridgeInitiated(address indexed from, address indexed to, uint256 amount, bytes extraData);
    event ETHBridgeFinalized(address indexed from, address indexed to, uint256 amount, bytes extraData);
    event ERC20BridgeInitiated(
        address indexed localToken,
        address indexed remoteToken,
        address indexed from,
        address to,
        uint256 amount,
        bytes extraData
    );
    event ERC20BridgeFinalized(
        address indexed localToken,
        address indexed remoteToken,
        address indexed from,
        address to,
        uint256 amount,
        bytes extraData
    );

    error BridgeWrongValue();
    error BridgeBadRecipient();
    error BridgeTransferFailed();
    error BridgeWrongPair();
    /// @notice The token moved another amount than asked for, as one with a fee on transfers does.
    error BridgeAmountReceived(uint256 expected, uint256 received);

    /// @notice Sends ETH to the sender's address on the other layer.
    receive() external payable onlyEOA {
        _bridgeETH(msg.sender, msg.value, RECEIVE_DEFAULT_GAS_LIMIT, "");
    }

    /// @notice Sends ETH to the sender's address on the other layer.
    function bridgeETH(uint32 minGasLimit, bytes calldata extraData) external payable onlyEOA {
        _bridgeETH(msg.sender, msg.value, minGasLimit, extraData);
    }

    /// @notice Sends ETH to `to` on the other layer.
    function bridgeETHTo(address to, uint32 minGasLimit, bytes calldata extraData) external payable {
        _bridgeETH(to, msg.value, minGasLimit, extraData);
    }

    /// @notice Sends tokens to the sender's address on the other layer.
    function bridgeERC20(
        address localToken,
        address remoteToken,
        uint256 amount,
        uint32 minGasLimit,
        bytes calldata extraData
    ) external onlyEOA {
        _bridgeERC20(localToken, remoteToken, msg.sender, amount, minGasLimit, extraData);
    }

    /// @notice Sends tokens to `to` on the other layer.
    function bridgeERC20To(
        address localToken,
        address remoteToken,
        address to,
        uint256 amount,
        uint32 minGasLimit,
        bytes calldata extraData
    ) external {
        _bridgeERC20(localToken, remoteToken, to, amount, minGasLimit, extraData);
    }

    /// @notice Pays out ETH that the other bridge has taken in.
    function finalizeBridgeETH(address from, address to, uint256 amount, bytes calldata extraData)
        public
        payable
        onlyOtherBridge
        whenNotPaused
    {
        if (msg.value != amount) revert BridgeWrongValue();
        if (to == address(this) || to == address(messenger)) revert BridgeBadRecipient();
        _emitETHFinalized(from, to, amount, extraData);
        if (!SafeCall.call(to, gasleft(), amount, "")) revert BridgeTransferFailed();
    }

    /// @notice Pays out tokens that the other bridge has taken in.
    function finalizeBridgeERC20(
        address localToken,
        address remoteToken,
        address from,
        address to,
        uint256 amount,
        bytes calldata extraData
    ) public onlyOtherBridge whenNotPaused {
        if (_isMintable(localToken)) {
            if (!_isPair(localToken, remoteToken)) revert BridgeWrongPair();
            IOptimismMintableERC20(localToken).mint(to, amount);
        } else {
            deposits[localToken][remoteToken] -= amount;
            IERC20(localToken).safeTransfer(to, amount);
        }
        _emitERC20Finalized(localToken, remoteToken, from, to, amount, extraData);
    }

    function version() external pure returns (string memory) {
        return "3.0.0";
    }

    function _bridgeETH(address to, uint256 amount, uint32 minGasLimit, bytes memory extraData) internal {
        if (msg.value != amount) revert BridgeWrongValue();
        _emitETHInitiated(msg.sender, to, amount, extraData);
        messenger.sendMessage{value: amount}(
            otherBridge, abi.encodeCall(this.finalizeBridgeETH, (msg.sender, to, amount, extraData)), minGasLimit
        );
    }

    function _bridgeERC20(
        address localToken,
        address remoteToken,
        address to,
        uint256 amount,
        uint32 minGasLimit,
        bytes memory extraData
    ) internal {
        if (msg.value != 0) revert BridgeWrongValue();
        if (_isMintable(localToken)) {
            if (!_isPair(localToken, remoteToken)) revert BridgeWrongPair();
            IOptimismMintableERC20(localToken).burn(msg.sender, amount);
        } else {
            // Counting what arrived instead of refusing would credit a re-entrant token twice.
            uint256 before = IERC20(localToken).balanceOf(address(this));
            IERC20(localToken).safeTransferFrom(msg.sender, address(this), amount);
            uint256 received = IERC20(localToken).balanceOf(address(this)) - before;
            if (received != amount) revert BridgeAmountReceived(amount, received);
            deposits[localToken][remoteToken] += amount;
        }
        _emitERC20Initiated(localToken, remoteToken, msg.sender, to, amount, extraData);
        messenger.sendMessage(
            otherBridge,
            // Local and remote change places on the other layer.
            abi.encodeCall(
                this.finalizeBridgeERC20, (remoteToken, localToken, msg.sender, to, amount, extraData)
            ),
            minGasLimit
        );
    }

    function _isMintable(address token) private view returns (bool) {
        return ERC165Checker.supportsInterface(token, type(IOptimismMintableERC20).interfaceId)
            || ERC165Checker.supportsInterface(token, type(ILegacyMintableERC20).interfaceId);
    }

    function _isPair(address mintable, address other) private view returns (bool) {
        if (ERC165Checker.supportsInterface(mintable, type(IOptimismMintableERC20).interfaceId)) {
            return IOptimismMintableERC20(mintable).remoteToken() == other;
        }
        return ILegacyMintableERC20(mintable).l1Token() == other;
    }

    function _emitETHInitiated(address from, address to, uint256 amount, bytes memory extraData) internal virtual {
        emit ETHBridgeInitiated(from, to, amount, extraData);
    }

    function _emitETHFinalized(address from, address to, uint256 amount, bytes memory extraData) internal virtual {
        emit ETHBridgeFinalized(from, to, amount, extraData);
    }

    function _emitERC20Initiated(
        address localToken,
        address remoteToken,
        address from,
        address to,
        uint256 amount,
        bytes memory extraData
    ) internal virtual {
        emit ERC20BridgeInitiated(localToken, remoteToken, from, to, amount, extraData);
    }

    function _emitERC20Finalized(
        address localToken,
        address remoteToken,
        address from,
        address to,
        uint256 amount,
        bytes memory extraData
    ) internal virtual {
        emit ERC20BridgeFinalized(localToken, remoteToken, from, to, amount, extraData);
    }
}
