// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {OptimismMintableERC721} from "../rollup/l2/OptimismMintableERC721.sol";
import {OptimismMintableERC721Factory} from "../rollup/l2/OptimismMintableERC721Factory.sol";
import {BridgeBase} from "../shared/BridgeBase.sol";
import {ERC721Bridge} from "../shared/ERC721Bridge.sol";
import {WithdrawalTransaction} from "../shared/Types.sol";
import {Rollup} from "./Rollup.sol";
import {LyingNft, Nft} from "./Tokens.sol";

contract ERC721BridgeTest is Rollup {
    Nft private nft;
    OptimismMintableERC721 private twin;

    function setUp() public override {
        super.setUp();
        nft = new Nft();
        nft.mint(ALICE, 7);
        OptimismMintableERC721Factory maker = new OptimismMintableERC721Factory(address(l2NftBridge), 1);
        twin = OptimismMintableERC721(maker.createOptimismMintableERC721(address(nft), "Twin", "TWN"));
        vm.assertTrue(maker.isOptimismMintableERC721(address(twin)));
        vm.prank(ALICE);
        nft.approve(address(l1NftBridge), 7);
    }

    function _deposit() private {
        vm.prank(ALICE, ALICE);
        l1NftBridge.bridgeERC721(address(nft), address(twin), 7, 300_000, "");
        vm.assertTrue(_carryDeposit());
    }

    function test_nftThereAndBack() external {
        _deposit();
        vm.assertEq(nft.ownerOf(7), address(l1NftBridge));
        vm.assertEq(twin.ownerOf(7), ALICE);
        vm.assertEq(
            twin.tokenURI(7),
            string.concat(twin.baseTokenURI(), "7")
        );
        vm.prank(ALICE, ALICE);
        l2NftBridge.bridgeERC721To(address(twin), address(nft), BOB, 7, 300_000, "");
        _withdraw(_lastWithdrawal());
        vm.assertEq(nft.ownerOf(7), BOB);
        vm.assertEq(twin.totalSupply(), 0);
        vm.assertFalse(l1NftBridge.deposits(address(nft), address(twin), 7));
    }

    function test_attack_nftOfAnother() external {
        _deposit();
        vm.prank(BOB, BOB);
        vm.expectRevert(ERC721Bridge.BridgeNotOwner.selector);
        l2NftBridge.bridgeERC721(address(twin), address(nft), 7, 300_000, "");
    }

    function test_attack_nftThatLies() external {
        LyingNft liar = new LyingNft();
        vm.prank(ALICE, ALICE);
        vm.expectRevert(ERC721Bridge.BridgeNotOwner.selector);
        l1NftBridge.bridgeERC721(address(liar), address(twin), 7, 300_000, "");
    }

    function test_attack_twinOfTheAttacker() external {
        _deposit();
        OptimismMintableERC721 fake =
            new OptimismMintableERC721(address(l2NftBridge), 1, address(nft), "Fake", "FAKE");
        // The attacker's NFT of the same id, bridged for the fake twin of the real collection.
        vm.prank(address(l2NftBridge));
        fake.safeMint(BOB, 7);
        vm.prank(BOB, BOB);
        l2NftBridge.bridgeERC721(address(fake), address(nft), 7, 300_000, "");
        _withdraw(_lastWithdrawal());
        vm.assertEq(nft.ownerOf(7), address(l1NftBridge));
    }

    function test_attack_strangerFinalizes() external {
        _deposit();
        vm.prank(BOB, BOB);
        vm.expectRevert(BridgeBase.BridgeOnlyOtherBridge.selector);
        l1NftBridge.finalizeBridgeERC721(address(nft), address(twin), BOB, BOB, 7, "");
    }

    function test_attack_strangerMints() external {
        vm.expectRevert(OptimismMintableERC721.OnlyBridge.selector);
        twin.safeMint(BOB, 1);
        vm.expectRevert(OptimismMintableERC721.OnlyBridge.selector);
        twin.burn(BOB, 1);
    }

    /// @dev A contract that takes no NFTs: the message waits and can be repeated.
    function test_attack_receiverRefuses() external {
        vm.prank(ALICE, ALICE);
        l1NftBridge.bridgeERC721To(address(nft), address(twin), address(this), 7, 300_000, "");
        vm.assertTrue(_carryDeposit());
        vm.assertEq(twin.totalSupply(), 0);
        vm.assertEq(nft.ownerOf(7), address(l1NftBridge));
    }

    function test_contractsMustNameARecipient() external {
        vm.expectRevert(BridgeBase.BridgeOnlyEOA.selector);
        l1NftBridge.bridgeERC721(address(nft), address(twin), 7, 0, "");
        vm.expectRevert(ERC721Bridge.BridgeBadRecipient.selector);
        l1NftBridge.bridgeERC721To(address(nft), address(twin), address(0), 7, 0, "");
    }

    /// @dev Even if the messenger delivered, the bridge would hand nothing out.
    function test_pauseStopsHandingOut() external {
        _deposit();
        vm.prank(GUARDIAN);
        registry.pause();
        vm.mockCall(
            address(l1Messenger),
            abi.encodeCall(l1Messenger.xDomainMessageSender, ()),
            abi.encode(address(l2NftBridge))
        );
        vm.prank(address(l1Messenger));
        vm.expectRevert(BridgeBase.BridgePaused.selector);
        l1NftBridge.finalizeBridgeERC721(address(nft), address(twin), ALICE, BOB, 7, "");
        vm.prank(GUARDIAN);
        registry.unpause();
        vm.prank(address(l1Messenger));
        l1NftBridge.finalizeBridgeERC721(address(nft), address(twin), ALICE, BOB, 7, "");
        vm.assertEq(nft.ownerOf(7), BOB);
    }

    function test_wrongPairs() external {
        vm.startPrank(ALICE, ALICE);
        vm.expectRevert(ERC721Bridge.BridgeBadToken.selector);
        l1NftBridge.bridgeERC721(address(nft), address(0), 7, 0, "");
        vm.expectRevert(ERC721Bridge.BridgeWrongPair.selector);
        l2NftBridge.bridgeERC721(address(nft), address(twin), 7, 0, "");
        vm.expectRevert(ERC721Bridge.BridgeWrongPair.selector);
        l2NftBridge.bridgeERC721(address(twin), address(twin), 7, 0, "");
    }
}
