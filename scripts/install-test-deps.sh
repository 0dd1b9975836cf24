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
need javac default-jdk-headless
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
install_flink() {
  local version="$1" folder="$HOME/.cache/tessera/flink-$1" work
  [ ! -e "$folder/installed" ] || return 0
  mkdir -p "$folder"
  work="$(mktemp -d)"
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" install -q --disable-pip-version-check setuptools wheel
  "$work/venv/bin/pip" install -q --disable-pip-version-check --no-deps --no-build-isolation "apache-flink-libraries==$version"
  cp -r "$work"/venv/lib/python3.*/site-packages/pyflink/{lib,opt,plugins} "$folder/"
  rm -rf "$work"
  rm -f "$folder"/lib/flink-scala_*.jar
  shift
  for jar in flink-sql-gateway:opt "$@"; do
    mvn -q -B -ntp -C dependency:copy -Dartifact="org.apache.flink:${jar%:*}:$version" -DoutputDirectory="$folder/${jar#*:}"
  done
  touch "$folder/installed"
}
flink="$HOME/.cache/tessera/flink-2.3.0"
install_flink 2.3.0 flink-examples-streaming:examples
# That a cluster is upgraded from.
install_flink 2.2.1
# The stream job that a real Flink is tested with. See test/flink-load-job.
source="$(cd "$(dirname "$0")/../test/flink-load-job/src" && pwd)"
job="$HOME/.cache/tessera/load-job"
version="$(cd "$source" && find . -name '*.java' | LC_ALL=C sort | xargs sha256sum | sha256sum | cut -d ' ' -f 1)"
if [ "$(cat "$job/version" 2>/dev/null)" != "$version" ]; then
  mkdir -p "$job"
  classes="$(mktemp -d)"
  find "$source" -name '*.java' | xargs javac --release 17 -proc:none -nowarn -cp "$flink/lib/*" -d "$classes"
  jar --create --file "$job/load-job.jar" --main-class tessera.load.LoadJob -C "$classes" .
  rm -rf "$classes"
  echo "$version" >"$job/version"
fi
