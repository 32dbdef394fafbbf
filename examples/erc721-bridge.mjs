// An ERC-721 token of L1 bridged to L2 and back.

import assert from "node:assert/strict";
import { parseAbi, parseEventLogs } from "viem";
import { getL2TransactionHashes } from "viem/op-stack";
import {
  compile, deploy, deposited, freshAccount, l1, l2, proveAndFinalize, publicL1, publicL2, reverts, say, walletL1,
  walletL2, write,
} from "./lib.mjs";

const bridgeAbi = parseAbi([
  "function bridgeERC721(address localToken, address remoteToken, uint256 tokenId, uint32 minGasLimit, bytes data)",
]);
const factoryAbi = parseAbi([
  "function createOptimismMintableERC721(address remoteToken, string name, string symbol) returns (address)",
  "event OptimismMintableERC721Created(address indexed localToken, address indexed remoteToken, address deployer)",
]);
const l1Bridge = { address: l2.contracts.l1Erc721Bridge[l1.id].address, abi: bridgeAbi };
const l2Bridge = { address: l2.contracts.l2Erc721Bridge.address, abi: bridgeAbi };
const factory = { address: "0x4200000000000000000000000000000000000017", abi: factoryAbi };

const account = await freshAccount({ l1: "1", l2: "1" });
const onL1 = walletL1(account);
const onL2 = walletL2(account);

// A token on L1, and its twin on L2, which only the bridge mints and burns.
const token = await deploy(onL1, publicL1, compile("Collectible"), [10n]);
await write(onL1, publicL1, token, "mint", [account.address]);
const created = await write(onL2, publicL2, factory, "createOptimismMintableERC721", [token.address, "Twin", "TWN"]);
const [{ args: { localToken } }] = parseEventLogs({ abi: factoryAbi, logs: created.logs });
const twin = { address: localToken, abi: token.abi };
const ownerOnL1 = () => publicL1.readContract({ ...token, functionName: "ownerOf", args: [1n] });
const ownerOnL2 = () => publicL2.readContract({ ...twin, functionName: "ownerOf", args: [1n] });
assert.equal(await ownerOnL1(), account.address);
await reverts(ownerOnL2(), "ERC721NonexistentToken");

await write(onL1, publicL1, token, "approve", [l1Bridge.address, 1n]);
const there = await write(onL1, publicL1, l1Bridge, "bridgeERC721", [token.address, twin.address, 1n, 300_000, "0x"]);
await deposited(getL2TransactionHashes(there));
assert.equal((await ownerOnL1()).toLowerCase(), l1Bridge.address.toLowerCase());
assert.equal(await ownerOnL2(), account.address);
say(`token 1 of ${token.address} is now token 1 of ${twin.address} on L2`);

const away = await write(onL2, publicL2, l2Bridge, "bridgeERC721", [twin.address, token.address, 1n, 300_000, "0x"]);
await reverts(ownerOnL2(), "ERC721NonexistentToken");
await proveAndFinalize(account, away);
assert.equal(await ownerOnL1(), account.address);
say("and back on L1");
