#!/bin/sh
# One compressed dump of the whole database. A dump that breaks off leaves no file behind.
set -eu
PGPASSWORD=$(cat "$DATABASE_PASSWORD_FILE")
export PGPASSWORD
name=/dumps/shop-$(date -u +%Y%m%dT%H%M%SZ).dump
trap 'rm -f "$name.part"' EXIT
pg_dump --host=database --username=shop --format=custom --file="$name.part" shop
mv "$name.part" "$name"
echo "wrote $name: $(wc -c <"$name") bytes"
