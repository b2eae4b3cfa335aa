# shellcheck shell=bash
# Shared by the scripts: finding the checkout, timed steps, a count of tests, installing packages.
# Sourced, never run. The caller has `set -euo pipefail`.

# No `cd` output from CDPATH, and every path below is from the root of the checkout.
unset CDPATH
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit

# Daemons lie there, and not every account looks there.
PATH=$PATH:/usr/sbin:/sbin

tests_passed=0
tests_failed=0

die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# step NAME COMMAND...: runs it without standard input, prints its name before and its seconds after.
step() {
  local name=$1 begun=$SECONDS status=0
  shift
  printf '\n==> %s\n' "$name"
  "$@" </dev/null || status=$?
  if [ "$status" -eq 0 ]; then
    printf '<== %s: ok, %s s\n' "$name" "$((SECONDS - begun))"
  else
    printf '<== %s: FAILED with exit %s, %s s\n' "$name" "$status" "$((SECONDS - begun))"
  fi
  return "$status"
}

# must_step NAME COMMAND...: a step whose failure counts as one failed test, and does not stop the script.
must_step() {
  step "$@" || tests_failed=$((tests_failed + 1))
}

# bounded SECONDS COMMAND...: in CI nothing may hang for ever; at a terminal Ctrl-C must reach the command,
# and `timeout` would stand between.
bounded() {
  if [ -n "${CI:-}" ]; then
    timeout --kill-after=10 "$@"
  else
    shift
    "$@"
  fi
}

# test_step NAME COMMAND...: a step whose `test result:` lines are summed. What would hide a hole counts as a
# failure: a run that executed no test, ignored one, or failed without naming a failed test (a crash, a
# timeout, code that does not compile).
test_step() {
  local line status=1 passed=0 failed=0 ignored=0
  local result='test result: [a-zA-Z]+\. ([0-9]+) passed; ([0-9]+) failed; ([0-9]+) ignored'
  # The end is a line of our own, not the end of the stream: a process that a test left behind may hold
  # the stream open.
  local end='end-of-step-'$$
  while IFS= read -r line; do
    if [[ $line == "$end "* ]]; then
      status=${line##* }
      break
    fi
    printf '%s\n' "$line"
    if [[ $line =~ $result ]]; then
      passed=$((passed + BASH_REMATCH[1]))
      failed=$((failed + BASH_REMATCH[2]))
      ignored=$((ignored + BASH_REMATCH[3]))
    fi
  done < <(
    code=0
    step "$@" 2>&1 || code=$?
    printf '\n%s %s\n' "$end" "$code"
  )
  if [ "$ignored" -gt 0 ]; then
    printf 'error: %s: %s tests are ignored; a test that cannot run has to fail\n' "$1" "$ignored"
    failed=$((failed + ignored))
  fi
  if [ "$status" -eq 0 ] && [ $((passed + failed)) -eq 0 ]; then
    printf 'error: %s: no test ran\n' "$1"
    failed=1
  fi
  if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
    failed=1
  fi
  tests_passed=$((tests_passed + passed))
  tests_failed=$((tests_failed + failed))
}

# The closing line, and the script's exit status. A script that calls another names a file for its count.
report_tests() {
  local counts="$tests_passed passed, $tests_failed failed"
  [ -z "${WATCHKEEPER_TEST_COUNTS:-}" ] || echo "$counts" >"$WATCHKEEPER_TEST_COUNTS"
  printf '\n%s\n' "$counts"
  [ "$tests_failed" -eq 0 ]
}

# counted COMMAND...: runs a script that ends with report_tests, and goes on from its count.
counted() {
  local counts status=0 passed failed
  counts=$(mktemp)
  WATCHKEEPER_TEST_COUNTS=$counts "$@" </dev/null || status=$?
  read -r passed _ failed _ <"$counts" || true
  rm -f "$counts"
  # One that ended before it could count has failed once; so has one that failed beside its count.
  failed=${failed:-1}
  if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
    failed=1
  fi
  tests_passed=$((tests_passed + ${passed:-0}))
  tests_failed=$((tests_failed + failed))
}

# as_root COMMAND...: directly, or by sudo.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo -- "$@"
  else
    die "\`$1\` needs root; run as root or install sudo"
  fi
}

# install_for WHAT PACKAGE...: on Debian installs PACKAGE, elsewhere says what to do.
install_for() {
  local what=$1
  shift
  if ! command -v apt-get >/dev/null; then
    die "$what is missing; install it (on Debian: apt-get install $*) and run this again"
  fi
  echo "installing $*, for $what"
  if [ -z "${apt_updated:-}" ]; then
    as_root apt-get update -qq
    apt_updated=1
  fi
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends \
    -o DPkg::Lock::Timeout=300 "$@" >/dev/null
}

# need COMMAND PACKAGE...: makes sure that COMMAND exists.
need() {
  local tool=$1
  shift
  command -v "$tool" >/dev/null && return
  install_for "\`$tool\`" "$@"
  command -v "$tool" >/dev/null || die "\`$*\` is installed and \`$tool\` is still missing"
}

# need_venv: a Python that can make virtual environments; Debian keeps that part in a package of its own.
need_venv() {
  need python3 python3 python3-venv
  python3 -c 'import ensurepip, venv' 2>/dev/null || install_for "Python's \`venv\`" python3-venv
  python3 -c 'import ensurepip, venv' 2>/dev/null || die "this \`python3\` cannot make virtual environments: install one that can"
}
