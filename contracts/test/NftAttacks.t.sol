// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {OptimismMintableERC721} from "../rollup/l2/OptimismMintableERC721.sol";
import {ERC721Bridge} from "../shared/ERC721Bridge.sol";
import {WithdrawalTransaction} from "../shared/Types.sol";
import {HostileNft, NftReceiver} from "./Hostile.sol";
import {Rollup} from "./Rollup.sol";
import {Nft} from "./Tokens.sol";

/// @dev NFTs and their receivers that act while an NFT moves.
contract NftAttacksTest is Rollup {
    Nft private nft;
    OptimismMintableERC721 private twin;
    NftReceiver private onL1;
    NftReceiver private onL2;

    function setUp() public override {
        super.setUp();
        nft = new Nft();
        nft.mint(ALICE, 7);
        twin = new OptimismMintableERC721(address(l2NftBridge), 1, address(nft), "Twin", "TWN");
        onL1 = new NftReceiver(l1NftBridge, address(twin));
        onL2 = new NftReceiver(l2NftBridge, address(nft));
        vm.prank(ALICE);
        nft.approve(address(l1NftBridge), 7);
    }

    function _depositTo(address to) private returns (Deposit memory d) {
        vm.prank(ALICE, ALICE);
        l1NftBridge.bridgeERC721To(address(nft), address(twin), to, 7, 1_000_000, "");
        d = _lastDeposit();
        vm.prank(d.from, d.from);
        (bool ok,) = d.to.call{gas: d.gasLimit}(d.data);
        vm.assertTrue(ok);
    }

    function _backTo(address to) private returns (WithdrawalTransaction memory w) {
        _depositTo(ALICE);
        vm.prank(ALICE, ALICE);
        l2NftBridge.bridgeERC721To(address(twin), address(nft), to, 7, 1_000_000, "");
        w = _lastWithdrawal();
        _withdraw(w);
    }

    function test_attack_receiverOnL1BridgesStraightBack() external {
        onL1.set(false, true);
        WithdrawalTransaction memory w = _backTo(address(onL1));
        vm.assertTrue(l1Messenger.successfulMessages(keccak256(w.data)));
        // It is here again, for the receiver it was sent on to, and there once.
        vm.assertEq(nft.ownerOf(7), address(l1NftBridge));
        vm.assertTrue(l1NftBridge.deposits(address(nft), address(twin), 7));
        vm.assertEq(twin.totalSupply(), 0);
        vm.assertTrue(_carryDeposit());
        vm.assertEq(twin.ownerOf(7), address(0xbeef));
        vm.assertEq(twin.totalSupply(), 1);
    }

    function test_attack_receiverOnL2BridgesStraightBack() external {
        onL2.set(false, true);
        Deposit memory d = _depositTo(address(onL2));
        vm.assertTrue(l2Messenger.successfulMessages(keccak256(d.data)));
        vm.assertEq(twin.totalSupply(), 0);
        _withdraw(_lastWithdrawal());
        vm.assertEq(nft.ownerOf(7), address(0xbeef));
        vm.assertFalse(l1NftBridge.deposits(address(nft), address(twin), 7));
    }

    function test_attack_receiverOnL1RefusesAtFirst() external {
        onL1.set(true, false);
        WithdrawalTransaction memory w = _backTo(address(onL1));
        vm.assertTrue(l1Messenger.failedMessages(keccak256(w.data)));
        vm.assertEq(nft.ownerOf(7), address(l1NftBridge));
        vm.assertTrue(l1NftBridge.deposits(address(nft), address(twin), 7));
        onL1.set(false, false);
        (bool ok,) = address(l1Messenger).call(w.data);
        vm.assertTrue(ok);
        vm.assertEq(nft.ownerOf(7), address(onL1));
        vm.assertFalse(l1NftBridge.deposits(address(nft), address(twin), 7));
    }

    function test_attack_receiverOnL2RefusesAtFirst() external {
        onL2.set(true, false);
        Deposit memory d = _depositTo(address(onL2));
        vm.assertTrue(l2Messenger.failedMessages(keccak256(d.data)));
        vm.assertEq(twin.totalSupply(), 0);
        onL2.set(false, false);
        (bool ok,) = address(l2Messenger).call(d.data);
        vm.assertTrue(ok);
        vm.assertEq(twin.ownerOf(7), address(onL2));
    }

    function test_attack_nftRevertsOnTheWayIn() external {
        HostileNft bad = new HostileNft();
        bad.mint(ALICE, 7);
        bad.set(address(0), address(0), true);
        vm.prank(ALICE, ALICE);
        vm.expectRevert(bytes("no"));
        l1NftBridge.bridgeERC721(address(bad), address(0xbeef), 7, 0, "");
        vm.assertFalse(l1NftBridge.deposits(address(bad), address(0xbeef), 7));
    }

    /// @dev Stuck on the way out, it harms only itself, and waits.
    function test_attack_nftRevertsOnTheWayBack() external {
        HostileNft bad = new HostileNft();
        OptimismMintableERC721 badTwin =
            new OptimismMintableERC721(address(l2NftBridge), 1, address(bad), "Twin", "TWN");
        bad.mint(ALICE, 7);
        vm.startPrank(ALICE, ALICE);
        bad.approve(address(l1NftBridge), 7);
        l1NftBridge.bridgeERC721(address(bad), address(badTwin), 7, 300_000, "");
        vm.stopPrank();
        vm.assertTrue(_carryDeposit());
        bad.set(address(0), address(0), true);
        vm.prank(ALICE, ALICE);
        l2NftBridge.bridgeERC721(address(badTwin), address(bad), 7, 300_000, "");
        WithdrawalTransaction memory w = _lastWithdrawal();
        _withdraw(w);
        vm.assertTrue(l1Messenger.failedMessages(keccak256(w.data)));
        vm.assertTrue(l1NftBridge.deposits(address(bad), address(badTwin), 7));
        bad.set(address(0), address(0), false);
        (bool ok,) = address(l1Messenger).call(w.data);
        vm.assertTrue(ok);
        vm.assertEq(bad.ownerOf(7), ALICE);
    }

    /// @dev Bridged twice at once, it is released once.
    function test_attack_nftBridgesItselfFromItsTransfer() external {
        HostileNft bad = new HostileNft();
        OptimismMintableERC721 badTwin =
            new OptimismMintableERC721(address(l2NftBridge), 1, address(bad), "Twin", "TWN");
        bad.mint(ALICE, 7);
        bad.set(address(l1NftBridge), address(badTwin), false);
        vm.startPrank(ALICE, ALICE);
        bad.approve(address(l1NftBridge), 7);
        l1NftBridge.bridgeERC721(address(bad), address(badTwin), 7, 300_000, "");
        vm.stopPrank();
        vm.assertEq(bad.ownerOf(7), address(l1NftBridge));
        // The twin is minted by one of the two messages; the other finds it there.
        vm.assertTrue(_carryDeposit());
        vm.assertEq(badTwin.totalSupply(), 1);
        vm.prank(ALICE, ALICE);
        l2NftBridge.bridgeERC721(address(badTwin), address(bad), 7, 300_000, "");
        _withdraw(_lastWithdrawal());
        vm.assertEq(bad.ownerOf(7), ALICE);
        vm.assertFalse(l1NftBridge.deposits(address(bad), address(badTwin), 7));
    }

    /// @dev Two collections of one bridge do not share their ids.
    function test_attack_nftOfAnotherCollectionWithTheSameId() external {
        _depositTo(ALICE);
        HostileNft bad = new HostileNft();
        OptimismMintableERC721 badTwin =
            new OptimismMintableERC721(address(l2NftBridge), 1, address(bad), "Twin", "TWN");
        vm.prank(address(l2NftBridge));
        badTwin.safeMint(BOB, 7);
        vm.prank(BOB, BOB);
        vm.expectRevert(ERC721Bridge.BridgeWrongPair.selector);
        l2NftBridge.bridgeERC721(address(badTwin), address(nft), 7, 300_000, "");
        vm.assertEq(nft.ownerOf(7), address(l1NftBridge));
    }
}
