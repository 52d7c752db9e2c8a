#!/bin/sh
# A CI job without service containers: starts a server that runs scripts instead of containers,
# has the given command use it through the AWS variables, and ends with the command's exit code.
#
#   examples/ci/run.sh pytest tests/
set -eu
LONGSHORE_DATA_DIR=$(mktemp -d)
export LONGSHORE_DATA_DIR
longshore up --driver scripted --listen 127.0.0.1:0 > "$LONGSHORE_DATA_DIR/ready" &
server=$!
trap 'kill "$server"; wait "$server" || true; rm -rf "$LONGSHORE_DATA_DIR"' EXIT
until longshore doctor --server 2> /dev/null; do
    kill -0 "$server"
    sleep 0.1
done
eval "$(longshore env)"
"$@"
