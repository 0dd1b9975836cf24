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
if [ "${#missing[@]}" -gt 0 ]; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi
hadoop="$HOME/.cache/tessera/hadoop-3.4.2/lib"
if [ ! -e "$hadoop/hadoop-hdfs-3.4.2.jar" ]; then
  mvn -q -B -ntp -f "$(dirname "$0")/../sdk/deep-storage/hadoop-pom.xml" dependency:copy-dependencies -DoutputDirectory="$hadoop" -DincludeScope=runtime
fi
