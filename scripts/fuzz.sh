#!/usr/bin/env bash
# Feeds one target, or each in turn, with inputs that coverage chooses; on the stable toolchain, with a C++
# compiler for libFuzzer.
#
#   scripts/fuzz.sh TARGET SECONDS    `all` for each of them
#
# Environment: WATCHKEEPER_CORPUS names a folder of LiteLLM files that config_litellm also begins with.
# What it learnt stays in target/fuzz/TARGET/corpus, what broke in target/fuzz/TARGET/found; a file there runs
# again with `scripts/fuzz.sh TARGET 0 FILE`.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# An input that takes this long hangs; a process that grows beyond this keeps what it is fed.
readonly MAX_SECONDS=10 MAX_MIB=1024
# Longer inputs are slower, and reach nothing that shorter ones do not.
readonly MAX_INPUT=8192

usage() {
  sed -n '2,10s/^# \{0,1\}//p' scripts/fuzz.sh
}

if [ $# -lt 2 ]; then
  usage >&2
  exit 2
fi
name=$1 seconds=$2
shift 2

work=${CARGO_TARGET_DIR:-$PWD/target}/fuzz
host=$(rustc -vV | sed -n 's/^host: //p')
need c++ g++

targets=$(cargo run --locked --quiet --package watchkeeper-fuzz-targets --bin seeds)
case $'\n'$targets$'\n' in
  *$'\n'"$name"$'\n'*) targets=$name ;;
  *) [ "$name" = all ] || die "no target is called \`$name\`; there are ${targets//$'\n'/ }, and all" ;;
esac

# What libFuzzer needs from the compiler, as plain code generation options: no nightly, no extra tool. With
# --target they do not reach build scripts. Not --locked: nobody is asked to keep a second lock file in step.
RUSTFLAGS='-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
  -Cllvm-args=-sanitizer-coverage-trace-compares' \
  cargo build --release --manifest-path integration-tests/fuzz/Cargo.toml --target "$host" --target-dir "$work"

failed=0
for target in $targets; do
  folder=$work/$target
  mkdir -p "$folder/corpus" "$folder/found"
  cargo run --locked --quiet --package watchkeeper-fuzz-targets --bin seeds -- "$target" "$folder/seeds"
  begin=("$folder/corpus" "$folder/seeds")
  if [ "$target" = config_litellm ] && [ -n "${WATCHKEEPER_CORPUS:-}" ]; then
    begin+=("$WATCHKEEPER_CORPUS")
  fi
  [ $# -eq 0 ] || begin=("$@")
  printf '==> %s\n' "$target"
  WATCHKEEPER_FUZZ_TARGET=$target "$work/$host/release/watchkeeper-fuzz" -max_total_time="$seconds" \
    -timeout="$MAX_SECONDS" -rss_limit_mb="$MAX_MIB" -max_len="$MAX_INPUT" -print_final_stats=1 \
    -artifact_prefix="$folder/found/" "${begin[@]}" || failed=1
done
exit "$failed"
