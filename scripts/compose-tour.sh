#!/usr/bin/env bash
# Runs the compose section of docs/deploy.md as it is written, on an image of a binary that is there already, and looks at
# what it shows.
#
#   scripts/compose-tour.sh [BINARY]
#
# BINARY is the debug build unless given. Starts a container engine where none answers; images that no registry gives are made
# of the machine's own Redis and Python.
set -euo pipefail
binary=$(realpath "${1:-${CARGO_TARGET_DIR:-$(dirname "${BASH_SOURCE[0]}")/../target}/debug/watchkeeper}")
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=scripts/containers.sh
. scripts/containers.sh
# shellcheck source=deploy/check/tools.sh
. deploy/check/tools.sh

work=$(mktemp -d "${TMPDIR:-/tmp}/wk-tour.XXXXXX")
tidy_up() {
  WATCHKEEPER_API_KEY=none docker compose -f deploy/compose/compose.yaml down --volumes >/dev/null 2>&1 || true
  rm -rf "$work"
  stop_containers
}
trap tidy_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

need curl curl
ensure_engine
ensure_tour_images
# As a plugin of the client, whatever this machine has.
need_compose
export DOCKER_CONFIG=$work/docker
mkdir -p "$DOCKER_CONFIG/cli-plugins"
ln -s "$compose" "$DOCKER_CONFIG/cli-plugins/docker-compose"
# The tag that the compose file names: nothing is left to build.
scripts/image.sh "$binary"

{
  echo 'set -euo pipefail'
  # There is no terminal here; the commands are the same.
  awk '/^## / { here = $0 == "## Compose" } /^```/ { block = here && $0 == "```sh"; next } here && block' docs/deploy.md
} >"$work/tour.sh"
[ "$(grep -c 'docker' "$work/tour.sh")" -ge 10 ] || die "docs/deploy.md has no compose tour any more"

status=0
bash -x "$work/tour.sh" >"$work/said" 2>"$work/steps" || status=$?
cat "$work/said"
if [ "$status" -ne 0 ]; then
  tail -n 30 "$work/steps" >&2
  die "the tour failed with exit $status; its last steps are above"
fi

# shows TIMES PATTERN
shows() {
  local found
  found=$(grep -cE "$2" "$work/said" || true)
  [ "$found" -ge "$1" ] || die "the tour shows \`$2\` $found times, not $1"
}
shows 1 '"shared_health_check_enabled":true'
shows 3 '^gpt-4o +healthy'
shows 1 '^pod +pod-2.* isolated'
shows 1 '^pod +pod-2.* (following|leading)'
shows 3 'asked: /v1/chat/completions'

# One request each interval of 10 s, whoever makes it. What the pod that was cut off asks by itself may come through as it
# joins; that is one more.
sed -n 's/.*| *\([0-9:]*\) asked: .*/\1/p' "$work/said" | sort -u |
  awk -F: '{ now = $1 * 3600 + $2 * 60 + $3; if (NR == 1) first = now } END { span = (now - first + 86400) % 86400; exit NR > 2 + span / 9 }' ||
  die "the fleet asked a model more often than once per interval"
echo "the compose tour works as written"
