// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AnchorStateRegistry} from "../rollup/l1/AnchorStateRegistry.sol";
import {Portal} from "../rollup/l1/Portal.sol";
import {ProposalGame} from "../rollup/l1/ProposalGame.sol";
import {GameStatus, OutputRootProof, WithdrawalTransaction} from "../shared/Types.sol";
import {Rollup} from "./Rollup.sol";

/// @dev Games that were lost or discarded must pay nothing out and be no anchor.
contract GameAttacksTest is Rollup {
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
        sent.push(_key(w));
        (game, index, output) = _propose();
    }

    function _prove() private {
        portal.proveWithdrawalTransaction(w, index, output, _proof(w));
    }

    /// @dev No game of this deployment can be lost yet; the contracts around it must be ready for one that is.
    function _lose() private {
        vm.mockCall(address(game), abi.encodeCall(game.status, ()), abi.encode(GameStatus.CHALLENGER_WINS));
    }

    function test_attack_proofAgainstALostGame() external {
        bytes[] memory proof = _proof(w);
        _lose();
        vm.expectRevert(Portal.OptimismPortal_InvalidDisputeGame.selector);
        portal.proveWithdrawalTransaction(w, index, output, proof);
    }

    function test_attack_gameLostAfterTheProof() external {
        _prove();
        _wait();
        _lose();
        vm.expectRevert(Portal.OptimismPortal_InvalidRootClaim.selector);
        portal.finalizeWithdrawalTransaction(w);
        // The game alone stood in the way.
        vm.clearMockedCalls();
        portal.finalizeWithdrawalTransaction(w);
    }

    function test_attack_lostGameAsAnchor() external {
        _wait();
        _lose();
        vm.assertTrue(registry.isGameFinalized(game));
        vm.expectRevert(AnchorStateRegistry.AnchorStateRegistry_InvalidAnchorGame.selector);
        registry.setAnchorState(game);
        game.resolve();
        vm.assertEq(address(registry.anchorGame()), address(0));
    }

    function test_attack_proofAgainstARetiredGame() external {
        bytes[] memory proof = _proof(w);
        vm.prank(GUARDIAN);
        registry.updateRetirementTimestamp();
        vm.expectRevert(Portal.OptimismPortal_ImproperDisputeGame.selector);
        portal.proveWithdrawalTransaction(w, index, output, proof);
    }

    /// @dev Made in the second of the retirement, before or after it.
    function test_attack_gameOfTheSecondOfTheRetirement() external {
        vm.prank(GUARDIAN);
        registry.updateRetirementTimestamp();
        vm.prank(PROPOSER, PROPOSER);
        ProposalGame late = ProposalGame(address(factory.create(1, keccak256("late"), abi.encode(77))));
        vm.assertTrue(registry.isGameRetired(late));
        vm.assertFalse(registry.isGameProper(late));
    }

    function test_attack_retiredGameAsAnchor() external {
        vm.prank(GUARDIAN);
        registry.updateRetirementTimestamp();
        _wait();
        vm.expectRevert(AnchorStateRegistry.AnchorStateRegistry_InvalidAnchorGame.selector);
        registry.setAnchorState(game);
    }
}
