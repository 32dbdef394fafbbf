// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Constants} from "./Constants.sol";
import {Hashing} from "./Hashing.sol";
import {SafeCall} from "./SafeCall.sol";

/// @title CrossDomainMessenger
/// @notice Calls to the other layer that can be tried again: a message whose delivery failed stays here, with its ETH,
///         and anyone can deliver it later with more gas.
abstract contract CrossDomainMessenger {
    /// @notice Version of the messages that are sent.
    uint16 public constant MESSAGE_VERSION = 1;
    /// @notice Gas that `relayMessage` needs besides the call.
    uint64 public constant RELAY_CONSTANT_OVERHEAD = 200_000;
    /// @notice A call passes on at most 63/64 of the gas: the ratio that makes up for it.
    uint64 public constant MIN_GAS_DYNAMIC_OVERHEAD_NUMERATOR = 64;
    uint64 public constant MIN_GAS_DYNAMIC_OVERHEAD_DENOMINATOR = 63;
    /// @notice Gas for a byte of calldata.
    uint64 public constant MIN_GAS_CALLDATA_OVERHEAD = 16;
    /// @notice Least gas for a byte of calldata (EIP-7623).
    uint64 public constant FLOOR_CALLDATA_OVERHEAD = 40;
    /// @notice Gas of the CALL itself.
    uint64 public constant RELAY_CALL_OVERHEAD = 40_000;
    /// @notice Gas kept back to record the result.
    uint64 public constant RELAY_RESERVED_GAS = 40_000;
    /// @notice Gas that may be spent between the check of the gas and the call.
    uint64 public constant RELAY_GAS_CHECK_BUFFER = 5_000;
    /// @notice Gas that every transaction costs.
    uint64 public constant TX_BASE_GAS = 21_000;
    /// @notice Bytes that the encoding of `relayMessage` adds to the message.
    uint64 public constant ENCODING_OVERHEAD = 260;

    /// @notice Messages delivered, by hash.
    mapping(bytes32 => bool) public successfulMessages;
    /// @notice Messages whose delivery has failed at least once, by hash.
    mapping(bytes32 => bool) public failedMessages;
    /// @dev Number of messages sent.
    uint240 private msgNonce;
    /// @dev Sender of the message being delivered; zero outside a delivery.
    address private transient currentSender;

    /// @notice The messenger of the other layer.
    address public immutable otherMessenger;

    event SentMessage(
        address indexed target, address sender, bytes message, uint256 messageNonce, uint256 gasLimit
    );
    event SentMessageExtension1(address indexed sender, uint256 value);
    event RelayedMessage(bytes32 indexed msgHash);
    event FailedRelayedMessage(bytes32 indexed msgHash);

    error MessengerPaused();
    error MessengerBadVersion();
    error MessengerWrongValue();
    error MessengerNotReplayable();
    error MessengerBadTarget();
    error MessengerAlreadyRelayed();
    error MessengerNoMessage();
    error MessengerGasEstimation();

    constructor(address otherMessenger_) {
        otherMessenger = otherMessenger_;
    }

    /// @notice Calls `target` on the other layer with at least `minGasLimit` gas and the ETH sent along.
    function sendMessage(address target, bytes calldata message, uint32 minGasLimit) external payable {
        uint256 nonce = messageNonce();
        unchecked {
            ++msgNonce;
        }
        _sendMessage(
            otherMessenger,
            baseGas(message, minGasLimit),
            msg.value,
            abi.encodeCall(this.relayMessage, (nonce, msg.sender, target, msg.value, minGasLimit, message))
        );
        emit SentMessage(target, msg.sender, message, nonce, minGasLimit);
        emit SentMessageExtension1(msg.sender, msg.value);
    }

    /// @notice Delivers a message of the other layer: the first time as the bridge's own call, after a failure by anyone.
    function relayMessage(
        uint256 nonce,
        address sender,
        address target,
        uint256 value,
        uint256 minGasLimit,
        bytes calldata message
    ) external payable {
        if (paused()) revert MessengerPaused();
        if (Hashing.versionOf(nonce) != MESSAGE_VERSION) revert MessengerBadVersion();

        // Copied once, here: a copy made after the gas is checked would be paid from what is kept back for the result.
        bytes memory data = message;
        bytes32 hash = Hashing.hashCrossDomainMessage(nonce, sender, target, value, minGasLimit, data);
        if (_isOtherMessenger()) {
            // The bridge delivers a message once, and with its value.
            if (msg.value != value) revert MessengerWrongValue();
            if (failedMessages[hash]) revert MessengerNotReplayable();
        } else {
            if (msg.value != 0) revert MessengerWrongValue();
            if (!failedMessages[hash]) revert MessengerNotReplayable();
        }
        if (_isUnsafeTarget(target)) revert MessengerBadTarget();
        if (successfulMessages[hash]) revert MessengerAlreadyRelayed();

        // A delivery inside a delivery would let one message speak with another's sender.
        if (
            currentSender != address(0)
                || !SafeCall.hasMinGas(minGasLimit, RELAY_RESERVED_GAS + RELAY_GAS_CHECK_BUFFER)
        ) {
            _fail(hash);
            return;
        }

        currentSender = sender;
        bool success = SafeCall.call(target, gasleft() - RELAY_RESERVED_GAS, value, data);
        currentSender = address(0);

        if (success) {
            successfulMessages[hash] = true;
            emit RelayedMessage(hash);
        } else {
            _fail(hash);
        }
    }

    /// @notice Sender of the message being delivered; reverts outside a delivery.
    function xDomainMessageSender() external view returns (address) {
        if (currentSender == address(0)) revert MessengerNoMessage();
        return currentSender;
    }

    /// @notice The messenger of the other layer, by its older name.
    function OTHER_MESSENGER() external view returns (address) {
        return otherMessenger;
    }

    /// @notice Nonce of the next message, with the version in the top two bytes.
    function messageNonce() public view returns (uint256) {
        return Hashing.encodeVersionedNonce(msgNonce, MESSAGE_VERSION);
    }

    /// @notice Gas limit of the transaction on the other layer that lets `message` have `minGasLimit`.
    function baseGas(bytes calldata message, uint32 minGasLimit) public pure returns (uint64) {
        uint64 size = uint64(message.length) + ENCODING_OVERHEAD;
        uint64 execution = RELAY_CONSTANT_OVERHEAD + RELAY_CALL_OVERHEAD + RELAY_RESERVED_GAS + RELAY_GAS_CHECK_BUFFER
            + uint64(minGasLimit) * MIN_GAS_DYNAMIC_OVERHEAD_NUMERATOR / MIN_GAS_DYNAMIC_OVERHEAD_DENOMINATOR
            + size * MIN_GAS_CALLDATA_OVERHEAD;
        uint64 floor = size * FLOOR_CALLDATA_OVERHEAD;
        return TX_BASE_GAS + (execution > floor ? execution : floor);
    }

    /// @notice Whether deliveries are stopped.
    function paused() public view virtual returns (bool);

    function version() external pure returns (string memory) {
        return "3.0.0";
    }

    /// @dev Hands a call of the other messenger to the layer's own way there.
    function _sendMessage(address to, uint64 gasLimit, uint256 value, bytes memory data) internal virtual;

    /// @dev Whether `msg.sender` speaks for the messenger of the other layer.
    function _isOtherMessenger() internal view virtual returns (bool);

    /// @dev Whether a call from this contract to `target` could harm the bridge.
    function _isUnsafeTarget(address target) internal view virtual returns (bool);

    function _fail(bytes32 hash) private {
        failedMessages[hash] = true;
        emit FailedRelayedMessage(hash);
        if (tx.origin == Constants.ESTIMATION_ADDRESS) revert MessengerGasEstimation();
    }
}
