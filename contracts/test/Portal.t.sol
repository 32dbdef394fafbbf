// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Portal} from "../rollup/l1/Portal.sol";
import {ResourceMetering} from "../rollup/l1/ResourceMetering.sol";
import {Sender} from "../shared/Sender.sol";
import {Rollup} from "./Rollup.sol";

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
