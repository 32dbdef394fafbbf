// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {BridgeBase} from "../shared/BridgeBase.sol";
import {OptimismMintableERC20} from "../shared/OptimismMintableERC20.sol";
import {StandardBridge} from "../shared/StandardBridge.sol";
import {WithdrawalTransaction} from "../shared/Types.sol";
import {BombToken, CallingToken, LateFeeToken, Sending, ShiftingToken} from "./Hostile.sol";
import {Rollup} from "./Rollup.sol";
import {Token} from "./Tokens.sol";

/// @dev Tokens that do other than a token should, each beside an honest one that must not notice.
contract TokenAttacksTest is Rollup {
    Token private honest;
    OptimismMintableERC20 private honestTwin;

    function setUp() public override {
        super.setUp();
        honest = new Token();
        honestTwin = _twin(address(honest));
        honest.mint(BOB, 1000);
        vm.startPrank(BOB, BOB);
        honest.approve(address(l1Bridge), 1000);
        l1Bridge.bridgeERC20(address(honest), address(honestTwin), 1000, 200_000, "");
        vm.stopPrank();
        vm.assertTrue(_carryDeposit());
    }

    function _twin(address token) private returns (OptimismMintableERC20) {
        return new OptimismMintableERC20(address(l2Bridge), token, "Twin", "TWN", 18);
    }

    function _deposit(Token token, address twin) private {
        token.mint(ALICE, 1000);
        vm.startPrank(ALICE, ALICE);
        token.approve(address(l1Bridge), 1000);
        l1Bridge.bridgeERC20(address(token), twin, 1000, 200_000, "");
        vm.stopPrank();
        vm.assertTrue(_carryDeposit());
    }

    function _back(address twin, uint256 amount) private returns (WithdrawalTransaction memory w) {
        vm.prank(ALICE, ALICE);
        l2Bridge.withdraw(twin, amount, 300_000, "");
        w = _lastWithdrawal();
        _withdraw(w);
    }

    /// @dev After every attack the honest token can go home whole.
    function _honestTokenIsWhole() private {
        vm.assertEq(l1Bridge.deposits(address(honest), address(honestTwin)), 1000);
        vm.prank(BOB, BOB);
        l2Bridge.withdraw(address(honestTwin), 1000, 200_000, "");
        _withdraw(_lastWithdrawal());
        vm.assertEq(honest.balanceOf(BOB), 1000);
    }

    function test_attack_tokenRelaysItsMessageAgainFromItsPayout() external {
        CallingToken token = new CallingToken();
        OptimismMintableERC20 twin = _twin(address(token));
        _deposit(token, address(twin));
        vm.prank(ALICE, ALICE);
        l2Bridge.withdraw(address(twin), 400, 300_000, "");
        WithdrawalTransaction memory w = _lastWithdrawal();
        token.set(address(l1Bridge), address(l1Messenger), w.data);
        _withdraw(w);
        vm.assertFalse(token.ok());
        vm.assertEq(token.balanceOf(ALICE), 400);
        vm.assertEq(l1Bridge.deposits(address(token), address(twin)), 600);
        vm.assertTrue(l1Messenger.successfulMessages(keccak256(w.data)));
        _honestTokenIsWhole();
    }

    /// @dev While the other bridge speaks, the token speaks to the bridge itself.
    function test_attack_tokenFinalizesFromItsPayout() external {
        CallingToken token = new CallingToken();
        OptimismMintableERC20 twin = _twin(address(token));
        _deposit(token, address(twin));
        token.set(
            address(l1Bridge),
            address(l1Bridge),
            abi.encodeCall(
                StandardBridge.finalizeBridgeERC20, (address(honest), address(honestTwin), ALICE, ALICE, 1000, "")
            )
        );
        _back(address(twin), 400);
        vm.assertFalse(token.ok());
        vm.assertEq(token.balanceOf(ALICE), 400);
        vm.assertEq(honest.balanceOf(ALICE), 0);
        _honestTokenIsWhole();
    }

    function test_attack_tokenFeeTurnedOnAfterTheDeposit() external {
        LateFeeToken token = new LateFeeToken();
        OptimismMintableERC20 twin = _twin(address(token));
        _deposit(token, address(twin));
        token.turnOn();
        _back(address(twin), 1000);
        // The receiver bears the fee; the books stay right.
        vm.assertEq(token.balanceOf(ALICE), 990);
        vm.assertEq(token.balanceOf(address(l1Bridge)), 0);
        vm.assertEq(l1Bridge.deposits(address(token), address(twin)), 0);
        // No more comes in.
        vm.startPrank(ALICE, ALICE);
        token.approve(address(l1Bridge), 100);
        vm.expectRevert(abi.encodeWithSelector(StandardBridge.BridgeAmountReceived.selector, 100, 99));
        l1Bridge.bridgeERC20(address(token), address(twin), 100, 200_000, "");
        vm.stopPrank();
        _honestTokenIsWhole();
    }

    function test_attack_tokenRevertsOnTheWayIn() external {
        BombToken token = new BombToken(0);
        vm.prank(ALICE, ALICE);
        vm.expectRevert(bytes("no"));
        l1Bridge.bridgeERC20(address(token), address(0xbeef), 1, 0, "");
        vm.assertEq(l1Bridge.deposits(address(token), address(0xbeef)), 0);
        _honestTokenIsWhole();
    }

    /// @dev Only who uses such a token pays for its megabyte.
    function test_attack_tokenRevertsWithAMegabyte() external {
        BombToken token = new BombToken(1);
        uint256 nonce = l1Messenger.messageNonce();
        vm.prank(ALICE, ALICE);
        (bool ok,) = address(l1Bridge).call{gas: 10_000_000}(
            abi.encodeCall(l1Bridge.bridgeERC20, (address(token), address(0xbeef), 1, 0, ""))
        );
        vm.assertFalse(ok);
        vm.assertEq(l1Bridge.deposits(address(token), address(0xbeef)), 0);
        vm.assertEq(l1Messenger.messageNonce(), nonce);
        _honestTokenIsWhole();
    }

    function test_attack_tokenAnswersWithAMegabyte() external {
        BombToken token = new BombToken(2);
        vm.prank(ALICE, ALICE);
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(token)));
        l1Bridge.bridgeERC20(address(token), address(0xbeef), 1, 0, "");
        _honestTokenIsWhole();
    }

    /// @dev Locked as a plain token, it says on the way back that it is a twin: only its own tokens stay behind.
    function test_attack_tokenBecomesMintableAfterTheDeposit() external {
        ShiftingToken token = new ShiftingToken();
        OptimismMintableERC20 twin = _twin(address(token));
        _deposit(token, address(twin));
        token.set(true, address(twin));
        _back(address(twin), 1000);
        vm.assertEq(token.minted(), 1000);
        vm.assertEq(token.balanceOf(ALICE), 0);
        vm.assertEq(token.balanceOf(address(l1Bridge)), 1000);
        vm.assertEq(l1Bridge.deposits(address(token), address(twin)), 1000);
        _honestTokenIsWhole();
    }

    /// @dev It says that it is the twin of a token which is locked here, and then that it is none.
    function test_attack_tokenCeasesToBeMintableAfterTheDeposit() external {
        ShiftingToken token = new ShiftingToken();
        OptimismMintableERC20 twin = _twin(address(token));
        token.set(true, address(twin));
        vm.prank(ALICE, ALICE);
        l1Bridge.bridgeERC20(address(token), address(twin), 1000, 200_000, "");
        vm.assertTrue(_carryDeposit());
        vm.assertEq(token.burnt(), 1000);
        vm.assertEq(twin.balanceOf(ALICE), 1000);
        token.set(false, address(0));
        // Nothing of it was locked.
        WithdrawalTransaction memory w = _back(address(twin), 1000);
        vm.assertTrue(l1Messenger.failedMessages(keccak256(w.data)));
        vm.assertFalse(l1Messenger.successfulMessages(keccak256(w.data)));
        _honestTokenIsWhole();
    }

    /// @dev "Burning" itself as if it were the honest token's twin releases nothing of that one.
    function test_attack_tokenPosesAsTheTwinOfALockedOne() external {
        ShiftingToken token = new ShiftingToken();
        token.set(true, address(honest));
        vm.prank(ALICE, ALICE);
        l2Bridge.bridgeERC20(address(token), address(honest), 1000, 200_000, "");
        WithdrawalTransaction memory w = _lastWithdrawal();
        _withdraw(w);
        vm.assertTrue(l1Messenger.failedMessages(keccak256(w.data)));
        vm.assertEq(honest.balanceOf(ALICE), 0);
        _honestTokenIsWhole();
    }

    /// @dev A contract must say who gets its tokens on L2, where its address may be somebody else's.
    function test_attack_holderOfAContractsAddressOnL2() external {
        Sending sending = new Sending();
        honest.mint(address(sending), 10);
        sending.go(address(honest), abi.encodeCall(honest.approve, (address(l1Bridge), 10)));
        vm.prank(ALICE, ALICE);
        vm.expectRevert(BridgeBase.BridgeOnlyEOA.selector);
        sending.go(
            address(l1Bridge),
            abi.encodeCall(l1Bridge.bridgeERC20, (address(honest), address(honestTwin), 10, 200_000, ""))
        );
        vm.prank(ALICE, ALICE);
        sending.go(
            address(l1Bridge),
            abi.encodeCall(l1Bridge.bridgeERC20To, (address(honest), address(honestTwin), ALICE, 10, 200_000, ""))
        );
        vm.assertTrue(_carryDeposit());
        vm.assertEq(honestTwin.balanceOf(ALICE), 10);
        vm.assertEq(honestTwin.balanceOf(address(sending)), 0);
    }
}
