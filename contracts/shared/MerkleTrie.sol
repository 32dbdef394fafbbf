// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Rlp} from "./Rlp.sol";

/// @title MerkleTrie
/// @notice Verifies that a key of 32 bytes has a value in an Ethereum Merkle Patricia trie (Yellow Paper, appendix D).
/// @dev    A node shorter than 32 bytes lies inside its parent. Proofs as `eth_getProof` gives them leave it out;
///         clients of the OP Stack repeat it as an element of its own. Both are accepted, nothing else is: every
///         element must be used, every node must be well-formed in all its parts.
library MerkleTrie {
    error TrieEmptyProof();
    error TrieWrongHash();
    error TrieBadNode();
    error TriePathDiffers();
    error TrieKeyAbsent();
    error TrieUnusedProof();

    uint256 private constant KEY_NIBBLES = 64;

    /// @notice The value of `key` under `root`; reverts unless the proof shows one.
    /// @param key   Path in the trie. In a secure trie that is the hash of the key that users see.
    /// @param root  Root hash of the trie.
    /// @param proof Encoded nodes from the root down to the leaf.
    function get(bytes32 key, bytes32 root, bytes[] calldata proof) internal pure returns (bytes calldata) {
        if (proof.length == 0) revert TrieEmptyProof();
        bytes calldata node = proof[0];
        if (keccak256(node) != root) revert TrieWrongHash();

        uint256 next = 1;
        uint256 depth = 0;
        while (true) {
            uint256[17] memory starts;
            uint256 wanted = 1;
            if (_open(node, starts)) {
                wanted = _nibble(key, depth);
                ++depth;
            } else {
                (bool leaf, uint256 length) = _follow(_string(node, starts[0]), key, depth);
                depth += length;
                if (leaf) {
                    if (depth != KEY_NIBBLES) revert TriePathDiffers();
                    if (next != proof.length) revert TrieUnusedProof();
                    return _string(node, starts[1]);
                }
                if (length == 0) revert TrieBadNode();
            }
            // All keys have the same length, so that no path ends before a leaf.
            if (depth >= KEY_NIBBLES) revert TriePathDiffers();
            (node, next) = _descend(node, starts[wanted], proof, next);
        }
        // The loop is left by returning or reverting only.
        revert TrieBadNode();
    }

    /// @dev The child that the item at `start` of `node` stands for, and the number of proof elements used then.
    function _descend(bytes calldata node, uint256 start, bytes[] calldata proof, uint256 next)
        private
        pure
        returns (bytes calldata child, uint256 used)
    {
        (bool inside, uint256 payload, uint256 size) = Rlp.read(node, start);
        if (inside) {
            child = node[start:payload + size];
            if (child.length >= 32) revert TrieBadNode();
            bool repeated = next < proof.length && keccak256(proof[next]) == keccak256(child);
            return (child, repeated ? next + 1 : next);
        }
        if (size == 0) revert TrieKeyAbsent();
        if (size != 32) revert TrieBadNode();
        if (next == proof.length) revert TrieKeyAbsent();
        child = proof[next];
        if (keccak256(child) != bytes32(node[payload:payload + 32])) revert TrieWrongHash();
        return (child, next + 1);
    }

    /// @dev The string at `start`, which must not be empty.
    function _string(bytes calldata node, uint256 start) private pure returns (bytes calldata) {
        (bool isList, uint256 payload, uint256 size) = Rlp.read(node, start);
        if (isList || size == 0) revert TrieBadNode();
        return node[payload:payload + size];
    }

    /// @dev Reads a whole node and notes where its items start. A node has 17 items (branch) or 2 (leaf, extension).
    function _open(bytes calldata node, uint256[17] memory starts) private pure returns (bool branch) {
        (bool isList, uint256 pos, uint256 size) = Rlp.read(node, 0);
        if (!isList || pos + size != node.length) revert TrieBadNode();
        uint256 items;
        while (pos < node.length) {
            if (items == 17) revert TrieBadNode();
            starts[items++] = pos;
            (, pos, size) = Rlp.read(node, pos);
            pos += size;
        }
        if (items != 17 && items != 2) revert TrieBadNode();
        return items == 17;
    }

    /// @dev Compares a hex-prefix path with the key from `depth` on and returns its length in nibbles.
    function _follow(bytes calldata path, bytes32 key, uint256 depth) private pure returns (bool leaf, uint256 length) {
        if (path.length == 0 || path.length > 33) revert TrieBadNode();
        uint256 flags = uint8(path[0]);
        if (flags >> 4 > 3) revert TrieBadNode();
        leaf = flags & 0x20 != 0;
        bool odd = flags & 0x10 != 0;
        if (!odd && flags & 0x0f != 0) revert TrieBadNode();
        length = (path.length - 1) * 2 + (odd ? 1 : 0);
        if (length > KEY_NIBBLES - depth) revert TriePathDiffers();

        uint256 skip = odd ? 1 : 2;
        for (uint256 i; i < length; ++i) {
            uint256 place = i + skip;
            uint256 pair = uint8(path[place >> 1]);
            uint256 nibble = place & 1 == 0 ? pair >> 4 : pair & 0x0f;
            if (nibble != _nibble(key, depth + i)) revert TriePathDiffers();
        }
    }

    function _nibble(bytes32 key, uint256 index) private pure returns (uint256) {
        return (uint256(key) >> (252 - 4 * index)) & 0x0f;
    }
}
