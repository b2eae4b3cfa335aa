#!/usr/bin/env bash
# Proves who may know whom, from what cargo would really build; ARCHITECTURE.md says why.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

failed=0
complain() {
  printf 'error: %s\n' "$*" >&2
  failed=1
}

# reaches CRATE EDGES: the names of all crates it reaches over these edges on any platform, itself first.
reaches() {
  cargo tree --locked --quiet --package "$1" --edges "$2" --target all --all-features --prefix none --format '{p}' |
    sed 's/ .*//' | awk 'NF && !seen[$0]++'
}

# What core may never reach: a runtime, a socket, a store, a TLS stack, a clock, random numbers.
readonly IMPURE='tokio(-.*)?|async-(std|io|executor|global-executor)|smol|mio|polling|socket2|nix|rustix
|reqwest|hyper(-.*)?|h2|axum(-.*)?|tower(-.*)?|tonic(-.*)?|redis|fred|etcd-client
|rustls(-.*)?|native-tls|openssl(-.*)?|ring|aws-lc-(rs|sys)
|getrandom|rand(_.*)?|fastrand|time|chrono|jiff|tracing-subscriber'

core=$(reaches watchkeeper-core normal,build)
impure=$(grep -Ex "${IMPURE//$'\n'/}" <<<"$core" | tr '\n' ' ' || true)
[ -z "$impure" ] || complain "watchkeeper-core reaches $impure: it has no I/O, no runtime, no clock and no random numbers; put this behind a port"

# A dependency is one way to the outside, the standard library the other.
outside=$(grep -rnE '\bstd::(env|fs|io|net|os|process|thread)\b|\b(Instant|SystemTime)::now\b' \
  --include='*.rs' crates/watchkeeper-core/src || true)
[ -z "$outside" ] || complain "watchkeeper-core reaches outside by the standard library:"$'\n'"$outside"

# Bugs that the simulation puts back ship with nothing.
planted=$(cargo tree --locked --quiet --package watchkeeper --edges normal,build,features --target all --all-features |
  grep -F 'planted-bugs' || true)
[ -z "$planted" ] || complain "\`watchkeeper\` ships planted bugs: $planted"

# may_know CRATE EDGES CRATE...: of this workspace, CRATE reaches these and no others.
may_know() {
  local crate=$1 edges=$2 known reached
  shift 2
  reached=$(reaches "$crate" "$edges")
  while IFS= read -r known; do
    case " $crate $* " in
      *" $known "*) ;;
      *) complain "\`$crate\` may not know \`$known\` ($edges dependencies); see the table in .ci/boundaries.sh" ;;
    esac
  done < <(grep '^watchkeeper' <<<"$reached")
}

for manifest in crates/*/Cargo.toml; do
  crate=$(basename "$(dirname "$manifest")")
  case $crate in
    watchkeeper-core)
      may_know "$crate" normal,build
      may_know "$crate" normal,build,dev watchkeeper-testkit
      ;;
    # What reads LiteLLM's file or answers in its shapes learns what they mean in one place.
    watchkeeper-api | watchkeeper-config)
      may_know "$crate" normal,build watchkeeper-core watchkeeper-litellm
      may_know "$crate" normal,build,dev watchkeeper-core watchkeeper-litellm watchkeeper-testkit watchkeeper-memory
      ;;
    # Backends whose store is a server know the common way there besides.
    watchkeeper-etcd | watchkeeper-redis)
      may_know "$crate" normal,build watchkeeper-core watchkeeper-remote
      may_know "$crate" normal,build,dev watchkeeper-core watchkeeper-remote watchkeeper-testkit watchkeeper-memory
      ;;
    # The tools: core alone; in tests the suite and the reference store as well.
    watchkeeper-litellm | watchkeeper-memory | watchkeeper-probes | watchkeeper-remote | watchkeeper-runtime | \
      watchkeeper-testkit)
      may_know "$crate" normal,build watchkeeper-core
      may_know "$crate" normal,build,dev watchkeeper-core watchkeeper-testkit watchkeeper-memory
      ;;
    # The binary knows all that a daemon is made of; the suite is none of it.
    watchkeeper)
      reached=$(reaches "$crate" normal,build)
      case $'\n'$reached$'\n' in
        *$'\n'watchkeeper-testkit$'\n'*) complain "\`watchkeeper\` ships the test kit" ;;
      esac
      ;;
    *) complain "\`$crate\` is not in the table of .ci/boundaries.sh; say whom it may know" ;;
  esac
done

exit "$failed"
