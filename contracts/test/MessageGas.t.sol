// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {OutputRootProof, WithdrawalTransaction} from "../shared/Types.sol";
import {Rollup} from "./Rollup.sol";

/// @dev Leaves nothing of the gas it gets.
contract Burner {
    fallback() external payable {
        assembly {
            invalid()
        }
    }
}

/// @dev Gas that messages are sent with, down to what is just enough.
contract MessageGasTest is Rollup {
    address private burner;
    /// @dev The optimizer takes `block.number` to be constant in a function.
    uint256 private number = 1000;

    function setUp() public override {
        super.setUp();
        burner = address(new Burner());
        portal.donateETH{value: 100 ether}();
    }

    /// @dev Bytes other than zero cost the most.
    function _message(uint256 length) private pure returns (bytes memory message) {
        message = new bytes(length);
        for (uint256 i; i < length; ++i) {
            message[i] = 0xff;
        }
    }

    function _toL2(uint256 length, uint32 minGas) private {
        vm.roll(number += 50);
        vm.prank(ALICE, ALICE);
        l1Messenger.sendMessage{value: 1 ether}(burner, _message(length), minGas);
        Deposit memory d = _lastDeposit();
        uint256 intrinsic = 21_000;
        for (uint256 i; i < d.data.length; ++i) {
            intrinsic += d.data[i] == 0 ? 4 : 16;
        }
        vm.deal(d.from, d.mint);
        vm.prank(d.from, d.from);
        (bool ok,) = d.to.call{gas: d.gasLimit - intrinsic, value: d.value}(d.data);
        vm.assertTrue(ok);
        vm.assertTrue(l2Messenger.failedMessages(keccak256(d.data)));
    }

    /// @dev A target that burns its gas must leave enough to keep the message, and its ETH, for a repetition.
    function test_attack_largeMessageToL2WhoseTargetBurnsAllGas() external {
        for (uint256 length = 24_576; length <= 61_440; length += 4096) {
            _toL2(length, 0);
            _toL2(length, 200_000);
        }
        _toL2(0, 0);
        _toL2(119_700, 200_000);
    }

    /// @dev The least gas that the portal accepts is chosen by whoever finalizes.
    function test_attack_largeMessageToL1WhoseTargetBurnsAllGas() external {
        uint256[12] memory lengths =
            [uint256(0), 4096, 24_576, 28_672, 32_768, 36_864, 40_960, 45_056, 49_152, 53_248, 57_344, 61_440];
        for (uint256 i; i < lengths.length; ++i) {
            _toL1(lengths[i], 0);
            _toL1(lengths[i], 200_000);
        }
        _toL1(300_000, 200_000);
    }

    function _toL1(uint256 length, uint32 minGas) private {
        vm.prank(ALICE, ALICE);
        l2Messenger.sendMessage{value: 1 ether}(burner, _message(length), minGas);
        WithdrawalTransaction memory w = _lastWithdrawal();
        delete sent;
        sent.push(_key(w));
        this.proveLast(w);
        _wait();
        bytes memory call_ = abi.encodeCall(portal.finalizeWithdrawalTransaction, (w));
        bool ok;
        for (uint256 gas = w.gasLimit + w.gasLimit / 63 + 40_000; !ok; gas += 500) {
            (ok,) = address(portal).call{gas: gas}(call_);
        }
        vm.assertTrue(l1Messenger.failedMessages(keccak256(w.data)));
    }

    function proveLast(WithdrawalTransaction calldata w) external {
        (, uint256 index, OutputRootProof memory output) = _propose();
        portal.proveWithdrawalTransaction(w, index, output, _proof(w));
    }
}
