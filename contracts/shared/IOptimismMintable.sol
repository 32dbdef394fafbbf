// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice A token that the bridge mints and burns: the twin of a token on the other layer.
interface IOptimismMintableERC20 {
    function remoteToken() external view returns (address);
    function bridge() external returns (address);
    function mint(address to, uint256 amount) external;
    function burn(address from, uint256 amount) external;
}

/// @notice The older shape of such a token.
interface ILegacyMintableERC20 {
    function l1Token() external view returns (address);
    function mint(address to, uint256 amount) external;
    function burn(address from, uint256 amount) external;
}

/// @notice An NFT that the bridge mints and burns.
interface IOptimismMintableERC721 {
    event Mint(address indexed account, uint256 tokenId);
    event Burn(address indexed account, uint256 tokenId);

    function safeMint(address to, uint256 tokenId) external;
    function burn(address from, uint256 tokenId) external;
    function REMOTE_CHAIN_ID() external view returns (uint256);
    function REMOTE_TOKEN() external view returns (address);
    function BRIDGE() external view returns (address);
    function remoteChainId() external view returns (uint256);
    function remoteToken() external view returns (address);
    function bridge() external view returns (address);
}
