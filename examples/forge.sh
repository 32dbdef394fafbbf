#!/usr/bin/env bash
# `forge script --broadcast`: a Foundry project deployed to L2, then read back with cast.
set -euo pipefail
cd "$(dirname "$0")"
source ./shell.sh

cd forge
rm -rf broadcast
log=$(forge script script/Deploy.s.sol:Deploy --rpc-url "$L2" --private-key "$KEY" --broadcast --non-interactive 2>&1) || {
  echo "$log" >&2
  exit 1
}

# What forge wrote down: four transactions, each with a receipt of success.
run="broadcast/Deploy.s.sol/$L2_ID/run-latest.json"
node -e '
  const assert = require("node:assert/strict");
  const { transactions, receipts } = JSON.parse(require("node:fs").readFileSync(process.argv[1]));
  assert.deepEqual(transactions.map((tx) => tx.transactionType), ["CREATE", "CALL", "CREATE2", "CALL"]);
  assert.deepEqual(receipts.map((receipt) => receipt.status), ["0x1", "0x1", "0x1", "0x1"]);
' "$run"
read -r counter fixed < <(node -p '
  const { transactions } = JSON.parse(require("node:fs").readFileSync(process.argv[1]));
  transactions.filter((tx) => tx.transactionType.startsWith("CREATE")).map((tx) => tx.contractAddress).join(" ");
' "$run")

expect "$(cast call "$counter" 'number()(uint256)' --rpc-url "$L2")" 42
expect "$(cast call "$fixed" 'number()(uint256)' --rpc-url "$L2")" 7
expect "$(cast code "$counter" --rpc-url "$L2")" "$(cast code "$fixed" --rpc-url "$L2")"
say "two counters, at $counter and $fixed"
