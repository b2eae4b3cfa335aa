#!/usr/bin/env bash
# Builds the container image of a binary that is there already: the Dockerfile's last stage as it stands, without the
# first one, which wants an image from a registry and builds for minutes.
#
#   scripts/image.sh [BINARY [TAG]]
#
# BINARY is the debug build unless given; TAG is `watchkeeper:<version>`. Needs a container engine that answers.
set -euo pipefail
# Before lib.sh changes the directory.
binary=$(realpath "${1:-${CARGO_TARGET_DIR:-$(dirname "${BASH_SOURCE[0]}")/../target}/debug/watchkeeper}")
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[ -x "$binary" ] || die "no binary at \`$binary\`: run \`cargo build --locked --package watchkeeper\` first"
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
tag=${2:-watchkeeper:$version}

root=$(mktemp -d "${TMPDIR:-/tmp}/wk-image.XXXXXX")
trap 'rm -rf "$root"' EXIT
deploy/image/assemble.sh "$binary" "$root/image"
# Debug information is of no use where there is no debugger.
! command -v strip >/dev/null || strip --strip-debug "$root/image/watchkeeper"

sed -n '/^FROM scratch$/,$p' deploy/Dockerfile |
  sed 's|^COPY --from=build /image/ /$|COPY image/ /|' >"$root/Dockerfile"
if [ "$(grep -c '^COPY image/ /$' "$root/Dockerfile")" -ne 1 ] || grep -q -e '--from=' "$root/Dockerfile"; then
  die "deploy/Dockerfile's last stage is not what scripts/image.sh expects: one \`COPY --from=build /image/ /\`"
fi

# The classic builder is in every engine; the other one is a package of its own.
if ! DOCKER_BUILDKIT=0 docker build --quiet --tag "$tag" "$root" >/dev/null 2>"$root/said"; then
  cat "$root/said" >&2
  die "the image was not built"
fi
echo "built $tag, $(docker image inspect --format '{{.Size}}' "$tag") bytes"
