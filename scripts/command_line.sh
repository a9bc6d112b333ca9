# SPDX-License-Identifier: MIT
# Sourced by the other scripts, by sh too: what they all answer to. They are in the top folder by then.

# help_if_asked "$@": for -h or --help the comment at the script's head is printed, and nothing is done.
help_if_asked() {
    case ${1-} in
        -h | --help) sed -n -e '1,2d' -e '/^#/!q' -e 's/^# \{0,1\}//p' "scripts/${0##*/}"; exit 0 ;;
    esac
}

# no_options "$@": for scripts that have none (any more).
no_options() {
    while [ $# -gt 0 ]; do
        case $1 in
            -*) echo "scripts/${0##*/}: unknown option '$1'; scripts/${0##*/} --help tells what is accepted" >&2
                exit 2 ;;
        esac
        shift
    done
}
