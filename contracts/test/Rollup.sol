// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AnchorStateRegistry} from "../rollup/l1/AnchorStateRegistry.sol";
import {DisputeGameFactory} from "../rollup/l1/DisputeGameFactory.sol";
import {Inbox} from "../rollup/l1/Inbox.sol";
import {L1CrossDomainMessenger} from "../rollup/l1/L1CrossDomainMessenger.sol";
import {L1ERC721Bridge} from "../rollup/l1/L1ERC721Bridge.sol";
import {L1StandardBridge} from "../rollup/l1/L1StandardBridge.sol";
import {Portal} from "../rollup/l1/Portal.sol";
import {ProposalGame} from "../rollup/l1/ProposalGame.sol";
import {L2CrossDomainMessenger} from "../rollup/l2/L2CrossDomainMessenger.sol";
import {L2ERC721Bridge} from "../rollup/l2/L2ERC721Bridge.sol";
import {L2StandardBridge} from "../rollup/l2/L2StandardBridge.sol";
import {L2ToL1MessagePasser} from "../rollup/l2/L2ToL1MessagePasser.sol";
import {Constants} from "../shared/Constants.sol";
import {Hashing} from "../shared/Hashing.sol";
import {OutputRootProof, WithdrawalTransaction} from "../shared/Types.sol";
import {Test, Vm} from "./Test.sol";
import {TrieMaker} from "./TrieMaker.sol";

/// @notice A whole deployment. Both layers live in one EVM; deposits and withdrawals are carried over from the logs.
abstract contract Rollup is Test {
    uint64 internal constant CLOCK = 60;
    uint256 internal constant MATURITY = 30;
    uint256 internal constant FINALITY = 20;
    uint256 internal constant L2_CHAIN_ID = 901;

    address internal constant OWNER = address(0x0a11);
    address internal constant GUARDIAN = address(0x0a12);
    address internal constant BATCHER = address(0x0a13);
    address internal constant PROPOSER = address(0x0a14);
    address internal constant ALICE = address(0x0a15);
    address internal constant BOB = address(0x0a16);

    AnchorStateRegistry internal registry;
    ProposalGame internal impl;
    DisputeGameFactory internal factory;
    Portal internal portal;
    L1CrossDomainMessenger internal l1Messenger;
    L1StandardBridge internal l1Bridge;
    L1ERC721Bridge internal l1NftBridge;
    Inbox internal inbox;

    L2ToL1MessagePasser internal passer = L2ToL1MessagePasser(payable(Constants.L2_TO_L1_MESSAGE_PASSER));
    L2CrossDomainMessenger internal l2Messenger = L2CrossDomainMessenger(Constants.L2_CROSS_DOMAIN_MESSENGER);
    L2StandardBridge internal l2Bridge = L2StandardBridge(payable(Constants.L2_STANDARD_BRIDGE));
    L2ERC721Bridge internal l2NftBridge = L2ERC721Bridge(Constants.L2_ERC721_BRIDGE);

    /// @dev Hashes of the withdrawals of the L2 state that proofs are made for, as keys of the secure trie.
    bytes32[] internal sent;
    uint256 internal l2Block;

    function setUp() public virtual {
        vm.warp(1_700_000_000);
        vm.roll(100);
        uint256 nonce = vm.getNonce(address(this));
        address factory_ = vm.computeCreateAddress(address(this), nonce + 2);
        registry = new AnchorStateRegistry(factory_, GUARDIAN, FINALITY, 1, keccak256("genesis"), 0);
        impl = new ProposalGame(PROPOSER, CLOCK, address(registry), L2_CHAIN_ID);
        factory = new DisputeGameFactory(OWNER, 1, address(impl));
        portal = new Portal(address(registry), address(factory), MATURITY);
        l1Messenger = new L1CrossDomainMessenger(address(portal));
        l1Bridge = new L1StandardBridge(address(l1Messenger));
        l1NftBridge = new L1ERC721Bridge(address(l1Messenger));
        inbox = new Inbox(OWNER, BATCHER, L2_CHAIN_ID, "config");
        vm.assertEq(address(factory), factory_);

        vm.etch(address(passer), address(new L2ToL1MessagePasser()).code);
        vm.etch(address(l2Messenger), address(new L2CrossDomainMessenger(address(l1Messenger))).code);
        vm.etch(address(l2Bridge), address(new L2StandardBridge(address(l1Bridge))).code);
        vm.etch(address(l2NftBridge), address(new L2ERC721Bridge(address(l1NftBridge))).code);
        vm.deal(ALICE, 1000 ether);
        vm.deal(BOB, 1000 ether);
        vm.recordLogs();
    }

    /// @dev Time in which a proven withdrawal of a new game becomes payable.
    function _wait() internal {
        vm.warp(block.timestamp + CLOCK + MATURITY + FINALITY + 1);
        vm.roll(block.number + 10);
    }

    /// @dev Makes a game for the L2 state in which `sent` have been sent. Proofs need a later block.
    function _propose() internal returns (ProposalGame game, uint256 index, OutputRootProof memory output) {
        output = OutputRootProof({
            version: 0,
            stateRoot: keccak256("state"),
            messagePasserStorageRoot: keccak256(TrieMaker.node(sent, 0, hex"01")),
            latestBlockhash: keccak256(abi.encode(++l2Block))
        });
        index = factory.gameCount();
        vm.prank(PROPOSER, PROPOSER);
        game = ProposalGame(
            address(factory.create(1, Hashing.hashOutputRootProof(output), abi.encode(l2Block * 10)))
        );
        vm.warp(block.timestamp + 1);
        vm.roll(block.number + 1);
    }

    function _key(WithdrawalTransaction memory w) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256(abi.encode(Hashing.hashWithdrawal(w), uint256(0)))));
    }

    function _proof(WithdrawalTransaction memory w) internal view returns (bytes[] memory) {
        return TrieMaker.proof(sent, _key(w), hex"01", false);
    }

    /// @dev Proves `w`, waits and finalizes it.
    function _withdraw(WithdrawalTransaction memory w) internal {
        sent.push(_key(w));
        (, uint256 index, OutputRootProof memory output) = _propose();
        portal.proveWithdrawalTransaction(w, index, output, _proof(w));
        _wait();
        portal.finalizeWithdrawalTransaction(w);
    }

    /// @dev The last deposit in the logs, carried out on L2.
    function _carryDeposit() internal returns (bool success) {
        Deposit memory d = _lastDeposit();
        vm.deal(d.from, d.from.balance + d.mint);
        vm.prank(d.from, d.from);
        (success,) = d.to.call{value: d.value, gas: d.gasLimit}(d.data);
    }

    struct Deposit {
        address from;
        address to;
        uint256 mint;
        uint256 value;
        uint64 gasLimit;
        bool isCreation;
        bytes data;
    }

    function _lastDeposit() internal returns (Deposit memory d) {
        bytes32 topic = keccak256("TransactionDeposited(address,address,uint256,bytes)");
        Vm.Log memory log = _lastLog(address(portal), topic);
        d.from = address(uint160(uint256(log.topics[1])));
        d.to = address(uint160(uint256(log.topics[2])));
        vm.assertEq(uint256(log.topics[3]), 0);
        bytes memory opaque = abi.decode(log.data, (bytes));
        (d.mint, d.value, d.gasLimit, d.isCreation, d.data) = this.unpack(opaque);
    }

    function unpack(bytes calldata o) external pure returns (uint256, uint256, uint64, bool, bytes memory) {
        return (uint256(bytes32(o[:32])), uint256(bytes32(o[32:64])), uint64(bytes8(o[64:72])), o[72] == 0x01, o[73:]);
    }

    /// @dev The last withdrawal in the logs.
    function _lastWithdrawal() internal returns (WithdrawalTransaction memory w) {
        bytes32 topic = keccak256("MessagePassed(uint256,address,address,uint256,uint256,bytes,bytes32)");
        Vm.Log memory log = _lastLog(address(passer), topic);
        w.nonce = uint256(log.topics[1]);
        w.sender = address(uint160(uint256(log.topics[2])));
        w.target = address(uint160(uint256(log.topics[3])));
        bytes32 hash;
        (w.value, w.gasLimit, w.data, hash) = abi.decode(log.data, (uint256, uint256, bytes, bytes32));
        vm.assertEq(hash, Hashing.hashWithdrawal(w));
        vm.assertTrue(passer.sentMessages(hash));
    }

    function _lastLog(address emitter, bytes32 topic) internal returns (Vm.Log memory) {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = logs.length; i > 0; --i) {
            if (logs[i - 1].emitter == emitter && logs[i - 1].topics.length > 0 && logs[i - 1].topics[0] == topic) {
                return logs[i - 1];
            }
        }
        revert("no such log");
    }
}
