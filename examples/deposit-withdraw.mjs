// ETH from L1 to L2 and back, with viem's op-stack actions as its documentation shows them.

import assert from "node:assert/strict";
import { parseEther } from "viem";
import { getL2TransactionHashes, getWithdrawals } from "viem/op-stack";
import {
  cost, deposited, eth, freshAccount, l2, mined, passL1Time, passL1TimeUntil, publicL1, publicL2, reverts, say,
  walletL1, walletL2,
} from "./lib.mjs";

const account = await freshAccount({ l1: "2" });
const onL1 = walletL1(account);
const onL2 = walletL2(account);
const balances = async () => ({
  l1: await publicL1.getBalance({ address: account.address }),
  l2: await publicL2.getBalance({ address: account.address }),
});
const funded = await balances();

// Deposit: an L1 transaction to the portal, then an L2 transaction that follows from it.
const deposit = await publicL2.buildDepositTransaction({ account, mint: parseEther("1"), to: account.address });
const depositReceipt = await mined(publicL1, await onL1.depositTransaction(deposit));
const [l2Hash] = getL2TransactionHashes(depositReceipt);
const [l2Receipt] = await deposited([l2Hash]);
const l2Transaction = await publicL2.getTransaction({ hash: l2Hash });
assert.equal(l2Transaction.type, "deposit");
assert.equal(l2Transaction.typeHex, "0x7e");
assert.equal(l2Transaction.mint, parseEther("1"));
assert.equal(l2Receipt.type, "0x7e");
assert.equal(l2Receipt.effectiveGasPrice, 0n, "a deposit pays for its gas on L1");

const rich = await balances();
assert.equal(rich.l1, funded.l1 - parseEther("1") - cost(depositReceipt));
assert.equal(rich.l2, funded.l2 + parseEther("1"));
say(`deposited 1 ETH: L1 block ${depositReceipt.blockNumber}, L2 block ${l2Receipt.blockNumber}`);

// Withdrawal, step 1 of 3: initiate on L2.
const amount = parseEther("0.25");
const request = await publicL1.buildInitiateWithdrawal({ account, to: account.address, value: amount });
const receipt = await mined(publicL2, await onL2.initiateWithdrawal(request));
const [withdrawal] = getWithdrawals(receipt);
const initiated = await balances();
assert.equal(initiated.l2, rich.l2 - amount - cost(receipt));
const status = () => publicL1.getWithdrawalStatus({ receipt, targetChain: l2 });
assert.ok(["waiting-to-prove", "ready-to-prove"].includes(await status()));
say(`initiated a withdrawal of ${eth(amount)} in L2 block ${receipt.blockNumber}`);

// Step 2: when an output root that covers the block is on L1, prove the withdrawal against it.
const { game } = await publicL1.waitToProve({ receipt, targetChain: l2 });
assert.ok(game.l2BlockNumber >= receipt.blockNumber);
assert.equal(await status(), "ready-to-prove");
await passL1Time(1); // the portal takes proofs from the second after the game's
const proof = await publicL2.buildProveWithdrawal({ account, game, withdrawal });
await assert.rejects(
  onL1.proveWithdrawal({ ...proof, withdrawal: { ...withdrawal, value: amount * 2n } }),
  /reverted/,
  "a withdrawal of another amount must not be proven",
);
const proveReceipt = await mined(publicL1, await onL1.proveWithdrawal(proof));
assert.equal(await status(), "waiting-to-finalize");
const proofSubmitter = account.address;
await reverts(
  onL1.finalizeWithdrawal({ targetChain: l2, withdrawal, proofSubmitter }),
  "OptimismPortal_ProofNotOldEnough",
);
say(`proved it against the output root of L2 block ${game.l2BlockNumber}`);

// Step 3: when the challenge window has passed, finalize. On a development L1 the clock can be moved.
const { withdrawalHash } = withdrawal;
const { timestamp } = await publicL1.getTimeToFinalize({ withdrawalHash, targetChain: l2 });
const skipped = await passL1TimeUntil(timestamp);
assert.equal(await status(), "ready-to-finalize");
const finalizeReceipt = await mined(publicL1, await onL1.finalizeWithdrawal({ targetChain: l2, withdrawal }));
assert.equal(await status(), "finalized");

const final = await balances();
assert.equal(final.l1, initiated.l1 + amount - cost(proveReceipt) - cost(finalizeReceipt));
assert.equal(final.l2, initiated.l2);
await reverts(
  onL1.finalizeWithdrawal({ targetChain: l2, withdrawal, proofSubmitter }),
  "OptimismPortal_AlreadyFinalized",
);
say(`finalized it by skipping ${skipped} s of L1 time; a second time it reverts`);
