// An ERC-20 of L1 bridged to L2 and back through the standard bridges.

import assert from "node:assert/strict";
import { parseAbi, parseEther, parseEventLogs } from "viem";
import { getL2TransactionHashes } from "viem/op-stack";
import {
  compile, deploy, deposited, freshAccount, l1, l2, mined, proveAndFinalize, publicL1, publicL2, say, walletL1,
  walletL2, write,
} from "./lib.mjs";

const bridgeAbi = parseAbi([
  "function bridgeERC20(address localToken, address remoteToken, uint256 amount, uint32 minGasLimit, bytes extraData)",
  "function withdraw(address l2Token, uint256 amount, uint32 minGasLimit, bytes extraData) payable",
  "function deposits(address localToken, address remoteToken) view returns (uint256)",
  "event ERC20BridgeFinalized(address indexed localToken, address indexed remoteToken, address indexed from, "
    + "address to, uint256 amount, bytes extraData)",
]);
const factoryAbi = parseAbi([
  "function createOptimismMintableERC20(address remoteToken, string name, string symbol) returns (address)",
  "event OptimismMintableERC20Created(address indexed localToken, address indexed remoteToken, address deployer)",
]);
const l1Bridge = { address: l2.contracts.l1StandardBridge[l1.id].address, abi: bridgeAbi };
const l2Bridge = { address: l2.contracts.l2StandardBridge.address, abi: bridgeAbi };
const factory = { address: "0x4200000000000000000000000000000000000012", abi: factoryAbi };

const account = await freshAccount({ l1: "1", l2: "1" });
const onL1 = walletL1(account);
const onL2 = walletL2(account);
const supply = parseEther("1000");
const amount = parseEther("250");
const back = parseEther("100");

// The token on L1 and its twin on L2, which only the bridge mints and burns.
const token = await deploy(onL1, publicL1, compile("Token"), ["Ground", "GND", supply]);
const created = await write(onL2, publicL2, factory, "createOptimismMintableERC20", [token.address, "Ground", "GND"]);
const [{ args: { localToken } }] = parseEventLogs({ abi: factoryAbi, logs: created.logs });
const twin = { address: localToken, abi: token.abi };
say(`token ${token.address} on L1, its twin ${twin.address} on L2`);

const balances = async () => ({
  l1: await publicL1.readContract({ ...token, functionName: "balanceOf", args: [account.address] }),
  l2: await publicL2.readContract({ ...twin, functionName: "balanceOf", args: [account.address] }),
  minted: await publicL2.readContract({ ...twin, functionName: "totalSupply" }),
  locked: await publicL1.readContract({ ...token, functionName: "balanceOf", args: [l1Bridge.address] }),
  counted: await publicL1.readContract({ ...l1Bridge, functionName: "deposits", args: [token.address, twin.address] }),
});
assert.deepEqual(await balances(), { l1: supply, l2: 0n, minted: 0n, locked: 0n, counted: 0n });

// There: the bridge locks the tokens and sends a message that mints the twin.
await write(onL1, publicL1, token, "approve", [l1Bridge.address, amount]);
const there = await write(onL1, publicL1, l1Bridge, "bridgeERC20", [
  token.address, twin.address, amount, 200_000, "0x",
]);
const [delivered] = await deposited(getL2TransactionHashes(there));
const [mint] = parseEventLogs({ abi: bridgeAbi, logs: delivered.logs, eventName: "ERC20BridgeFinalized" });
assert.equal(mint.args.amount, amount);
assert.deepEqual(await balances(), {
  l1: supply - amount, l2: amount, minted: amount, locked: amount, counted: amount,
});
say(`bridged 250 GND to L2 in block ${delivered.blockNumber}`);

// Back: the twin is burnt, and the message that unlocks the token is a withdrawal like any other.
const away = await mined(
  publicL2,
  await onL2.writeContract({ ...l2Bridge, functionName: "withdraw", args: [twin.address, back, 200_000, "0x"] }),
);
const burnt = await balances();
assert.equal(burnt.l2, amount - back);
assert.equal(burnt.minted, amount - back);
const { finalizeReceipt } = await proveAndFinalize(account, away);
const [release] = parseEventLogs({ abi: bridgeAbi, logs: finalizeReceipt.logs, eventName: "ERC20BridgeFinalized" });
assert.equal(release.args.amount, back);
assert.deepEqual(await balances(), {
  l1: supply - amount + back, l2: amount - back, minted: amount - back, locked: amount - back, counted: amount - back,
});
say("bridged 100 GND back to L1");
