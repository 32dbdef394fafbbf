// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title ResourceMetering
/// @notice Sells the L2 gas of deposits for L1 gas that is burnt, at a price that follows demand as in EIP-1559.
/// @dev    Deposits pay no fee on L2. Without a price, and a limit in each L1 block, they could fill L2 for nothing.
abstract contract ResourceMetering {
    /// @notice State of the market.
    /// @param prevBaseFee   Price of a unit of L2 gas in wei.
    /// @param prevBoughtGas L2 gas bought in block `prevBlockNum`.
    /// @param prevBlockNum  L1 block of the last deposit.
    struct ResourceParams {
        uint128 prevBaseFee;
        uint64 prevBoughtGas;
        uint64 prevBlockNum;
    }

    /// @notice Most L2 gas that the deposits of one L1 block can buy.
    uint64 public constant MAX_RESOURCE_LIMIT = 20_000_000;
    uint256 private constant ELASTICITY = 10;
    uint256 private constant CHANGE_DENOMINATOR = 8;
    uint256 private constant TARGET = MAX_RESOURCE_LIMIT / ELASTICITY;
    uint256 private constant MIN_BASE_FEE = 1 gwei;
    uint256 private constant MAX_BASE_FEE = type(uint128).max;

    ResourceParams public params;

    /// @notice The deposits of this L1 block have bought all its L2 gas.
    error OutOfGas();

    constructor() {
        params = ResourceParams({
            prevBaseFee: uint128(MIN_BASE_FEE), prevBoughtGas: 0, prevBlockNum: uint64(block.number)
        });
    }

    /// @dev Buys `amount` of L2 gas; what the function itself has cost counts towards the price.
    modifier metered(uint64 amount) {
        uint256 initialGas = gasleft();
        _;
        uint256 price = _buy(amount);
        uint256 used = initialGas - gasleft();
        if (price > used) _burn(price - used);
    }

    /// @dev Returns the price in L1 gas.
    function _buy(uint64 amount) private returns (uint256) {
        ResourceParams memory p = params;
        uint256 blocks = block.number - p.prevBlockNum;
        if (blocks > 0) {
            p.prevBaseFee = uint128(_nextBaseFee(p.prevBaseFee, p.prevBoughtGas, blocks));
            p.prevBoughtGas = 0;
            p.prevBlockNum = uint64(block.number);
        }
        if (amount > MAX_RESOURCE_LIMIT - p.prevBoughtGas) revert OutOfGas();
        p.prevBoughtGas += amount;
        params = p;
        uint256 l1BaseFee = block.basefee > 1 gwei ? block.basefee : 1 gwei;
        return uint256(amount) * p.prevBaseFee / l1BaseFee;
    }

    /// @dev The price `blocks` after a block in which `bought` was bought, the blocks between being empty.
    function _nextBaseFee(uint256 fee, uint256 bought, uint256 blocks) internal pure returns (uint256) {
        if (bought >= TARGET) {
            fee += fee * (bought - TARGET) / (TARGET * CHANGE_DENOMINATOR);
            if (fee > MAX_BASE_FEE) fee = MAX_BASE_FEE;
        } else {
            fee -= fee * (TARGET - bought) / (TARGET * CHANGE_DENOMINATOR);
        }
        // Falls by an eighth in each empty block: at most some 500 rounds from the highest price to the lowest.
        for (uint256 i = 1; i < blocks && fee > MIN_BASE_FEE; ++i) {
            fee -= fee / CHANGE_DENOMINATOR;
        }
        return fee < MIN_BASE_FEE ? MIN_BASE_FEE : fee;
    }

    function _burn(uint256 amount) private view {
        uint256 initialGas = gasleft();
        uint256 i;
        while (initialGas - gasleft() < amount) {
            unchecked {
                ++i;
            }
        }
    }
}
