// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {AnchorStateRegistry} from "../rollup/l1/AnchorStateRegistry.sol";
import {DisputeGameFactory} from "../rollup/l1/DisputeGameFactory.sol";
import {IDisputeGame} from "../rollup/l1/IDispute.sol";
import {ProposalGame} from "../rollup/l1/ProposalGame.sol";
import {GameStatus} from "../shared/Types.sol";
import {Rollup} from "./Rollup.sol";

contract GamesTest is Rollup {
    function _create(bytes32 root, uint256 number) private returns (ProposalGame) {
        vm.prank(PROPOSER, PROPOSER);
        return ProposalGame(address(factory.create(1, root, abi.encode(number))));
    }

    function test_game() external {
        bytes32 parent = blockhash(block.number - 1);
        ProposalGame game = _create(keccak256("root"), 7);
        vm.assertEq(game.gameType(), 1);
        vm.assertEq(game.rootClaim(), keccak256("root"));
        vm.assertEq(game.l2SequenceNumber(), 7);
        vm.assertEq(game.l2BlockNumber(), 7);
        vm.assertEq(game.extraData(), abi.encode(7));
        vm.assertEq(game.l1Head(), parent);
        vm.assertEq(game.gameCreator(), PROPOSER);
        vm.assertEq(game.createdAt(), block.timestamp);
        vm.assertEq(game.maxClockDuration(), CLOCK);
        vm.assertEq(game.l2ChainId(), L2_CHAIN_ID);
        vm.assertTrue(game.wasRespectedGameTypeWhenCreated());
        (uint32 type_, bytes32 root, bytes memory extra) = game.gameData();
        vm.assertEq(keccak256(abi.encode(type_, root, extra)), factory.getGameUUID(1, keccak256("root"), abi.encode(7)));
        (IDisputeGame known, uint64 time) = factory.games(1, root, extra);
        vm.assertEq(address(known), address(game));
        vm.assertEq(time, block.timestamp);
    }

    function test_claimStandsWithoutATransaction() external {
        ProposalGame game = _create(keccak256("root"), 7);
        vm.warp(block.timestamp + CLOCK - 1);
        vm.assertTrue(game.status() == GameStatus.IN_PROGRESS);
        vm.assertEq(game.resolvedAt(), 0);
        vm.expectRevert(ProposalGame.ClockNotExpired.selector);
        game.resolve();
        vm.warp(block.timestamp + 1);
        vm.assertTrue(game.status() == GameStatus.DEFENDER_WINS);
        vm.assertEq(game.resolvedAt(), game.createdAt() + CLOCK);
        vm.warp(block.timestamp + 1000);
        vm.assertEq(game.resolvedAt(), game.createdAt() + CLOCK);
    }

    function test_resolveMovesTheAnchorIfItMay() external {
        ProposalGame early = _create(keccak256("early"), 7);
        vm.warp(block.timestamp + CLOCK);
        vm.expectEmit(address(early));
        emit IDisputeGame.Resolved(GameStatus.DEFENDER_WINS);
        early.resolve();
        (bytes32 root, uint256 number) = registry.getAnchorRoot();
        vm.assertEq(root, keccak256("genesis"));
        vm.assertEq(number, 0);
        vm.expectRevert(ProposalGame.GameNotInProgress.selector);
        early.resolve();

        ProposalGame late = _create(keccak256("late"), 8);
        vm.warp(block.timestamp + CLOCK + FINALITY + 1);
        late.resolve();
        (root, number) = registry.anchors(1);
        vm.assertEq(root, keccak256("late"));
        vm.assertEq(number, 8);
        vm.assertEq(address(registry.anchorGame()), address(late));
        // The older game is final too, but no news.
        vm.expectRevert(AnchorStateRegistry.AnchorStateRegistry_InvalidAnchorGame.selector);
        registry.setAnchorState(early);
        // New claims start beyond the anchor.
        vm.prank(PROPOSER, PROPOSER);
        vm.expectRevert(abi.encodeWithSelector(ProposalGame.UnexpectedRootClaim.selector, keccak256("x")));
        factory.create(1, keccak256("x"), abi.encode(8));
    }

    function test_attack_strangerProposes() external {
        vm.prank(ALICE, ALICE);
        vm.expectRevert(ProposalGame.BadAuth.selector);
        factory.create(1, keccak256("x"), abi.encode(7));
        // Nor as a contract that the proposer calls.
        vm.prank(ALICE, PROPOSER);
        vm.expectRevert(ProposalGame.BadAuth.selector);
        factory.create(1, keccak256("x"), abi.encode(7));
    }

    function test_attack_sameClaimWithOtherExtraData() external {
        _create(keccak256("root"), 7);
        bytes32 uuid = factory.getGameUUID(1, keccak256("root"), abi.encode(7));
        vm.prank(PROPOSER, PROPOSER);
        vm.expectRevert(abi.encodeWithSelector(DisputeGameFactory.GameAlreadyExists.selector, uuid));
        factory.create(1, keccak256("root"), abi.encode(7));
        vm.prank(PROPOSER, PROPOSER);
        vm.expectRevert(ProposalGame.BadExtraData.selector);
        factory.create(1, keccak256("root"), abi.encode(7, 0));
        vm.prank(PROPOSER, PROPOSER);
        vm.expectRevert(ProposalGame.BadExtraData.selector);
        factory.create(1, keccak256("root"), hex"07");
    }

    function test_attack_initializeAgainOrOutsideTheFactory() external {
        ProposalGame game = _create(keccak256("root"), 7);
        vm.expectRevert(ProposalGame.AlreadyInitialized.selector);
        game.initialize();
        vm.expectRevert(ProposalGame.BadAuth.selector);
        impl.initialize();
    }

    /// @dev A game of another deployment, or none at all, is not to be believed.
    function test_attack_gameThatTheFactoryDidNotMake() external {
        ProposalGame real = _create(keccak256("root"), 7);
        FakeGame fake = new FakeGame(real);
        vm.warp(block.timestamp + CLOCK + FINALITY + 1);
        vm.assertTrue(registry.isGameClaimValid(real));
        vm.assertFalse(registry.isGameRegistered(IDisputeGame(address(fake))));
        vm.assertFalse(registry.isGameProper(IDisputeGame(address(fake))));
        vm.assertFalse(registry.isGameClaimValid(IDisputeGame(address(fake))));
        vm.expectRevert(AnchorStateRegistry.AnchorStateRegistry_InvalidAnchorGame.selector);
        registry.setAnchorState(IDisputeGame(address(fake)));
    }

    function test_attack_bondThatWouldBeLost() external {
        vm.prank(OWNER);
        factory.setInitBond(1, 1 ether);
        vm.deal(PROPOSER, 2 ether);
        vm.prank(PROPOSER, PROPOSER);
        vm.expectRevert(DisputeGameFactory.IncorrectBondAmount.selector);
        factory.create(1, keccak256("root"), abi.encode(7));
        vm.prank(PROPOSER, PROPOSER);
        vm.expectRevert(ProposalGame.IncorrectBondAmount.selector);
        factory.create{value: 1 ether}(1, keccak256("root"), abi.encode(7));
    }

    function _createOn(uint256 number, bytes32 hash) private returns (ProposalGame) {
        vm.prank(PROPOSER, PROPOSER);
        return ProposalGame(address(factory.createOnL1Block(1, keccak256("root"), abi.encode(7), number, hash)));
    }

    function test_proposalOnAnL1Block() external {
        uint256 number = block.number - 2;
        vm.setBlockhash(number, keccak256("fork"));
        ProposalGame game = _createOn(number, keccak256("fork"));
        vm.assertEq(game.gameCreator(), PROPOSER);
        vm.assertEq(game.rootClaim(), keccak256("root"));
        vm.assertEq(game.l2SequenceNumber(), 7);
        vm.assertEq(game.l1Head(), blockhash(block.number - 1));
        vm.assertTrue(registry.isGameProper(game));
        // The block that was named is no part of what makes a game.
        bytes32 uuid = factory.getGameUUID(1, keccak256("root"), abi.encode(7));
        vm.prank(PROPOSER, PROPOSER);
        vm.expectRevert(abi.encodeWithSelector(DisputeGameFactory.GameAlreadyExists.selector, uuid));
        factory.create(1, keccak256("root"), abi.encode(7));
    }

    /// @dev The transaction was valid on one fork; after a reorg a stranger sends the same bytes again.
    function test_attack_proposalOfAnOrphanedFork() external {
        uint256 number = block.number - 2;
        vm.setBlockhash(number, keccak256("other fork"));
        vm.prank(PROPOSER, PROPOSER);
        vm.expectRevert(DisputeGameFactory.L1BlockMismatch.selector);
        factory.createOnL1Block(1, keccak256("root"), abi.encode(7), number, keccak256("fork"));
        vm.assertEq(factory.gameCount(), 0);
    }

    /// @dev The hash of a block that the EVM does not know reads as zero, which a claim could name.
    function test_attack_proposalOnAnUnknownL1Block() external {
        vm.roll(1000);
        uint256[4] memory unknown = [block.number - 257, block.number, block.number + 1, type(uint256).max];
        for (uint256 i; i < unknown.length; ++i) {
            vm.prank(PROPOSER, PROPOSER);
            vm.expectRevert(DisputeGameFactory.L1BlockMismatch.selector);
            factory.createOnL1Block(1, keccak256("root"), abi.encode(7), unknown[i], 0);
        }
        vm.setBlockhash(block.number - 256, keccak256("fork"));
        _createOn(block.number - 256, keccak256("fork"));
    }

    function test_attack_strangerProposesOnAnL1Block() external {
        vm.setBlockhash(99, keccak256("fork"));
        vm.prank(ALICE, ALICE);
        vm.expectRevert(ProposalGame.BadAuth.selector);
        factory.createOnL1Block(1, keccak256("root"), abi.encode(7), 99, keccak256("fork"));
    }

    function test_unknownType() external {
        vm.prank(PROPOSER, PROPOSER);
        vm.expectRevert(abi.encodeWithSelector(DisputeGameFactory.NoImplementation.selector, uint32(9)));
        factory.create(9, keccak256("root"), abi.encode(7));
    }

    function test_blacklistedAnchorIsTakenBack() external {
        ProposalGame game = _create(keccak256("root"), 7);
        vm.warp(block.timestamp + CLOCK + FINALITY + 1);
        registry.setAnchorState(game);
        vm.prank(GUARDIAN);
        registry.blacklistDisputeGame(game);
        (bytes32 root,) = registry.getAnchorRoot();
        vm.assertEq(root, keccak256("genesis"));
        vm.assertFalse(registry.isGameProper(game));
        vm.assertTrue(portal.disputeGameBlacklist(game));
    }

    /// @dev A bad claim far ahead, once the anchor, must not keep honest claims out after its retirement.
    function test_attack_retiredGameStaysTheAnchor() external {
        ProposalGame game = _create(keccak256("bad"), type(uint256).max);
        vm.warp(block.timestamp + CLOCK + FINALITY + 1);
        registry.setAnchorState(game);
        vm.expectEmit(address(registry));
        emit AnchorStateRegistry.AnchorUpdated(IDisputeGame(address(0)));
        vm.prank(GUARDIAN);
        registry.updateRetirementTimestamp();
        vm.assertEq(address(registry.anchorGame()), address(0));
        (bytes32 root, uint256 number) = registry.getAnchorRoot();
        vm.assertEq(root, keccak256("genesis"));
        vm.assertEq(number, 0);
        vm.expectRevert(AnchorStateRegistry.AnchorStateRegistry_InvalidAnchorGame.selector);
        registry.setAnchorState(game);
        // Games that follow count again.
        vm.warp(game.createdAt() + 1000);
        ProposalGame honest = _create(keccak256("honest"), 8);
        vm.warp(game.createdAt() + 1000 + CLOCK + FINALITY + 1);
        registry.setAnchorState(honest);
        (root, number) = registry.getAnchorRoot();
        vm.assertEq(root, keccak256("honest"));
        vm.assertEq(number, 8);
    }

    function test_attack_strangerAsGuardianOrOwner() external {
        ProposalGame game = _create(keccak256("root"), 7);
        vm.startPrank(ALICE, ALICE);
        bytes4 error_ = AnchorStateRegistry.AnchorStateRegistry_Unauthorized.selector;
        vm.expectRevert(error_);
        registry.blacklistDisputeGame(game);
        vm.expectRevert(error_);
        registry.updateRetirementTimestamp();
        vm.expectRevert(error_);
        registry.setRespectedGameType(0);
        vm.expectRevert(error_);
        registry.pause();
        vm.expectRevert(error_);
        registry.unpause();
        bytes memory owner = abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, ALICE);
        vm.expectRevert(owner);
        factory.setImplementation(1, ALICE);
        vm.expectRevert(owner);
        factory.setInitBond(1, 1);
    }

    function testFuzz_findLatestGames(uint8 count, uint8 start, uint8 n) external {
        count = uint8(_bound(count, 0, 20));
        vm.prank(OWNER);
        factory.setImplementation(2, address(impl));
        for (uint256 i; i < count; ++i) {
            vm.prank(PROPOSER, PROPOSER);
            // Every third is of another type.
            factory.create(i % 3 == 2 ? 2 : 1, keccak256(abi.encode(i)), abi.encode(100 + i));
        }
        DisputeGameFactory.GameSearchResult[] memory found = factory.findLatestGames(1, start, n);
        uint256 expected;
        if (start < count) {
            for (uint256 i = uint256(start) + 1; i > 0 && expected < n; --i) {
                if ((i - 1) % 3 == 2) continue;
                (uint32 type_, uint64 time, IDisputeGame game) = factory.gameAtIndex(i - 1);
                vm.assertEq(type_, 1);
                vm.assertEq(found[expected].index, i - 1);
                vm.assertEq(found[expected].timestamp, time);
                vm.assertEq(found[expected].rootClaim, keccak256(abi.encode(i - 1)));
                vm.assertEq(found[expected].extraData, abi.encode(99 + i));
                vm.assertEq(address(uint160(uint256(found[expected].metadata))), address(game));
                ++expected;
            }
        }
        vm.assertEq(found.length, expected);
    }

    function test_attack_searchForMoreGamesThanFitInMemory() external {
        _create(keccak256("root"), 7);
        vm.assertEq(factory.findLatestGames(1, 0, type(uint256).max).length, 1);
    }
}

/// @dev Copies what a game says, but was not made by the factory.
contract FakeGame {
    ProposalGame private immutable real;

    constructor(ProposalGame real_) {
        real = real_;
    }

    fallback() external {
        (, bytes memory out) = address(real).staticcall(msg.data);
        assembly ("memory-safe") {
            return(add(out, 0x20), mload(out))
        }
    }
}
