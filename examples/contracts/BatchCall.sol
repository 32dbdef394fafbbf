// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice Code for an account under EIP-7702: it makes several calls in one transaction of its owner or, with the
///         owner's signature, of anybody.
contract BatchCall {
    struct Call {
        address to;
        uint256 value;
        bytes data;
    }

    /// @notice Number of signed batches so far; a signature is good for one. It lives in the account's storage.
    uint256 public nonce;

    event Executed(uint256 calls);

    error NotAuthorized();
    error CallFailed(uint256 index, bytes reason);

    /// @notice Makes the calls if the account itself asks.
    function execute(Call[] calldata calls) external payable {
        if (msg.sender != address(this)) revert NotAuthorized();
        _execute(calls);
    }

    /// @notice Makes the calls if the account's key has signed them for this chain, account and nonce.
    function executeSigned(Call[] calldata calls, uint8 v, bytes32 r, bytes32 s) external payable {
        bytes32 digest = keccak256(abi.encode(block.chainid, address(this), nonce++, calls));
        bytes32 message = keccak256(abi.encodePacked("\x19Ethereum Signed Message:\n32", digest));
        if (ecrecover(message, v, r, s) != address(this)) revert NotAuthorized();
        _execute(calls);
    }

    receive() external payable {}

    function _execute(Call[] calldata calls) private {
        for (uint256 i = 0; i < calls.length; i++) {
            (bool ok, bytes memory reason) = calls[i].to.call{value: calls[i].value}(calls[i].data);
            if (!ok) revert CallFailed(i, reason);
        }
        emit Executed(calls.length);
    }
}
