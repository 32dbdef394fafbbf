// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Rlp
/// @notice Strict reader of RLP in calldata. Only the shortest encoding of an item is accepted, so that no two
///         byte strings mean the same item.
library Rlp {
    error RlpOutOfBounds();
    error RlpNotCanonical();

    /// @notice Reads the item that starts at `pos`.
    /// @return isList  Whether it is a list.
    /// @return payload Position of its payload.
    /// @return size    Length of its payload in bytes.
    function read(bytes calldata input, uint256 pos) internal pure returns (bool isList, uint256 payload, uint256 size) {
        if (pos >= input.length) revert RlpOutOfBounds();
        uint256 room = input.length - pos;
        uint256 first = uint8(input[pos]);

        if (first < 0x80) return (false, pos, 1);

        isList = first >= 0xc0;
        uint256 short = first - (isList ? 0xc0 : 0x80);
        if (short < 56) {
            if (short >= room) revert RlpOutOfBounds();
            // A single byte below 0x80 is its own encoding.
            if (!isList && short == 1 && uint8(input[pos + 1]) < 0x80) revert RlpNotCanonical();
            return (isList, pos + 1, short);
        }

        uint256 lengthSize = short - 55;
        if (lengthSize >= room) revert RlpOutOfBounds();
        // No calldata is 2^32 bytes long.
        if (lengthSize > 4) revert RlpOutOfBounds();
        for (uint256 i = 1; i <= lengthSize; ++i) {
            size = (size << 8) | uint8(input[pos + i]);
        }
        if (size < 56 || size >> (8 * (lengthSize - 1)) == 0) revert RlpNotCanonical();
        payload = pos + 1 + lengthSize;
        if (size > input.length - payload) revert RlpOutOfBounds();
    }
}
