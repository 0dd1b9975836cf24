#!/usr/bin/env bash
# Installs what some tests need and a user's machine may lack. Needs root on Debian; safe to run again.
set -euo pipefail
missing=()
need() { command -v "$1" >/dev/null 2>&1 || [ -e "$1" ] || missing+=("$2"); }
need /usr/lib/postgresql/15/bin/initdb postgresql-15
need python3 python3
need go golang-go
need etcd etcd-server
need ip iproute2
need tc iproute2
need strace strace
need openssl openssl
need java default-jre-headless
need mvn maven
python3 -c 'import ensurepip' >/dev/null 2>&1 || missing+=(python3-venv)
if [ "${#missing[@]}" -gt 0 ]; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi
hadoop="$HOME/.cache/tessera/hadoop-3.4.2/lib"
if [ ! -e "$hadoop/hadoop-hdfs-3.4.2.jar" ]; then
  mvn -q -B -ntp -f "$(dirname "$0")/../sdk/deep-storage/hadoop-pom.xml" dependency:copy-dependencies -DoutputDirectory="$hadoop" -DincludeScope=runtime
fi
# A running Flink needs no scripts of its own: its libraries, plugins and SQL gateway, and jobs to run. See sdk/testkit/src/flink.
flink="$HOME/.cache/tessera/flink-2.3.0"
if [ ! -e "$flink/installed" ]; then
  mkdir -p "$flink"
  work="$(mktemp -d)"
  trap 'rm -rf "$work"' EXIT
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" install -q --disable-pip-version-check setuptools wheel
  "$work/venv/bin/pip" install -q --disable-pip-version-check --no-deps --no-build-isolation apache-flink-libraries==2.3.0
  cp -r "$work"/venv/lib/python3.*/site-packages/pyflink/{lib,opt,plugins} "$flink/"
  rm -f "$flink"/lib/flink-scala_*.jar
  copy() { mvn -q -B -ntp -C dependency:copy -Dartifact="$1:2.3.0" -DoutputDirectory="$flink/$2"; }
  copy org.apache.flink:flink-sql-gateway opt
  copy org.apache.flink:flink-examples-streaming examples
  touch "$flink/installed"
fi
