// An OpenZeppelin ERC-721 with ethers v6: deployed, minted, transferred, read back by events and filters, over HTTP
// and WebSocket, in all the types of transaction that ethers sends.

import assert from "node:assert/strict";
import { Contract, ContractFactory, JsonRpcProvider, Wallet, WebSocketProvider, ZeroAddress, parseEther } from "ethers";
import { compile, deployment, say, wsUrl } from "./lib.mjs";

const provider = new JsonRpcProvider(deployment.l2.rpc, undefined, { cacheTimeout: -1, pollingInterval: 100 });
const socket = new WebSocketProvider(wsUrl(deployment.l2.rpc), undefined, { cacheTimeout: -1 });
assert.equal((await provider.getNetwork()).chainId, BigInt(deployment.l2.chainId));

const rich = new Wallet(deployment.accounts[0].privateKey, provider);
const owner = Wallet.createRandom(provider);
const friend = Wallet.createRandom(provider);
await (await rich.sendTransaction({ to: owner.address, value: parseEther("2") })).wait();
assert.equal(await provider.getBalance(owner.address), parseEther("2"));
assert.equal(await provider.getTransactionCount(owner.address), 0);

// Deploy.
const { abi, bytecode } = compile("Collectible");
const collectible = await new ContractFactory(abi, bytecode, owner).deploy(3);
await collectible.waitForDeployment();
const address = await collectible.getAddress();
assert.equal(await collectible.name(), "Collectible");
assert.equal(await collectible.limit(), 3n);
say(`deployed at ${address}`);

// Listen over the WebSocket while minting over HTTP.
const blocks = [];
const transfers = [];
await socket.on("block", (number) => blocks.push(number));
const heard = new Contract(address, abi, socket);
await heard.on("Transfer", (from, to, id) => transfers.push({ from, to, id }));

// Mint with each type of transaction.
const fees = await provider.getFeeData();
assert.ok(fees.gasPrice > 0n && fees.maxFeePerGas >= fees.maxPriorityFeePerGas);
const { gasPrice, maxFeePerGas, maxPriorityFeePerGas } = fees;
const accessList = [{ address, storageKeys: [] }];
for (const [type, fee] of [
  [0, { gasPrice }],
  [1, { gasPrice, accessList }],
  [2, { maxFeePerGas, maxPriorityFeePerGas, accessList }],
]) {
  assert.equal(await collectible.mint.staticCall(owner.address), BigInt(type + 1));
  const receipt = await (await collectible.mint(owner.address, { type, ...fee })).wait();
  assert.equal(receipt.status, 1);
  assert.equal(receipt.type, type);
  assert.equal((await provider.getTransaction(receipt.hash)).type, type);
  assert.equal(await collectible.ownerOf(type + 1), owner.address);
}
assert.equal(await collectible.balanceOf(owner.address), 3n);
say("minted 3 with transactions of the types 0, 1 and 2");

// A custom error is decoded, in a call and in an estimate.
const revert = (error) => (error.code === "CALL_EXCEPTION" ? collectible.interface.parseError(error.data) : undefined);
const soldOut = (error) => revert(error)?.name === "SoldOut" && revert(error).args[0] === 3n;
await assert.rejects(collectible.mint.staticCall(owner.address), soldOut);
await assert.rejects(collectible.mint.estimateGas(owner.address), soldOut);
await assert.rejects(
  collectible.connect(friend).mint.staticCall(friend.address),
  (error) => error.revert.name === "OwnableUnauthorizedAccount" && error.revert.args[0] === friend.address,
);
// Sent all the same, with its own gas limit, it is mined and fails.
const failing = await collectible.mint(owner.address, { gasLimit: 200_000 });
await assert.rejects(failing.wait(), (error) => error.code === "CALL_EXCEPTION" && error.receipt.status === 0);

// Transfer, and find everything again by filters.
const transfer = await (await collectible.transferFrom(owner.address, friend.address, 2)).wait();
assert.equal(await collectible.ownerOf(2), friend.address);
const all = await collectible.queryFilter(collectible.filters.Transfer());
assert.deepEqual(
  all.map(({ args }) => [args.from, args.to, args.tokenId]),
  [1n, 2n, 3n].map((id) => [ZeroAddress, owner.address, id]).concat([[owner.address, friend.address, 2n]]),
);
const toFriend = await collectible.queryFilter(collectible.filters.Transfer(null, friend.address));
assert.deepEqual(toFriend.map((log) => log.transactionHash), [transfer.hash]);
const before = await collectible.ownerOf(2, { blockTag: transfer.blockNumber - 1 });
assert.equal(before, owner.address, "the state of an older block can be asked for");

// The balance is spent to the wei: gas of every transaction, and the L1 fee that L2 receipts carry.
let spent = 0n;
for (const hash of [collectible.deploymentTransaction(), ...all.map((log) => log.transactionHash), failing.hash]) {
  const receipt = await provider.send("eth_getTransactionReceipt", [hash.hash ?? hash]);
  spent += BigInt(receipt.gasUsed) * BigInt(receipt.effectiveGasPrice) + BigInt(receipt.l1Fee ?? 0);
}
assert.equal(await provider.getBalance(owner.address), parseEther("2") - spent);

// Everything came over the WebSocket too, in order.
for (let tries = 0; transfers.length < 4 && tries < 100; tries++) await new Promise((done) => setTimeout(done, 100));
assert.deepEqual(transfers.map(({ id }) => id), [1n, 2n, 3n, 2n]);
assert.ok(blocks.length >= 4 && blocks.every((number, i) => i === 0 || number > blocks[i - 1]));
say(`transferred one; heard ${transfers.length} events and ${blocks.length} blocks over the WebSocket`);

await heard.removeAllListeners();
await socket.destroy();
provider.destroy();
