// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDisputeGame} from "../rollup/l1/IDispute.sol";
import {OptimismMintableERC20} from "../shared/OptimismMintableERC20.sol";
import {OutputRootProof, WithdrawalTransaction} from "../shared/Types.sol";
import {Rollup} from "./Rollup.sol";
import {Token} from "./Tokens.sol";

/// @notice Deposits, withdraws, waits, blacklists and cheats in any order.
contract Actor is Rollup {
    struct Pending {
        WithdrawalTransaction w;
        uint256 index;
        OutputRootProof output;
    }

    Token public token;
    OptimismMintableERC20 public twin;
    Pending[] private pending;
    uint256 private time;

    /// @dev ETH in wei that L2 ought to have: what was deposited less what was sent back.
    uint256 public owed;
    /// @dev ETH in wei that has left the portal.
    uint256 public paid;
    uint256 public received;
    uint256 public finalized;
    bool public forged;

    function setUp() public override {
        super.setUp();
        time = block.timestamp;
        token = new Token();
        twin = new OptimismMintableERC20(address(l2Bridge), address(token), "Twin", "TWN", 18);
        token.mint(ALICE, type(uint128).max);
        vm.prank(ALICE);
        token.approve(address(l1Bridge), type(uint256).max);
    }

    function addresses() external view returns (address, address, address) {
        return (address(portal), address(l1Bridge), BOB);
    }

    function depositEth(uint96 amount) external {
        vm.deal(ALICE, amount);
        vm.prank(ALICE, ALICE);
        portal.depositTransaction{value: amount}(ALICE, amount, 21_000, false, "");
        received += amount;
        vm.roll(block.number + 1);
    }

    function depositToken(uint64 amount) external {
        vm.prank(ALICE, ALICE);
        l1Bridge.depositERC20(address(token), address(twin), amount, 200_000, "");
        _carryDeposit();
        vm.roll(block.number + 1);
    }

    function withdrawEth(uint96 amount) external {
        amount = uint96(_bound(amount, 0, received - owed));
        owed += amount;
        vm.deal(ALICE, amount);
        vm.prank(ALICE, ALICE);
        passer.initiateWithdrawal{value: amount}(BOB, 30_000, "");
        _keep();
    }

    function withdrawToken(uint64 amount) external {
        amount = uint64(_bound(amount, 0, twin.balanceOf(ALICE)));
        vm.prank(ALICE, ALICE);
        l2Bridge.withdraw(address(twin), amount, 200_000, "");
        _keep();
    }

    function _keep() private {
        WithdrawalTransaction memory w = _lastWithdrawal();
        sent.push(_key(w));
        (, uint256 index, OutputRootProof memory output) = _propose();
        time = time + 1;
        vm.warp(time);
        pending.push(Pending(w, index, output));
    }

    function prove() external {
        if (pending.length == 0) return;
        // The proof is made from the newest state, which only the newest game claims.
        Pending memory p = pending[pending.length - 1];
        portal.proveWithdrawalTransaction(p.w, p.index, p.output, _proof(p.w));
    }

    function finalize(uint256 which) external {
        if (pending.length == 0) return;
        Pending memory p = pending[which % pending.length];
        uint256 before = address(portal).balance;
        portal.finalizeWithdrawalTransaction(p.w);
        paid += before - address(portal).balance;
        ++finalized;
    }

    function wait_(uint8 seconds_) external {
        time += seconds_;
        vm.warp(time);
    }

    function blacklist(uint256 which) external {
        uint256 count = factory.gameCount();
        // Rarely, or nothing would ever be paid.
        if (count == 0 || which % 16 != 0) return;
        (,, IDisputeGame game) = factory.gameAtIndex((which >> 8) % count);
        vm.prank(GUARDIAN);
        registry.blacklistDisputeGame(game);
    }

    /// @dev Asks for more than was sent.
    function cheat(uint256 which, uint96 more) external {
        if (pending.length == 0 || more == 0) return;
        Pending memory p = pending[which % pending.length];
        bytes[] memory proof = _proof(p.w);
        p.w.value += more;
        vm.prank(BOB);
        portal.proveWithdrawalTransaction(p.w, p.index, p.output, proof);
        forged = true;
    }
}

contract InvariantsTest is Rollup {
    Actor private actor;

    function setUp() public override {
        actor = new Actor();
        actor.setUp();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(actor);
    }

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        bytes4[] memory selectors = new bytes4[](9);
        selectors[0] = Actor.depositEth.selector;
        selectors[1] = Actor.depositToken.selector;
        selectors[2] = Actor.withdrawEth.selector;
        selectors[3] = Actor.withdrawToken.selector;
        selectors[4] = Actor.prove.selector;
        selectors[5] = Actor.finalize.selector;
        selectors[6] = Actor.wait_.selector;
        selectors[7] = Actor.blacklist.selector;
        selectors[8] = Actor.cheat.selector;
        targets[0] = FuzzSelector(address(actor), selectors);
    }

    /// @dev The portal never pays out more than was withdrawn, and holds all that was not.
    function invariant_portalHoldsTheEthOfL2() external view {
        (address portal_,, address bob) = actor.addresses();
        vm.assertEq(portal_.balance, actor.received() - actor.paid());
        vm.assertLe(actor.paid(), actor.owed());
        vm.assertEq(bob.balance, 1000 ether + actor.paid());
    }

    function invariant_onlyWhatWasSentIsProven() external view {
        vm.assertFalse(actor.forged());
    }

    /// @dev Tokens locked on L1 cover the twins on L2.
    function invariant_lockedTokensCoverTheTwins() external view {
        (, address bridge,) = actor.addresses();
        vm.assertGe(actor.token().balanceOf(bridge), actor.twin().totalSupply());
    }
}
