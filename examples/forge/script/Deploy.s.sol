// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Counter} from "../src/Counter.sol";

/// @dev The part of Foundry's cheatcodes that this script uses.
interface Vm {
    function startBroadcast() external;
    function stopBroadcast() external;
}

/// @notice Deploys two counters, one of them at an address that follows from its code, and uses them.
contract Deploy {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    bool public constant IS_SCRIPT = true;

    function run() external returns (Counter counter, Counter fixedCounter) {
        vm.startBroadcast();
        counter = new Counter(41);
        counter.increment();
        // Through the deterministic deployer, which is at the same address on every chain.
        fixedCounter = new Counter{salt: keccak256(abi.encode(msg.sender, block.number))}(6);
        fixedCounter.set(7);
        vm.stopBroadcast();
        require(counter.number() == 42, "not incremented");
    }
}
