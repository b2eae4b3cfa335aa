# shellcheck shell=bash
# What the checks and the tour of deploy/ need, installed once. Sourced after lib.sh.
#
#   need_tools      all of them
#   need_compose    a docker compose at `$compose`, pinned
#   kustomize_build FOLDER

python_env=
compose=

target_folder() {
  mkdir -p "${CARGO_TARGET_DIR:-target}"
  realpath "${CARGO_TARGET_DIR:-target}"
}

need_python_env() {
  [ -z "$python_env" ] || return 0
  need_venv
  python_env=$(target_folder)/deploy-tools
  cmp -s deploy/check/requirements.txt "$python_env/installed" && return
  python3 -m venv --clear "$python_env"
  "$python_env/bin/pip" install --quiet --disable-pip-version-check --no-compile \
    --requirement deploy/check/requirements.txt
  # Written last: an installation that broke off is made anew.
  cp deploy/check/requirements.txt "$python_env/installed"
}

need_compose() {
  need_python_env
  # shellcheck disable=SC2034 # for the scripts that source this
  compose=$python_env/bin/docker-compose
}

# `kubectl` has it inside.
need_kustomize() {
  command -v kubectl >/dev/null || command -v kustomize >/dev/null || install_kustomize
}

# Debian's next release has one, and the binary alone is enough. Packages of that release are not mixed with those of the
# machine: lists, cache and the state of installed packages are this folder's.
install_kustomize() {
  local folder options
  folder=$(target_folder)/deploy-kustomize
  PATH=$PATH:$folder/usr/bin
  ! command -v kustomize >/dev/null || return 0
  command -v apt-get >/dev/null || die "\`kubectl\` is missing, and so is \`kustomize\`: install one"
  mkdir -p "$folder/lists/partial" "$folder/archives/partial"
  : >"$folder/status"
  { cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null || true; } |
    sed -n 's/^URIs: *//p; s/^deb [^h]*\(http[^ ]*\) .*/\1/p' |
    { grep '/debian$' || true; } | head -n 1 |
    sed 's|.*|deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] & trixie main|' >"$folder/debian.list"
  [ -s "$folder/debian.list" ] || die "\`kubectl\` is missing, and so is \`kustomize\`: install one"
  options=(-o "Dir::Etc::sourcelist=$folder/debian.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$folder/lists"
    -o "Dir::State::status=$folder/status" -o "Dir::Cache=$folder" -o APT::Sandbox::User=root)
  apt-get "${options[@]}" -qq update
  (cd "$folder" && apt-get "${options[@]}" -qq download kustomize)
  dpkg-deb -x "$folder"/kustomize_*.deb "$folder"
  rm -rf "$folder/lists" "$folder/archives"
}

kustomize_build() {
  if command -v kubectl >/dev/null; then
    kubectl kustomize "$1"
  else
    kustomize build "$1"
  fi
}

need_tools() {
  need_python_env
  need_compose
  need_kustomize
  need systemd-analyze systemd
}
