#!/bin/sh
# SPDX-License-Identifier: MIT
# Starts a helper in the background and forgets it. Then it becomes the program, here one that has no
# handler for TERM.
sh /app/helper.sh &
exec "$@"
