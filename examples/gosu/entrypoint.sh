#!/bin/sh
# SPDX-License-Identifier: MIT
# As the entrypoints of official images do it: root gives the folder away, and begins again as the user.
set -eu
if [ "$(id -u)" = 0 ]; then
    chown -R 999:999 "$PGDATA"
    exec gosu 999:999 "$0" "$@"
fi
[ -s "$PGDATA/PG_VERSION" ] || initdb --auth=trust --locale=C --encoding=UTF8 >/dev/null
exec "$@" -k /tmp
