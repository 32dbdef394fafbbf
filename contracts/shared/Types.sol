// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice A message from L2 to L1, as the message passer records it.
/// @param nonce    Versioned nonce of the message passer.
/// @param sender   Account on L2 that sent the message.
/// @param target   Account on L1 that is called.
/// @param value    ETH in wei that goes with the call.
/// @param gasLimit Least gas that the call gets.
/// @param data     Calldata of the call.
struct WithdrawalTransaction {
    uint256 nonce;
    address sender;
    address target;
    uint256 value;
    uint256 gasLimit;
    bytes data;
}

/// @notice The preimage of an output root of version 0.
struct OutputRootProof {
    bytes32 version;
    bytes32 stateRoot;
    bytes32 messagePasserStorageRoot;
    bytes32 latestBlockhash;
}

/// @notice State of a dispute game. The numbers are part of the ABI.
enum GameStatus {
    IN_PROGRESS,
    CHALLENGER_WINS,
    DEFENDER_WINS
}
