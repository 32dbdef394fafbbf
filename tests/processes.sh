# Sourced by the scripts of this folder: a folder of their own, `$dir`, and processes, `$pids`, that end with the script; and the
# program, `$MEZZ`, which is built unless that names one.
dir=$(mktemp -d)
pids=()
stop() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$dir"
}
trap stop EXIT

if [ -z "${MEZZ:-}" ]; then
  cargo build --quiet
  MEZZ=${CARGO_TARGET_DIR:-target}/debug/mezz
fi
