# Shared by the scripts: messages, packages, folders. Sourced, not run.

set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() {
  if [ -t 1 ]; then printf '\033[1m==>\033[0m %s\n' "$*"; else printf '==> %s\n' "$*"; fi
}
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# The command prefix that makes one root; fails where there is none.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null 2>&1; then
    sudo "$@"
  else
    die "installing packages needs root or sudo; run as root:  $*"
  fi
}

apt_updated=""
update_package_lists() {
  [ -n "$apt_updated" ] && return
  as_root apt-get update -qq || die "apt-get update failed: is this machine online?"
  apt_updated=yes
}

installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# Installs those of the named Debian packages that are missing; says nothing where none is.
need_packages() {
  command -v dpkg-query >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1 ||
    die "this script installs packages with apt and runs on Debian 12 (or later) and its relatives"
  local missing=() package
  for package in "$@"; do
    installed "$package" || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  say "installing ${missing[*]}"
  update_package_lists
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
    die "apt-get could not install: ${missing[*]}"
}

# What it takes to compile posekit's programs.
need_compiler() {
  need_packages g++ cmake make libeigen3-dev libxtensor-dev libxsimd-dev nlohmann-json3-dev libcli11-dev libstb-dev
}

# What it takes to compile them with sanitizers: clang, which compiles checked code several times faster
# than g++ does.
need_sanitizers() {
  need_packages clang-14 libomp-14-dev libclang-rt-14-dev
}

processors=$(nproc 2>/dev/null || echo 1)

# build FOLDER TARGETS... -- OPTIONS...: configures with cmake's options and builds in build/FOLDER (all,
# where no target is named). What the tools print goes to build/FOLDER.log, and is shown where they fail.
build() {
  local folder=$root/build/$1 log=$root/build/$1.log targets=()
  shift
  while [ "$1" != -- ]; do
    targets+=(--target "$1")
    shift
  done
  shift
  mkdir -p "$folder"
  cmake -S "$root" -B "$folder" "$@" >"$log" 2>&1 || { cat "$log" >&2; die "cmake failed"; }
  cmake --build "$folder" -j "$processors" "${targets[@]}" >>"$log" 2>&1 || { tail -60 "$log" >&2; die "the build failed"; }
}
