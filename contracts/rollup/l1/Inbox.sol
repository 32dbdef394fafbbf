// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

/// @title Inbox
/// @notice Where the batches of the chain are posted. Its creation announces the chain; its logs, with those of the
///         portal, are all that a verifier needs.
contract Inbox is Ownable {
    /// @notice The account that may post batches.
    address public batcher;
    /// @notice Number of batches posted.
    uint64 public batchCount;

    /// @notice A chain has been created; `config` is what its verifiers start from.
    event RollupCreated(uint256 indexed l2ChainId, bytes config);
    event BatcherSet(address indexed previous, address indexed next);
    /// @notice A batch in the blobs of the transaction.
    event BatchSubmitted(uint64 indexed index, bytes32[] blobHashes);
    /// @notice A batch in the calldata of the transaction; `dataHash` is its keccak-256 hash.
    event BatchSubmittedCalldata(uint64 indexed index, bytes32 dataHash);

    error NotBatcher();
    /// @notice The call does not come straight from the transaction.
    error NotTopLevel();
    error NoBlobs();
    error EmptyBatch();
    error NonCanonicalCalldata();

    constructor(address owner_, address batcher_, uint256 l2ChainId, bytes memory config) Ownable(owner_) {
        batcher = batcher_;
        emit RollupCreated(l2ChainId, config);
        emit BatcherSet(address(0), batcher_);
    }

    /// @notice Appoints another batcher.
    function setBatcher(address next) external onlyOwner {
        emit BatcherSet(batcher, next);
        batcher = next;
    }

    /// @notice Posts a batch: all blobs of the transaction, in order.
    function submitBatch() external {
        uint64 index = _next();
        bytes32[] memory hashes;
        // Builds the array at the free memory, where nothing else is allocated before the event is encoded.
        assembly ("memory-safe") {
            hashes := mload(0x40)
            let end := add(hashes, 0x20)
            for { let i := 0 } 1 { i := add(i, 1) } {
                let hash := blobhash(i)
                if iszero(hash) {
                    mstore(hashes, i)
                    break
                }
                mstore(end, hash)
                end := add(end, 0x20)
            }
            mstore(0x40, end)
        }
        if (hashes.length == 0) revert NoBlobs();
        emit BatchSubmitted(index, hashes);
    }

    /// @notice Posts a batch in the calldata.
    function submitBatchCalldata(bytes calldata data) external {
        uint64 index = _next();
        if (data.length == 0) revert EmptyBatch();
        // One encoding only: selector, offset, length, data, zeros to a multiple of 32 bytes. Any verifier decodes it.
        uint256 offset;
        uint256 padding;
        assembly ("memory-safe") {
            offset := data.offset
            padding := calldataload(add(offset, data.length))
        }
        // What follows the data, if the calldata ends where it must, is the padding alone: past the end all reads as zero.
        if (offset != 68 || msg.data.length != 68 + (data.length + 31) / 32 * 32 || padding != 0) {
            revert NonCanonicalCalldata();
        }
        emit BatchSubmittedCalldata(index, keccak256(data));
    }

    /// @dev Only a call straight from a transaction of the batcher: an account without code that is the origin cannot
    ///      have called anything else, so that blobs and calldata are those of the transaction to this contract.
    function _next() private returns (uint64 index) {
        if (msg.sender != batcher) revert NotBatcher();
        if (msg.sender != tx.origin || msg.sender.code.length != 0) revert NotTopLevel();
        index = batchCount;
        batchCount = index + 1;
    }
}
