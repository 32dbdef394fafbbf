// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Constants
/// @notice Addresses and numbers that both layers share.
library Constants {
    /// @notice What the sender of the other layer reads as while no message is being delivered.
    address internal constant NO_SENDER = 0x000000000000000000000000000000000000dEaD;

    /// @notice A transaction origin that only a gas estimation can have. A failed delivery reverts for it, so that
    ///         an estimation searches on for the gas that lets the delivery succeed.
    address internal constant ESTIMATION_ADDRESS = address(1);

    /// @notice Sender of the L1 attributes transaction that opens each L2 block.
    address internal constant DEPOSITOR_ACCOUNT = 0xDeaDDEaDDeAdDeAdDEAdDEaddeAddEAdDEAd0001;

    /// @notice Stands for ETH where an ERC-20 address of L2 is expected.
    address internal constant LEGACY_ERC20_ETH = 0xDeadDeAddeAddEAddeadDEaDDEAdDeaDDeAD0000;

    address internal constant L2_CROSS_DOMAIN_MESSENGER = 0x4200000000000000000000000000000000000007;
    address internal constant L2_STANDARD_BRIDGE = 0x4200000000000000000000000000000000000010;
    address internal constant L2_ERC721_BRIDGE = 0x4200000000000000000000000000000000000014;
    address internal constant L1_BLOCK = 0x4200000000000000000000000000000000000015;
    address internal constant L2_TO_L1_MESSAGE_PASSER = 0x4200000000000000000000000000000000000016;
}
