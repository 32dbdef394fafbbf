// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Constants} from "../../shared/Constants.sol";

/// @title L1Block
/// @notice What L2 knows of its L1 origin: set by the first transaction of each L2 block.
/// @dev    The chain's fee rules read these slots directly; their order is part of the protocol.
contract L1Block {
    // slot 0
    uint64 public number;
    uint64 public timestamp;
    // slot 1
    uint256 public basefee;
    // slot 2
    bytes32 public hash;
    // slot 3
    uint64 public sequenceNumber;
    uint32 public blobBaseFeeScalar;
    uint32 public baseFeeScalar;
    // slot 4
    bytes32 public batcherHash;
    // slots 5 and 6: parameters of the fee before blobs, always zero
    uint256 public l1FeeOverhead;
    uint256 public l1FeeScalar;
    // slot 7
    uint256 public blobBaseFee;
    // slot 8
    uint64 public operatorFeeConstant;
    uint32 public operatorFeeScalar;

    /// @dev 4 bytes of selector and 172 of values.
    uint256 private constant CALLDATA_LENGTH = 176;

    error NotDepositor();
    error BadLength();

    /// @notice The only account that may set the values.
    function DEPOSITOR_ACCOUNT() external pure returns (address) {
        return Constants.DEPOSITOR_ACCOUNT;
    }

    function version() external pure returns (string memory) {
        return "1.6.0";
    }

    /// @notice Sets all values. They follow the selector without padding:
    ///         baseFeeScalar (4), blobBaseFeeScalar (4), sequenceNumber (8), timestamp (8), number (8), basefee (32),
    ///         blobBaseFee (32), hash (32), batcherHash (32), operatorFeeScalar (4), operatorFeeConstant (8).
    function setL1BlockValuesIsthmus() external {
        if (msg.sender != Constants.DEPOSITOR_ACCOUNT) revert NotDepositor();
        if (msg.data.length != CALLDATA_LENGTH) revert BadLength();
        baseFeeScalar = uint32(bytes4(msg.data[4:8]));
        blobBaseFeeScalar = uint32(bytes4(msg.data[8:12]));
        sequenceNumber = uint64(bytes8(msg.data[12:20]));
        timestamp = uint64(bytes8(msg.data[20:28]));
        number = uint64(bytes8(msg.data[28:36]));
        basefee = uint256(bytes32(msg.data[36:68]));
        blobBaseFee = uint256(bytes32(msg.data[68:100]));
        hash = bytes32(msg.data[100:132]);
        batcherHash = bytes32(msg.data[132:164]);
        operatorFeeScalar = uint32(bytes4(msg.data[164:168]));
        operatorFeeConstant = uint64(bytes8(msg.data[168:176]));
    }
}
