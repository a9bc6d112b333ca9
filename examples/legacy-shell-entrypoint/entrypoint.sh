#!/bin/sh
# SPDX-License-Identifier: MIT
# Starts a helper in the background, in a session of its own, and forgets it. Then it becomes the
# program, here one that has no handler for TERM.
setsid sh /app/helper.sh &
exec "$@"
