// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICrossDomainMessenger} from "./ICrossDomainMessenger.sol";
import {Sender} from "./Sender.sol";

/// @title BridgeBase
/// @notice What the token bridges have in common: a messenger and a twin on the other layer, the only ones they obey.
abstract contract BridgeBase {
    /// @notice The messenger of this layer.
    ICrossDomainMessenger public immutable messenger;
    /// @notice The bridge of the other layer.
    address public immutable otherBridge;

    error BridgeOnlyEOA();
    error BridgeOnlyOtherBridge();
    error BridgePaused();

    constructor(address messenger_, address otherBridge_) {
        messenger = ICrossDomainMessenger(messenger_);
        otherBridge = otherBridge_;
    }

    /// @dev Keeps contracts from sending to their own address on the other layer, where they may not exist.
    modifier onlyEOA() {
        if (!Sender.isEOA()) revert BridgeOnlyEOA();
        _;
    }

    modifier onlyOtherBridge() {
        if (msg.sender != address(messenger) || messenger.xDomainMessageSender() != otherBridge) {
            revert BridgeOnlyOtherBridge();
        }
        _;
    }

    modifier whenNotPaused() {
        if (messenger.paused()) revert BridgePaused();
        _;
    }

    /// @notice The messenger, by its older name.
    function MESSENGER() external view returns (ICrossDomainMessenger) {
        return messenger;
    }

    /// @notice The other bridge, by its older name.
    function OTHER_BRIDGE() external view returns (address) {
        return otherBridge;
    }

    /// @notice Whether deliveries are stopped.
    function paused() external view returns (bool) {
        return messenger.paused();
    }
}
