// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Inbox} from "../rollup/l1/Inbox.sol";
import {Rollup} from "./Rollup.sol";

contract InboxTest is Rollup {
    function _blobs(uint256 count) private returns (bytes32[] memory hashes) {
        hashes = new bytes32[](count);
        for (uint256 i; i < count; ++i) {
            hashes[i] = bytes32((uint256(1) << 248) | (uint256(keccak256(abi.encode(i))) >> 8));
        }
        vm.blobhashes(hashes);
    }

    function test_creationAnnouncesTheChain() external {
        vm.expectEmit();
        emit Inbox.RollupCreated(77, "the configuration");
        new Inbox(OWNER, BATCHER, 77, "the configuration");
    }

    function test_batchInBlobs() external {
        for (uint256 count = 1; count <= 6; ++count) {
            bytes32[] memory hashes = _blobs(count);
            vm.expectEmit(address(inbox));
            emit Inbox.BatchSubmitted(uint64(count - 1), hashes);
            vm.prank(BATCHER, BATCHER);
            inbox.submitBatch();
        }
        vm.assertEq(inbox.batchCount(), 6);
    }

    function testFuzz_batchInCalldata(bytes calldata data) external {
        vm.assume(data.length > 0);
        vm.expectEmit(address(inbox));
        emit Inbox.BatchSubmittedCalldata(0, keccak256(data));
        vm.prank(BATCHER, BATCHER);
        inbox.submitBatchCalldata(data);
    }

    function test_batchesInCalldataOfAllLengths() external {
        for (uint256 length = 1; length < 100; ++length) {
            vm.prank(BATCHER, BATCHER);
            inbox.submitBatchCalldata(new bytes(length));
        }
        vm.assertEq(inbox.batchCount(), 99);
    }

    function test_emptyBatchesAreRefused() external {
        _blobs(0);
        vm.prank(BATCHER, BATCHER);
        vm.expectRevert(Inbox.NoBlobs.selector);
        inbox.submitBatch();
        vm.prank(BATCHER, BATCHER);
        vm.expectRevert(Inbox.EmptyBatch.selector);
        inbox.submitBatchCalldata("");
    }

    function test_attack_unknownBatcher() external {
        _blobs(1);
        vm.prank(ALICE, ALICE);
        vm.expectRevert(Inbox.NotBatcher.selector);
        inbox.submitBatch();
        vm.prank(ALICE, ALICE);
        vm.expectRevert(Inbox.NotBatcher.selector);
        inbox.submitBatchCalldata(hex"01");
        vm.prank(ALICE, BATCHER);
        vm.expectRevert(Inbox.NotBatcher.selector);
        inbox.submitBatchCalldata(hex"01");
    }

    /// @dev The calldata of an inner call is not in the transaction, where a verifier looks for it.
    function test_attack_batchFromAnInnerCall() external {
        _blobs(1);
        vm.prank(BATCHER, ALICE);
        vm.expectRevert(Inbox.NotTopLevel.selector);
        inbox.submitBatchCalldata(hex"01");
        vm.etch(BATCHER, abi.encodePacked(hex"ef0100", ALICE));
        vm.prank(BATCHER, BATCHER);
        vm.expectRevert(Inbox.NotTopLevel.selector);
        inbox.submitBatchCalldata(hex"01");
        vm.prank(BATCHER, BATCHER);
        vm.expectRevert(Inbox.NotTopLevel.selector);
        inbox.submitBatch();
    }

    function _refused(bytes memory call_) private {
        vm.prank(BATCHER, BATCHER);
        (bool ok, bytes memory reason) = address(inbox).call(call_);
        vm.assertFalse(ok);
        vm.assertEq(bytes32(bytes4(reason)), bytes32(Inbox.NonCanonicalCalldata.selector));
        vm.assertEq(inbox.batchCount(), 0);
    }

    /// @dev The same bytes at another place of the calldata.
    function test_attack_batchThatAVerifierWouldNotFind() external {
        _refused(
            abi.encodePacked(
                Inbox.submitBatchCalldata.selector, uint256(0x40), uint256(0), uint256(1), bytes32(hex"01")
            )
        );
    }

    function test_attack_batchWithBytesAfterIt() external {
        bytes memory call_ = abi.encodeCall(inbox.submitBatchCalldata, (hex"01"));
        _refused(bytes.concat(call_, hex"00"));
        _refused(bytes.concat(call_, bytes32(0)));
        call_ = abi.encodeCall(inbox.submitBatchCalldata, (new bytes(32)));
        _refused(bytes.concat(call_, hex"00"));
        _refused(bytes.concat(call_, bytes32(0)));
    }

    function test_attack_batchWithoutItsPadding() external {
        for (uint256 padding; padding < 31; ++padding) {
            _refused(
                abi.encodePacked(
                    Inbox.submitBatchCalldata.selector, uint256(0x20), uint256(1), hex"01", new bytes(padding)
                )
            );
        }
    }

    function test_attack_batchWithOtherPadding() external {
        for (uint256 place = 1; place < 32; ++place) {
            bytes memory word = new bytes(32);
            word[place] = 0x01;
            _refused(abi.encodePacked(Inbox.submitBatchCalldata.selector, uint256(0x20), uint256(1), word));
        }
    }

    /// @dev What the inbox takes is what an encoder writes, whatever surrounds the bytes.
    function testFuzz_onlyTheCanonicalEncodingIsABatch(uint8 offset, uint8 length, bytes calldata rest) external {
        bytes memory call_ =
            abi.encodePacked(Inbox.submitBatchCalldata.selector, uint256(offset), uint256(length), rest);
        vm.prank(BATCHER, BATCHER);
        (bool ok,) = address(inbox).call(call_);
        bool canonical = offset == 0x20 && length > 0 && length <= rest.length
            && keccak256(call_) == keccak256(abi.encodeCall(inbox.submitBatchCalldata, (rest[:length])));
        vm.assertTrue(ok == canonical);
    }

    function test_ownerAppointsTheBatcher() external {
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, ALICE));
        inbox.setBatcher(ALICE);
        vm.expectEmit(address(inbox));
        emit Inbox.BatcherSet(BATCHER, ALICE);
        vm.prank(OWNER);
        inbox.setBatcher(ALICE);
        vm.prank(ALICE, ALICE);
        inbox.submitBatchCalldata(hex"01");
        vm.prank(BATCHER, BATCHER);
        vm.expectRevert(Inbox.NotBatcher.selector);
        inbox.submitBatchCalldata(hex"01");
    }

    function test_aBatchIsCheap() external {
        _blobs(6);
        vm.prank(BATCHER, BATCHER);
        inbox.submitBatch();
        uint256 before = gasleft();
        vm.prank(BATCHER, BATCHER);
        inbox.submitBatch();
        vm.assertLe(before - gasleft(), 16_000);
    }
}
