// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {ERC721Enumerable} from "@openzeppelin/contracts/token/ERC721/extensions/ERC721Enumerable.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";
import {IOptimismMintableERC721} from "../../shared/IOptimismMintable.sol";

/// @title OptimismMintableERC721
/// @notice Twin of an NFT collection of L1; only the bridge mints and burns it.
contract OptimismMintableERC721 is ERC721Enumerable, IOptimismMintableERC721 {
    /// @notice Chain id of L1.
    uint256 public immutable REMOTE_CHAIN_ID;
    /// @notice The collection on L1.
    address public immutable REMOTE_TOKEN;
    /// @notice The bridge that may mint and burn.
    address public immutable BRIDGE;

    error OnlyBridge();

    constructor(address bridge_, uint256 remoteChainId_, address remoteToken_, string memory name_, string memory symbol_)
        ERC721(name_, symbol_)
    {
        BRIDGE = bridge_;
        REMOTE_CHAIN_ID = remoteChainId_;
        REMOTE_TOKEN = remoteToken_;
    }

    modifier onlyBridge() {
        if (msg.sender != BRIDGE) revert OnlyBridge();
        _;
    }

    function safeMint(address to, uint256 tokenId) external onlyBridge {
        emit Mint(to, tokenId);
        _safeMint(to, tokenId);
    }

    function burn(address from, uint256 tokenId) external onlyBridge {
        if (ownerOf(tokenId) != from) revert ERC721IncorrectOwner(from, tokenId, ownerOf(tokenId));
        _burn(tokenId);
        emit Burn(from, tokenId);
    }

    function remoteChainId() external view returns (uint256) {
        return REMOTE_CHAIN_ID;
    }

    function remoteToken() external view returns (address) {
        return REMOTE_TOKEN;
    }

    function bridge() external view returns (address) {
        return BRIDGE;
    }

    function supportsInterface(bytes4 id) public view override returns (bool) {
        return id == type(IOptimismMintableERC721).interfaceId || super.supportsInterface(id);
    }

    function version() external pure returns (string memory) {
        return "2.0.0";
    }

    /// @notice Start of the address of an NFT's description: the call on L1 that tells it (EIP-681).
    function baseTokenURI() external view returns (string memory) {
        return _baseURI();
    }

    function _baseURI() internal view override returns (string memory) {
        return string.concat(
            "ethereum:",
            Strings.toHexString(REMOTE_TOKEN),
            "@",
            Strings.toString(REMOTE_CHAIN_ID),
            "/tokenURI?uint256="
        );
    }
}
