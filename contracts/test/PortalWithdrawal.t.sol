// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Portal} from "../rollup/l1/Portal.sol";
import {ProposalGame} from "../rollup/l1/ProposalGame.sol";
import {Constants} from "../shared/Constants.sol";
import {MerkleTrie} from "../shared/MerkleTrie.sol";
import {SafeCall} from "../shared/SafeCall.sol";
import {OutputRootProof, WithdrawalTransaction} from "../shared/Types.sol";
import {Rollup} from "./Rollup.sol";

/// @dev Tries to have the same or another withdrawal paid while it is being paid.
contract Reentrant {
    Portal private portal;
    WithdrawalTransaction private next;
    bytes4 public answer;
    address public senderSeen;

    constructor(Portal portal_) {
        portal = portal_;
    }

    function set(WithdrawalTransaction memory w) external {
        next = w;
    }

    receive() external payable {
        senderSeen = portal.l2Sender();
        try portal.finalizeWithdrawalTransaction(next) {}
        catch (bytes memory reason) {
            answer = bytes4(reason);
        }
    }
}

contract Reverting {
    receive() external payable {
        revert("no");
    }
}

contract ReturnBomb {
    fallback() external payable {
        assembly ("memory-safe") {
            revert(0, 1000000)
        }
    }
}

contract PortalWithdrawalTest is Rollup {
    WithdrawalTransaction private w;
    ProposalGame private game;
    uint256 private index;
    OutputRootProof private output;

    function setUp() public override {
        super.setUp();
        portal.donateETH{value: 100 ether}();
        vm.prank(ALICE, ALICE);
        passer.initiateWithdrawal{value: 1 ether}(BOB, 50_000, "");
        w = _lastWithdrawal();
        for (uint256 i; i < 5; ++i) {
            sent.push(keccak256(abi.encode("other", i)));
        }
        sent.push(_key(w));
        (game, index, output) = _propose();
    }

    function _prove() private {
        portal.proveWithdrawalTransaction(w, index, output, _proof(w));
    }

    function test_withdrawal() external {
        _prove();
        vm.assertEq(portal.numProofSubmitters(_hash()), 1);
        vm.assertEq(portal.proofSubmitters(_hash(), 0), address(this));
        _wait();
        uint256 before = BOB.balance;
        vm.expectEmit(address(portal));
        emit Portal.WithdrawalFinalized(_hash(), true);
        portal.finalizeWithdrawalTransaction(w);
        vm.assertEq(BOB.balance - before, 1 ether);
        vm.assertTrue(portal.finalizedWithdrawals(_hash()));
        vm.assertEq(portal.l2Sender(), Constants.NO_SENDER);
    }

    function _hash() private view returns (bytes32) {
        return keccak256(abi.encode(w.nonce, w.sender, w.target, w.value, w.gasLimit, w.data));
    }

    function test_anyoneMayFinalizeWithAnothersProof() external {
        _prove();
        _wait();
        vm.prank(BOB);
        vm.expectRevert(Portal.OptimismPortal_Unproven.selector);
        portal.finalizeWithdrawalTransaction(w);
        vm.prank(BOB);
        portal.finalizeWithdrawalTransactionExternalProof(w, address(this));
        vm.assertTrue(portal.finalizedWithdrawals(_hash()));
    }

    function test_attack_forgedWithdrawal() external {
        bytes[] memory proof = _proof(w);
        WithdrawalTransaction memory forged = w;
        forged.value = 50 ether;
        vm.expectRevert(MerkleTrie.TrieKeyAbsent.selector);
        portal.proveWithdrawalTransaction(forged, index, output, proof);
        forged = w;
        forged.target = address(this);
        vm.expectRevert(MerkleTrie.TrieKeyAbsent.selector);
        portal.proveWithdrawalTransaction(forged, index, output, proof);
    }

    /// @dev A storage root of the attacker's own.
    function test_attack_forgedStorageRoot() external {
        WithdrawalTransaction memory forged = w;
        forged.value = 50 ether;
        sent.push(_key(forged));
        OutputRootProof memory own = output;
        own.messagePasserStorageRoot = keccak256("attacker");
        bytes[] memory proof = _proof(forged);
        vm.expectRevert(Portal.OptimismPortal_InvalidOutputRootProof.selector);
        portal.proveWithdrawalTransaction(forged, index, own, proof);
        vm.expectRevert(MerkleTrie.TrieWrongHash.selector);
        portal.proveWithdrawalTransaction(forged, index, output, proof);
    }

    /// @dev A message that was never recorded has the value zero, which a trie does not hold; any other is no proof.
    function test_attack_slotWithAnotherValue() external {
        bytes32[] memory keys = new bytes32[](1);
        keys[0] = _key(w);
        // The optimizer takes `block.timestamp` to be constant in a function.
        uint256 time = block.timestamp;
        for (uint8 value = 2; value < 5; ++value) {
            bytes memory leaf = _leaf(keys[0], value);
            output.messagePasserStorageRoot = keccak256(leaf);
            vm.prank(PROPOSER, PROPOSER);
            factory.create(1, keccak256(abi.encode(output)), abi.encode(1000 + value));
            vm.warp(++time);
            bytes[] memory proof = new bytes[](1);
            proof[0] = leaf;
            uint256 last = factory.gameCount() - 1;
            vm.expectRevert(Portal.OptimismPortal_InvalidMerkleProof.selector);
            portal.proveWithdrawalTransaction(w, last, output, proof);
        }
    }

    function _leaf(bytes32 key, uint8 value) private pure returns (bytes memory) {
        return abi.encodePacked(hex"e3a120", key, value);
    }

    function test_attack_replayedWithdrawal() external {
        _prove();
        _wait();
        portal.finalizeWithdrawalTransaction(w);
        vm.expectRevert(Portal.OptimismPortal_AlreadyFinalized.selector);
        portal.finalizeWithdrawalTransaction(w);
        // Nor by another proof, of another submitter, against another game.
        (, index, output) = _propose();
        vm.prank(BOB);
        portal.proveWithdrawalTransaction(w, index, output, _proof(w));
        _wait();
        vm.prank(BOB);
        vm.expectRevert(Portal.OptimismPortal_AlreadyFinalized.selector);
        portal.finalizeWithdrawalTransaction(w);
    }

    function test_attack_earlyFinalize() external {
        vm.expectRevert(Portal.OptimismPortal_Unproven.selector);
        portal.finalizeWithdrawalTransaction(w);
        _prove();
        vm.warp(block.timestamp + MATURITY);
        vm.expectRevert(Portal.OptimismPortal_ProofNotOldEnough.selector);
        portal.finalizeWithdrawalTransaction(w);
        vm.warp(block.timestamp + 1);
        vm.expectRevert(Portal.OptimismPortal_InvalidRootClaim.selector);
        portal.finalizeWithdrawalTransaction(w);
        // Decided, but not for long enough.
        vm.warp(game.createdAt() + CLOCK + FINALITY);
        vm.expectRevert(Portal.OptimismPortal_InvalidRootClaim.selector);
        portal.finalizeWithdrawalTransaction(w);
        vm.warp(block.timestamp + 1);
        portal.finalizeWithdrawalTransaction(w);
    }

    function test_attack_proofInTheBlockOfTheGame() external {
        vm.warp(game.createdAt());
        bytes[] memory proof = _proof(w);
        vm.expectRevert(Portal.OptimismPortal_InvalidProofTimestamp.selector);
        portal.proveWithdrawalTransaction(w, index, output, proof);
    }

    function test_attack_gameBlacklistedAfterTheProof() external {
        _prove();
        vm.prank(GUARDIAN);
        registry.blacklistDisputeGame(game);
        _wait();
        vm.expectRevert(Portal.OptimismPortal_InvalidRootClaim.selector);
        portal.finalizeWithdrawalTransaction(w);
        bytes[] memory proof = _proof(w);
        vm.expectRevert(Portal.OptimismPortal_ImproperDisputeGame.selector);
        portal.proveWithdrawalTransaction(w, index, output, proof);
        // A new game makes it good.
        (, index, output) = _propose();
        _prove();
        _wait();
        portal.finalizeWithdrawalTransaction(w);
    }

    function test_attack_retiredGame() external {
        _prove();
        vm.prank(GUARDIAN);
        registry.updateRetirementTimestamp();
        _wait();
        vm.expectRevert(Portal.OptimismPortal_InvalidRootClaim.selector);
        portal.finalizeWithdrawalTransaction(w);
    }

    function test_attack_gameOfAnotherType() external {
        vm.prank(GUARDIAN);
        registry.setRespectedGameType(2);
        // Made while another type counted.
        (, uint256 other, OutputRootProof memory otherOutput) = _propose();
        bytes[] memory proof = _proof(w);
        vm.expectRevert(Portal.OptimismPortal_InvalidDisputeGame.selector);
        portal.proveWithdrawalTransaction(w, other, otherOutput, proof);
    }

    function test_pause() external {
        bytes[] memory proof = _proof(w);
        vm.prank(GUARDIAN);
        registry.pause();
        vm.expectRevert(Portal.OptimismPortal_CallPaused.selector);
        portal.proveWithdrawalTransaction(w, index, output, proof);
        vm.prank(GUARDIAN);
        registry.unpause();
        _prove();
        _wait();
        vm.prank(GUARDIAN);
        registry.pause();
        vm.expectRevert(Portal.OptimismPortal_CallPaused.selector);
        portal.finalizeWithdrawalTransaction(w);
    }

    function test_attack_withdrawalCallsThePortal() external {
        bytes[] memory proof = _proof(w);
        w.target = address(portal);
        vm.expectRevert(Portal.OptimismPortal_BadTarget.selector);
        portal.proveWithdrawalTransaction(w, index, output, proof);
    }

    function _to(address target) private returns (WithdrawalTransaction memory made) {
        vm.prank(ALICE, ALICE);
        passer.initiateWithdrawal{value: 1 ether}(target, 500_000, "");
        made = _lastWithdrawal();
        sent.push(_key(made));
    }

    function test_attack_reentrantReceiver() external {
        Reentrant target = new Reentrant(portal);
        WithdrawalTransaction memory first = _to(address(target));
        WithdrawalTransaction memory second = _to(address(target));
        (, index, output) = _propose();
        portal.proveWithdrawalTransaction(first, index, output, _proof(first));
        vm.prank(address(target));
        portal.proveWithdrawalTransaction(second, index, output, _proof(second));
        _wait();
        target.set(second);
        portal.finalizeWithdrawalTransaction(first);
        vm.assertEq(target.senderSeen(), ALICE);
        vm.assertEq(bytes32(target.answer()), bytes32(Portal.OptimismPortal_NoReentrancy.selector));
        vm.assertEq(address(target).balance, 1 ether);
    }

    function test_attack_revertingReceiver() external {
        WithdrawalTransaction memory made = _to(address(new Reverting()));
        (, index, output) = _propose();
        portal.proveWithdrawalTransaction(made, index, output, _proof(made));
        _wait();
        vm.expectEmit(address(portal));
        emit Portal.WithdrawalFinalized(keccak256(abi.encode(made.nonce, made.sender, made.target, made.value, made.gasLimit, made.data)), false);
        portal.finalizeWithdrawalTransaction(made);
        vm.assertEq(portal.l2Sender(), Constants.NO_SENDER);
    }

    function test_attack_receiverReturnsAMegabyte() external {
        WithdrawalTransaction memory made = _to(address(new ReturnBomb()));
        (, index, output) = _propose();
        portal.proveWithdrawalTransaction(made, index, output, _proof(made));
        _wait();
        uint256 before = gasleft();
        portal.finalizeWithdrawalTransaction{gas: 3_000_000}(made);
        vm.assertLe(before - gasleft(), 3_000_000);
    }

    /// @dev Else anyone could make a withdrawal fail for good by giving it too little gas.
    function test_attack_finalizeWithTooLittleGas() external {
        Reentrant target = new Reentrant(portal);
        WithdrawalTransaction memory made = _to(address(target));
        (, index, output) = _propose();
        portal.proveWithdrawalTransaction(made, index, output, _proof(made));
        _wait();
        vm.expectRevert(SafeCall.NotEnoughGas.selector);
        portal.finalizeWithdrawalTransaction{gas: 500_000}(made);
        portal.finalizeWithdrawalTransaction{gas: 800_000}(made);
        vm.assertEq(address(target).balance, 1 ether);
    }

    /// @dev A gas limit so high that a product with it would overflow.
    function test_attack_absurdGasLimit() external {
        vm.prank(ALICE, ALICE);
        passer.initiateWithdrawal(BOB, type(uint256).max, "");
        WithdrawalTransaction memory made = _lastWithdrawal();
        sent.push(_key(made));
        (, index, output) = _propose();
        portal.proveWithdrawalTransaction(made, index, output, _proof(made));
        _wait();
        vm.expectRevert(SafeCall.NotEnoughGas.selector);
        portal.finalizeWithdrawalTransaction(made);
    }

    function test_withdrawalWaitsForItsEth() external {
        _prove();
        _wait();
        vm.deal(address(portal), 0.5 ether);
        vm.expectRevert(Portal.OptimismPortal_InsufficientBalance.selector);
        portal.finalizeWithdrawalTransaction(w);
        vm.deal(address(portal), 1 ether);
        portal.finalizeWithdrawalTransaction(w);
    }

    function test_failureRevertsForAnEstimation() external {
        WithdrawalTransaction memory made = _to(address(new Reverting()));
        (, index, output) = _propose();
        portal.proveWithdrawalTransaction(made, index, output, _proof(made));
        _wait();
        vm.prank(address(this), Constants.ESTIMATION_ADDRESS);
        vm.expectRevert(Portal.OptimismPortal_GasEstimation.selector);
        portal.finalizeWithdrawalTransaction(made);
    }

    function testFuzz_onlyWhatWasSentIsProven(WithdrawalTransaction calldata any) external {
        vm.assume(any.target != address(portal));
        vm.assume(_key(any) != _key(w));
        bytes[] memory proof = _proof(w);
        (bool ok, bytes memory reason) = address(portal).call(
            abi.encodeCall(portal.proveWithdrawalTransaction, (any, index, output, proof))
        );
        vm.assertFalse(ok);
        // Where the keys part decides which of them it is.
        bytes4 error_ = bytes4(reason);
        vm.assertTrue(
            error_ == MerkleTrie.TrieWrongHash.selector || error_ == MerkleTrie.TrieKeyAbsent.selector
                || error_ == MerkleTrie.TriePathDiffers.selector
        );
    }
}
