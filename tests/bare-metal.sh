#!/usr/bin/env bash
# Checks that the crates a fraud proof would run (types, execution, derivation) build for a bare
# RISC-V machine: no operating system, no C compiler. Says which compiler it used.
#
# Rust's core library for that machine comes from the first of these that there is: the installed
# target; rustup; the library's sources beside the compiler; Debian's packages of both.
set -euo pipefail
cd "$(dirname "$0")/.."

target=riscv64imac-unknown-none-elf
packages=(rustc-web cargo-web rust-web-src)
# Sources of the library are compiled with the compiler that they belong to, on an unstable option.
build_std=(env RUSTC_BOOTSTRAP=1)
build_std_flags=(-Zbuild-std=core,alloc)

# A folder of its own: these builds share nothing with the others and would wait for their lock.
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}/bare-metal"
# Flags for the machine that builds are not for this one.
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_TARGET

has_target() { compgen -G "$(rustc --print target-libdir --target "$target")/libcore-*.rlib" >/dev/null; }
has_sources() { [ -f "$("$1" --print sysroot)/lib/rustlib/src/rust/library/core/src/lib.rs" ]; }
# Whether a compiler is at least as new as the workspace asks for.
is_new_enough() {
  local least have
  least=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
  have=$("$1" --version | cut -d' ' -f2)
  [ "$(printf '%s\n' "$least" "$have" | sort -V | head -n 1)" = "$least" ]
}
check() {
  # What runs while building need not be fast.
  "$@" --locked --config 'profile.dev.package."*".opt-level=0' -p mezz-primitives -p mezz-evm -p mezz-derivation --target "$target" \
    --no-default-features --features mezz-primitives/k256,mezz-derivation/k256
}
debian() {
  command -v apt-get >/dev/null || return 1
  if [ ! -x /usr/bin/rustc ] || [ ! -x /usr/bin/cargo ] || ! has_sources /usr/bin/rustc; then
    [ "$(id -u)" = 0 ] || { echo "not root: cannot install ${packages[*]}" >&2; return 1; }
    apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -yq "${packages[@]}" || return 1
  fi
  has_sources /usr/bin/rustc || { echo "no library sources beside /usr/bin/rustc" >&2; return 1; }
  is_new_enough /usr/bin/rustc || { echo "too old: $(/usr/bin/rustc --version)" >&2; return 1; }
}

if ! has_target && command -v rustup >/dev/null; then
  timeout 180 rustup target add "$target" || echo "rustup cannot add $target" >&2
fi
if has_target; then
  echo "$(rustc --version), installed $target"
  check cargo check
elif has_sources rustc; then
  echo "$(rustc --version), core and alloc from its sources"
  check "${build_std[@]}" cargo check "${build_std_flags[@]}"
elif debian; then
  echo "$(/usr/bin/rustc --version), core and alloc from its sources"
  check "${build_std[@]}" PATH="/usr/bin:$PATH" RUSTC=/usr/bin/rustc /usr/bin/cargo check "${build_std_flags[@]}"
else
  cat >&2 <<END
No way to build for $target: it is not installed and rustup cannot add it, the compiler has no
library sources beside it (rustup component add rust-src), and Debian's ${packages[*]}
are not installed, cannot be installed, or are older than the workspace's rust-version.
END
  exit 1
fi
