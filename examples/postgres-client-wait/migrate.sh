#!/bin/sh
# SPDX-License-Identifier: MIT
# The port is open a moment before the server takes queries: psql's status 2 is "no connection".
while :; do
    psql --no-psqlrc --no-password --quiet --set ON_ERROR_STOP=1 --file /app/migrate.sql
    status=$?
    [ $status = 2 ] || exit $status
    sleep 0.2
done
