// Compiles the contracts and writes `artifacts/`, and those of the tests that attack running nodes, into
// `test/artifacts/`. With `--check` it writes nothing and fails if a byte would differ.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const root = dirname(fileURLToPath(import.meta.url));
const check = process.argv.includes("--check");

// Contracts that are deployed or put in a genesis, and their file.
const contracts = {
  AnchorStateRegistry: "rollup/l1/AnchorStateRegistry.sol",
  DisputeGameFactory: "rollup/l1/DisputeGameFactory.sol",
  Inbox: "rollup/l1/Inbox.sol",
  L1CrossDomainMessenger: "rollup/l1/L1CrossDomainMessenger.sol",
  L1ERC721Bridge: "rollup/l1/L1ERC721Bridge.sol",
  L1StandardBridge: "rollup/l1/L1StandardBridge.sol",
  Portal: "rollup/l1/Portal.sol",
  ProposalGame: "rollup/l1/ProposalGame.sol",
  FeeVault: "rollup/l2/FeeVault.sol",
  GasPriceOracle: "rollup/l2/GasPriceOracle.sol",
  L1Block: "rollup/l2/L1Block.sol",
  L2CrossDomainMessenger: "rollup/l2/L2CrossDomainMessenger.sol",
  L2ERC721Bridge: "rollup/l2/L2ERC721Bridge.sol",
  L2StandardBridge: "rollup/l2/L2StandardBridge.sol",
  L2ToL1MessagePasser: "rollup/l2/L2ToL1MessagePasser.sol",
  OptimismMintableERC721: "rollup/l2/OptimismMintableERC721.sol",
  OptimismMintableERC721Factory: "rollup/l2/OptimismMintableERC721Factory.sol",
  WETH9: "rollup/l2/WETH9.sol",
  Multicall3: "shared/Multicall3.sol",
  OptimismMintableERC20: "shared/OptimismMintableERC20.sol",
  OptimismMintableERC20Factory: "shared/OptimismMintableERC20Factory.sol",
};

// Contracts that attack: the Foundry tests use them, and the tests of the program deploy them on running nodes.
const hostile = {
  Caller: "test/Hostile.sol",
  CallingToken: "test/Hostile.sol",
  BombToken: "test/Hostile.sol",
  Sending: "test/Hostile.sol",
  FeeToken: "test/Tokens.sol",
  OddToken: "test/Tokens.sol",
  ReentrantToken: "test/Tokens.sol",
  Token: "test/Tokens.sol",
};

const settings = {
  evmVersion: "osaka",
  viaIR: true,
  optimizer: { enabled: true, runs: 10000 },
  metadata: { bytecodeHash: "none", appendCBOR: false },
};

function locate(path) {
  const package_ = /^(@openzeppelin|solady)\//.test(path);
  return join(root, package_ ? "node_modules" : "", path);
}

// The sources that `path` needs, itself included, in order of first use.
function collect(path, sources) {
  if (sources[path]) return;
  const content = readFileSync(locate(path), "utf8");
  sources[path] = { content };
  for (const [, target] of content.matchAll(/^import\s+(?:[^;"']*?from\s+)?["']([^"']+)["']/gm)) {
    collect(target.startsWith(".") ? posix.join(posix.dirname(path), target) : target, sources);
  }
}

const sha256 = (text) => createHash("sha256").update(text).digest("hex");

// Names of all immutable variables, by the id that the compiler gives them.
function immutableNames(output) {
  const names = {};
  const visit = (node) => {
    if (Array.isArray(node)) return node.forEach(visit);
    if (node === null || typeof node !== "object") return;
    if (node.nodeType === "VariableDeclaration" && node.mutability === "immutable") names[node.id] = node.name;
    Object.values(node).forEach(visit);
  };
  for (const { ast } of Object.values(output.sources)) visit(ast);
  return names;
}

// Storage types are named after compiler ids, which change with unrelated sources: keep what does not.
function storageLayout(layout) {
  return (layout?.storage ?? []).map(({ label, offset, slot, type }) => ({
    label,
    slot,
    offset,
    type: layout.types[type].label,
    bytes: layout.types[type].numberOfBytes,
  }));
}

const solc = require("solc");

// What the compiler makes of `contracts`. What makes the program never depends on what attacks it: each set is
// compiled alone.
function compile(contracts) {
  const sources = {};
  const outputSelection = { "*": { "": ["ast"] } };
  for (const [name, file] of Object.entries(contracts)) {
    collect(file, sources);
    outputSelection[file] ??= {};
    outputSelection[file][name] = [
      "abi",
      "evm.bytecode.object",
      "evm.deployedBytecode",
      "storageLayout",
      "transientStorageLayout",
    ];
  }
  const input = { language: "Solidity", sources, settings: { ...settings, outputSelection } };
  const output = JSON.parse(solc.compile(JSON.stringify(input)));
  // A warning about our own sources is an error; what the libraries' authors are warned of is theirs.
  const complaints = (output.errors ?? []).filter(
    ({ severity, sourceLocation }) =>
      severity === "error" || !/^(@openzeppelin|solady)\//.test(sourceLocation?.file ?? ""),
  );
  for (const { formattedMessage } of complaints) console.error(formattedMessage);
  if (complaints.length > 0) process.exit(1);
  return output;
}

function artifact(name, file, output, names) {
  const { abi, evm, storageLayout: layout } = output.contracts[file][name];
  const needed = {};
  collect(file, needed);
  const immutableReferences = {};
  for (const [id, places] of Object.entries(evm.deployedBytecode.immutableReferences ?? {})) {
    if (immutableReferences[names[id]]) throw new Error(`${name}: two immutables are called ${names[id]}`);
    immutableReferences[names[id]] = places.map(({ start }) => start);
  }
  return {
    contractName: name,
    sourceName: file,
    compiler: solc.version().replace(/\.Emscripten.*$/, ""),
    settings,
    sources: Object.fromEntries(Object.keys(needed).sort().map((path) => [path, sha256(needed[path].content)])),
    abi,
    storageLayout: storageLayout(layout),
    immutableReferences: Object.fromEntries(Object.entries(immutableReferences).sort()),
    bytecode: "0x" + evm.bytecode.object,
    deployedBytecode: "0x" + evm.deployedBytecode.object,
  };
}

let stale = 0;

// Writes or compares the artifacts of `contracts` in `folder`, and nothing else is left there.
function build(contracts, folder) {
  const output = compile(contracts);
  const names = immutableNames(output);
  const directory = join(root, folder);
  mkdirSync(directory, { recursive: true });
  for (const [name, file] of Object.entries(contracts)) {
    const made = artifact(name, file, output, names);
    const text = JSON.stringify(made, null, 1) + "\n";
    const path = join(directory, `${name}.json`);
    if (check) {
      if (!existsSync(path) || readFileSync(path, "utf8") !== text) {
        console.error(`${folder}/${name}.json is not what the sources compile to: run \`node build.mjs\``);
        stale++;
      }
    } else {
      writeFileSync(path, text);
      console.log(`${name.padEnd(30)} ${String((made.deployedBytecode.length - 2) / 2).padStart(6)} bytes`);
    }
  }
  for (const file of readdirSync(directory)) {
    if (contracts[file.replace(/\.json$/, "")]) continue;
    if (check) {
      console.error(`${folder}/${file} belongs to no contract`);
      stale++;
    } else {
      rmSync(join(directory, file));
    }
  }
}

build(contracts, "artifacts");
build(hostile, "test/artifacts");
if (stale > 0) process.exit(1);
