// Uniswap V2 from the bytecode in its npm packages: a pool of two tokens and one of a token and ETH, liquidity in,
// swaps, liquidity out, every amount checked by the formulas of its white paper.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import {
  encodePacked, getContractAddress, keccak256, maxUint256, parseAbi, parseEther, parseEventLogs,
} from "viem";
import { compile, cost, deploy, freshAccount, publicL2, reverts, say, walletL2, write } from "./lib.mjs";

const artifact = (path) => JSON.parse(readFileSync(new URL(`node_modules/@uniswap/${path}`, import.meta.url)));
const hex = (text) => (text.startsWith("0x") ? text : `0x${text}`);
const contract = (path) => {
  const { abi, bytecode, evm } = artifact(path);
  return { abi, bytecode: hex(bytecode ?? evm.bytecode.object) };
};
const factoryCode = contract("v2-core/build/UniswapV2Factory.json");
const pairCode = contract("v2-core/build/UniswapV2Pair.json");
const routerCode = contract("v2-periphery/build/UniswapV2Router02.json");

// The router computes the addresses of pairs from the hash of their creation code, which it carries in its own.
const initCodeHash = keccak256(pairCode.bytecode);
assert.ok(routerCode.bytecode.includes(initCodeHash.slice(2)), "router and pair are of one build");

const account = await freshAccount({ l2: "20" });
const wallet = walletL2(account);
const weth = {
  address: "0x4200000000000000000000000000000000000006",
  abi: parseAbi(["function balanceOf(address) view returns (uint256)"]),
};
const factory = await deploy(wallet, publicL2, factoryCode, [account.address]);
const router = await deploy(wallet, publicL2, routerCode, [factory.address, weth.address]);
const tokenCode = compile("Token");
const supply = parseEther("1000000");
const gold = await deploy(wallet, publicL2, tokenCode, ["Gold", "GLD", supply]);
const salt = await deploy(wallet, publicL2, tokenCode, ["Salt", "SLT", supply]);
for (const token of [gold, salt]) await write(wallet, publicL2, token, "approve", [router.address, maxUint256]);
say(`factory ${factory.address}, router ${router.address}`);

const read = (contract, functionName, args = []) => publicL2.readContract({ ...contract, functionName, args });
const holds = (token) => read(token, "balanceOf", [account.address]);
const deadline = maxUint256;
const outOf = (input, reserveIn, reserveOut) => (input * 997n * reserveOut) / (reserveIn * 1000n + input * 997n);

/** The pair of two tokens, and its reserves in the order asked for. */
function pool(a, b) {
  const [low, high] = [a.address, b.address].sort((x, y) => (BigInt(x) < BigInt(y) ? -1 : 1));
  const address = getContractAddress({
    opcode: "CREATE2",
    from: factory.address,
    salt: keccak256(encodePacked(["address", "address"], [low, high])),
    bytecodeHash: initCodeHash,
  });
  const pair = { address, abi: pairCode.abi };
  const reserves = async () => {
    const [reserve0, reserve1] = await read(pair, "getReserves");
    return a.address === low ? [reserve0, reserve1] : [reserve1, reserve0];
  };
  return { pair, reserves };
}

// A pool of two tokens.
const [goldIn, saltIn] = [parseEther("1000"), parseEther("4000")];
await write(wallet, publicL2, router, "addLiquidity", [
  gold.address, salt.address, goldIn, saltIn, goldIn, saltIn, account.address, deadline,
]);
const { pair, reserves } = pool(gold, salt);
assert.equal((await read(factory, "getPair", [gold.address, salt.address])).toLowerCase(), pair.address.toLowerCase());
assert.deepEqual(await reserves(), [goldIn, saltIn]);
const liquidity = parseEther("2000"); // the square root of 1,000 times 4,000
assert.equal(await read(pair, "totalSupply"), liquidity);
assert.equal(await holds(pair), liquidity - 1000n, "the first thousand units of liquidity are locked");
say("pool of 1,000 GLD and 4,000 SLT");

const input = parseEther("10");
const output = outOf(input, goldIn, saltIn);
const path = [gold.address, salt.address];
assert.deepEqual(await read(router, "getAmountsOut", [input, path]), [input, output]);
const before = await holds(salt);
const swapArgs = [input, output, path, account.address, deadline];
const swap = await write(wallet, publicL2, router, "swapExactTokensForTokens", swapArgs);
assert.equal((await holds(salt)) - before, output);
assert.deepEqual(await reserves(), [goldIn + input, saltIn - output]);
const [event] = parseEventLogs({ abi: pair.abi, logs: swap.logs, eventName: "Swap" });
assert.equal(event.args.amount0In + event.args.amount1In, input);
assert.equal(event.args.amount0Out + event.args.amount1Out, output);
say(`swapped 10 GLD for ${output} units of SLT, ${swap.gasUsed} gas`);

// The price has moved: the same swap for the same output must fail, with the router's own words.
await reverts(
  wallet.writeContract({ ...router, functionName: "swapExactTokensForTokens", args: swapArgs }),
  "Error",
);

// A pool with ETH, through the WETH of the chain.
const [goldSide, ethSide] = [parseEther("500"), parseEther("5")];
await write(
  wallet, publicL2, router, "addLiquidityETH",
  [gold.address, goldSide, goldSide, ethSide, account.address, deadline], { value: ethSide },
);
const ethPool = pool(gold, weth);
assert.deepEqual(await ethPool.reserves(), [goldSide, ethSide]);
assert.equal(await read(weth, "balanceOf", [ethPool.pair.address]), ethSide);

const sold = parseEther("20");
const earned = outOf(sold, goldSide, ethSide);
const money = await publicL2.getBalance({ address: account.address });
const sale = await write(wallet, publicL2, router, "swapExactTokensForETH", [
  sold, earned, [gold.address, weth.address], account.address, deadline,
]);
assert.equal(await publicL2.getBalance({ address: account.address }), money + earned - cost(sale));
say(`sold 20 GLD for ${earned} wei`);

// Everything out again; the locked thousand units keep their share.
const all = await holds(pair);
const [goldLeft, saltLeft] = await reserves();
const goldBefore = await holds(gold);
await write(wallet, publicL2, pair, "approve", [router.address, all]);
await write(wallet, publicL2, router, "removeLiquidity", [
  gold.address, salt.address, all, 0n, 0n, account.address, deadline,
]);
const goldOut = (all * goldLeft) / liquidity;
assert.equal((await holds(gold)) - goldBefore, goldOut);
assert.deepEqual(await reserves(), [goldLeft - goldOut, saltLeft - (all * saltLeft) / liquidity]);
say("took the liquidity out");
