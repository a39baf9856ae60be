#!/bin/sh
# Run a command in the workspace's environment.
. "$(dirname "$(readlink -f "$0")")/../.venv/env.sh"
exec "$@"
