// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {ILegacyMintableERC20, IOptimismMintableERC20} from "./IOptimismMintable.sol";

/// @title OptimismMintableERC20
/// @notice Twin of an ERC-20 token of the other layer; only the bridge mints and burns it.
contract OptimismMintableERC20 is IOptimismMintableERC20, ILegacyMintableERC20, IERC165, ERC20, ERC20Permit {
    /// @notice The token of the other layer.
    address public immutable REMOTE_TOKEN;
    /// @notice The bridge that may mint and burn.
    address public immutable BRIDGE;
    uint8 private immutable DECIMALS;

    event Mint(address indexed account, uint256 amount);
    event Burn(address indexed account, uint256 amount);

    error OnlyBridge();

    constructor(address bridge_, address remoteToken_, string memory name_, string memory symbol_, uint8 decimals_)
        ERC20(name_, symbol_)
        ERC20Permit(name_)
    {
        REMOTE_TOKEN = remoteToken_;
        BRIDGE = bridge_;
        DECIMALS = decimals_;
    }

    modifier onlyBridge() {
        if (msg.sender != BRIDGE) revert OnlyBridge();
        _;
    }

    function mint(address to, uint256 amount)
        external
        override(IOptimismMintableERC20, ILegacyMintableERC20)
        onlyBridge
    {
        _mint(to, amount);
        emit Mint(to, amount);
    }

    function burn(address from, uint256 amount)
        external
        override(IOptimismMintableERC20, ILegacyMintableERC20)
        onlyBridge
    {
        _burn(from, amount);
        emit Burn(from, amount);
    }

    function supportsInterface(bytes4 id) external pure override returns (bool) {
        return id == type(IERC165).interfaceId || id == type(IOptimismMintableERC20).interfaceId
            || id == type(ILegacyMintableERC20).interfaceId;
    }

    function decimals() public view override returns (uint8) {
        return DECIMALS;
    }

    /// @notice The token of the other layer, by its older name.
    function l1Token() external view override returns (address) {
        return REMOTE_TOKEN;
    }

    /// @notice The bridge, by its older name.
    function l2Bridge() external view returns (address) {
        return BRIDGE;
    }

    function remoteToken() external view override returns (address) {
        return REMOTE_TOKEN;
    }

    function bridge() external view override returns (address) {
        return BRIDGE;
    }

    function version() external pure returns (string memory) {
        return "2.0.0";
    }
}
