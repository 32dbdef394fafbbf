// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Constants} from "../../shared/Constants.sol";
import {CrossDomainMessenger} from "../../shared/CrossDomainMessenger.sol";
import {Sender} from "../../shared/Sender.sol";
import {L2ToL1MessagePasser} from "./L2ToL1MessagePasser.sol";

/// @title L2CrossDomainMessenger
/// @notice The messenger on L2: sends through the message passer, receives through deposits.
contract L2CrossDomainMessenger is CrossDomainMessenger {
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
