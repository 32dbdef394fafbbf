#!/usr/bin/env bash
# The daily commands of cast on L2.
set -euo pipefail
cd "$(dirname "$0")"
source ./shell.sh
export ETH_RPC_URL="$L2"

# json EXPRESSION: of the JSON `it` on standard input.
json() { node -p "const it = JSON.parse(require('node:fs').readFileSync(0)); $1"; }

expect "$(cast chain-id)" "$L2_ID"
cast client >/dev/null
[ "$(cast gas-price)" -gt 0 ]
[ "$(cast base-fee)" -gt 0 ]

# A new account gets ETH and sends some on.
key=$(cast wallet new --json | json 'it[0].private_key')
new=$(cast wallet address "$key")
expect "$(cast balance "$new")" 0
expect "$(cast send "$new" --value 1ether --private-key "$KEY" --json | json it.status)" 0x1
expect "$(cast balance "$new" --ether)" 1.000000000000000000
expect "$(cast nonce "$new")" 0
sink=0x6666666666666666666666666666666666666606
before=$(cast balance "$sink")
hash=$(cast send "$sink" --value 1gwei --private-key "$key" --json | json it.transactionHash)
expect "$(cast balance "$sink")" "$((before + 1000000000))"
expect "$(cast nonce "$new")" 1
expect "$(cast receipt "$hash" status)" true
expect "$(cast tx "$hash" value)" 1000000000
block=$(cast receipt "$hash" blockNumber)
expect "$(cast block "$block" --field number)" "$block"
expect "$(cast block "$block" --json | json it.hash)" "$(cast receipt "$hash" blockHash)"
say "sent 1 gwei from $new in block $block"

# The wrapped ETH of the chain: call, send, estimate, logs, storage.
weth=0x4200000000000000000000000000000000000006
expect "$(cast call "$weth" 'symbol()(string)')" '"WETH"'
[ "$(cast estimate "$weth" 'deposit()' --value 5 --from "$new")" -gt 21000 ]
at=$(cast send "$weth" 'deposit()' --value 5 --private-key "$key" --legacy --json | json 'Number(it.blockNumber)')
expect "$(cast call "$weth" 'balanceOf(address)(uint256)' "$new")" 5
deposits=$(cast logs --from-block "$at" --address "$weth" 'Deposit(address indexed,uint256)' "$new" --json)
expect "$(json 'it.length + " " + BigInt(it[0].data)' <<<"$deposits")" "1 5"
[ "$(cast code "$weth" | wc -c)" -gt 100 ]
if cast call "$weth" 'withdraw(uint256)' 6 --from "$new" >/dev/null 2>&1; then
  echo "a withdrawal of more than the balance must revert" >&2
  exit 1
fi
say "wrapped 5 wei"

# Whatever has no command of its own; the trace of a transaction.
expect "$(cast rpc eth_chainId)" "\"$(cast to-hex "$L2_ID")\""
expect "$(cast rpc debug_traceTransaction "$hash" '{"tracer":"callTracer"}' | json it.to)" "$sink"
expect "$(cast proof "$weth" 0x0 | json 'it.address.toLowerCase()')" "$weth"
say "and by bare RPC"
