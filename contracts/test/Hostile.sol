// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {Portal} from "../rollup/l1/Portal.sol";
import {ERC721Bridge} from "../shared/ERC721Bridge.sol";
import {Token} from "./Tokens.sol";

/// @dev Calls something while it is being paid, and keeps what came of it.
contract Caller {
    address private target;
    bytes private data;
    bool public refusing;
    uint256 public calls;
    bool public ok;
    bytes4 public answer;

    function set(address target_, bytes calldata data_) external {
        target = target_;
        data = data_;
    }

    function setRefusing(bool refusing_) external {
        refusing = refusing_;
    }

    receive() external payable {
        require(!refusing);
        ++calls;
        if (data.length == 0) return;
        bytes memory reason;
        (ok, reason) = target.call(data);
        answer = bytes4(reason);
    }
}

/// @dev Deposits again what it is paid.
contract Redepositor {
    Portal private immutable portal;

    constructor(Portal portal_) {
        portal = portal_;
    }

    receive() external payable {
        portal.depositTransaction{value: msg.value}(address(0xbeef), msg.value, 100_000, false, "");
    }
}

/// @dev Sends an NFT back while it is being given, or refuses it.
contract NftReceiver {
    ERC721Bridge private immutable bridge;
    address private immutable remote;
    bool public refusing;
    bool public returning;

    constructor(ERC721Bridge bridge_, address remote_) {
        bridge = bridge_;
        remote = remote_;
    }

    function set(bool refusing_, bool returning_) external {
        refusing = refusing_;
        returning = returning_;
    }

    function onERC721Received(address, address, uint256 id, bytes calldata) external returns (bytes4) {
        require(!refusing);
        if (returning) {
            IERC721(msg.sender).approve(address(bridge), id);
            bridge.bridgeERC721To(msg.sender, remote, address(0xbeef), id, 300_000, "");
        }
        return this.onERC721Received.selector;
    }
}

/// @dev Calls something from each transfer out of an account.
contract CallingToken is Token {
    address private from_;
    address private target;
    bytes private data;
    bool public ok;

    function set(address from__, address target_, bytes calldata data_) external {
        from_ = from__;
        target = target_;
        data = data_;
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (from == from_ && data.length > 0) (ok,) = target.call(data);
    }
}

/// @dev Begins to keep one percent of each transfer.
contract LateFeeToken is Token {
    bool public on;

    function turnOn() external {
        on = true;
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (on && from != address(0) && to != address(0)) {
            super._update(from, address(0), amount / 100);
            amount -= amount / 100;
        }
        super._update(from, to, amount);
    }
}

/// @dev Reverts with a megabyte, or answers with one, or reverts with a word.
contract BombToken {
    uint8 public how;

    constructor(uint8 how_) {
        how = how_;
    }

    function balanceOf(address) external pure returns (uint256) {
        return 0;
    }

    function transferFrom(address, address, uint256) external view {
        if (how == 0) revert("no");
        bool fails = how == 1;
        assembly ("memory-safe") {
            if fails { revert(0, 1000000) }
            return(0, 1000000)
        }
    }
}

/// @dev A token with or without a twin's interface, as told. Its own mints and burns are only counted.
contract ShiftingToken is Token {
    bool public mintable;
    address public remoteToken;
    uint256 public minted;
    uint256 public burnt;

    function set(bool mintable_, address remoteToken_) external {
        mintable = mintable_;
        remoteToken = remoteToken_;
    }

    function supportsInterface(bytes4 id) external view returns (bool) {
        return id != 0xffffffff && (mintable || id == 0x01ffc9a7);
    }

    function mint(address to, uint256 amount) public override {
        if (mintable) minted += amount;
        else super.mint(to, amount);
    }

    function burn(address, uint256 amount) external {
        burnt += amount;
    }
}

/// @dev Its transfers revert, or bridge the same NFT once more.
contract HostileNft is ERC721("Nft", "NFT") {
    address private bridge;
    address private remote;
    bool private reverting;

    function mint(address to, uint256 id) external {
        _mint(to, id);
    }

    function set(address bridge_, address remote_, bool reverting_) external {
        bridge = bridge_;
        remote = remote_;
        reverting = reverting_;
    }

    function transferFrom(address from, address to, uint256 id) public override {
        require(!reverting, "no");
        if (to == bridge && bridge != address(0)) {
            ERC721Bridge again = ERC721Bridge(bridge);
            bridge = address(0);
            // As its own operator: the second transfer moves the NFT, the first finds it moved.
            _transfer(from, address(this), id);
            _approve(address(again), id, address(this));
            again.bridgeERC721To(address(this), remote, from, id, 300_000, "");
            return;
        }
        super.transferFrom(from, to, id);
    }
}

/// @dev A contract that uses the messenger and the bridges.
contract Sending {
    function go(address target, bytes calldata data) external payable {
        (bool ok, bytes memory reason) = target.call{value: msg.value}(data);
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(reason, 0x20), mload(reason))
            }
        }
    }
}
