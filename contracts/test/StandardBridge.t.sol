// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {BridgeBase} from "../shared/BridgeBase.sol";
import {Constants} from "../shared/Constants.sol";
import {CrossDomainMessenger} from "../shared/CrossDomainMessenger.sol";
import {OptimismMintableERC20} from "../shared/OptimismMintableERC20.sol";
import {OptimismMintableERC20Factory} from "../shared/OptimismMintableERC20Factory.sol";
import {Sender} from "../shared/Sender.sol";
import {StandardBridge} from "../shared/StandardBridge.sol";
import {WithdrawalTransaction} from "../shared/Types.sol";
import {Rollup} from "./Rollup.sol";
import {FeeToken, OddToken, ReentrantToken, Token} from "./Tokens.sol";

contract StandardBridgeTest is Rollup {
    Token private token;
    OptimismMintableERC20 private twin;

    function setUp() public override {
        super.setUp();
        token = new Token();
        token.mint(ALICE, 1000);
        OptimismMintableERC20Factory maker = new OptimismMintableERC20Factory(address(l2Bridge));
        twin = OptimismMintableERC20(maker.createOptimismMintableERC20(address(token), "Twin", "TWN"));
        vm.assertEq(maker.deployments(address(twin)), address(token));
        vm.prank(ALICE);
        token.approve(address(l1Bridge), type(uint256).max);
    }

    function _deposit(uint256 amount) private {
        vm.prank(ALICE, ALICE);
        l1Bridge.depositERC20(address(token), address(twin), amount, 200_000, "hi");
        vm.assertTrue(_carryDeposit());
    }

    function test_tokenThereAndBack() external {
        _deposit(600);
        vm.assertEq(token.balanceOf(address(l1Bridge)), 600);
        vm.assertEq(l1Bridge.deposits(address(token), address(twin)), 600);
        vm.assertEq(twin.balanceOf(ALICE), 600);
        vm.assertEq(twin.totalSupply(), 600);

        vm.prank(ALICE, ALICE);
        l2Bridge.withdrawTo(address(twin), BOB, 250, 200_000, "");
        _withdraw(_lastWithdrawal());
        vm.assertEq(twin.totalSupply(), 350);
        vm.assertEq(token.balanceOf(BOB), 250);
        vm.assertEq(l1Bridge.deposits(address(token), address(twin)), 350);
    }

    /// @dev A token whose home is L2 has its twin on L1.
    function test_tokenOfL2ThereAndBack() external {
        OptimismMintableERC20Factory maker = new OptimismMintableERC20Factory(address(l1Bridge));
        OptimismMintableERC20 l1Twin =
            OptimismMintableERC20(maker.createOptimismMintableERC20WithDecimals(address(token), "T", "T", 6));
        vm.assertEq(l1Twin.decimals(), 6);
        vm.startPrank(ALICE, ALICE);
        token.approve(address(l2Bridge), 100);
        l2Bridge.bridgeERC20(address(token), address(l1Twin), 100, 200_000, "");
        vm.stopPrank();
        _withdraw(_lastWithdrawal());
        vm.assertEq(l1Twin.balanceOf(ALICE), 100);
        vm.prank(ALICE, ALICE);
        l1Bridge.bridgeERC20To(address(l1Twin), address(token), BOB, 40, 200_000, "");
        vm.assertTrue(_carryDeposit());
        vm.assertEq(l1Twin.totalSupply(), 60);
        vm.assertEq(token.balanceOf(BOB), 40);
    }

    function test_ethThereAndBack() external {
        vm.prank(ALICE, ALICE);
        l1Bridge.depositETHTo{value: 2 ether}(BOB, 200_000, "");
        uint256 before = BOB.balance;
        vm.assertTrue(_carryDeposit());
        vm.assertEq(BOB.balance - before, 2 ether);
        vm.prank(ALICE, ALICE);
        l2Bridge.withdraw{value: 1 ether}(Constants.LEGACY_ERC20_ETH, 1 ether, 200_000, "");
        before = ALICE.balance;
        _withdraw(_lastWithdrawal());
        vm.assertEq(ALICE.balance - before, 1 ether);
        vm.assertEq(address(portal).balance, 1 ether);
    }

    function test_plainTransferIsADepositToOneself() external {
        vm.prank(ALICE, ALICE);
        (bool ok,) = address(l1Bridge).call{value: 1 ether}("");
        vm.assertTrue(ok);
        uint256 before = ALICE.balance;
        vm.assertTrue(_carryDeposit());
        vm.assertEq(ALICE.balance - before, 1 ether);
    }

    function test_contractsMustNameARecipient() external {
        vm.expectRevert(BridgeBase.BridgeOnlyEOA.selector);
        l1Bridge.bridgeETH{value: 1}(0, "");
        vm.expectRevert(BridgeBase.BridgeOnlyEOA.selector);
        l1Bridge.bridgeERC20(address(token), address(twin), 1, 0, "");
        vm.expectRevert(BridgeBase.BridgeOnlyEOA.selector);
        l2Bridge.withdraw(address(twin), 1, 0, "");
    }

    function test_attack_strangerFinalizes() external {
        vm.deal(address(l1Messenger), 1 ether);
        vm.prank(ALICE, ALICE);
        vm.expectRevert(BridgeBase.BridgeOnlyOtherBridge.selector);
        l1Bridge.finalizeBridgeERC20(address(token), address(twin), ALICE, ALICE, 1, "");
        // Through the messenger, but not from the other bridge.
        _deposit(600);
        vm.prank(BOB, BOB);
        l2Messenger.sendMessage(
            address(l1Bridge),
            abi.encodeCall(
                StandardBridge.finalizeBridgeERC20, (address(token), address(twin), BOB, BOB, 600, "")
            ),
            200_000
        );
        _withdraw(_lastWithdrawal());
        vm.assertEq(token.balanceOf(BOB), 0);
    }

    function test_attack_strangerMints() external {
        vm.prank(ALICE);
        vm.expectRevert(OptimismMintableERC20.OnlyBridge.selector);
        twin.mint(ALICE, 1);
        vm.prank(ALICE);
        vm.expectRevert(OptimismMintableERC20.OnlyBridge.selector);
        twin.burn(ALICE, 1);
    }

    /// @dev A twin of the attacker's own must not release the tokens of the real one.
    function test_attack_twinOfTheAttacker() external {
        _deposit(600);
        OptimismMintableERC20 fake =
            new OptimismMintableERC20(address(this), address(token), "Fake", "FAKE", 18);
        fake.mint(BOB, 600);
        FakeTwin liar = new FakeTwin(address(token));
        vm.prank(BOB, BOB);
        l2Bridge.bridgeERC20(address(liar), address(token), 600, 200_000, "");
        _withdraw(_lastWithdrawal());
        vm.assertEq(token.balanceOf(BOB), 0);
        vm.assertEq(token.balanceOf(address(l1Bridge)), 600);
        // The real bridge is not this twin's bridge: it cannot even burn.
        vm.prank(BOB, BOB);
        vm.expectRevert(OptimismMintableERC20.OnlyBridge.selector);
        l2Bridge.bridgeERC20(address(fake), address(token), 600, 200_000, "");
    }

    function test_attack_tokenSentToAWrongTwin() external {
        vm.prank(ALICE, ALICE);
        vm.expectRevert(StandardBridge.BridgeWrongPair.selector);
        l2Bridge.bridgeERC20(address(twin), address(this), 1, 0, "");
        // Minting for another token than the twin's fails on L2, and is not lost: the message can be repeated.
        Token other = new Token();
        other.mint(ALICE, 10);
        vm.startPrank(ALICE, ALICE);
        other.approve(address(l1Bridge), 10);
        l1Bridge.bridgeERC20(address(other), address(twin), 10, 200_000, "");
        vm.stopPrank();
        vm.assertTrue(_carryDeposit());
        vm.assertEq(twin.totalSupply(), 0);
    }

    function test_attack_feeOnTransferToken() external {
        FeeToken bad = new FeeToken();
        bad.mint(ALICE, 1000);
        vm.startPrank(ALICE, ALICE);
        bad.approve(address(l1Bridge), 1000);
        vm.expectRevert(abi.encodeWithSelector(StandardBridge.BridgeAmountReceived.selector, 1000, 990));
        l1Bridge.bridgeERC20(address(bad), address(twin), 1000, 0, "");
    }

    function test_attack_falseReturningToken() external {
        OddToken odd = new OddToken();
        odd.mint(ALICE, 1000);
        odd.set(true, false);
        vm.prank(ALICE, ALICE);
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(odd)));
        l1Bridge.bridgeERC20(address(odd), address(twin), 1000, 0, "");
        // One that says nothing and does nothing.
        odd.set(true, true);
        vm.prank(ALICE, ALICE);
        vm.expectRevert(abi.encodeWithSelector(StandardBridge.BridgeAmountReceived.selector, 1000, 0));
        l1Bridge.bridgeERC20(address(odd), address(twin), 1000, 0, "");
        // One that only says nothing is fine.
        odd.set(false, true);
        vm.prank(ALICE, ALICE);
        l1Bridge.bridgeERC20(address(odd), address(twin), 1000, 0, "");
        vm.assertEq(l1Bridge.deposits(address(odd), address(twin)), 1000);
    }

    /// @dev A token that fails on the way back: the message waits in the messenger and can be repeated.
    function test_attack_tokenThatRevertsOnTheWayBack() external {
        OddToken odd = new OddToken();
        OptimismMintableERC20 oddTwin =
            new OptimismMintableERC20(address(l2Bridge), address(odd), "Odd", "ODD", 18);
        odd.mint(ALICE, 1000);
        vm.prank(ALICE, ALICE);
        l1Bridge.bridgeERC20(address(odd), address(oddTwin), 1000, 200_000, "");
        vm.assertTrue(_carryDeposit());
        vm.prank(ALICE, ALICE);
        l2Bridge.withdraw(address(oddTwin), 400, 200_000, "");
        odd.set(true, false);
        WithdrawalTransaction memory w = _lastWithdrawal();
        _withdraw(w);
        vm.assertEq(odd.balanceOf(ALICE), 0);
        vm.assertEq(l1Bridge.deposits(address(odd), address(oddTwin)), 1000);
        odd.set(false, false);
        (bool ok,) = address(l1Messenger).call(w.data);
        vm.assertTrue(ok);
        vm.assertEq(odd.balanceOf(ALICE), 400);
        vm.assertEq(l1Bridge.deposits(address(odd), address(oddTwin)), 600);
    }

    function test_attack_reentrantToken() external {
        ReentrantToken bad = new ReentrantToken();
        bad.mint(ALICE, 1000);
        bad.arm(l1Bridge, 500);
        vm.startPrank(ALICE, ALICE);
        bad.approve(address(l1Bridge), 1000);
        vm.expectRevert(abi.encodeWithSelector(StandardBridge.BridgeAmountReceived.selector, 1000, 1500));
        l1Bridge.bridgeERC20(address(bad), address(0xbeef), 1000, 0, "");
    }

    function test_attack_ethToTheBridgeItself() external {
        vm.prank(ALICE, ALICE);
        l1Bridge.bridgeETHTo{value: 1 ether}(address(l2Bridge), 200_000, "");
        vm.assertTrue(_carryDeposit());
        // Not delivered, but kept for a repetition.
        vm.assertEq(address(l2Bridge).balance, 0);
        vm.assertEq(address(l2Messenger).balance, 1 ether);
    }

    function test_attack_minterPosesAsTheOtherBridge() external {
        vm.prank(Sender.alias_(address(l1Bridge)));
        vm.expectRevert(BridgeBase.BridgeOnlyOtherBridge.selector);
        l2Bridge.finalizeBridgeERC20(address(twin), address(token), ALICE, ALICE, 1, "");
    }

    function test_pauseStopsPayouts() external {
        _deposit(600);
        vm.prank(GUARDIAN);
        registry.pause();
        vm.assertTrue(l1Bridge.paused());
        vm.assertTrue(l1Messenger.paused());
        vm.assertFalse(l2Bridge.paused());
        // Even if the messenger delivered, the bridge would not pay.
        vm.mockCall(
            address(l1Messenger), abi.encodeCall(l1Messenger.xDomainMessageSender, ()), abi.encode(address(l2Bridge))
        );
        vm.deal(address(l1Messenger), 1);
        vm.prank(address(l1Messenger));
        vm.expectRevert(BridgeBase.BridgePaused.selector);
        l1Bridge.finalizeBridgeETH{value: 1}(ALICE, BOB, 1, "");
        vm.prank(address(l1Messenger));
        vm.expectRevert(BridgeBase.BridgePaused.selector);
        l1Bridge.finalizeBridgeERC20(address(token), address(twin), ALICE, BOB, 250, "");
        // The pause alone stood in the way.
        vm.prank(GUARDIAN);
        registry.unpause();
        vm.prank(address(l1Messenger));
        l1Bridge.finalizeBridgeERC20(address(token), address(twin), ALICE, BOB, 250, "");
        vm.assertEq(token.balanceOf(BOB), 250);
    }

    function test_pauseStopsReplays() external {
        _deposit(600);
        // With no code at the token's address the payout fails, and waits.
        bytes memory code = address(token).code;
        vm.prank(ALICE, ALICE);
        l2Bridge.withdrawTo(address(twin), BOB, 250, 200_000, "");
        WithdrawalTransaction memory w = _lastWithdrawal();
        vm.etch(address(token), "");
        _withdraw(w);
        vm.etch(address(token), code);
        vm.prank(GUARDIAN);
        registry.pause();
        (bool ok, bytes memory reason) = address(l1Messenger).call(w.data);
        vm.assertFalse(ok);
        vm.assertEq(bytes32(bytes4(reason)), bytes32(CrossDomainMessenger.MessengerPaused.selector));
        vm.prank(GUARDIAN);
        registry.unpause();
        (ok,) = address(l1Messenger).call(w.data);
        vm.assertTrue(ok);
        vm.assertEq(token.balanceOf(BOB), 250);
    }

    function testFuzz_lockedAmountIsTheTwinsSupply(uint16[8] calldata in_, uint16[8] calldata out) external {
        token.mint(ALICE, 1_000_000);
        for (uint256 i; i < 8; ++i) {
            _deposit(in_[i]);
            uint256 amount = out[i];
            if (amount > twin.balanceOf(ALICE)) amount = twin.balanceOf(ALICE);
            vm.prank(ALICE, ALICE);
            l2Bridge.withdraw(address(twin), amount, 200_000, "");
            _withdraw(_lastWithdrawal());
            vm.assertEq(twin.totalSupply(), l1Bridge.deposits(address(token), address(twin)));
            vm.assertEq(twin.totalSupply(), token.balanceOf(address(l1Bridge)));
        }
    }
}

/// @dev Says that it is the twin of a token and lets anyone "burn" what they never had.
contract FakeTwin {
    address public remoteToken;
    address public l1Token;

    constructor(address token) {
        remoteToken = token;
        l1Token = token;
    }

    function supportsInterface(bytes4 id) external pure returns (bool) {
        return id != 0xffffffff;
    }

    function burn(address, uint256) external {}
}
