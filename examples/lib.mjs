// What every example needs: the deployment, viem chains and clients for both layers, fresh accounts, a way to
// compile Solidity, and the clock of a development L1.
//
// viem is used as it comes: the L2 is an OP chain to it, described as viem describes OP Mainnet.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import {
  createPublicClient,
  createTestClient,
  createWalletClient,
  defineChain,
  formatEther,
  http,
  parseEther,
  webSocket,
} from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { chainConfig, publicActionsL1, publicActionsL2, walletActionsL1, walletActionsL2 } from "viem/op-stack";

const here = (path) => new URL(path, import.meta.url);

/** What `mezz up` writes when everything answers. */
export const deployment = readDeployment(process.env.MEZZ_DEPLOYMENT ?? here("../.mezz/deployment.json"));

function readDeployment(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    console.error(`cannot read the deployment: ${error.message}`);
    console.error("start a chain with `mezz up`, or set MEZZ_DEPLOYMENT to the path of its deployment.json");
    process.exit(2);
  }
}

/** The WebSocket endpoint is on the port of the HTTP endpoint. */
export const wsUrl = (rpc) => rpc.replace(/^http/, "ws");

const ether = { name: "Ether", symbol: "ETH", decimals: 18 };
const endpoints = (rpc) => ({ default: { http: [rpc], webSocket: [wsUrl(rpc)] } });
const at = (address) => ({ address });

export const l1 = defineChain({
  id: deployment.l1.chainId,
  name: "Mezzanine L1",
  nativeCurrency: ether,
  rpcUrls: endpoints(deployment.l1.rpc),
  contracts: { multicall3: at(deployment.l1.contracts.multicall3) },
});

const onL1 = (name) => ({ [l1.id]: at(deployment.l1.contracts[name]) });

export const l2 = defineChain({
  ...chainConfig,
  id: deployment.l2.chainId,
  sourceId: l1.id,
  name: "Mezzanine L2",
  nativeCurrency: ether,
  rpcUrls: endpoints(deployment.l2.rpc),
  contracts: {
    ...chainConfig.contracts,
    multicall3: at(deployment.l2.contracts.multicall3),
    portal: onL1("portal"),
    disputeGameFactory: onL1("disputeGameFactory"),
    l1StandardBridge: onL1("l1StandardBridge"),
    l1Erc721Bridge: onL1("l1Erc721Bridge"),
  },
});

// viem asks for news every few seconds; a development chain has some every few hundred milliseconds.
const options = { pollingInterval: 100, cacheTime: 0 };

export const publicL1 = createPublicClient({ chain: l1, transport: http(), ...options }).extend(publicActionsL1());
export const publicL2 = createPublicClient({ chain: l2, transport: http(), ...options }).extend(publicActionsL2());
export const walletL1 = (account) =>
  createWalletClient({ account, chain: l1, transport: http(), ...options }).extend(walletActionsL1());
export const walletL2 = (account) =>
  createWalletClient({ account, chain: l2, transport: http(), ...options }).extend(walletActionsL2());
export const socketL2 = () => createPublicClient({ chain: l2, transport: webSocket(), ...options });

/** The first dev account: it has ETH on both layers. */
export const rich = privateKeyToAccount(deployment.accounts[0].privateKey);

/** A new account with ETH on each layer that is named, as in `freshAccount({ l1: "2" })`. */
export async function freshAccount(funds = {}) {
  const account = privateKeyToAccount(generatePrivateKey());
  for (const [wallet, client, amount] of [
    [walletL1, publicL1, funds.l1],
    [walletL2, publicL2, funds.l2],
  ]) {
    if (amount === undefined) continue;
    const hash = await wallet(rich).sendTransaction({ to: account.address, value: parseEther(amount) });
    await mined(client, hash);
    assert.equal(await client.getBalance({ address: account.address }), parseEther(amount));
  }
  return account;
}

/** The receipt of a transaction that must succeed. */
export async function mined(client, hash) {
  const receipt = await client.waitForTransactionReceipt({ hash, timeout: 60_000 });
  assert.equal(receipt.status, "success", `transaction ${hash} reverted`);
  return receipt;
}

/** What a transaction cost its sender besides the value, in wei; on L2 with the L1 data fee. */
export const cost = (receipt) => receipt.gasUsed * receipt.effectiveGasPrice + (receipt.l1Fee ?? 0n);

/** Deploys a contract; `contract` has `abi` and `bytecode`. */
export async function deploy(wallet, client, contract, args = []) {
  const hash = await wallet.deployContract({ ...contract, args });
  const { contractAddress } = await mined(client, hash);
  return { address: contractAddress, abi: contract.abi };
}

/** Calls a contract in a transaction that must succeed; the receipt. */
export async function write(wallet, client, contract, functionName, args = [], more = {}) {
  const hash = await wallet.writeContract({ ...contract, functionName, args, ...more });
  return mined(client, hash);
}

/** Compiles `contracts/<name>.sol`, which may import OpenZeppelin. */
export function compile(name) {
  const require = createRequire(import.meta.url);
  const solc = require("solc");
  const input = {
    language: "Solidity",
    sources: { [`${name}.sol`]: { content: readFileSync(here(`contracts/${name}.sol`), "utf8") } },
    settings: {
      optimizer: { enabled: true },
      outputSelection: { "*": { [name]: ["abi", "evm.bytecode.object"] } },
    },
  };
  const load = (path) => ({ contents: readFileSync(here(`node_modules/${path}`), "utf8") });
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: load }));
  const errors = (output.errors ?? []).filter(({ severity }) => severity === "error");
  assert.equal(errors.length, 0, errors.map((error) => error.formattedMessage).join("\n"));
  const { abi, evm } = output.contracts[`${name}.sol`][name];
  return { abi, bytecode: `0x${evm.bytecode.object}` };
}

const clock = createTestClient({ chain: l1, mode: "anvil", transport: http() });

/** Moves the clock of a development L1 forward and makes a block. */
export async function passL1Time(seconds) {
  await clock.increaseTime({ seconds });
  await clock.request({ method: "evm_mine", params: [] });
}

/** Moves the clock of a development L1 on to a time in milliseconds; the seconds that it skipped. */
export async function passL1TimeUntil(milliseconds) {
  const { timestamp } = await publicL1.getBlock();
  const seconds = Math.max(1, Math.ceil(milliseconds / 1000) - Number(timestamp));
  await passL1Time(seconds);
  return seconds;
}

/** Waits for the L2 transactions of an L1 transaction with deposits; their receipts, all successful. */
export async function deposited(hashes) {
  return Promise.all(hashes.map((hash) => mined(publicL2, hash)));
}

/** Brings the withdrawal in an L2 receipt to L1: wait for an output root, prove, let the window pass, finalize. */
export async function proveAndFinalize(account, receipt) {
  const wallet = walletL1(account);
  const { game, withdrawal } = await publicL1.waitToProve({ receipt, targetChain: l2 });
  await passL1Time(1); // the portal takes proofs from the second after the game's
  const proof = await publicL2.buildProveWithdrawal({ account, game, withdrawal });
  const proveReceipt = await mined(publicL1, await wallet.proveWithdrawal(proof));
  const { withdrawalHash } = withdrawal;
  const { timestamp } = await publicL1.getTimeToFinalize({ withdrawalHash, targetChain: l2 });
  await passL1TimeUntil(timestamp);
  const finalizeReceipt = await mined(publicL1, await wallet.finalizeWithdrawal({ targetChain: l2, withdrawal }));
  return { proveReceipt, finalizeReceipt };
}

/** Checks that a promise is rejected because a contract reverted with this custom error. */
export async function reverts(promise, errorName) {
  await assert.rejects(promise, (error) => {
    const found = error.walk?.((cause) => cause.name === "ContractFunctionRevertedError");
    const name = found?.data?.errorName ?? found?.signature ?? found?.raw;
    assert.equal(name, errorName, error.message);
    return true;
  });
}

/** One line about what was done. */
export const say = (text) => console.log(`  ${text}`);
export const eth = (wei) => `${formatEther(wei)} ETH`;
