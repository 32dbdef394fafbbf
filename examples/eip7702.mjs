// An ordinary account that takes the code of a contract (EIP-7702), with viem: it makes several calls at once, lets
// somebody else pay for its gas, and goes back to having no code.

import assert from "node:assert/strict";
import {
  concat, encodeAbiParameters, encodeFunctionData, keccak256, parseEther, parseSignature, zeroAddress,
} from "viem";
import { compile, cost, deploy, freshAccount, l2, mined, publicL2, reverts, say, walletL2, write } from "./lib.mjs";

const account = await freshAccount({ l2: "1" });
const sponsor = await freshAccount({ l2: "1" });
const wallet = walletL2(account);
const code = (address) => publicL2.getCode({ address });
const balance = ({ address }) => publicL2.getBalance({ address });

const batchCall = await deploy(walletL2(sponsor), publicL2, compile("BatchCall"));
const own = { address: account.address, abi: batchCall.abi };

// The account signs an authorization and makes two payments in the transaction that carries it.
const [first, second] = [`0x${"11".repeat(19)}01`, `0x${"22".repeat(19)}02`];
const pay = (to, ether) => ({ to, value: parseEther(ether), data: "0x" });
const earlier = [await balance({ address: first }), await balance({ address: second })];
const funds = await balance(account);
const authorization = await wallet.signAuthorization({ contractAddress: batchCall.address, executor: "self" });
const hash = await wallet.sendTransaction({
  to: account.address,
  data: encodeFunctionData({ ...own, functionName: "execute", args: [[pay(first, "0.1"), pay(second, "0.2")]] }),
  authorizationList: [authorization],
});
const receipt = await mined(publicL2, hash);
assert.equal(receipt.type, "eip7702");
assert.equal(receipt.logs.length, 1);
assert.equal(await code(account.address), concat(["0xef0100", batchCall.address.toLowerCase()]));
assert.equal((await balance({ address: first })) - earlier[0], parseEther("0.1"));
assert.equal((await balance({ address: second })) - earlier[1], parseEther("0.2"));
assert.equal(await balance(account), funds - parseEther("0.3") - cost(receipt));
const [shown] = (await publicL2.getTransaction({ hash })).authorizationList;
assert.equal(shown.address.toLowerCase(), batchCall.address.toLowerCase());
assert.equal(shown.nonce, authorization.nonce);
assert.equal(await publicL2.getTransactionCount(account), 2, "one for the transaction, one for the authorization");
say("two payments in one transaction of type 4");

// The account signs a batch, the sponsor sends it and pays for the gas.
const calls = [pay(first, "0.05")];
const callsType = batchCall.abi.find(({ name }) => name === "execute").inputs[0];
const digest = keccak256(
  encodeAbiParameters(
    [{ type: "uint256" }, { type: "address" }, { type: "uint256" }, callsType],
    [BigInt(l2.id), account.address, await publicL2.readContract({ ...own, functionName: "nonce" }), calls],
  ),
);
const { v, r, s } = parseSignature(await account.signMessage({ message: { raw: digest } }));
const rest = await balance(account);
await write(walletL2(sponsor), publicL2, own, "executeSigned", [calls, Number(v), r, s]);
assert.equal(await balance(account), rest - parseEther("0.05"), "the account pays no gas");
await reverts(
  walletL2(sponsor).writeContract({ ...own, functionName: "executeSigned", args: [calls, Number(v), r, s] }),
  "NotAuthorized",
);
await reverts(walletL2(sponsor).writeContract({ ...own, functionName: "execute", args: [calls] }), "NotAuthorized");
say("a batch that a sponsor paid for; it cannot be sent twice");

// An authorization for the zero address takes the code away; a sponsor can carry it too.
const revocation = await wallet.signAuthorization({ contractAddress: zeroAddress });
await mined(
  publicL2,
  await walletL2(sponsor).sendTransaction({ to: zeroAddress, authorizationList: [revocation] }),
);
assert.equal(await code(account.address), undefined);
say("the account has no code again");
