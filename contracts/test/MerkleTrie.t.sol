// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MerkleTrie} from "../shared/MerkleTrie.sol";
import {Rlp} from "../shared/Rlp.sol";
import {Test} from "./Test.sol";
import {TrieMaker} from "./TrieMaker.sol";

contract MerkleTrieTest is Test {
    function get(bytes32 key, bytes32 root, bytes[] calldata proof) external pure returns (bytes memory) {
        return MerkleTrie.get(key, root, proof);
    }

    function _one(bytes memory n) private pure returns (bytes[] memory proof) {
        proof = new bytes[](1);
        proof[0] = n;
    }

    function _keys(uint256 count, uint256 seed) private pure returns (bytes32[] memory keys) {
        keys = new bytes32[](count);
        for (uint256 i; i < count; ++i) {
            keys[i] = keccak256(abi.encode(seed, i));
        }
    }

    function testFuzz_everyKeyOfATrieIsProven(uint256 seed, uint8 count, bool all) external view {
        bytes32[] memory keys = _keys(_bound(count, 1, 24), seed);
        bytes memory value = seed % 2 == 0 ? bytes(hex"01") : abi.encode(seed);
        bytes32 root = keccak256(TrieMaker.node(keys, 0, value));
        for (uint256 i; i < keys.length; ++i) {
            vm.assertEq(this.get(keys[i], root, TrieMaker.proof(keys, keys[i], value, all)), value);
        }
    }

    /// @dev Keys that agree in all but their last bytes have leaves short enough to lie inside the branch.
    function testFuzz_nodesInsideTheirParentAreProven(uint256 seed, uint16 low, bool all) external view {
        bytes32[] memory keys = new bytes32[](4);
        for (uint256 i; i < 4; ++i) {
            keys[i] = bytes32((seed >> 16 << 16) | uint16(uint256(low) + i * 0x1357));
        }
        bytes32 root = keccak256(TrieMaker.node(keys, 0, hex"01"));
        for (uint256 i; i < 4; ++i) {
            vm.assertEq(this.get(keys[i], root, TrieMaker.proof(keys, keys[i], hex"01", all)), hex"01");
        }
    }

    function testFuzz_aKeyThatIsNotThereIsNotProven(uint256 seed, bytes32 other, uint8 as_) external {
        bytes32[] memory keys = _keys(8, seed);
        for (uint256 i; i < 8; ++i) {
            vm.assume(keys[i] != other);
        }
        bytes32 root = keccak256(TrieMaker.node(keys, 0, hex"01"));
        bytes[] memory proof = TrieMaker.proof(keys, keys[as_ % 8], hex"01", false);
        vm.expectRevert();
        this.get(other, root, proof);
    }

    function testFuzz_aChangedByteBreaksTheProof(uint256 seed, uint256 where, uint8 flip, bool all) external {
        vm.assume(flip != 0);
        bytes32[] memory keys = _keys(12, seed);
        bytes32 root = keccak256(TrieMaker.node(keys, 0, hex"01"));
        bytes[] memory proof = TrieMaker.proof(keys, keys[0], hex"01", all);
        bytes memory n = proof[where % proof.length];
        uint256 place = (where >> 32) % n.length;
        n[place] = bytes1(uint8(n[place]) ^ flip);
        vm.expectRevert();
        this.get(keys[0], root, proof);
    }

    function testFuzz_aShorterOrLongerProofIsRefused(uint256 seed, bytes calldata extra) external {
        bytes32[] memory keys = _keys(12, seed);
        bytes32 root = keccak256(TrieMaker.node(keys, 0, hex"01"));
        bytes[] memory proof = TrieMaker.proof(keys, keys[0], hex"01", false);
        bytes[] memory longer = new bytes[](proof.length + 1);
        for (uint256 i; i < proof.length; ++i) {
            longer[i] = proof[i];
        }
        longer[proof.length] = extra;
        vm.expectRevert(MerkleTrie.TrieUnusedProof.selector);
        this.get(keys[0], root, longer);

        assembly ("memory-safe") {
            mstore(proof, sub(mload(proof), 1))
        }
        vm.expectRevert();
        this.get(keys[0], root, proof);
    }

    function test_anEmptyProofIsRefused() external {
        vm.expectRevert(MerkleTrie.TrieEmptyProof.selector);
        this.get(0, keccak256(hex"80"), new bytes[](0));
    }

    function test_theEmptyTrieProvesNothing() external {
        vm.expectRevert(MerkleTrie.TrieBadNode.selector);
        this.get(0, keccak256(hex"80"), _one(hex"80"));
    }

    /// @dev Roots below are chosen by the attacker: the shape of the node alone must stop it.
    function _refused(bytes memory n) private {
        vm.expectRevert();
        this.get(0, keccak256(n), _one(n));
    }

    function _leaf(bytes memory path, bytes memory value) private pure returns (bytes memory) {
        return TrieMaker.list(bytes.concat(TrieMaker.str(path), TrieMaker.str(value)));
    }

    function test_attack_malformedNodes() external {
        bytes memory path = TrieMaker.path(0, 0, 64, true);
        vm.assertEq(this.get(0, keccak256(_leaf(path, hex"01")), _one(_leaf(path, hex"01"))), hex"01");

        // A path with a flag that does not exist, one with a padding that is not zero, a short and a long one.
        _refused(_leaf(bytes.concat(hex"40", bytes32(0)), hex"01"));
        _refused(_leaf(bytes.concat(hex"21", bytes32(0)), hex"01"));
        _refused(_leaf(TrieMaker.path(0, 0, 62, true), hex"01"));
        _refused(_leaf(bytes.concat(hex"20", bytes32(0), hex"00"), hex"01"));
        _refused(_leaf("", hex"01"));
        // No value, or a list for one.
        _refused(_leaf(path, ""));
        _refused(TrieMaker.list(bytes.concat(TrieMaker.str(path), hex"c101")));
        // A list as the path.
        _refused(TrieMaker.list(bytes.concat(TrieMaker.list(path), hex"01")));
        // One, three and eighteen items.
        _refused(TrieMaker.list(TrieMaker.str(path)));
        _refused(TrieMaker.list(bytes.concat(TrieMaker.str(path), hex"0101")));
        _refused(TrieMaker.list(hex"808080808080808080808080808080808080"));
        // An extension of length zero, which could be repeated for ever, and one that leads nowhere.
        _refused(TrieMaker.list(hex"00c22001"));
        _refused(_leaf(TrieMaker.path(0, 0, 64, false), hex"01"));
        _refused(_leaf(TrieMaker.path(0, 0, 2, false), hex"01"));
        // Bytes after the node, and a node that claims more than there is.
        _refused(bytes.concat(_leaf(path, hex"01"), hex"00"));
        _refused(hex"f8ff2001");
        _refused(hex"ff");
        _refused("");
    }

    function test_attack_rlpNotCanonical() external {
        bytes memory path = TrieMaker.str(TrieMaker.path(0, 0, 64, true));
        // A long form where the short one fits, a length with a leading zero, a byte that encodes itself.
        _refused(bytes.concat(hex"f823", path, hex"01"));
        _refused(bytes.concat(hex"f90023", path, hex"01"));
        _refused(TrieMaker.list(bytes.concat(path, hex"8101")));
    }

    /// @dev A child that lies inside its parent must be shorter than a hash.
    function test_attack_longNodeInsideItsParent() external {
        bytes32 key = 0;
        bytes memory leaf = _leaf(TrieMaker.path(key, 1, 63, true), hex"01");
        bytes memory items = leaf;
        for (uint256 i; i < 16; ++i) {
            items = bytes.concat(items, hex"80");
        }
        vm.expectRevert(MerkleTrie.TrieBadNode.selector);
        this.get(key, keccak256(TrieMaker.list(items)), _one(TrieMaker.list(items)));
    }

    function testFuzz_noInputIsProvenByChance(bytes32 key, bytes[] calldata proof) external {
        vm.assume(proof.length > 0);
        // Only a leaf with the whole key could be right.
        vm.assume(proof[0].length < 34);
        vm.expectRevert();
        this.get(key, keccak256(proof[0]), proof);
    }

    function read(bytes calldata input, uint256 pos) external pure returns (bool, uint256, uint256) {
        return Rlp.read(input, pos);
    }

    function testFuzz_rlpNeverReadsOutside(bytes calldata input, uint256 pos) external view {
        try this.read(input, pos) returns (bool, uint256 payload, uint256 size) {
            vm.assertLe(payload + size, input.length);
            vm.assertGe(payload, pos);
        } catch {}
    }
}
