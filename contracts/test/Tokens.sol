// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {L1StandardBridge} from "../rollup/l1/L1StandardBridge.sol";

contract Token is ERC20("Token", "TOK") {
    function mint(address to, uint256 amount) public virtual {
        _mint(to, amount);
    }
}

/// @dev Keeps one percent of each transfer.
contract FeeToken is Token {
    function _update(address from, address to, uint256 amount) internal override {
        if (from != address(0) && to != address(0)) {
            super._update(from, address(0), amount / 100);
            amount -= amount / 100;
        }
        super._update(from, to, amount);
    }
}

/// @dev Answers false instead of reverting, or nothing at all, and can be made to fail.
contract OddToken {
    mapping(address => uint256) public balanceOf;
    bool public broken;
    bool public silent;

    function set(bool broken_, bool silent_) external {
        broken = broken_;
        silent = silent_;
    }

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        return _move(msg.sender, to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        return _move(from, to, amount);
    }

    function _move(address from, address to, uint256 amount) private returns (bool) {
        if (!broken) {
            balanceOf[from] -= amount;
            balanceOf[to] += amount;
        }
        if (silent) {
            assembly ("memory-safe") {
                return(0, 0)
            }
        }
        return !broken;
    }
}

/// @dev Bridges once more while it is being bridged.
contract ReentrantToken is Token {
    L1StandardBridge private bridge;
    uint256 private again;

    function arm(L1StandardBridge bridge_, uint256 amount) external {
        bridge = bridge_;
        again = amount;
        _approve(address(this), address(bridge_), amount);
        _mint(address(this), amount);
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (again > 0 && from != address(0) && to == address(bridge)) {
            uint256 amount_ = again;
            again = 0;
            bridge.bridgeERC20To(address(this), address(0xbeef), from, amount_, 0, "");
        }
        super._update(from, to, amount);
    }
}

contract Nft is ERC721("Nft", "NFT") {
    function mint(address to, uint256 id) external {
        _mint(to, id);
    }
}

/// @dev Says that a transfer has happened, but moves nothing.
contract LyingNft {
    function transferFrom(address, address, uint256) external {}

    function ownerOf(uint256) external pure returns (address) {
        return address(0xbad);
    }
}
