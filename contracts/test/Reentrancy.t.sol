// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CrossDomainMessenger} from "../shared/CrossDomainMessenger.sol";
import {FeeVault} from "../rollup/l2/FeeVault.sol";
import {Sender} from "../shared/Sender.sol";
import {OutputRootProof, WithdrawalTransaction} from "../shared/Types.sol";
import {Caller, Redepositor, Sending} from "./Hostile.sol";
import {Rollup} from "./Rollup.sol";

/// @dev Receivers that act while they are being paid.
contract ReentrancyTest is Rollup {
    Caller private caller;

    function setUp() public override {
        super.setUp();
        caller = new Caller();
        portal.donateETH{value: 100 ether}();
    }

    /// @dev A message of 1 ETH to the caller on L2.
    function _send() private returns (Deposit memory d) {
        vm.prank(ALICE, ALICE);
        l1Messenger.sendMessage{value: 1 ether}(address(caller), "", 500_000);
        d = _lastDeposit();
        vm.deal(d.from, d.mint);
        // ETH of other messages, which could be taken.
        vm.deal(address(l2Messenger), 5 ether);
    }

    function _deliver(Deposit memory d) private {
        vm.prank(d.from, d.from);
        (bool ok,) = d.to.call{value: d.value}(d.data);
        vm.assertTrue(ok);
    }

    function test_attack_receiverRelaysItsMessageAgainWhileItIsDelivered() external {
        Deposit memory d = _send();
        caller.set(address(l2Messenger), d.data);
        _deliver(d);
        vm.assertFalse(caller.ok());
        vm.assertEq(bytes32(caller.answer()), bytes32(CrossDomainMessenger.MessengerNotReplayable.selector));
        vm.assertEq(caller.calls(), 1);
        vm.assertEq(address(caller).balance, 1 ether);
        vm.assertEq(address(l2Messenger).balance, 5 ether);
        vm.assertTrue(l2Messenger.successfulMessages(keccak256(d.data)));
    }

    function test_attack_receiverRelaysItsMessageAgainWhileItIsReplayed() external {
        Deposit memory d = _send();
        caller.setRefusing(true);
        _deliver(d);
        vm.assertEq(address(l2Messenger).balance, 6 ether);
        caller.setRefusing(false);
        caller.set(address(l2Messenger), d.data);
        (bool ok,) = address(l2Messenger).call(d.data);
        vm.assertTrue(ok);
        // The delivery inside did nothing but note a failure.
        vm.assertTrue(caller.ok());
        vm.assertEq(caller.calls(), 1);
        vm.assertEq(address(caller).balance, 1 ether);
        vm.assertEq(address(l2Messenger).balance, 5 ether);
        bytes memory reason;
        (ok, reason) = address(l2Messenger).call(d.data);
        vm.assertFalse(ok);
        vm.assertEq(bytes32(bytes4(reason)), bytes32(CrossDomainMessenger.MessengerAlreadyRelayed.selector));
    }

    /// @dev The withdrawal counts as finalized, its message as failed; nothing is lost.
    function test_attack_withdrawalFinalizedInsideAMessage() external {
        caller.setRefusing(true);
        vm.prank(BOB, BOB);
        l2Messenger.sendMessage(address(caller), "", 200_000);
        WithdrawalTransaction memory outer = _lastWithdrawal();
        _withdraw(outer);
        vm.assertTrue(l1Messenger.failedMessages(keccak256(outer.data)));
        caller.setRefusing(false);

        vm.prank(ALICE, ALICE);
        l2Messenger.sendMessage{value: 1 ether}(address(0xfeed), "", 50_000);
        WithdrawalTransaction memory inner = _lastWithdrawal();
        sent.push(_key(inner));
        (, uint256 index, OutputRootProof memory output) = _propose();
        portal.proveWithdrawalTransaction(inner, index, output, _proof(inner));
        _wait();
        caller.set(
            address(portal),
            abi.encodeCall(portal.finalizeWithdrawalTransactionExternalProof, (inner, address(this)))
        );
        (bool ok,) = address(l1Messenger).call(outer.data);
        vm.assertTrue(ok);
        vm.assertTrue(caller.ok());
        vm.assertEq(address(0xfeed).balance, 0);
        vm.assertEq(address(l1Messenger).balance, 1 ether);
        vm.assertTrue(l1Messenger.failedMessages(keccak256(inner.data)));

        (ok,) = address(l1Messenger).call(inner.data);
        vm.assertTrue(ok);
        vm.assertEq(address(0xfeed).balance, 1 ether);
        vm.assertEq(address(l1Messenger).balance, 0);
    }

    function test_attack_receiverDepositsDuringItsPayout() external {
        Redepositor receiver = new Redepositor(portal);
        vm.prank(ALICE, ALICE);
        passer.initiateWithdrawal{value: 1 ether}(address(receiver), 500_000, "");
        _withdraw(_lastWithdrawal());
        vm.assertEq(address(portal).balance, 100 ether);
        vm.assertEq(address(receiver).balance, 0);
        Deposit memory d = _lastDeposit();
        // As itself, not as the sender of the withdrawal.
        vm.assertEq(d.from, Sender.alias_(address(receiver)));
        vm.assertEq(d.mint, 1 ether);
    }

    function test_attack_feeRecipientWithdrawsAgain() external {
        FeeVault vault = new FeeVault(address(caller), 0, FeeVault.WithdrawalNetwork.L2);
        vm.deal(address(vault), 10);
        caller.set(address(this), abi.encodeCall(this.again, (vault)));
        vault.withdraw();
        vm.assertEq(address(caller).balance, 10);
        vm.assertEq(vault.totalProcessed(), 10);
        FeeVault least = new FeeVault(address(caller), 10, FeeVault.WithdrawalNetwork.L2);
        vm.deal(address(least), 10);
        caller.set(address(least), abi.encodeCall(least.withdraw, ()));
        least.withdraw();
        vm.assertFalse(caller.ok());
        vm.assertEq(bytes32(caller.answer()), bytes32(FeeVault.BelowMinimum.selector));
        vm.assertEq(address(caller).balance, 20);
        vm.assertEq(least.totalProcessed(), 10);
    }

    /// @dev Once, or the two would go on for ever.
    function again(FeeVault vault) external {
        caller.set(address(0), "");
        vault.withdraw();
    }

    function test_attack_bridgePaysAReceiverThatReverts() external {
        caller.setRefusing(true);
        vm.prank(ALICE, ALICE);
        l2Bridge.bridgeETHTo{value: 1 ether}(address(caller), 200_000, "");
        WithdrawalTransaction memory w = _lastWithdrawal();
        _withdraw(w);
        vm.assertEq(address(l1Messenger).balance, 1 ether);
        vm.assertTrue(l1Messenger.failedMessages(keccak256(w.data)));
        // Still refusing: it goes on waiting.
        (bool ok,) = address(l1Messenger).call(w.data);
        vm.assertTrue(ok);
        vm.assertFalse(l1Messenger.successfulMessages(keccak256(w.data)));
        caller.setRefusing(false);
        (ok,) = address(l1Messenger).call(w.data);
        vm.assertTrue(ok);
        vm.assertEq(address(caller).balance, 1 ether);
        vm.assertEq(address(l1Messenger).balance, 0);
    }

    /// @dev On L2 the address of a contract of L1 may be somebody else's.
    function test_attack_holderOfAContractsAddressOnL2() external {
        Sending sending = new Sending();
        caller.setRefusing(true);
        vm.prank(ALICE, ALICE);
        sending.go{value: 1 ether}(
            address(l1Messenger), abi.encodeCall(l1Messenger.sendMessage, (address(caller), "", 200_000))
        );
        Deposit memory d = _lastDeposit();
        vm.assertEq(d.from, Sender.alias_(address(l1Messenger)));
        vm.deal(d.from, d.mint);
        _deliver(d);
        // The ETH waits for the receiver alone: its namesake can neither take nor redirect it.
        vm.assertEq(address(l2Messenger).balance, 1 ether);
        vm.assertEq(address(sending).balance, 0);
        vm.prank(address(sending), address(sending));
        (bool ok,) = address(l2Messenger).call(d.data);
        vm.assertTrue(ok);
        vm.assertEq(address(l2Messenger).balance, 1 ether);
        caller.setRefusing(false);
        vm.prank(address(sending), address(sending));
        (ok,) = address(l2Messenger).call(d.data);
        vm.assertTrue(ok);
        vm.assertEq(address(caller).balance, 1 ether);
        vm.assertEq(address(sending).balance, 0);
    }
}
