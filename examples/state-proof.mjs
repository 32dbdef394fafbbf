// Reading without trust: accounts and storage with their Merkle proofs (eth_getProof), checked here against the state
// root of the block; and many reads in one call through Multicall3.

import assert from "node:assert/strict";
import {
  encodeAbiParameters, fromRlp, hexToBigInt, isAddressEqual, keccak256, parseAbi, parseEther, toHex, toRlp, trim,
} from "viem";
import { compile, deploy, freshAccount, l2, publicL2, say, walletL2, write } from "./lib.mjs";

const account = await freshAccount({ l2: "1" });
const wallet = walletL2(account);
const token = await deploy(wallet, publicL2, compile("Token"), ["Proof", "PRF", parseEther("100")]);
const friend = `0x${"44".repeat(19)}04`;

// `_balances` is the first variable of OpenZeppelin's ERC-20.
const slotOf = (address) => keccak256(encodeAbiParameters([{ type: "address" }, { type: "uint256" }], [address, 0n]));
const slots = [account.address, friend].map(slotOf);

const deployed = await publicL2.getBlockNumber();
const receipt = await write(wallet, publicL2, token, "transfer", [friend, parseEther("25")]);
for (const [blockNumber, [own, given]] of [
  [deployed, ["100", "0"]],
  [receipt.blockNumber, ["75", "25"]],
]) {
  const { stateRoot } = await publicL2.getBlock({ blockNumber });
  const proof = await publicL2.getProof({ address: token.address, storageKeys: slots, blockNumber });
  const leaf = proven(stateRoot, token.address, proof.accountProof);
  const { nonce, balance, storageHash, codeHash } = proof;
  assert.equal(leaf, toRlp([quantity(BigInt(nonce)), quantity(balance), storageHash, codeHash]));
  assert.equal(codeHash, keccak256(await publicL2.getCode({ address: token.address })));
  for (const [i, amount] of [own, given].entries()) {
    const found = proven(storageHash, slots[i], proof.storageProof[i].proof);
    assert.equal(found === undefined ? 0n : hexToBigInt(fromRlp(found)), parseEther(amount));
    assert.equal(proof.storageProof[i].value, parseEther(amount));
  }
  say(`block ${blockNumber}: ${own} and ${given} PRF proven against state root ${stateRoot.slice(0, 10)}…`);
}

// An account that does not exist is proven not to.
const nobody = `0x${"55".repeat(19)}05`;
const { stateRoot } = await publicL2.getBlock({ blockNumber: receipt.blockNumber });
const absence = await publicL2.getProof({ address: nobody, storageKeys: [], blockNumber: receipt.blockNumber });
assert.equal(proven(stateRoot, nobody, absence.accountProof), undefined);

// Several reads in one call, of one block.
const [name, supply, funds, wrong] = await publicL2.multicall({
  contracts: [
    { ...token, functionName: "name" },
    { ...token, functionName: "totalSupply" },
    {
      address: l2.contracts.multicall3.address,
      abi: parseAbi(["function getEthBalance(address) view returns (uint256)"]),
      functionName: "getEthBalance",
      args: [account.address],
    },
    { ...token, functionName: "transfer", args: [friend, parseEther("1000")] },
  ],
});
assert.equal(name.result, "Proof");
assert.equal(supply.result, parseEther("100"));
assert.equal(funds.result, await publicL2.getBalance({ address: account.address }));
assert.equal(wrong.status, "failure");
const cause = wrong.error.walk((error) => error.name === "ContractFunctionRevertedError");
assert.equal(cause.data.errorName, "ERC20InsufficientBalance");
assert.ok(isAddressEqual(cause.data.args[0], l2.contracts.multicall3.address));
say("four reads in one call");

/** A number as RLP holds it. */
function quantity(number) {
  return number === 0n ? "0x" : trim(toHex(number));
}

/** The value of `key` in the Merkle Patricia trie with this root, or undefined if the proof shows that it has none. */
function proven(root, key, proof) {
  const path = keccak256(key).slice(2);
  let depth = 0;
  let reference = root;
  for (const [i, encoded] of proof.entries()) {
    assert.equal(keccak256(encoded), reference, `node ${i} is the one that its parent names`);
    let node = fromRlp(encoded);
    for (;;) {
      let next;
      if (node.length === 17) {
        next = node[parseInt(path[depth], 16)];
        depth += 1;
      } else {
        const [prefix, value] = node;
        const odd = prefix[2] === "1" || prefix[2] === "3";
        const nibbles = prefix.slice(odd ? 3 : 4);
        const same = path.startsWith(nibbles, depth);
        depth += nibbles.length;
        if (prefix[2] === "2" || prefix[2] === "3") {
          assert.equal(i, proof.length - 1);
          return same && depth === path.length ? value : undefined;
        }
        if (!same) return undefined;
        next = value;
      }
      if (next === "0x") return undefined;
      if (!Array.isArray(next)) {
        reference = next;
        break;
      }
      node = next; // a node shorter than a hash stands in its parent itself
    }
  }
  if (proof.length === 0) assert.equal(root, keccak256("0x80"));
  else assert.fail("the proof ends too early");
  return undefined;
}
