#!/usr/bin/env bash
# Fetches the demo's photo, a person beside a dog and a horse, out of Debian's package darknet into
# photos/person.jpg. The package is unpacked, not installed.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

photo=$root/photos/person.jpg
sha256=cdcbab947e46110fc2b77784ac54ddbbab2640f1e44cb5e91fc8984a9793a7d1
if [ -e "$photo" ]; then
  echo "$sha256  $photo" | sha256sum --check --status && exit 0
  say "photos/person.jpg is damaged; it is fetched again"
fi
say "fetching the photo out of Debian's package darknet"
mkdir -p "$root/photos"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
[ -n "$(apt-cache policy darknet 2>/dev/null | sed -n 's/  Candidate: \([^(].*\)/\1/p')" ] || update_package_lists
(cd "$work" && apt-get download -qq darknet 2>/dev/null) || {
  update_package_lists
  (cd "$work" && apt-get download -qq darknet 2>/dev/null) || die "apt-get could not download the package darknet: is this machine online?"
}
dpkg-deb -x "$work"/darknet_*.deb "$work"
found=$(sha256sum "$work/usr/share/darknet/data/person.jpg" 2>/dev/null | cut -d' ' -f1) || true
[ "$found" = "$sha256" ] || die "the package darknet holds another photo than expected (sha256 ${found:-none})"
mv "$work/usr/share/darknet/data/person.jpg" "$photo"
