// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Sender
/// @notice Who stands behind `msg.sender`, and the address that a contract of L1 has on L2.
library Sender {
    uint160 private constant OFFSET = uint160(0x1111000000000000000000000000000000001111);

    /// @notice Address on L2 of a contract of L1.
    /// @dev The same address may hold an unrelated contract on each layer; the offset keeps them apart.
    function alias_(address l1Address) internal pure returns (address) {
        unchecked {
            return address(uint160(l1Address) + OFFSET);
        }
    }

    /// @notice Address on L1 of an aliased sender.
    function unalias(address l2Address) internal pure returns (address) {
        unchecked {
            return address(uint160(l2Address) - OFFSET);
        }
    }

    /// @notice Whether `msg.sender` is an account controlled by a key, which has the same owner on both layers.
    /// @dev    True for the origin of the transaction, and for an account that delegates to code (EIP-7702). No
    ///         contract can have code that starts with 0xEF (EIP-3541), so the delegation mark cannot be forged.
    function isEOA() internal view returns (bool) {
        if (msg.sender == tx.origin) return true;
        if (msg.sender.code.length != 23) return false;
        bytes32 code;
        assembly ("memory-safe") {
            extcodecopy(caller(), 0x00, 0, 0x20)
            code := mload(0x00)
        }
        return bytes3(code) == 0xef0100;
    }
}
