// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LibZip} from "solady/src/utils/LibZip.sol";
import {Constants} from "../../shared/Constants.sol";
import {L1Block} from "./L1Block.sol";

/// @title GasPriceOracle
/// @notice Tells what L2 charges for the data that a transaction puts on L1. The chain charges by the same formula;
///         this contract only lets clients ask.
contract GasPriceOracle {
    L1Block private constant L1_BLOCK = L1Block(Constants.L1_BLOCK);

    /// @notice Decimals of the scalars.
    uint256 public constant DECIMALS = 6;
    /// @dev The size that a transaction takes in a batch is estimated from its size under FastLZ: a straight line,
    ///      times 10^6, but never below the least.
    int256 private constant COST_INTERCEPT = -42_585_600;
    int256 private constant COST_FASTLZ_COEF = 836_500;
    int256 private constant MIN_TRANSACTION_SIZE_SCALED = 100e6;
    /// @dev Bytes that a signature adds to an unsigned transaction.
    uint256 private constant SIGNATURE_SIZE = 68;

    bool public constant isEcotone = true;
    bool public constant isFjord = true;
    bool public constant isIsthmus = true;
    bool public constant isJovian = false;

    /// @notice The chain never had the fee parameters that this name stands for.
    error Deprecated();

    /// @notice L1 part of the fee, in wei, of an unsigned transaction in its RLP encoding.
    function getL1Fee(bytes calldata _data) external view returns (uint256) {
        return _l1Cost(_estimatedSize(_fastLzSize(_data)));
    }

    /// @notice Most that `getL1Fee` can be, in wei, for an unsigned transaction of this size in bytes.
    function getL1FeeUpperBound(uint256 _unsignedTxSize) external view returns (uint256) {
        uint256 size = _unsignedTxSize + SIGNATURE_SIZE;
        // Bytes that cannot be compressed grow by one in 255.
        return _l1Cost(_estimatedSize(size + size / 255 + 16));
    }

    /// @notice The estimated size of a transaction in calldata gas.
    function getL1GasUsed(bytes calldata _data) external pure returns (uint256) {
        return _estimatedSize(_fastLzSize(_data)) * 16 / 10 ** DECIMALS;
    }

    /// @notice Fee in wei that the operator takes for `_gasUsed`.
    function getOperatorFee(uint256 _gasUsed) external view returns (uint256) {
        uint256 factor = L1_BLOCK.operatorFeeScalar();
        uint256 constant_ = L1_BLOCK.operatorFeeConstant();
        if (factor != 0 && _gasUsed > (type(uint256).max - constant_) / factor) return type(uint256).max;
        return _gasUsed * factor / 10 ** DECIMALS + constant_;
    }

    /// @notice Gas price of L2 without tip, in wei.
    function gasPrice() external view returns (uint256) {
        return block.basefee;
    }

    /// @notice Base fee of L2 in wei.
    function baseFee() external view returns (uint256) {
        return block.basefee;
    }

    /// @notice Base fee of the L1 origin in wei.
    function l1BaseFee() external view returns (uint256) {
        return L1_BLOCK.basefee();
    }

    /// @notice Blob base fee of the L1 origin in wei.
    function blobBaseFee() external view returns (uint256) {
        return L1_BLOCK.blobBaseFee();
    }

    function baseFeeScalar() external view returns (uint32) {
        return L1_BLOCK.baseFeeScalar();
    }

    function blobBaseFeeScalar() external view returns (uint32) {
        return L1_BLOCK.blobBaseFeeScalar();
    }

    function decimals() external pure returns (uint256) {
        return DECIMALS;
    }

    function overhead() external pure returns (uint256) {
        revert Deprecated();
    }

    function scalar() external pure returns (uint256) {
        revert Deprecated();
    }

    function version() external pure returns (string memory) {
        return "1.5.0";
    }

    function _fastLzSize(bytes calldata data) private pure returns (uint256) {
        return LibZip.flzCompress(data).length + SIGNATURE_SIZE;
    }

    /// @dev Size in bytes times 10^6.
    function _estimatedSize(uint256 fastLzSize) private pure returns (uint256) {
        int256 size = COST_INTERCEPT + COST_FASTLZ_COEF * int256(fastLzSize);
        return uint256(size < MIN_TRANSACTION_SIZE_SCALED ? MIN_TRANSACTION_SIZE_SCALED : size);
    }

    function _l1Cost(uint256 estimatedSize) private view returns (uint256) {
        uint256 price = uint256(L1_BLOCK.baseFeeScalar()) * 16 * L1_BLOCK.basefee()
            + uint256(L1_BLOCK.blobBaseFeeScalar()) * L1_BLOCK.blobBaseFee();
        return estimatedSize * price / 10 ** (DECIMALS * 2);
    }
}
