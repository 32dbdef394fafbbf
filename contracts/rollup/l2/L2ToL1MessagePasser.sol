// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Hashing} from "../../shared/Hashing.sol";
import {WithdrawalTransaction} from "../../shared/Types.sol";

/// @title L2ToL1MessagePasser
/// @notice Records messages to L1. The root of its storage is part of every output root; the portal on L1 looks
///         messages up in it.
contract L2ToL1MessagePasser {
    /// @dev L1 gas of a withdrawal made by a plain transfer of ETH.
    uint256 private constant RECEIVE_DEFAULT_GAS_LIMIT = 100_000;
    /// @notice Version of the messages that are sent.
    uint16 public constant MESSAGE_VERSION = 1;

    /// @notice Messages sent, by hash. The portal and clients rely on its being in slot 0.
    mapping(bytes32 => bool) public sentMessages;
    /// @dev Number of messages sent.
    uint240 private msgNonce;

    event MessagePassed(
        uint256 indexed nonce,
        address indexed sender,
        address indexed target,
        uint256 value,
        uint256 gasLimit,
        bytes data,
        bytes32 withdrawalHash
    );
    event WithdrawerBalanceBurnt(uint256 indexed amount);

    error BurnFailed();

    /// @notice Withdraws ETH to the sender's address on L1.
    receive() external payable {
        initiateWithdrawal(msg.sender, RECEIVE_DEFAULT_GAS_LIMIT, "");
    }

    /// @notice Sends a message to L1.
    /// @param _target   Account that is called there.
    /// @param _gasLimit Least gas of the call.
    /// @param _data     Calldata of the call.
    function initiateWithdrawal(address _target, uint256 _gasLimit, bytes memory _data) public payable {
        uint256 nonce = messageNonce();
        bytes32 hash = Hashing.hashWithdrawal(
            WithdrawalTransaction({
                nonce: nonce,
                sender: msg.sender,
                target: _target,
                value: msg.value,
                gasLimit: _gasLimit,
                data: _data
            })
        );
        sentMessages[hash] = true;
        unchecked {
            ++msgNonce;
        }
        emit MessagePassed(nonce, msg.sender, _target, msg.value, _gasLimit, _data, hash);
    }

    /// @notice Destroys the ETH that has gone to L1.
    function burn() external {
        uint256 amount = address(this).balance;
        address created;
        // A contract that destroys itself to itself while it is being created takes its ETH with it (EIP-6780).
        assembly ("memory-safe") {
            // ADDRESS SELFDESTRUCT
            mstore(0x00, shl(240, 0x30ff))
            created := create(amount, 0x00, 2)
        }
        if (created == address(0)) revert BurnFailed();
        emit WithdrawerBalanceBurnt(amount);
    }

    /// @notice Nonce of the next message, with the version in the top two bytes.
    function messageNonce() public view returns (uint256) {
        return Hashing.encodeVersionedNonce(msgNonce, MESSAGE_VERSION);
    }

    function version() external pure returns (string memory) {
        return "1.2.0";
    }
}
