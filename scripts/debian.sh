# SPDX-License-Identifier: MIT
# Sourced by the scripts that fetch sources from the Debian archive that apt knows on this machine.

# debian_archives FORMAT: as apt-get indextargets tells of them, a line each.
debian_archives() {
    apt-get indextargets --format "$1" 'Created-By: Packages' 'Component: main' 'Origin: Debian' | sort -u
}

has_sha256() { [ -f "$1" ] && [ "$(sha256sum <"$1")" = "$2  -" ]; }

# fetch_from_debian PATH SHA256 FILE: pool/main/PATH of the archive, as FILE, unless it is there already. Prints
# why it fails.
fetch_from_debian() {
    local name=${1##*/} helper=/usr/lib/apt/apt-helper log=$3.log site sites why
    has_sha256 "$3" "$2" && return 0
    [ -x $helper ] || { echo "there is no apt here to fetch $name"; return 1; }
    sites=$(debian_archives '$(SITE)')
    [ -n "$sites" ] || { echo "apt knows no Debian archive to fetch $name from"; return 1; }
    : >"$log"
    for site in $sites; do
        $helper download-file "$site/pool/main/$1" "$3.new" "SHA256:$2" >>"$log" 2>&1 || continue
        mv "$3.new" "$3"
        return 0
    done
    rm -f "$3.new" "$3.new.FAILED"
    # One archive of several has it, so the others always answer 404.
    why=$(sed -n 's/^E: Failed to fetch //p' "$log" | grep -v -m 1 -w 404) &&
        echo "$name could not be fetched: $why" || echo "Debian has no $name any more: pin the version that it has"
    return 1
}
