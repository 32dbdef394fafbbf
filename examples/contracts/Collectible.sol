// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";

/// @notice An ERC-721 whose owner mints, up to a fixed number.
contract Collectible is ERC721, Ownable {
    uint256 public immutable limit;
    uint256 public minted;

    error SoldOut(uint256 limit);

    constructor(uint256 limit_) ERC721("Collectible", "COL") Ownable(msg.sender) {
        limit = limit_;
    }

    function mint(address to) external onlyOwner returns (uint256 id) {
        if (minted == limit) revert SoldOut(limit);
        id = ++minted;
        _safeMint(to, id);
    }
}
