// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title TrieMaker
/// @notice Builds Merkle Patricia tries and proofs the plain way, to test the verifier against.
library TrieMaker {
    /// @notice Root node of the trie that holds `value` at every key. Keys differ.
    function node(bytes32[] memory keys, uint256 depth, bytes memory value) internal pure returns (bytes memory) {
        if (keys.length == 1) {
            return list(bytes.concat(str(path(keys[0], depth, 64 - depth, true)), str(value)));
        }
        uint256 shared = common(keys, depth);
        if (shared > 0) {
            return list(
                bytes.concat(
                    str(path(keys[0], depth, shared, false)), link(node(keys, depth + shared, value))
                )
            );
        }
        bytes memory items;
        for (uint256 i; i < 16; ++i) {
            bytes32[] memory sub = under(keys, depth, i);
            items = bytes.concat(items, sub.length == 0 ? bytes(hex"80") : link(node(sub, depth + 1, value)));
        }
        return list(bytes.concat(items, hex"80"));
    }

    /// @notice Nodes from the root to the leaf of `key`, with those that lie inside their parent if `all`.
    function proof(bytes32[] memory keys, bytes32 key, bytes memory value, bool all)
        internal
        pure
        returns (bytes[] memory result)
    {
        result = new bytes[](65);
        uint256 count;
        uint256 depth;
        while (true) {
            bytes memory n = node(keys, depth, value);
            if (all || n.length >= 32 || count == 0) result[count++] = n;
            if (keys.length == 1) break;
            uint256 shared = common(keys, depth);
            if (shared > 0) {
                depth += shared;
            } else {
                keys = under(keys, depth, nibble(key, depth));
                ++depth;
            }
        }
        assembly ("memory-safe") {
            mstore(result, count)
        }
    }

    function under(bytes32[] memory keys, uint256 depth, uint256 wanted)
        internal
        pure
        returns (bytes32[] memory result)
    {
        result = new bytes32[](keys.length);
        uint256 count;
        for (uint256 i; i < keys.length; ++i) {
            if (nibble(keys[i], depth) == wanted) result[count++] = keys[i];
        }
        assembly ("memory-safe") {
            mstore(result, count)
        }
    }

    function common(bytes32[] memory keys, uint256 depth) internal pure returns (uint256 shared) {
        while (depth + shared < 64) {
            for (uint256 i = 1; i < keys.length; ++i) {
                if (nibble(keys[i], depth + shared) != nibble(keys[0], depth + shared)) return shared;
            }
            ++shared;
        }
    }

    function path(bytes32 key, uint256 depth, uint256 length, bool leaf) internal pure returns (bytes memory result) {
        bool odd = length % 2 == 1;
        result = new bytes(length / 2 + 1);
        uint256 first = (leaf ? 0x20 : 0) + (odd ? 0x10 + nibble(key, depth) : 0);
        result[0] = bytes1(uint8(first));
        uint256 from = depth + (odd ? 1 : 0);
        for (uint256 i; i < length / 2; ++i) {
            result[i + 1] = bytes1(uint8(nibble(key, from + 2 * i) * 16 + nibble(key, from + 2 * i + 1)));
        }
    }

    function nibble(bytes32 key, uint256 index) internal pure returns (uint256) {
        uint256 b = uint8(key[index / 2]);
        return index % 2 == 0 ? b >> 4 : b & 15;
    }

    function link(bytes memory n) internal pure returns (bytes memory) {
        return n.length < 32 ? n : bytes.concat(hex"a0", keccak256(n));
    }

    function str(bytes memory s) internal pure returns (bytes memory) {
        if (s.length == 1 && uint8(s[0]) < 0x80) return s;
        return bytes.concat(header(0x80, s.length), s);
    }

    function list(bytes memory items) internal pure returns (bytes memory) {
        return bytes.concat(header(0xc0, items.length), items);
    }

    function header(uint256 base, uint256 length) internal pure returns (bytes memory) {
        if (length < 56) return abi.encodePacked(uint8(base + length));
        if (length < 256) return abi.encodePacked(uint8(base + 56), uint8(length));
        return abi.encodePacked(uint8(base + 57), uint16(length));
    }
}
