# SPDX-License-Identifier: MIT
# Sourced by the other scripts: what packaging/architectures says.

architecture_fields=(usher triple debian musl rpm apk oci qemu)

# architecture ARCH FIELD: what ARCH is called there; 1 if there is no such ARCH.
architecture() {
    local -A row
    local index words
    while read -r -a words; do
        [ "${words[0]-#}" = "$1" ] || continue
        for index in "${!architecture_fields[@]}"; do
            row[${architecture_fields[index]}]=${words[index]}
        done
        echo "${row[$2]}"
        return 0
    done <packaging/architectures
    echo "unknown architecture '$1'; accepted: $(architectures | tr '\n' ' ')" >&2
    return 1
}

architectures() {
    sed -n 's/^\([^# ][^ ]*\).*/\1/p' packaging/architectures
}
