// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BridgeBase} from "./BridgeBase.sol";

/// @title ERC721Bridge
/// @notice Moves NFTs from L1 to L2 and back.
abstract contract ERC721Bridge is BridgeBase {
    event ERC721BridgeInitiated(
        address indexed localToken,
        address indexed remoteToken,
        address indexed from,
        address to,
        uint256 tokenId,
        bytes extraData
    );
    event ERC721BridgeFinalized(
        address indexed localToken,
        address indexed remoteToken,
        address indexed from,
        address to,
        uint256 tokenId,
        bytes extraData
    );

    error BridgeBadRecipient();
    error BridgeBadToken();
    error BridgeWrongPair();
    error BridgeNotOwner();
    error BridgeNotEscrowed();

    /// @notice Sends an NFT to the sender's address on the other layer.
    function bridgeERC721(
        address localToken,
        address remoteToken,
        uint256 tokenId,
        uint32 minGasLimit,
        bytes calldata extraData
    ) external onlyEOA {
        _bridge(localToken, remoteToken, msg.sender, tokenId, minGasLimit, extraData);
    }

    /// @notice Sends an NFT to `to` on the other layer.
    function bridgeERC721To(
        address localToken,
        address remoteToken,
        address to,
        uint256 tokenId,
        uint32 minGasLimit,
        bytes calldata extraData
    ) external {
        if (to == address(0)) revert BridgeBadRecipient();
        _bridge(localToken, remoteToken, to, tokenId, minGasLimit, extraData);
    }

    /// @notice Hands out an NFT that the other bridge has taken in.
    function finalizeBridgeERC721(
        address localToken,
        address remoteToken,
        address from,
        address to,
        uint256 tokenId,
        bytes calldata extraData
    ) external onlyOtherBridge whenNotPaused {
        if (localToken == address(this)) revert BridgeBadToken();
        _release(localToken, remoteToken, to, tokenId);
        emit ERC721BridgeFinalized(localToken, remoteToken, from, to, tokenId, extraData);
    }

    function version() external pure returns (string memory) {
        return "3.0.0";
    }

    function _bridge(
        address localToken,
        address remoteToken,
        address to,
        uint256 tokenId,
        uint32 minGasLimit,
        bytes calldata extraData
    ) private {
        if (remoteToken == address(0)) revert BridgeBadToken();
        _take(localToken, remoteToken, tokenId);
        emit ERC721BridgeInitiated(localToken, remoteToken, msg.sender, to, tokenId, extraData);
        messenger.sendMessage(
            otherBridge,
            abi.encodeCall(this.finalizeBridgeERC721, (remoteToken, localToken, msg.sender, to, tokenId, extraData)),
            minGasLimit
        );
    }

    /// @dev Takes an NFT from `msg.sender`.
    function _take(address localToken, address remoteToken, uint256 tokenId) internal virtual;

    /// @dev Gives an NFT to `to`.
    function _release(address localToken, address remoteToken, address to, uint256 tokenId) internal virtual;
}
