#!/usr/bin/env bash
# Lays out the image's root from a binary: the binary, and what it loads.
#
#   deploy/image/assemble.sh BINARY FOLDER
#
# A statically linked binary stands alone. One linked to the GNU C library gets its loader and libraries, at the paths
# where it looks for them: static linking of that library does not carry what its resolver loads at run time, and musl's
# allocator and resolver are not those that this project is measured with.
set -euo pipefail

[ $# -eq 2 ] || { echo "usage: $0 BINARY FOLDER" >&2 && exit 2; }
binary=$1 root=$2

mkdir -p "$root/etc/watchkeeper"
install -m 755 "$binary" "$root/watchkeeper"

# Static ones make `ldd` fail.
libraries=$(ldd "$binary" 2>/dev/null | grep -o '/[^ ]*' || true)
for library in $libraries; do
  mkdir -p "$root$(dirname "$library")"
  cp -L "$library" "$root$library"
  # Since 2.34 the C library itself reads /etc/hosts and asks DNS; before, it loads these for it.
  case $library in
    */libc.so.6)
      for part in libnss_files.so.2 libnss_dns.so.2 libresolv.so.2; do
        [ ! -e "$(dirname "$library")/$part" ] || cp -L "$(dirname "$library")/$part" "$root$(dirname "$library")/"
      done
      ;;
  esac
done
# Names come from /etc/hosts, which the engine writes, then from DNS.
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
chmod -R u=rwX,go=rX "$root"
