#!/usr/bin/env bash
# Types what documents tell a new user to type, as it stands there, in a clean copy of this checkout, and holds them to
# what they say comes of it.
#
#   scripts/tour.sh [FILE.md ...]      README.md and docs/quick-start.md unless others are named
#
# Each document is one shell from top to bottom. Run are the blocks marked `sh`, whole, and the lines behind `$ ` of those
# marked `console`. Comments in front of a block, which no reader sees, say what has to come of it:
#
#   <!-- tour: shows TEXT -->          its output holds TEXT, within a minute; `console` blocks are asked again until then
#   <!-- tour: until TEXT -->          it stays; once its output holds TEXT, Ctrl-C ends it
#   <!-- tour: skip REASON -->         it is not run
#   <!-- tour: lines MIN MAX SECONDS TEXT -->   by itself: what runs in the background writes so many lines with TEXT
#                                      within so many seconds
#
# Needs what the documents say that it needs: Rust, python3, redis-server, curl. WATCHKEEPER_TOUR_TARGET names a target
# directory that has been built in; else everything is built in target/tour. The last line is `N passed, N failed`.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# For an answer that is on its way; a build in front of what stays takes longer.
readonly PATIENCE=60 BUILD_PATIENCE=1200 LEAVING=30

files=("$@")
[ ${#files[@]} -gt 0 ] || files=(README.md docs/quick-start.md)

need cc gcc libc6-dev
need python3 python3
need curl curl
if ! command -v redis-server >/dev/null; then
  need redis-server redis-server
  # The one that the package starts is not wanted.
  [ ! -d /run/systemd/system ] || as_root systemctl disable --quiet --now redis-server || true
fi

work=$(mktemp -d)
running=
trap '[ -z "$running" ] || kill "$running" 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
copy=$work/watchkeeper
mkdir "$copy" "$work/blocks"
git ls-files -z --cached --others --exclude-standard |
  while IFS= read -r -d '' path; do [ ! -e "$path" ] || printf '%s\0' "$path"; done |
  tar --null --files-from=- --create | tar --extract --directory="$copy"
target=${WATCHKEEPER_TOUR_TARGET:-$PWD/target/tour}
mkdir -p "$target"
ln -s "$target" "$copy/target"
# A new user has set none of these.
unset CARGO_TARGET_DIR COLUMNS WATCHKEEPER_CONFIG WATCHKEEPER_URL WATCHKEEPER_API_KEY

# steps FILE: the document as a list of steps, one a line: kind, line of the document, file with the commands, words.
# Fields are parted by a character that no document has.
steps() {
  awk -v blocks="$work/blocks" -v name="${1//\//-}" '
    BEGIN { OFS = "\037" }
    function complain(why) { print "bad", NR, "-", why }
    /^<!-- tour: .* -->$/ {
      word = $3
      text = $0
      sub(/^<!-- tour: [a-z]+ /, "", text)
      sub(/ -->$/, "", text)
      if (word == "lines") print "lines", NR, "-", text
      else if (word == "shows") shows = shows text "\036"
      else if (word == "until" || word == "skip") { how = word; words = text }
      else complain("no directive is called `" word "`")
      next
    }
    /^```/ && !inside {
      inside = 1
      kind = substr($1, 4)
      begun = NR
      commands = ""
      next
    }
    /^```/ {
      inside = 0
      if (kind != "sh" && kind != "console") {
        if (prompts) complain("lines with a prompt stand in a block that is not marked `console`")
        if (how != "" || shows != "") complain("a directive stands before a block that is not run")
      } else {
        file = blocks "/" name "-" begun ".sh"
        printf "%s", commands > file
        close(file)
        if (how == "" && kind == "console") how = "ask"
        if (how == "") how = "run"
        if (how == "ask" && shows == "") complain("a console block has to say what it shows")
        print how, begun, file, (how == "ask" || how == "run") ? shows : words
      }
      how = ""; shows = ""; words = ""; prompts = 0
      next
    }
    inside && kind == "console" { if (sub(/^\$ /, "")) commands = commands $0 "\n"; next }
    inside { if (/^\$ /) prompts = 1; commands = commands $0 "\n" }
  ' "$1"
}

passed=0
failed=0

pass() {
  passed=$((passed + 1))
  printf '  ok    %s\n' "$*"
}

fail() {
  failed=$((failed + 1))
  printf '  FAIL  %s\n' "$1"
  tail -n 25 "${2:-/dev/null}" | sed 's/^/        | /'
}

# holds FILE TEXTS: each of TEXTS is in FILE; what is missing is in `missing`.
holds() {
  local text
  while IFS= read -r -d $'\036' text; do
    missing=$text
    grep -qF -- "$text" "$1" || return 1
  done < <(printf '%s' "$2")
}

# typed FILE OUTPUT: the commands in this very shell, so that what they set and start is there afterwards. The first that
# failed is in `broken`. Not to be called in a condition: there bash tells of no failure.
typed() {
  broken=
  trap 'broken=${broken:-$BASH_COMMAND}' ERR
  # shellcheck disable=SC1090
  . "$1" >>"$2" 2>&1 </dev/null
  trap - ERR
}

run_block() { # WHERE FILE TEXTS
  local output=$2.out deadline=$((SECONDS + PATIENCE)) missing='' before
  before=${!:-}
  typed "$2" "$output"
  # Nobody types so fast that what was started just now is not there yet.
  [ "${!:-}" = "$before" ] || sleep 3
  if [ -n "$broken" ]; then
    fail "$1: failed: $broken" "$output"
    return
  fi
  until holds "$output" "$3"; do
    if [ "$SECONDS" -ge "$deadline" ]; then
      fail "$1: does not show \`$missing\`" "$output"
      return
    fi
    sleep 0.3
  done
  pass "$1: $(head -n 1 "$2")"
}

ask_block() { # WHERE FILE TEXTS
  local output=$2.out deadline=$((SECONDS + PATIENCE)) missing=
  while true; do
    : >"$output"
    typed "$2" "$output"
    if [ -z "$broken" ] && holds "$output" "$3"; then
      break
    fi
    if [ "$SECONDS" -ge "$deadline" ]; then
      fail "$1: does not show \`$missing\` (failed: ${broken:-nothing})" "$output"
      return
    fi
    sleep 0.3
  done
  pass "$1: $(head -n 1 "$2")"
}

until_block() { # WHERE FILE TEXT
  local output=$2.out deadline=$((SECONDS + BUILD_PATIENCE)) group
  : >"$output"
  # Job control, so that Ctrl-C reaches all that the line starts and nothing else.
  set -m
  # shellcheck disable=SC1090
  (. "$2") >"$output" 2>&1 </dev/null &
  group=$!
  set +m
  until grep -qF -- "$3" "$output"; do
    if [ "$SECONDS" -ge "$deadline" ] || ! kill -0 -- "-$group" 2>/dev/null; then
      fail "$1: ended, or did not show \`$3\`" "$output"
      kill -KILL -- "-$group" 2>/dev/null || true
      return
    fi
    sleep 0.3
  done
  kill -INT -- "-$group" 2>/dev/null || true
  deadline=$((SECONDS + LEAVING))
  while kill -0 -- "-$group" 2>/dev/null; do
    if [ "$SECONDS" -ge "$deadline" ]; then
      fail "$1: Ctrl-C does not end it" "$output"
      kill -KILL -- "-$group" 2>/dev/null || true
      return
    fi
    sleep 0.3
  done
  pass "$1: $(head -n 1 "$2") (until \`$3\`, then Ctrl-C)"
}

# written TEXT: how many lines hold it, of all that this document's blocks wrote so far.
written() {
  cat "$work"/blocks/"$document"-*.out | grep -cF -- "$1" || true
}

count_lines() { # WHERE "MIN MAX SECONDS TEXT"
  local least most seconds text before n
  read -r least most seconds text <<<"$2"
  before=$(written "$text")
  sleep "$seconds"
  n=$(($(written "$text") - before))
  if [ "$n" -ge "$least" ] && [ "$n" -le "$most" ]; then
    pass "$1: $n lines with \`$text\` in $seconds s"
  else
    fail "$1: $n lines with \`$text\` in $seconds s, not $least to $most" <(:)
  fi
}

# tour FILE: one shell for the whole document; what still runs at its end is ended.
tour() {
  local document=${1//\//-} kind line file words where
  # Word by word: an answer that is no answer fails its block, not this script.
  set +e
  set -E
  cd "$copy" || exit
  trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT
  while IFS=$'\037' read -r -u 9 kind line file words; do
    where=$1:$line
    case $kind in
      run) run_block "$where" "$file" "$words" ;;
      ask) ask_block "$where" "$file" "$words" ;;
      until) until_block "$where" "$file" "$words" ;;
      lines) count_lines "$where" "$words" ;;
      skip) printf '  --    %s: %s\n' "$where" "$words" ;;
      *) fail "$where: $words" ;;
    esac
  done 9<"$work/blocks/$document.steps"
  echo "$passed $failed" >"$work/blocks/$document.count"
}

for file in "${files[@]}"; do
  printf '\n==> %s\n' "$file"
  steps "$file" >"$work/blocks/${file//\//-}.steps"
  # Not in a condition: there bash tells of no failure.
  tour "$file" &
  running=$!
  wait "$running" || true
  running=
  counts='0 1'
  [ ! -f "$work/blocks/${file//\//-}.count" ] || counts=$(<"$work/blocks/${file//\//-}.count")
  read -r ok bad <<<"$counts"
  # A document without a step has lost its marks.
  [ $((ok + bad)) -gt 0 ] || bad=1
  tests_passed=$((tests_passed + ok))
  tests_failed=$((tests_failed + bad))
done
report_tests
