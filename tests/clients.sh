#!/usr/bin/env bash
# Runs every example in examples/ against a fresh `mezz up`, on the embedded L1 or on Anvil.
#
#   tests/clients.sh embedded
#   tests/clients.sh anvil      needs Anvil in MEZZ_ANVIL, or installed in examples/
#
# MEZZ names a binary to use instead of building one.
set -euo pipefail
cd "$(dirname "$0")/.."

mode=${1:?embedded or anvil}
source tests/processes.sh
options=(--l2-port 0)
case $mode in
  embedded) options+=(--l1-port 0) ;;
  anvil)
    anvil=${MEZZ_ANVIL:-examples/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil}
    port=$((20000 + RANDOM % 20000))
    "$anvil" --port "$port" --hardfork osaka --enable-tx-gas-limit --block-time 1 --silent &
    pids+=($!)
    for _ in $(seq 50); do
      curl -sf -o /dev/null -X POST -H 'content-type: application/json' \
        -d '{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}' "http://127.0.0.1:$port" && break
      sleep 0.1
    done
    options+=(--l1 "http://127.0.0.1:$port")
    ;;
  *) echo "embedded or anvil, not $mode" >&2; exit 2 ;;
esac

"$MEZZ" --data-dir "$dir" up "${options[@]}" >"$dir/out" 2>&1 &
pids+=($!)
for _ in $(seq 300); do
  [ -f "$dir/deployment.json" ] && break
  kill -0 "${pids[-1]}" 2>/dev/null || { cat "$dir/out"; exit 1; }
  sleep 0.2
done
MEZZ_DEPLOYMENT="$dir/deployment.json" node examples/run.mjs || { tail -n 60 "$dir/out"; exit 1; }
