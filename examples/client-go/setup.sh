#!/usr/bin/env bash
# Generates the Go code of the protos and builds the program into .cache; does nothing when that has been done since
# they changed. Needs go (1.26 or newer, or one that fetches it by itself) and the installed workspace (for buf).
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
root="$(cd "$here/../.." && pwd)"
bin="$root/.cache/client-go/bin"

if [ ! -x "$bin/protoc-gen-go" ] || [ ! -x "$bin/protoc-gen-go-grpc" ]; then
  mkdir -p "$bin"
  GOBIN="$bin" go install google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12
  GOBIN="$bin" go install google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2
fi

cd "$here"
if [ ! -e generated/.done ] || [ -n "$(find "$root/proto/tessera" -newer generated/.done -name '*.proto')" ]; then
  "$root/node_modules/.bin/buf" generate
  touch generated/.done
fi
go build -o "$bin/query" .
