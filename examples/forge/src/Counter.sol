// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice Counts.
contract Counter {
    uint256 public number;

    event Set(address indexed by, uint256 number);

    error TooLarge(uint256 number);

    constructor(uint256 start) {
        number = start;
    }

    function set(uint256 to) external {
        if (to > 1_000_000) revert TooLarge(to);
        number = to;
        emit Set(msg.sender, to);
    }

    function increment() external {
        number++;
        emit Set(msg.sender, number);
    }
}
