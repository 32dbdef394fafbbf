#!/usr/bin/env bash
# Runs docs/walkthrough.md: its `sh` blocks as they stand, those with `terminal=NAME` in the background, those with `edit`
# not at all.
#
#   tests/walkthrough.sh anvil       needs Anvil in MEZZ_ANVIL, or installed in examples/
#   tests/walkthrough.sh embedded
#
# Needs cast, installed in examples/. MEZZ names a binary to use instead of building one.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

mode=${1:?anvil or embedded}
source tests/processes.sh
for name in $(compgen -e MEZZ_ || true); do
  case $name in MEZZ_ANVIL) ;; *) unset "$name" ;; esac
done
system=$(uname -s | tr '[:upper:]' '[:lower:]')
case "$(uname -m)" in x86_64) arch=amd64 ;; *) arch=arm64 ;; esac
tools=$root/examples/node_modules/@foundry-rs
mkdir "$dir/bin" "$dir/host" "$dir/work"
ln -s "$(realpath "$MEZZ")" "$dir/bin/mezz"
export PATH="$dir/bin:$tools/cast-$system-$arch/bin:$PATH"
export FOUNDRY_DISABLE_NIGHTLY_WARNING=1

case $mode in
  anvil)
    port=$((20000 + RANDOM % 20000))
    "${MEZZ_ANVIL:-$tools/anvil-$system-$arch/bin/anvil}" --port "$port" --hardfork osaka --enable-tx-gas-limit \
      --block-time 1 --slots-in-an-epoch 1 --silent &
    pids+=($!)
    export MEZZ_L1=http://127.0.0.1:$port
    ;;
  embedded)
    # It comes with a chain of its own, which the one of the walk-through is not.
    mezz --data-dir "$dir/host" up --l1-port 0 --l2-port 0 --l1-finality 4 >"$dir/host.log" 2>&1 &
    pids+=($!)
    for _ in $(seq 300); do
      [ -f "$dir/host/deployment.json" ] && break
      sleep 0.2
    done
    MEZZ_L1=$(sed -n '/"l1"/,/"l2"/s/.*"rpc": "\(.*\)".*/\1/p' "$dir/host/deployment.json")
    export MEZZ_L1
    ;;
  *) echo "anvil or embedded, not $mode" >&2; exit 2 ;;
esac
until cast chain-id --rpc-url "$MEZZ_L1" >/dev/null 2>&1; do
  kill -0 "${pids[0]}"
  sleep 0.2
done

# One script of the page: a background block becomes a file, and a line that starts it.
awk -v dir="$dir" '
  /^```sh/ { kind = $2; if (kind ~ /^terminal=/) { name = substr(kind, 10); file = dir "/" name ".sh" } inside = 1; next }
  /^```/ && inside {
    if (kind ~ /^terminal=/) print "start " name
    inside = 0; kind = ""; next
  }
  inside && kind == "edit" { next }
  inside && kind ~ /^terminal=/ { print "exec " $0 > file; next }
  inside { print }
' docs/walkthrough.md >"$dir/page.sh"
[ "$(grep -c '^start ' "$dir/page.sh")" = 4 ] || { echo "the page starts four duties" >&2; exit 1; }

declare -A duties
start() {
  bash "$dir/$1.sh" >"$dir/$1.log" 2>&1 &
  duties[$1]=$!
  pids+=($!)
}
show_logs() {
  for log in "$dir"/*.log; do echo "--- $log" >&2; tail -n 40 "$log" >&2; done
}
trap 'show_logs' ERR
cd "$dir/work"
set -E
# shellcheck source=/dev/null
source "$dir/page.sh" > >(tee "$dir/out.log") 2>&1

# Nobody on this machine has seen a secret.
password=$(cat keys/password)
for name in "${!duties[@]}"; do
  if tr '\0' '\n' <"/proc/${duties[$name]}/cmdline" | grep -qF -- "$password"; then
    echo "the password of $name is in the process list" >&2; exit 1
  fi
done
if grep -qF -- "$password" "$dir"/*.log; then echo "a password was printed" >&2; exit 1; fi

for name in proposer batcher verifier sequencer; do
  kill -TERM "${duties[$name]}"
  code=0
  wait "${duties[$name]}" || code=$?
  [ "$code" = 0 ] || { echo "$name ended with $code" >&2; show_logs; exit 1; }
done
echo "the walk-through holds on $mode"
