// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {BridgeBase} from "../../shared/BridgeBase.sol";
import {Constants} from "../../shared/Constants.sol";
import {ERC721Bridge} from "../../shared/ERC721Bridge.sol";

/// @title L1ERC721Bridge
/// @notice The NFT bridge on L1: keeps an NFT while its twin is on L2.
contract L1ERC721Bridge is ERC721Bridge {
    /// @notice Whether an NFT is here, by local token, remote token and id.
    mapping(address => mapping(address => mapping(uint256 => bool))) public deposits;

    constructor(address messenger_) BridgeBase(messenger_, Constants.L2_ERC721_BRIDGE) {}

    function _take(address localToken, address remoteToken, uint256 tokenId) internal override {
        deposits[localToken][remoteToken][tokenId] = true;
        IERC721(localToken).transferFrom(msg.sender, address(this), tokenId);
        if (IERC721(localToken).ownerOf(tokenId) != address(this)) revert BridgeNotOwner();
    }

    function _release(address localToken, address remoteToken, address to, uint256 tokenId) internal override {
        if (!deposits[localToken][remoteToken][tokenId]) revert BridgeNotEscrowed();
        deposits[localToken][remoteToken][tokenId] = false;
        IERC721(localToken).safeTransferFrom(address(this), to, tokenId);
    }
}
