# shellcheck shell=bash
# A container engine and a redis image for the live tests, wherever the machine has none. Sourced by test.sh,
# after lib.sh.
#
#   ensure_engine       use the engine that answers, else install Debian's and start one of our own by hand
#   ensure_redis_image  use the named image, else pull the default, else build one from Debian's redis-server
#   stop_containers     undo both; safe to call at any time
#
# Our own engine shares nothing with another on the same machine: its data, socket and bridge are its own, and
# it writes no packet filter rules (published ports go through its user-space proxy), so removing its folder
# and its bridge leaves the machine as it was.

# Official and pinned, in the one place that says it.
DEFAULT_REDIS_IMAGE=$(sed -n 's/.*DEFAULT_IMAGE: &str = "\(.*\)";$/\1/p' integration-tests/src/redis_server.rs)
readonly DEFAULT_REDIS_IMAGE
[ -n "$DEFAULT_REDIS_IMAGE" ] || die 'integration-tests/src/redis_server.rs names no DEFAULT_IMAGE'
# For a pull of some 15 MB. Where no registry can be reached most networks refuse at once; the rest
# cost this much.
readonly PULL_SECONDS=20
readonly ENGINE_START_SECONDS=30

engine_dir=
engine_bridge=
image_root=
imported_image=

engine_answers() {
  command -v docker >/dev/null && timeout 10 docker version >/dev/null 2>&1
}

ensure_engine() {
  if engine_answers; then
    echo "using the container engine that answers at ${DOCKER_HOST:-its default socket}"
    return
  fi
  need dockerd docker.io iptables
  # Newer Debian packages the client apart.
  need docker docker-cli
  need ip iproute2
  # Where the package's own service came up, that is the engine.
  engine_answers || start_engine
}

start_engine() {
  # Short: a socket's path has to stay below 108 bytes.
  engine_dir=$(mktemp -d "${TMPDIR:-/tmp}/wk-engine.XXXXXX")
  export DOCKER_HOST=unix://$engine_dir/docker.sock
  add_bridge
  # One of these two tells what to do when the start fails; the rest goes to the log.
  as_root dockerd --host "$DOCKER_HOST" --group "$(id -gn)" \
    --data-root "$engine_dir/root" --exec-root "$engine_dir/exec" --pidfile "$engine_dir/docker.pid" \
    --bridge "$engine_bridge" --iptables=false --ip-forward=false --ip-masq=false \
    >"$engine_dir/log" 2>&1 </dev/null &
  local begun=$SECONDS
  until engine_answers; do
    if ! kill -0 $! 2>/dev/null || [ $((SECONDS - begun)) -ge "$ENGINE_START_SECONDS" ]; then
      tail -n 20 "$engine_dir/log" >&2
      die "the container engine did not start; its last lines are above"
    fi
    sleep 0.1
  done
  echo "started a container engine in $engine_dir"
}

# A bridge with a subnet that no other route of this machine touches.
add_bridge() {
  local name subnet
  name=wk$((RANDOM % 90000 + 10000))
  as_root ip link add name "$name" type bridge
  engine_bridge=$name
  for subnet in 172.30.213 10.213.87 192.168.213; do
    [ -z "$(ip -4 route show root "$subnet.0/24")" ] || continue
    [ -z "$(ip -4 route show match "$subnet.0/24" | grep -v '^default' || true)" ] || continue
    as_root ip address add "$subnet.1/24" dev "$name"
    as_root ip link set "$name" up
    return
  done
  die "every subnet for the container bridge is taken; remove unused networks"
}

ensure_redis_image() {
  if [ -n "${WATCHKEEPER_TEST_REDIS_IMAGE:-}" ]; then
    echo "redis image: $WATCHKEEPER_TEST_REDIS_IMAGE, as named by WATCHKEEPER_TEST_REDIS_IMAGE"
    return
  fi
  export WATCHKEEPER_TEST_REDIS_IMAGE=$DEFAULT_REDIS_IMAGE
  if docker image inspect "$DEFAULT_REDIS_IMAGE" >/dev/null 2>&1; then
    echo "redis image: $DEFAULT_REDIS_IMAGE, here already"
  elif timeout "$PULL_SECONDS" docker pull --quiet "$DEFAULT_REDIS_IMAGE" >/dev/null 2>&1; then
    echo "redis image: $DEFAULT_REDIS_IMAGE, pulled"
  else
    import_redis_image
  fi
}

# An image of the machine's own redis-server: the binaries, the libraries that `ldd` names, a shell for the
# entrypoint, and the few files that a C library looks for. It takes the same arguments as the official one.
import_redis_image() {
  need redis-server redis-server
  local root version binary library
  version=$(redis-server --version | sed 's/.* v=\([0-9.]*\).*/\1/')
  image_root=$(mktemp -d "${TMPDIR:-/tmp}/wk-image.XXXXXX")
  root=$image_root
  mkdir -p "$root/etc" "$root/data" "$root/tmp" "$root/bin" "$root/usr/bin"
  chmod 1777 "$root/tmp"
  echo 'root:x:0:0:root:/data:/bin/sh' >"$root/etc/passwd"
  echo 'root:x:0:' >"$root/etc/group"
  echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
  for binary in redis-server redis-cli sh; do
    cp -L "$(command -v "$binary")" "$root/usr/bin/$binary"
    ldd "$(command -v "$binary")" | grep -o '/[^ ]*' | while IFS= read -r library; do
      mkdir -p "$root$(dirname "$library")"
      cp -L "$library" "$root$library"
    done
  done
  ln -s ../usr/bin/sh "$root/bin/sh"
  cat >"$root/entrypoint" <<'ENTRYPOINT'
#!/bin/sh
# Options alone mean the server; it is reached from outside its container, so protected mode goes off, and
# its log goes to standard output as it does by default.
case "${1-}" in
  '' | -* | *.conf) set -- redis-server "$@" ;;
esac
[ "$1" != redis-server ] || set -- "$@" --protected-mode no
exec "$@"
ENTRYPOINT
  chmod 755 "$root/entrypoint"
  imported_image=watchkeeper-test-redis:$version
  tar -C "$root" --owner=0 --group=0 -c . | docker import --change 'ENTRYPOINT ["/entrypoint"]' \
    --change 'CMD ["redis-server"]' --change 'ENV PATH=/usr/bin:/bin' --change 'WORKDIR /data' \
    --change 'EXPOSE 6379' - "$imported_image" >/dev/null
  export WATCHKEEPER_TEST_REDIS_IMAGE=$imported_image
  echo "redis image: $imported_image, made from redis-server $version here, since no registry gave $DEFAULT_REDIS_IMAGE"
}

stop_containers() {
  [ -z "$image_root" ] || rm -rf "$image_root"
  image_root=
  if [ -n "$imported_image" ] && [ -z "$engine_dir" ]; then
    docker image rm "$imported_image" >/dev/null 2>&1 || true
  fi
  imported_image=
  if [ -n "$engine_dir" ]; then
    stop_engine
    engine_dir=
  fi
  if [ -n "$engine_bridge" ]; then
    as_root ip link delete "$engine_bridge" 2>/dev/null || true
    engine_bridge=
  fi
}

stop_engine() {
  local left pid mount tries=0
  # A test that was killed may have left containers behind; all in this engine are ours.
  left=$(timeout 10 docker ps --all --quiet 2>/dev/null || true)
  if [ -n "$left" ]; then
    # shellcheck disable=SC2086 # a list of ids
    timeout 60 docker rm --force --volumes $left >/dev/null 2>&1 || true
  fi
  pid=$(cat "$engine_dir/docker.pid" 2>/dev/null || true)
  if [ -n "$pid" ]; then
    as_root kill "$pid" 2>/dev/null || true
    while [ -d "/proc/$pid" ] && [ "$tries" -lt 150 ]; do
      sleep 0.1
      tries=$((tries + 1))
    done
  fi
  # Mount points would keep the folder, deepest first.
  awk -v dir="$engine_dir/" 'index($2, dir) == 1 { print $2 }' /proc/mounts | sort -r | while IFS= read -r mount; do
    as_root umount --lazy "$mount" || true
  done
  as_root rm -rf "$engine_dir"
}
