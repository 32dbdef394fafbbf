// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CrossDomainMessenger} from "../shared/CrossDomainMessenger.sol";
import {Constants} from "../shared/Constants.sol";
import {Hashing} from "../shared/Hashing.sol";
import {Sender} from "../shared/Sender.sol";
import {WithdrawalTransaction} from "../shared/Types.sol";
import {Rollup} from "./Rollup.sol";

/// @dev Notes who called, and fails while told to.
contract Listener {
    CrossDomainMessenger private messenger;
    address public sender;
    uint256 public calls;
    bool public failing;

    constructor(CrossDomainMessenger messenger_) {
        messenger = messenger_;
    }

    function setFailing(bool failing_) external {
        failing = failing_;
    }

    function hear(uint256) external payable {
        require(!failing);
        sender = messenger.xDomainMessageSender();
        ++calls;
    }
}

/// @dev Has a failed message delivered while another is.
contract Replayer {
    CrossDomainMessenger private messenger;
    bytes private replay;

    constructor(CrossDomainMessenger messenger_) {
        messenger = messenger_;
    }

    function set(bytes calldata replay_) external {
        replay = replay_;
    }

    function go() external payable {
        (bool ok,) = address(messenger).call(replay);
        require(ok);
    }
}

contract MessengerTest is Rollup {
    Listener private l1;
    Listener private l2;

    function setUp() public override {
        super.setUp();
        l1 = new Listener(l1Messenger);
        l2 = new Listener(l2Messenger);
    }

    function _hash(uint256 nonce, address target, uint256 value, uint32 gas, bytes memory data)
        private
        pure
        returns (bytes32)
    {
        return Hashing.hashCrossDomainMessage((uint256(1) << 240) | nonce, ALICE, target, value, gas, data);
    }

    function test_messageToL2() external {
        bytes memory data = abi.encodeCall(Listener.hear, (1));
        vm.prank(ALICE, ALICE);
        l1Messenger.sendMessage{value: 1 ether}(address(l2), data, 100_000);
        Deposit memory d = _lastDeposit();
        vm.assertEq(d.from, Sender.alias_(address(l1Messenger)));
        vm.assertEq(d.to, address(l2Messenger));
        vm.deal(d.from, d.mint);
        vm.expectEmit(address(l2Messenger));
        emit CrossDomainMessenger.RelayedMessage(_hash(0, address(l2), 1 ether, 100_000, data));
        vm.prank(d.from, d.from);
        (bool ok,) = d.to.call{value: d.value}(d.data);
        vm.assertTrue(ok);
        vm.assertEq(l2.sender(), ALICE);
        vm.assertEq(address(l2).balance, 1 ether);
    }

    function test_messageToL1() external {
        vm.prank(ALICE, ALICE);
        l2Messenger.sendMessage(address(l1), abi.encodeCall(Listener.hear, (1)), 100_000);
        _withdraw(_lastWithdrawal());
        vm.assertEq(l1.sender(), ALICE);
        vm.expectRevert(CrossDomainMessenger.MessengerNoMessage.selector);
        l1Messenger.xDomainMessageSender();
    }

    function _fail(uint256 value) private returns (bytes memory call_, bytes32 hash) {
        bytes memory data = abi.encodeCall(Listener.hear, (1));
        l2.setFailing(true);
        vm.prank(ALICE, ALICE);
        l1Messenger.sendMessage{value: value}(address(l2), data, 100_000);
        Deposit memory d = _lastDeposit();
        call_ = d.data;
        hash = _hash(0, address(l2), value, 100_000, data);
        vm.deal(d.from, d.mint);
        vm.prank(d.from, d.from);
        (bool ok,) = d.to.call{value: d.value}(d.data);
        vm.assertTrue(ok);
        vm.assertTrue(l2Messenger.failedMessages(hash));
        vm.assertFalse(l2Messenger.successfulMessages(hash));
    }

    function test_failedMessageKeepsItsEthAndIsDeliveredLater() external {
        (bytes memory call_, bytes32 hash) = _fail(1 ether);
        vm.assertEq(address(l2Messenger).balance, 1 ether);
        l2.setFailing(false);
        vm.prank(BOB, BOB);
        (bool ok,) = address(l2Messenger).call(call_);
        vm.assertTrue(ok);
        vm.assertTrue(l2Messenger.successfulMessages(hash));
        vm.assertEq(l2.sender(), ALICE);
        vm.assertEq(address(l2).balance, 1 ether);
    }

    function test_attack_replayedMessage() external {
        (bytes memory call_,) = _fail(1 ether);
        l2.setFailing(false);
        vm.prank(BOB, BOB);
        (bool ok,) = address(l2Messenger).call(call_);
        vm.assertTrue(ok);
        vm.deal(address(l2Messenger), 1 ether);
        vm.prank(BOB, BOB);
        bytes memory reason;
        (ok, reason) = address(l2Messenger).call(call_);
        vm.assertFalse(ok);
        vm.assertEq(bytes32(bytes4(reason)), bytes32(CrossDomainMessenger.MessengerAlreadyRelayed.selector));
        vm.assertEq(l2.calls(), 1);
    }

    function test_attack_forgedMessage() external {
        bytes memory data = abi.encodeCall(Listener.hear, (1));
        uint256 nonce = l2Messenger.messageNonce();
        vm.prank(BOB, BOB);
        vm.expectRevert(CrossDomainMessenger.MessengerNotReplayable.selector);
        l2Messenger.relayMessage(nonce, ALICE, address(l2), 0, 100_000, data);
        // From the address that the L1 messenger would have without the alias.
        vm.prank(address(l1Messenger));
        vm.expectRevert(CrossDomainMessenger.MessengerNotReplayable.selector);
        l2Messenger.relayMessage(nonce, ALICE, address(l2), 0, 100_000, data);
        // From the portal, but sent by another account of L2.
        vm.prank(address(portal));
        vm.expectRevert(CrossDomainMessenger.MessengerNotReplayable.selector);
        l1Messenger.relayMessage(nonce, ALICE, address(l1), 0, 100_000, data);
    }

    function test_attack_withdrawalPosesAsTheMessenger() external {
        bytes memory data = abi.encodeCall(
            CrossDomainMessenger.relayMessage,
            (uint256(1) << 240, BOB, address(l1), 0, 100_000, abi.encodeCall(Listener.hear, (1)))
        );
        vm.prank(ALICE, ALICE);
        passer.initiateWithdrawal(address(l1Messenger), 500_000, data);
        _withdraw(_lastWithdrawal());
        vm.assertEq(l1.calls(), 0);
    }

    function test_attack_replayWithEth() external {
        (bytes memory call_,) = _fail(0);
        vm.prank(BOB, BOB);
        (bool ok, bytes memory reason) = address(l2Messenger).call{value: 1}(call_);
        vm.assertFalse(ok);
        vm.assertEq(bytes32(bytes4(reason)), bytes32(CrossDomainMessenger.MessengerWrongValue.selector));
    }

    /// @dev Too little gas must not count as the delivery.
    function test_attack_replayWithTooLittleGas() external {
        (bytes memory call_, bytes32 hash) = _fail(0);
        l2.setFailing(false);
        for (uint256 gas = 20_000; gas < 260_000; gas += 10_000) {
            vm.prank(BOB, BOB);
            (bool ok,) = address(l2Messenger).call{gas: gas}(call_);
            if (ok && l2Messenger.successfulMessages(hash)) break;
            vm.assertEq(l2.calls(), 0);
        }
        vm.assertEq(l2.calls(), 1);
    }

    function test_attack_messageInsideAMessage() external {
        (bytes memory call_, bytes32 failed) = _fail(0);
        l2.setFailing(false);
        Replayer replayer = new Replayer(l2Messenger);
        replayer.set(call_);
        vm.prank(BOB, BOB);
        l1Messenger.sendMessage(address(replayer), abi.encodeCall(Replayer.go, ()), 1_000_000);
        vm.assertTrue(_carryDeposit());
        vm.assertEq(l2.calls(), 0);
        vm.assertFalse(l2Messenger.successfulMessages(failed));
        // It is not lost.
        (bool ok,) = address(l2Messenger).call(call_);
        vm.assertTrue(ok);
        vm.assertEq(l2.sender(), ALICE);
    }

    function test_attack_messageCallsTheBridge() external {
        address[4] memory targets =
            [address(l2Messenger), Constants.L2_TO_L1_MESSAGE_PASSER, address(l1Messenger), address(portal)];
        for (uint256 i; i < 4; ++i) {
            CrossDomainMessenger messenger = i < 2 ? CrossDomainMessenger(l2Messenger) : l1Messenger;
            uint256 nonce = messenger.messageNonce();
            if (i < 2) vm.prank(Sender.alias_(address(l1Messenger)));
            // Slot of the sender that the portal speaks for is transient: deliver by a withdrawal instead.
            if (i < 2) {
                vm.expectRevert(CrossDomainMessenger.MessengerBadTarget.selector);
                messenger.relayMessage(nonce, ALICE, targets[i], 0, 0, "");
            } else {
                vm.prank(ALICE, ALICE);
                l2Messenger.sendMessage(targets[i], "", 0);
                WithdrawalTransaction memory w = _lastWithdrawal();
                _withdraw(w);
                // The delivery reverted: it is neither done nor to be repeated.
                bytes32 hash = Hashing.hashCrossDomainMessage(
                    Hashing.encodeVersionedNonce(uint240(i - 2), 1), ALICE, targets[i], 0, 0, ""
                );
                vm.assertFalse(l1Messenger.successfulMessages(hash));
                vm.assertFalse(l1Messenger.failedMessages(hash));
            }
        }
    }

    function test_unknownVersionIsRefused() external {
        vm.prank(Sender.alias_(address(l1Messenger)));
        vm.expectRevert(CrossDomainMessenger.MessengerBadVersion.selector);
        l2Messenger.relayMessage(0, ALICE, address(l2), 0, 0, "");
    }

    function test_pauseStopsDeliveriesOnL1() external {
        vm.prank(GUARDIAN);
        registry.pause();
        vm.expectRevert(CrossDomainMessenger.MessengerPaused.selector);
        l1Messenger.relayMessage(0, ALICE, address(l1), 0, 0, "");
    }

    function testFuzz_theGasPromisedArrives(uint32 minGas, uint16 length) external {
        minGas = uint32(_bound(minGas, 0, 5_000_000));
        bytes memory message = new bytes(length);
        GasMeter meter = new GasMeter();
        vm.prank(ALICE, ALICE);
        l1Messenger.sendMessage(address(meter), message, minGas);
        Deposit memory d = _lastDeposit();
        // What the transaction itself costs is gone before the call.
        uint256 intrinsic = 21_000;
        for (uint256 i; i < d.data.length; ++i) {
            intrinsic += d.data[i] == 0 ? 4 : 16;
        }
        vm.prank(d.from, d.from);
        (bool ok,) = d.to.call{gas: d.gasLimit - intrinsic}(d.data);
        vm.assertTrue(ok);
        vm.assertGe(meter.got(), minGas);
    }
}

contract GasMeter {
    uint256 public got;

    fallback() external {
        uint256 left = gasleft();
        if (left > 25_000) got = left + 200;
    }
}
