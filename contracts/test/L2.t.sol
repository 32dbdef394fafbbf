// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FeeVault} from "../rollup/l2/FeeVault.sol";
import {GasPriceOracle} from "../rollup/l2/GasPriceOracle.sol";
import {L1Block} from "../rollup/l2/L1Block.sol";
import {L2ToL1MessagePasser} from "../rollup/l2/L2ToL1MessagePasser.sol";
import {WETH9} from "../rollup/l2/WETH9.sol";
import {Constants} from "../shared/Constants.sol";
import {Multicall3} from "../shared/Multicall3.sol";
import {WithdrawalTransaction} from "../shared/Types.sol";
import {Rollup} from "./Rollup.sol";

contract L1BlockTest is Rollup {
    L1Block private l1Block = L1Block(Constants.L1_BLOCK);
    GasPriceOracle private oracle;

    function setUp() public override {
        super.setUp();
        vm.etch(address(l1Block), address(new L1Block()).code);
        oracle = new GasPriceOracle();
    }

    struct Values {
        uint32 baseFeeScalar;
        uint32 blobBaseFeeScalar;
        uint64 sequenceNumber;
        uint64 timestamp;
        uint64 number;
        uint256 basefee;
        uint256 blobBaseFee;
        bytes32 hash;
        bytes32 batcherHash;
        uint32 operatorFeeScalar;
        uint64 operatorFeeConstant;
    }

    function _calldata(Values memory v) private pure returns (bytes memory) {
        return bytes.concat(
            abi.encodePacked(
                L1Block.setL1BlockValuesIsthmus.selector,
                v.baseFeeScalar,
                v.blobBaseFeeScalar,
                v.sequenceNumber,
                v.timestamp,
                v.number
            ),
            abi.encodePacked(
                v.basefee, v.blobBaseFee, v.hash, v.batcherHash, v.operatorFeeScalar, v.operatorFeeConstant
            )
        );
    }

    function _set(Values memory v) private {
        vm.prank(Constants.DEPOSITOR_ACCOUNT);
        (bool ok,) = address(l1Block).call(_calldata(v));
        vm.assertTrue(ok);
    }

    function testFuzz_valuesAreKept(Values calldata v) external {
        _set(v);
        vm.assertEq(l1Block.baseFeeScalar(), v.baseFeeScalar);
        vm.assertEq(l1Block.blobBaseFeeScalar(), v.blobBaseFeeScalar);
        vm.assertEq(l1Block.sequenceNumber(), v.sequenceNumber);
        vm.assertEq(l1Block.timestamp(), v.timestamp);
        vm.assertEq(l1Block.number(), v.number);
        vm.assertEq(l1Block.basefee(), v.basefee);
        vm.assertEq(l1Block.blobBaseFee(), v.blobBaseFee);
        vm.assertEq(l1Block.hash(), v.hash);
        vm.assertEq(l1Block.batcherHash(), v.batcherHash);
        vm.assertEq(l1Block.operatorFeeScalar(), v.operatorFeeScalar);
        vm.assertEq(l1Block.operatorFeeConstant(), v.operatorFeeConstant);
    }

    function test_attack_strangerSetsTheOrigin() external {
        Values memory v;
        vm.prank(ALICE);
        (bool ok, bytes memory reason) = address(l1Block).call(_calldata(v));
        vm.assertFalse(ok);
        vm.assertEq(bytes32(bytes4(reason)), bytes32(L1Block.NotDepositor.selector));
    }

    function testFuzz_otherLengthsAreRefused(uint8 length) external {
        vm.assume(length != 172);
        vm.prank(Constants.DEPOSITOR_ACCOUNT);
        (bool ok,) = address(l1Block).call(
            bytes.concat(L1Block.setL1BlockValuesIsthmus.selector, new bytes(length))
        );
        vm.assertFalse(ok);
    }

    function _prices() private {
        Values memory v;
        v.baseFeeScalar = 1368;
        v.blobBaseFeeScalar = 810_949;
        v.basefee = 10 gwei;
        v.blobBaseFee = 2 gwei;
        v.operatorFeeScalar = 1_500_000;
        v.operatorFeeConstant = 77;
        _set(v);
    }

    /// @dev price = 1368 * 16 * 10^10 + 810949 * 2 * 10^9; a small transaction counts as 100 bytes.
    function test_l1FeeOfASmallTransaction() external {
        _prices();
        uint256 price = uint256(1368) * 16 * 10 gwei + uint256(810_949) * 2 gwei;
        vm.assertEq(oracle.getL1Fee(hex"02"), 100e6 * price / 1e12);
        vm.assertEq(oracle.getL1GasUsed(hex"02"), 1600);
    }

    /// @dev 256 different bytes do not compress: FastLZ gives 264, the line 836500 * (264 + 68) - 42585600.
    function test_l1FeeOfIncompressibleData() external {
        _prices();
        bytes memory data = new bytes(256);
        for (uint256 i; i < 256; ++i) {
            data[i] = bytes1(uint8(i));
        }
        uint256 price = uint256(1368) * 16 * 10 gwei + uint256(810_949) * 2 gwei;
        uint256 size = 836_500 * (264 + 68) - 42_585_600;
        vm.assertEq(oracle.getL1Fee(data), size * price / 1e12);
        vm.assertEq(oracle.getL1GasUsed(data), size * 16 / 1e6);
    }

    function testFuzz_upperBound(bytes calldata data) external {
        _prices();
        vm.assertLe(oracle.getL1Fee(data), oracle.getL1FeeUpperBound(data.length));
    }

    function test_operatorFee() external {
        _prices();
        vm.assertEq(oracle.getOperatorFee(1_000_000), 1_500_077);
        vm.assertEq(oracle.getOperatorFee(type(uint256).max), type(uint256).max);
        vm.assertFalse(oracle.isJovian());
        vm.assertTrue(oracle.isFjord());
    }
}

contract L2ContractsTest is Rollup {
    function test_passerRecordsMessages() external {
        vm.prank(ALICE, ALICE);
        passer.initiateWithdrawal{value: 1}(BOB, 2, hex"03");
        WithdrawalTransaction memory w = _lastWithdrawal();
        vm.assertEq(w.nonce, uint256(1) << 240);
        vm.assertEq(w.sender, ALICE);
        vm.assertEq(w.target, BOB);
        vm.assertEq(w.value, 1);
        vm.assertEq(w.gasLimit, 2);
        vm.assertEq(w.data, hex"03");
        // Where the portal looks for it.
        bytes32 hash = keccak256(abi.encode(w.nonce, w.sender, w.target, w.value, w.gasLimit, w.data));
        vm.assertEq(vm.load(address(passer), keccak256(abi.encode(hash, uint256(0)))), bytes32(uint256(1)));
        vm.assertEq(passer.messageNonce(), (uint256(1) << 240) + 1);
    }

    function test_plainTransferIsAWithdrawalToOneself() external {
        vm.prank(ALICE, ALICE);
        (bool ok,) = address(passer).call{value: 3}("");
        vm.assertTrue(ok);
        WithdrawalTransaction memory w = _lastWithdrawal();
        vm.assertEq(w.target, ALICE);
        vm.assertEq(w.value, 3);
    }

    function test_burn() external {
        vm.deal(address(passer), 5 ether);
        vm.expectEmit(address(passer));
        emit L2ToL1MessagePasser.WithdrawerBalanceBurnt(5 ether);
        passer.burn();
        vm.assertEq(address(passer).balance, 0);
        address created = vm.computeCreateAddress(address(passer), vm.getNonce(address(passer)) - 1);
        vm.assertEq(created.code.length, 0);
        passer.burn();
    }

    function test_feesGoToTheRecipientOnEitherLayer() external {
        FeeVault here = new FeeVault(ALICE, 10, FeeVault.WithdrawalNetwork.L2);
        FeeVault there = new FeeVault(ALICE, 10, FeeVault.WithdrawalNetwork.L1);
        vm.deal(address(here), 9);
        vm.expectRevert(FeeVault.BelowMinimum.selector);
        here.withdraw();
        vm.deal(address(here), 10);
        vm.deal(address(there), 20);
        uint256 before = ALICE.balance;
        here.withdraw();
        vm.assertEq(ALICE.balance - before, 10);
        vm.assertEq(here.totalProcessed(), 10);
        there.withdraw();
        WithdrawalTransaction memory w = _lastWithdrawal();
        vm.assertEq(w.target, ALICE);
        vm.assertEq(w.value, 20);
        vm.assertEq(address(there).balance, 0);
    }

    function test_feesStayIfTheRecipientRefuses() external {
        FeeVault vault = new FeeVault(address(this), 0, FeeVault.WithdrawalNetwork.L2);
        vm.deal(address(vault), 10);
        vm.expectRevert(FeeVault.TransferFailed.selector);
        vault.withdraw();
        vm.assertEq(address(vault).balance, 10);
    }

    function testFuzz_weth(uint96 in_, uint96 out, uint96 moved) external {
        WETH9 weth = new WETH9();
        vm.deal(ALICE, in_);
        vm.startPrank(ALICE, ALICE);
        weth.deposit{value: in_}();
        vm.assertEq(weth.totalSupply(), in_);
        if (moved > in_) vm.expectRevert(WETH9.InsufficientBalance.selector);
        weth.transfer(BOB, moved);
        uint256 left = moved > in_ ? in_ : in_ - moved;
        vm.assertEq(weth.balanceOf(ALICE), left);
        if (out > left) vm.expectRevert(WETH9.InsufficientBalance.selector);
        weth.withdraw(out);
        vm.assertEq(ALICE.balance, out > left ? 0 : out);
    }

    function test_wethAllowance() external {
        WETH9 weth = new WETH9();
        vm.prank(ALICE);
        (bool ok,) = address(weth).call{value: 10}("");
        vm.assertTrue(ok);
        vm.prank(BOB);
        vm.expectRevert(WETH9.InsufficientAllowance.selector);
        weth.transferFrom(ALICE, BOB, 1);
        vm.prank(ALICE);
        weth.approve(BOB, 4);
        vm.prank(BOB);
        weth.transferFrom(ALICE, BOB, 3);
        vm.assertEq(weth.allowance(ALICE, BOB), 1);
        vm.assertEq(weth.balanceOf(BOB), 3);
        vm.prank(ALICE);
        weth.approve(BOB, type(uint256).max);
        vm.prank(BOB);
        weth.transferFrom(ALICE, BOB, 7);
        vm.assertEq(weth.allowance(ALICE, BOB), type(uint256).max);
    }

    function test_multicall() external {
        Multicall3 multicall = new Multicall3();
        Multicall3.Call3[] memory calls = new Multicall3.Call3[](2);
        calls[0] = Multicall3.Call3(address(portal), false, abi.encodeCall(portal.version, ()));
        calls[1] = Multicall3.Call3(address(portal), true, hex"deadbeef01");
        Multicall3.Result[] memory results = multicall.aggregate3(calls);
        vm.assertTrue(results[0].success);
        vm.assertEq(abi.decode(results[0].returnData, (string)), "5.0.0");
        vm.assertTrue(!results[1].success || results[1].returnData.length == 0);

        Multicall3.Call3Value[] memory paid = new Multicall3.Call3Value[](1);
        paid[0] = Multicall3.Call3Value(BOB, false, 3, "");
        uint256 before = BOB.balance;
        multicall.aggregate3Value{value: 3}(paid);
        vm.assertEq(BOB.balance - before, 3);
        vm.expectRevert("Multicall3: value mismatch");
        multicall.aggregate3Value{value: 4}(paid);
        vm.assertEq(multicall.getEthBalance(BOB), BOB.balance);
        vm.assertEq(multicall.getChainId(), block.chainid);
    }
}
