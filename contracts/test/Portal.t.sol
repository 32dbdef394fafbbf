// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Portal} from "../rollup/l1/Portal.sol";
import {ProposalGame} from "../rollup/l1/ProposalGame.sol";
import {ResourceMetering} from "../rollup/l1/ResourceMetering.sol";
import {Constants} from "../shared/Constants.sol";
import {MerkleTrie} from "../shared/MerkleTrie.sol";
import {SafeCall} from "../shared/SafeCall.sol";
import {Sender} from "../shared/Sender.sol";
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

/// @dev Deposits from a contract and from a constructor.
contract Depositor {
    constructor(Portal portal) payable {
        if (msg.value > 0) portal.depositTransaction{value: msg.value}(address(1), 0, 21_000, false, "");
    }

    function deposit(Portal portal) external payable {
        portal.depositTransaction{value: msg.value}(address(1), 0, 21_000, false, "");
    }

    function send(Portal portal) external payable {
        (bool ok,) = address(portal).call{value: msg.value}("");
        require(ok);
    }
}

contract PortalDepositTest is Rollup {
    function test_depositTransaction() external {
        vm.prank(ALICE, ALICE);
        portal.depositTransaction{value: 3 ether}(BOB, 2 ether, 100_000, false, hex"c0ffee");
        Deposit memory d = _lastDeposit();
        vm.assertEq(d.from, ALICE);
        vm.assertEq(d.to, BOB);
        vm.assertEq(d.mint, 3 ether);
        vm.assertEq(d.value, 2 ether);
        vm.assertEq(d.gasLimit, 100_000);
        vm.assertFalse(d.isCreation);
        vm.assertEq(d.data, hex"c0ffee");
        vm.assertEq(address(portal).balance, 3 ether);
    }

    function testFuzz_depositIsLoggedAsGiven(
        address to,
        uint96 mint,
        uint256 value,
        uint64 gas,
        bool creation,
        bytes calldata data
    ) external {
        if (creation) to = address(0);
        gas = uint64(_bound(gas, portal.minimumGasLimit(uint64(data.length)), 2_000_000));
        vm.deal(ALICE, mint);
        vm.prank(ALICE, ALICE);
        portal.depositTransaction{value: mint}(to, value, gas, creation, data);
        Deposit memory d = _lastDeposit();
        vm.assertEq(
            keccak256(abi.encode(d)),
            keccak256(abi.encode(Deposit(ALICE, to, mint, value, gas, creation, data)))
        );
    }

    function test_plainTransferIsADepositToOneself() external {
        vm.prank(ALICE, ALICE);
        (bool ok,) = address(portal).call{value: 1 ether}("");
        vm.assertTrue(ok);
        Deposit memory d = _lastDeposit();
        vm.assertEq(d.from, ALICE);
        vm.assertEq(d.to, ALICE);
        vm.assertEq(d.mint, 1 ether);
        vm.assertEq(d.value, 1 ether);
        vm.assertEq(d.gasLimit, 100_000);
    }

    function test_donatedEthIsNotADeposit() external {
        portal.donateETH{value: 1 ether}();
        vm.assertEq(vm.getRecordedLogs().length, 0);
        vm.assertEq(address(portal).balance, 1 ether);
    }

    /// @dev Else a contract could act on L2 as whoever has its address there.
    function test_attack_contractPosesAsTheSameAddressOnL2() external {
        Depositor depositor = new Depositor(portal);
        vm.prank(ALICE, ALICE);
        depositor.deposit{value: 1}(portal);
        vm.assertEq(_lastDeposit().from, Sender.alias_(address(depositor)));

        vm.prank(ALICE, ALICE);
        depositor.send{value: 1}(portal);
        Deposit memory d = _lastDeposit();
        vm.assertEq(d.from, Sender.alias_(address(depositor)));
        vm.assertEq(d.to, address(depositor));
    }

    /// @dev While its constructor runs, a contract has no code yet.
    function test_attack_constructorPosesAsEOA() external {
        vm.prank(ALICE, ALICE);
        Depositor depositor = new Depositor{value: 1}(portal);
        vm.assertEq(_lastDeposit().from, Sender.alias_(address(depositor)));
    }

    function test_delegatedAccountKeepsItsAddress() external {
        vm.etch(ALICE, abi.encodePacked(hex"ef0100", address(portal)));
        vm.prank(ALICE, BOB);
        portal.depositTransaction(address(1), 0, 21_000, false, "");
        vm.assertEq(_lastDeposit().from, ALICE);

        // 23 bytes of code alone are not a delegation.
        vm.etch(ALICE, abi.encodePacked(hex"600100", address(portal)));
        vm.prank(ALICE, BOB);
        portal.depositTransaction(address(1), 0, 21_000, false, "");
        vm.assertEq(_lastDeposit().from, Sender.alias_(ALICE));
    }

    function testFuzz_aliasHasAnInverse(address a) external pure {
        vm.assertEq(Sender.unalias(Sender.alias_(a)), a);
        vm.assertTrue(Sender.alias_(a) != a);
    }

    function test_creationWithATargetIsRefused() external {
        vm.expectRevert(Portal.OptimismPortal_BadTarget.selector);
        portal.depositTransaction(ALICE, 0, 100_000, true, "");
    }

    function test_limitsOfData() external {
        bytes memory data = new bytes(120_000);
        uint64 least = portal.minimumGasLimit(120_000);
        portal.depositTransaction(ALICE, 0, least, false, data);
        vm.expectRevert(Portal.OptimismPortal_GasLimitTooLow.selector);
        portal.depositTransaction(ALICE, 0, least - 1, false, data);
        vm.expectRevert(Portal.OptimismPortal_CalldataTooLarge.selector);
        portal.depositTransaction(ALICE, 0, least + 40, false, new bytes(120_001));
    }

    /// @dev L2 could never execute it.
    function test_attack_depositAboveTheTransactionGasCap() external {
        vm.expectRevert(Portal.OptimismPortal_GasLimitTooHigh.selector);
        portal.depositTransaction(ALICE, 0, 16_777_217, false, "");
        portal.depositTransaction(ALICE, 0, 16_777_216, false, "");
    }

    /// @dev L1 of a test chain may have more ETH than a deposit transaction can mint.
    function test_attack_depositThatL2CannotMint() external {
        uint256 most = type(uint128).max;
        vm.deal(ALICE, type(uint256).max);
        vm.prank(ALICE, ALICE);
        vm.expectRevert(Portal.OptimismPortal_MintTooLarge.selector);
        portal.depositTransaction{value: most + 1}(ALICE, 0, 21_000, false, "");
        vm.prank(ALICE, ALICE);
        (bool ok, bytes memory reason) = address(portal).call{value: most + 1}("");
        vm.assertFalse(ok);
        vm.assertEq(bytes32(bytes4(reason)), bytes32(Portal.OptimismPortal_MintTooLarge.selector));
        vm.prank(ALICE, ALICE);
        portal.depositTransaction{value: most}(ALICE, 0, 21_000, false, "");
        vm.assertEq(_lastDeposit().mint, most);
    }

    function test_attack_depositsFillL2() external {
        portal.depositTransaction(ALICE, 0, 16_000_000, false, "");
        portal.depositTransaction(ALICE, 0, 4_000_000, false, "");
        vm.expectRevert(ResourceMetering.OutOfGas.selector);
        portal.depositTransaction(ALICE, 0, 21_000, false, "");
        // The next block has room again, at a higher price: 1 + (20 - 2) / 2 / 8.
        vm.roll(block.number + 1);
        portal.depositTransaction(ALICE, 0, 21_000, false, "");
        (uint128 price, uint64 bought, uint64 number) = portal.params();
        vm.assertEq(price, 2.125 gwei);
        vm.assertEq(bought, 21_000);
        vm.assertEq(number, block.number);
        // And goes down while nobody buys.
        vm.roll(block.number + 50);
        portal.depositTransaction(ALICE, 0, 21_000, false, "");
        (price,,) = portal.params();
        vm.assertEq(price, 1 gwei);
    }

    function test_l2GasIsPaidForInL1Gas() external {
        uint256 before = gasleft();
        portal.depositTransaction(ALICE, 0, 1_000_000, false, "");
        uint256 used = before - gasleft();
        vm.assertGe(used, 1_000_000);
        vm.assertLe(used, 1_050_000);
        // At a hundredfold base fee the same price is a hundredth of the gas.
        vm.fee(100 gwei);
        before = gasleft();
        portal.depositTransaction(ALICE, 0, 1_000_000, false, "");
        vm.assertLe(before - gasleft(), 50_000);
    }

    function testFuzz_priceOfL2GasStaysInBounds(uint64[16] calldata amounts, uint8[16] calldata gaps) external {
        vm.fee(type(uint64).max);
        for (uint256 i; i < 16; ++i) {
            vm.roll(block.number + gaps[i]);
            (uint128 before, uint64 bought, uint64 number) = portal.params();
            uint256 room = number == block.number ? 20_000_000 - bought : 20_000_000;
            uint64 amount = uint64(_bound(amounts[i], 21_000, 16_777_216));
            if (amount > room) vm.expectRevert(ResourceMetering.OutOfGas.selector);
            portal.depositTransaction(ALICE, 0, amount, false, "");
            (uint128 price,,) = portal.params();
            vm.assertGe(price, 1 gwei);
            if (bought <= 2_000_000) vm.assertLe(price, before);
            else vm.assertLe(price, uint256(before) * 17 / 8 + 1);
        }
    }

    function test_depositsGoOnWhilePayoutsAreStopped() external {
        vm.prank(GUARDIAN);
        registry.pause();
        portal.depositTransaction(ALICE, 0, 21_000, false, "");
        vm.assertEq(_lastDeposit().to, ALICE);
    }

    function test_clientsReadTheVersion() external view {
        vm.assertEq(portal.version(), "5.0.0");
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
        vm.expectRevert();
        portal.proveWithdrawalTransaction(forged, index, output, proof);
        forged = w;
        forged.target = address(this);
        vm.expectRevert();
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
        vm.expectRevert();
        portal.proveWithdrawalTransaction(any, index, output, proof);
    }
}
