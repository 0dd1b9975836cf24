#!/usr/bin/env bash
# Makes a virtual environment and generates the Python code of the protos, both under .cache; does nothing when
# that has been done since requirements.txt and the protos changed. Needs python3 (3.10 or newer).
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
root="$(cd "$here/../.." && pwd)"
cache="$root/.cache/client-python"
venv="$cache/venv"

if ! cmp -s "$here/requirements.txt" "$venv/requirements.txt"; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
  cp "$here/requirements.txt" "$venv/requirements.txt"
fi

generated="$cache/generated"
if [ ! -e "$generated/.done" ] || [ -n "$(find "$root/proto/tessera" -newer "$generated/.done" -name '*.proto')" ]; then
  rm -rf "$generated"
  mkdir -p "$generated"
  cd "$root/proto"
  "$venv/bin/python" -m grpc_tools.protoc -I . --python_out "$generated" --grpc_python_out "$generated" \
    tessera/type/v1/*.proto tessera/metadata/v1/segment.proto tessera/storage/v1/scan_work.proto tessera/query/v1/*.proto
  touch "$generated/.done"
fi
