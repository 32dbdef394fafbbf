// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {ERC165Checker} from "@openzeppelin/contracts/utils/introspection/ERC165Checker.sol";
import {BridgeBase} from "../../shared/BridgeBase.sol";
import {Constants} from "../../shared/Constants.sol";
import {ERC721Bridge} from "../../shared/ERC721Bridge.sol";
import {IOptimismMintableERC721} from "../../shared/IOptimismMintable.sol";

/// @title L2ERC721Bridge
/// @notice The NFT bridge on L2: mints the twin of an NFT that is held on L1, and burns it to give that one back.
contract L2ERC721Bridge is ERC721Bridge {
    constructor(address l1Bridge_) BridgeBase(Constants.L2_CROSS_DOMAIN_MESSENGER, l1Bridge_) {}

    function _take(address localToken, address remoteToken, uint256 tokenId) internal override {
        _checkPair(localToken, remoteToken);
        if (IERC721(localToken).ownerOf(tokenId) != msg.sender) revert BridgeNotOwner();
        IOptimismMintableERC721(localToken).burn(msg.sender, tokenId);
    }

    function _release(address localToken, address remoteToken, address to, uint256 tokenId) internal override {
        _checkPair(localToken, remoteToken);
        IOptimismMintableERC721(localToken).safeMint(to, tokenId);
    }

    function _checkPair(address localToken, address remoteToken) private view {
        if (
            !ERC165Checker.supportsInterface(localToken, type(IOptimismMintableERC721).interfaceId)
                || IOptimismMintableERC721(localToken).remoteToken() != remoteToken
        ) revert BridgeWrongPair();
    }
}
