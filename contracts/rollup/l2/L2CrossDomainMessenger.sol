// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Constants} from "../../shared/Constants.sol";
import {CrossDomainMessenger} from "../../shared/CrossDomainMessenger.sol";
import {Sender} from "../../shared/Sender.sol";
import {L2ToL1MessagePasser} from "./L2ToL1MessagePasser.sol";

/// @title L2CrossDomainMessenger
/// @notice The messenger on L2: sends through the message passer, receives through deposits.
contract L2CrossDomainMessenger is CrossDomainMessenger {
    /// @dev Most gas of a transaction of L1 (EIP-7825).
    uint256 private constant MAX_L1_GAS = 16_777_216;
    /// @dev L1 gas that the transaction and the portal take for themselves when they pay a withdrawal out.
    uint256 private constant FINALIZE_OVERHEAD = 300_000;
    /// @dev L1 gas for each byte of a withdrawal: 16 for calldata, the rest for copies of it.
    uint256 private constant FINALIZE_GAS_PER_BYTE = 20;

    /// @notice No transaction of L1 could give the message this gas: it would be lost there.
    error MessengerGasLimitTooHigh();

    constructor(address l1Messenger_) CrossDomainMessenger(l1Messenger_) {}

    /// @notice The messenger on L1, by its older name.
    function l1CrossDomainMessenger() external view returns (address) {
        return otherMessenger;
    }

    /// @inheritdoc CrossDomainMessenger
    function paused() public pure override returns (bool) {
        return false;
    }

    function _sendMessage(address to, uint64 gasLimit, uint256 value, bytes memory data) internal override {
        // The portal insists on passing on `gasLimit`, and a call passes on at most 63/64 of what there is.
        uint256 needed = uint256(gasLimit) * 64 / 63 + FINALIZE_GAS_PER_BYTE * data.length + FINALIZE_OVERHEAD;
        if (needed > MAX_L1_GAS) revert MessengerGasLimitTooHigh();
        L2ToL1MessagePasser(payable(Constants.L2_TO_L1_MESSAGE_PASSER)).initiateWithdrawal{value: value}(
            to, gasLimit, data
        );
    }

    function _isOtherMessenger() internal view override returns (bool) {
        return Sender.unalias(msg.sender) == otherMessenger;
    }

    function _isUnsafeTarget(address target) internal view override returns (bool) {
        return target == address(this) || target == Constants.L2_TO_L1_MESSAGE_PASSER;
    }
}
