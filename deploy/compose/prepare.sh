#!/bin/sh
# Makes what compose.yml needs beside it: passwords that nobody has to know, the data directory, and .env. What is
# there stays. As root: the data directory belongs to the user of the image.
#   sh deploy/compose/prepare.sh [DATA_DIRECTORY]
set -eu
cd "$(dirname "$0")"
data=${1:-/var/lib/aiop}
socket=${DOCKER_SOCKET:-/var/run/docker.sock}

random() {
    # A URL has them too, so only letters and digits.
    LC_ALL=C tr -dc A-Za-z0-9 </dev/urandom | head -c "$1"
}

secret() {
    # The directory keeps others out; in the container the file is read by a user of its own.
    [ -s "secrets/$1" ] || (umask 0222 && printf %s "$2" >"secrets/$1")
}

mkdir -p -m 0700 secrets
secret postgres_password "$(random 40)"
secret database_url "postgresql://aiop:$(cat secrets/postgres_password)@db/aiop"
secret secret_key "$(random 64)"
secret grafana_password "$(random 24)"
[ -d "$data" ] || install -d -m 0700 -o 10001 -g 10001 "$data"
[ -e .env ] || printf 'COMPOSE_PROJECT_NAME=aiop\nAIOP_DATA=%s\nDOCKER_GROUP=%s\n' "$data" "$(stat -c %g "$socket")" >.env
echo "aiop: ready for: docker compose -f deploy/compose/compose.yml up -d"
echo "aiop: the password of admin is in $data/admin-password after the first start"
