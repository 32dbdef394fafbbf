// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDisputeGame} from "../rollup/l1/IDispute.sol";
import {L2CrossDomainMessenger} from "../rollup/l2/L2CrossDomainMessenger.sol";
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

/// @dev Notes the gas it gets.
contract Meter {
    uint256 public got;

    receive() external payable {
        got = gasleft();
    }

    fallback() external payable {
        got = gasleft();
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
        vm.deal(d.from, d.mint);
        vm.prank(d.from, d.from);
        (bool ok,) = d.to.call{gas: d.gasLimit - _intrinsic(d.data), value: d.value}(d.data);
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
        _toL1(270_000, 200_000);
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

    function _intrinsic(bytes memory data) private pure returns (uint256 gas) {
        gas = 21_000;
        for (uint256 i; i < data.length; ++i) {
            gas += data[i] == 0 ? 4 : 16;
        }
    }

    /// @dev Most gas that a message of this length can ask for.
    function _mostGas(uint256 length) private view returns (uint32) {
        uint256 padded = (length + 31) / 32 * 32;
        uint256 limit = (16_777_216 - 300_000 - 20 * (padded + 228)) * 63 / 64;
        uint256 rest = l2Messenger.baseGas(new bytes(length), 0);
        uint256 floor = 21_000 + 40 * (length + 260);
        uint256 base = 306_000 + 16 * (length + 260);
        vm.assertEq(rest, base > floor ? base : floor);
        return uint32((limit - base) * 63 / 64);
    }

    /// @dev What the messenger takes, a transaction of L1 can deliver, with everything it touches cold.
    function test_messageWithTheMostGasIsDelivered() external {
        uint256[4] memory lengths = [uint256(0), 1000, 120_000, 265_000];
        for (uint256 i; i < lengths.length; ++i) {
            Meter meter = new Meter();
            uint32 minGas = _mostGas(lengths[i]);
            vm.prank(ALICE, ALICE);
            l2Messenger.sendMessage{value: 1 ether}(address(meter), _message(lengths[i]), minGas);
            WithdrawalTransaction memory w = _lastWithdrawal();
            delete sent;
            sent.push(_key(w));
            this.proveLast(w);
            _wait();
            bytes memory call_ =
                abi.encodeCall(portal.finalizeWithdrawalTransactionExternalProof, (w, address(this)));
            uint256 gas = 16_777_216 - _intrinsic(call_);
            (,, IDisputeGame game) = factory.gameAtIndex(i);
            vm.cool(address(game));
            vm.cool(address(impl));
            vm.cool(address(factory));
            vm.cool(address(registry));
            vm.cool(address(portal));
            vm.cool(address(l1Messenger));
            vm.cool(address(meter));
            (bool ok,) = address(portal).call{gas: gas}(call_);
            vm.assertTrue(ok);
            vm.assertTrue(l1Messenger.successfulMessages(keccak256(w.data)));
            vm.assertGe(meter.got() + 100, minGas);
        }
    }

    /// @dev No transaction of L1 could pass on the gas that the portal insists on.
    function test_attack_messageThatNoTransactionCanDeliver() external {
        uint256[4] memory lengths = [uint256(0), 1000, 120_000, 265_000];
        for (uint256 i; i < lengths.length; ++i) {
            uint32 minGas = _mostGas(lengths[i]) + 10;
            bytes memory message = _message(lengths[i]);
            vm.prank(ALICE, ALICE);
            vm.expectRevert(L2CrossDomainMessenger.MessengerGasLimitTooHigh.selector);
            l2Messenger.sendMessage{value: 1 ether}(burner, message, minGas);
        }
        bytes memory large = _message(400_000);
        vm.prank(ALICE, ALICE);
        vm.expectRevert(L2CrossDomainMessenger.MessengerGasLimitTooHigh.selector);
        l2Messenger.sendMessage(burner, large, 0);
        vm.prank(ALICE, ALICE);
        vm.expectRevert(L2CrossDomainMessenger.MessengerGasLimitTooHigh.selector);
        l2Messenger.sendMessage(burner, "", type(uint32).max);
    }
}
