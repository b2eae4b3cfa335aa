# shellcheck shell=bash
# A container engine and images of servers for the live tests, wherever the machine has none. Sourced after
# lib.sh.
#
#   ensure_engine       use the engine that answers, else install Debian's and start one of our own by hand
#   ensure_images       of redis and etcd: use the named image, else pull the default, else make one of the binaries here
#   ensure_tour_images  the same for the compose file's Redis and Python
#   stop_containers     undo both; safe to call at any time
#
# Our own engine shares nothing with another on the same machine: its data, socket and bridge are its own, and
# it writes no packet filter rules (published ports go through its user-space proxy), so removing its folder
# and its bridge leaves the machine as it was.

# For a pull of some 15 MB. Where no registry can be reached most networks refuse at once; the rest
# cost this much.
readonly PULL_SECONDS=20
readonly ENGINE_START_SECONDS=30

engine_dir=
engine_bridge=
image_roots=
imported_images=

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

# The images of all servers that the tests run in containers.
ensure_images() {
  need redis-server redis-server
  need etcd etcd-server
  ensure_image redis WATCHKEEPER_TEST_REDIS_IMAGE integration-tests/src/redis_server.rs
  ensure_image etcd WATCHKEEPER_TEST_ETCD_IMAGE integration-tests/src/etcd_server.rs
}

ensure_tour_images() {
  need redis-server redis-server
  need python3 python3
  ensure_image redis REDIS_IMAGE deploy/compose/compose.yaml
  ensure_image python PYTHON_IMAGE deploy/compose/compose.yaml
}

# ensure_image NAME VARIABLE FILE: FILE says which image is the official, pinned one.
ensure_image() {
  local name=$1 variable=$2 default
  if [ -n "${!variable:-}" ]; then
    echo "$name image: ${!variable}, as named by $variable"
    return
  fi
  # In Rust a constant, in the compose file what holds where the variable is not set.
  default=$(sed -n -e 's/.*DEFAULT_IMAGE: &str = "\(.*\)";$/\1/p' -e "s/.*\${$variable:-\(.*\)}\$/\1/p" "$3")
  [ -n "$default" ] || die "$3 names no image for $variable"
  if docker image inspect "$default" >/dev/null 2>&1; then
    echo "$name image: $default, here already"
  elif timeout "$PULL_SECONDS" docker pull --quiet "$default" >/dev/null 2>&1; then
    echo "$name image: $default, pulled"
  else
    "import_$name"
    default=$imported
    echo "$name image: $default, made of the binaries here, since no registry gave the official one"
  fi
  export "$variable=$default"
}

import_redis() {
  local version root
  version=$(redis-server --version | sed 's/.* v=\([0-9.]*\).*/\1/')
  new_image_root
  add_binaries redis-server redis-cli sh
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
  import_image "redis:$version" --change 'ENTRYPOINT ["/entrypoint"]' --change 'CMD ["redis-server"]' \
    --change 'EXPOSE 6379'
}

import_etcd() {
  local version root
  version=$(etcd --version | sed -n 's/^etcd Version: //p')
  new_image_root
  add_binaries etcd
  import_image "etcd:$version" --change 'CMD ["etcd"]' --change 'EXPOSE 2379'
}

# The interpreter with its standard library, at the paths where they lie here.
import_python() {
  local python library version root
  python=$(realpath "$(python3 -c 'import sys; print(sys.executable)')")
  library=$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')
  version=$(python3 -c 'import platform; print(platform.python_version())')
  new_image_root
  add_binaries "$python"
  mkdir -p "$root$(dirname "$python")" "$root$library"
  mv "$root/usr/bin/$(basename "$python")" "$root$python"
  [ -e "$root/usr/bin/python3" ] || ln -s "$python" "$root/usr/bin/python3"
  tar -C "$library" --exclude=test --exclude=site-packages --exclude=dist-packages --exclude=__pycache__ \
    --exclude='config-*' --exclude=ensurepip --exclude=idlelib -c . | tar -C "$root$library" -x
  add_libraries "$library"/lib-dynload/*.so
  import_image "python:$version" --change 'CMD ["python3"]'
}

# An image of the machine's own server: the binaries, the libraries that `ldd` names, and the few files that a C
# library looks for. It takes the same arguments as the official one. The caller owns `root`.
new_image_root() {
  root=$(mktemp -d "${TMPDIR:-/tmp}/wk-image.XXXXXX")
  image_roots+=" $root"
  mkdir -p "$root/etc" "$root/data" "$root/tmp" "$root/bin" "$root/usr/bin"
  chmod 1777 "$root/tmp"
  echo 'root:x:0:0:root:/data:/bin/sh' >"$root/etc/passwd"
  echo 'root:x:0:' >"$root/etc/group"
  echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
}

# add_binaries COMMAND...: with their libraries, where they are not linked statically.
add_binaries() {
  local binary
  for binary; do
    cp -L "$(command -v "$binary")" "$root/usr/bin/$(basename "$binary")"
    add_libraries "$(command -v "$binary")"
  done
}

# add_libraries FILE...: what `ldd` names for binaries and libraries.
add_libraries() {
  local library
  { ldd "$@" 2>/dev/null || true; } | { grep -o '[[:space:]]/[^ :]*' || true; } | sort -u |
    while read -r library; do
      mkdir -p "$root$(dirname "$library")"
      cp -L "$library" "$root$library"
    done
}

# import_image NAME OPTION...: leaves its full name in `imported`.
import_image() {
  imported=watchkeeper-test-$1
  shift
  tar -C "$root" --owner=0 --group=0 -c . | docker import "$@" --change 'ENV PATH=/usr/bin:/bin' \
    --change 'WORKDIR /data' - "$imported" >/dev/null
  imported_images+=" $imported"
}

stop_containers() {
  # shellcheck disable=SC2086 # a list of folders
  [ -z "$image_roots" ] || rm -rf $image_roots
  image_roots=
  if [ -n "$imported_images" ] && [ -z "$engine_dir" ]; then
    # shellcheck disable=SC2086 # a list of images
    docker image rm $imported_images >/dev/null 2>&1 || true
  fi
  imported_images=
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
  # Their bridges would stay.
  timeout 20 docker network prune --force >/dev/null 2>&1 || true
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
