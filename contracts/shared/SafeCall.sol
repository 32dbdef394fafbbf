// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title SafeCall
/// @notice Calls to untrusted code: nothing of the answer is copied, and a least amount of gas can be guaranteed.
library SafeCall {
    error NotEnoughGas();

    /// @dev What a CALL may itself cost: value transfer 9,000, new account 25,000, cold account 2,600, and slack.
    uint256 private constant CALL_OVERHEAD = 40_000;

    /// @notice Calls `target` and drops what it returns.
    function call(address target, uint256 gas_, uint256 value, bytes memory data) internal returns (bool success) {
        assembly ("memory-safe") {
            success := call(gas_, target, value, add(data, 0x20), mload(data), 0x00, 0x00)
        }
    }

    /// @notice Whether a call made now is sure to get `minGas` while `reserved` remains afterwards.
    /// @dev    A call passes on at most 63/64 of the gas (EIP-150).
    function hasMinGas(uint256 minGas, uint256 reserved) internal view returns (bool) {
        if (minGas > type(uint64).max) return false;
        return gasleft() * 63 >= minGas * 64 + 63 * (CALL_OVERHEAD + reserved);
    }

    /// @notice Calls `target` with all gas, and reverts if that could be less than `minGas`.
    function callWithMinGas(address target, uint256 minGas, uint256 value, bytes memory data)
        internal
        returns (bool success)
    {
        if (!hasMinGas(minGas, 0)) revert NotEnoughGas();
        success = call(target, gasleft(), value, data);
    }
}
