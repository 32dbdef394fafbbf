// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {OutputRootProof, WithdrawalTransaction} from "./Types.sol";

/// @title Hashing
/// @notice Hashes and nonces that both layers must compute alike.
library Hashing {
    function hashWithdrawal(WithdrawalTransaction memory w) internal pure returns (bytes32) {
        return keccak256(abi.encode(w.nonce, w.sender, w.target, w.value, w.gasLimit, w.data));
    }

    function hashOutputRootProof(OutputRootProof memory p) internal pure returns (bytes32) {
        return keccak256(abi.encode(p.version, p.stateRoot, p.messagePasserStorageRoot, p.latestBlockhash));
    }

    /// @notice Hash of a message of version 1: the call of `relayMessage` that delivers it.
    function hashCrossDomainMessage(
        uint256 nonce,
        address sender,
        address target,
        uint256 value,
        uint256 gasLimit,
        bytes memory data
    ) internal pure returns (bytes32) {
        return keccak256(
            abi.encodeWithSignature(
                "relayMessage(uint256,address,address,uint256,uint256,bytes)",
                nonce,
                sender,
                target,
                value,
                gasLimit,
                data
            )
        );
    }

    /// @notice Puts a version in the top two bytes of a nonce.
    function encodeVersionedNonce(uint240 nonce, uint16 version) internal pure returns (uint256) {
        return (uint256(version) << 240) | nonce;
    }

    /// @notice Takes the version back out of a nonce.
    function versionOf(uint256 nonce) internal pure returns (uint16) {
        return uint16(nonce >> 240);
    }
}
