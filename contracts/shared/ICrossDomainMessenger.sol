// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice What the bridges use of a messenger.
interface ICrossDomainMessenger {
    function sendMessage(address target, bytes calldata message, uint32 minGasLimit) external payable;
    function xDomainMessageSender() external view returns (address);
    function paused() external view returns (bool);
}
