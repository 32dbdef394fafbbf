// What an L2 transaction costs: L2 gas and, for the data that it puts on L1, the L1 fee. The chain, the
// GasPriceOracle contract, viem's estimates and the formula written out here must agree to the wei.

import assert from "node:assert/strict";
import { hexToBytes, parseAbi, parseEther, parseTransaction, serializeTransaction, toHex } from "viem";
import { cost, eth, freshAccount, l2, mined, publicL2, say, walletL2 } from "./lib.mjs";

const oracle = {
  address: l2.contracts.gasPriceOracle.address,
  abi: parseAbi([
    "function getL1Fee(bytes data) view returns (uint256)",
    "function getL1GasUsed(bytes data) view returns (uint256)",
    "function getL1FeeUpperBound(uint256 size) view returns (uint256)",
    "function l1BaseFee() view returns (uint256)",
    "function blobBaseFee() view returns (uint256)",
    "function baseFeeScalar() view returns (uint32)",
    "function blobBaseFeeScalar() view returns (uint32)",
  ]),
};
const ask = (functionName, args = [], blockNumber = undefined) =>
  publicL2.readContract({ ...oracle, functionName, args, blockNumber });

const account = await freshAccount({ l2: "1" });
const wallet = walletL2(account);

// A transfer, and a transaction with much data: half of it compresses well, half does not.
const noise = Uint8Array.from({ length: 2_000 }, (_, i) => (i < 1_000 ? i % 7 : (i * i * 31 + (i >> 3) * 17) & 0xff));
for (const [name, data] of [["transfer", undefined], ["2,000 bytes of data", toHex(noise)]]) {
  const request = { account, to: account.address, value: parseEther("0.01"), data };
  const l1Estimate = await publicL2.estimateL1Fee(request);
  const totalEstimate = await publicL2.estimateTotalFee(request);
  assert.equal(await publicL2.estimateOperatorFee(request), 0n);
  assert.ok(l1Estimate > 0n && totalEstimate > l1Estimate);

  const before = await publicL2.getBalance({ address: account.address });
  const prepared = await wallet.prepareTransactionRequest(request);
  const raw = await wallet.signTransaction(prepared);
  const receipt = await mined(publicL2, await wallet.sendRawTransaction({ serializedTransaction: raw }));
  const after = await publicL2.getBalance({ address: account.address });
  assert.equal(before - after, cost(receipt), "the balance pays gas and L1 fee and nothing else");

  // Prices are the same throughout a block, so that asking at its end is asking during the transaction.
  const block = receipt.blockNumber;
  const [baseFee, blobFee, baseScalar, blobScalar] = await Promise.all(
    ["l1BaseFee", "blobBaseFee", "baseFeeScalar", "blobBaseFeeScalar"].map((name) => ask(name, [], block)),
  );
  const size = estimatedSize(flzLength(hexToBytes(raw)));
  const price = 16n * BigInt(baseScalar) * baseFee + BigInt(blobScalar) * blobFee;
  assert.equal(receipt.l1Fee, (size * price) / 10n ** 12n, "the formula");
  assert.equal(receipt.l1GasPrice, baseFee);
  assert.equal(receipt.l1GasUsed, (size * 16n) / 1_000_000n);

  // The oracle takes an unsigned transaction and adds 68 bytes for the signature that it will have.
  const { r, s, v, yParity, ...fields } = parseTransaction(raw);
  const unsigned = serializeTransaction(fields);
  assert.equal(
    await ask("getL1GasUsed", [unsigned], block),
    (estimatedSize(flzLength(hexToBytes(unsigned)) + 68n) * 16n) / 1_000_000n,
  );
  const told = await ask("getL1Fee", [unsigned], block);
  const off = told > receipt.l1Fee ? told - receipt.l1Fee : receipt.l1Fee - told;
  assert.ok(off * 50n <= receipt.l1Fee, `the oracle says ${told}, the chain took ${receipt.l1Fee}`);
  if (!data) assert.equal(told, receipt.l1Fee, "a transfer costs the least there is, exactly");
  const most = await ask("getL1FeeUpperBound", [BigInt(unsigned.length / 2 - 1)], block);
  assert.ok(most >= receipt.l1Fee);
  say(`${name}: gas ${eth(receipt.gasUsed * receipt.effectiveGasPrice)}, L1 fee ${eth(receipt.l1Fee)}`);
}

/** Size in a batch, in millionths of a byte (OP Stack, Fjord). */
function estimatedSize(flz) {
  const size = 836_500n * flz - 42_585_600n;
  return size > 100_000_000n ? size : 100_000_000n;
}

/** Length of `data` compressed with FastLZ, level 1. */
function flzLength(data) {
  const read3 = (i) => data[i] | (data[i + 1] << 8) | (data[i + 2] << 16);
  const slot = (word) => (Math.imul(2_654_435_769, word) >>> 19) & 0x1fff;
  const literals = (n) => 33 * Math.floor(n / 32) + (n % 32 ? (n % 32) + 1 : 0);
  const table = new Uint32Array(8_192);
  const limit = data.length - 13;
  let [at, start, length] = [2, 0, 0];
  while (at < limit) {
    const word = read3(at);
    const match = table[slot(word)];
    table[slot(word)] = at;
    if (at - match >= 8_192 || word !== read3(match)) {
      at += 1;
      continue;
    }
    if (at >= limit - 1) break;
    length += literals(at - start);
    const most = limit + 6 - at;
    let same = 0;
    while (same < most && data[match + 3 + same] === data[at + 3 + same]) same += 1;
    if (same < most) same += 1;
    length += 3 * Math.floor((same - 1) / 262) + ((same - 1) % 262 >= 6 ? 3 : 2);
    at += same;
    table[slot(read3(at))] = at++;
    table[slot(read3(at))] = at++;
    start = at;
  }
  return BigInt(length + literals(data.length - start));
}
