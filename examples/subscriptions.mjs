// Blocks, events and pending transactions as they come, over viem's WebSocket transport.

import assert from "node:assert/strict";
import { parseEther } from "viem";
import { compile, deploy, freshAccount, mined, publicL2, say, socketL2, walletL2, write } from "./lib.mjs";

const account = await freshAccount({ l2: "1" });
const friend = `0x${"33".repeat(19)}03`;
const wallet = walletL2(account);
const token = await deploy(wallet, publicL2, compile("Token"), ["Echo", "ECH", parseEther("100")]);

const socket = socketL2();
const heads = [];
const blocks = new Map();
const events = [];
const pending = [];
const onError = (error) => {
  throw error;
};
// Headers as the node sends them, and what viem makes of the same news.
const raw = await socket.transport.subscribe({ params: ["newHeads"], onData: ({ result }) => heads.push(result), onError });
const stop = [
  socket.watchBlocks({ onBlock: (block) => blocks.set(block.hash, block), onError }),
  socket.watchContractEvent({
    ...token,
    eventName: "Transfer",
    args: { to: friend },
    onLogs: (logs) => events.push(...logs),
    onError,
  }),
  socket.watchPendingTransactions({ onTransactions: (hashes) => pending.push(...hashes), onError }),
];
await socket.getChainId(); // a round trip behind theirs: the subscriptions are open now

const sent = [];
for (let i = 1; i <= 3; i++) {
  const receipt = await write(wallet, publicL2, token, "transfer", [friend, BigInt(i)]);
  sent.push(receipt.transactionHash);
}
await write(wallet, publicL2, token, "transfer", [account.address, 9n]); // the filter keeps this one out
const last = await mined(publicL2, await wallet.sendTransaction({ to: friend, value: 1n }));

await until(() => events.length >= 3, "three events");
await until(() => heads.some(({ hash }) => hash === last.blockHash), "the last header");
await until(() => blocks.has(last.blockHash), "the last block");
await until(() => sent.every((hash) => pending.includes(hash)), "the pending transactions");
assert.deepEqual(events.map(({ args }) => args.value), [1n, 2n, 3n]);
assert.deepEqual(events.map(({ transactionHash }) => transactionHash), sent);
for (const [i, head] of heads.entries()) {
  if (i > 0) assert.equal(head.parentHash, heads[i - 1].hash, "each block is the child of the one before");
  assert.equal(head.hash, (await publicL2.getBlock({ blockNumber: BigInt(head.number) })).hash);
}
for (const unwatch of stop) unwatch();
await raw.unsubscribe();
await socket.getChainId();
(await socket.transport.getRpcClient()).close();
say(`${heads.length} headers in a chain, ${events.length} events, ${pending.length} pending transactions`);

// The same by polling: a filter of the node, asked for news.
const filter = await publicL2.createContractEventFilter({ ...token, eventName: "Transfer", fromBlock: 0n });
assert.equal((await publicL2.getFilterLogs({ filter })).length, 5);
assert.equal((await publicL2.getContractEvents({ ...token, eventName: "Transfer", fromBlock: 0n })).length, 5);
const news = await publicL2.createContractEventFilter({ ...token, eventName: "Transfer" });
assert.deepEqual(await publicL2.getFilterChanges({ filter: news }), []);
await write(wallet, publicL2, token, "transfer", [friend, 4n]);
const [log] = await publicL2.getFilterChanges({ filter: news });
assert.equal(log.args.value, 4n);
assert.deepEqual(await publicL2.getFilterChanges({ filter: news }), []);
assert.equal(await publicL2.uninstallFilter({ filter: news }), true);
say("and the same by filters");

async function until(ready, what) {
  for (let tries = 0; !ready(); tries++) {
    assert.ok(tries < 200, `waited 20 s for ${what}`);
    await new Promise((done) => setTimeout(done, 100));
  }
}
