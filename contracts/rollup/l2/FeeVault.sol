// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Constants} from "../../shared/Constants.sol";
import {SafeCall} from "../../shared/SafeCall.sol";
import {L2ToL1MessagePasser} from "./L2ToL1MessagePasser.sol";

/// @title FeeVault
/// @notice Collects one kind of fee: tips, base fees, L1 fees or operator fees. Anyone may send them on to the
///         recipient. The chain has one vault for each kind.
contract FeeVault {
    /// @notice Layer on which the recipient is.
    enum WithdrawalNetwork {
        L1,
        L2
    }

    /// @dev L1 gas of a withdrawal.
    uint256 private constant WITHDRAWAL_MIN_GAS = 400_000;

    /// @notice Who gets the fees.
    address public immutable recipient;
    /// @notice Least amount that can be withdrawn, in wei.
    uint256 public immutable minWithdrawalAmount;
    /// @notice Layer on which the recipient is.
    WithdrawalNetwork public immutable withdrawalNetwork;

    /// @notice Wei withdrawn so far.
    uint256 public totalProcessed;

    event Withdrawal(uint256 value, address to, address from);
    event Withdrawal(uint256 value, address to, address from, WithdrawalNetwork withdrawalNetwork);

    error BelowMinimum();
    error TransferFailed();

    constructor(address recipient_, uint256 minWithdrawalAmount_, WithdrawalNetwork withdrawalNetwork_) {
        recipient = recipient_;
        minWithdrawalAmount = minWithdrawalAmount_;
        withdrawalNetwork = withdrawalNetwork_;
    }

    receive() external payable {}

    /// @notice Sends the fees to the recipient.
    function withdraw() external returns (uint256 value_) {
        value_ = address(this).balance;
        if (value_ < minWithdrawalAmount) revert BelowMinimum();
        totalProcessed += value_;
        emit Withdrawal(value_, recipient, msg.sender);
        emit Withdrawal(value_, recipient, msg.sender, withdrawalNetwork);
        if (withdrawalNetwork == WithdrawalNetwork.L2) {
            if (!SafeCall.call(recipient, gasleft(), value_, "")) revert TransferFailed();
        } else {
            L2ToL1MessagePasser(payable(Constants.L2_TO_L1_MESSAGE_PASSER)).initiateWithdrawal{value: value_}(
                recipient, WITHDRAWAL_MIN_GAS, ""
            );
        }
    }

    function RECIPIENT() external view returns (address) {
        return recipient;
    }

    function MIN_WITHDRAWAL_AMOUNT() external view returns (uint256) {
        return minWithdrawalAmount;
    }

    function WITHDRAWAL_NETWORK() external view returns (WithdrawalNetwork) {
        return withdrawalNetwork;
    }

    function version() external pure returns (string memory) {
        return "2.0.0";
    }
}
