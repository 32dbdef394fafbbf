// Runs the examples, all or those that are named, one after the other against a running deployment.

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const all = [
  "deposit-withdraw.mjs",
  "fees.mjs",
  "erc20-bridge.mjs",
  "erc721-bridge.mjs",
  "uniswap-v2.mjs",
  "erc721-mint.mjs",
  "eip7702.mjs",
  "subscriptions.mjs",
  "state-proof.mjs",
  "cast.sh",
  "forge.sh",
];
const limit = Number(process.env.MEZZ_EXAMPLE_TIMEOUT ?? 180) * 1000;

const names = process.argv.slice(2);
const unknown = names.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  console.error(`no example is called ${unknown.join(", ")}; there are: ${all.join(", ")}`);
  process.exit(2);
}

let failed = 0;
const chosen = names.length > 0 ? names : all;
for (const name of chosen) {
  const start = Date.now();
  const { ok, output, reason } = await run(name);
  const took = `${((Date.now() - start) / 1000).toFixed(1)} s`;
  console.log(`${name}: ${ok ? "ok" : `FAILED, ${reason}`} (${took})`);
  process.stdout.write(output);
  if (!ok) failed += 1;
}
console.log(`${chosen.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

function run(name) {
  const path = fileURLToPath(new URL(name, import.meta.url));
  const [command, args] = name.endsWith(".mjs") ? [process.execPath, [path]] : ["bash", [path]];
  // A process group of its own, so that the time limit also ends what the example has started.
  const child = spawn(command, args, { detached: true, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (output += data));
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    process.kill(-child.pid, "SIGKILL");
  }, limit);
  return new Promise((done) => {
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      const reason = late ? `not done after ${limit / 1000} s` : `exit code ${code ?? signal}`;
      done({ ok: code === 0, output, reason });
    });
  });
}
