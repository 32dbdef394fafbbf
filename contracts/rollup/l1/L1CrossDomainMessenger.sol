// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Constants} from "../../shared/Constants.sol";
import {CrossDomainMessenger} from "../../shared/CrossDomainMessenger.sol";

interface IPortal {
    function depositTransaction(address to, uint256 value, uint64 gasLimit, bool isCreation, bytes calldata data)
        external
        payable;
    function l2Sender() external view returns (address);
    function paused() external view returns (bool);
}

/// @title L1CrossDomainMessenger
/// @notice The messenger on L1: sends through deposits, receives through withdrawals.
contract L1CrossDomainMessenger is CrossDomainMessenger {
    /// @notice The portal that carries the messages.
    IPortal public immutable portal;

    constructor(address portal_) CrossDomainMessenger(Constants.L2_CROSS_DOMAIN_MESSENGER) {
        portal = IPortal(portal_);
    }

    /// @notice The portal, by its older name.
    function PORTAL() external view returns (IPortal) {
        return portal;
    }

    /// @inheritdoc CrossDomainMessenger
    function paused() public view override returns (bool) {
        return portal.paused();
    }

    function _sendMessage(address to, uint64 gasLimit, uint256 value, bytes memory data) internal override {
        portal.depositTransaction{value: value}(to, value, gasLimit, false, data);
    }

    function _isOtherMessenger() internal view override returns (bool) {
        return msg.sender == address(portal) && portal.l2Sender() == otherMessenger;
    }

    function _isUnsafeTarget(address target) internal view override returns (bool) {
        return target == address(this) || target == address(portal);
    }
}
