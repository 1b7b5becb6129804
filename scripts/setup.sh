#!/usr/bin/env bash
# Installs what is missing to build and run Rollcall: a C compiler, Postgres and Redis.
# They are only programs to us: tools/devstack starts servers of its own.
# With the argument `python` also a Python that makes virtual environments, for scripts/scim-tools.sh;
# with `promtool` also Prometheus, for scripts/alerts; with `compose` also docker-compose, for scripts/manifests.
set -euo pipefail

postgres_oldest=15
redis_oldest=7
compose="or run everything in containers: docker compose up"

major() { grep -oE '[0-9]+' <<<"$1" | head -1; }

have_postgres() {
    local programs
    for programs in "$(dirname "$(command -v postgres || echo /none/postgres)")" \
        "$(pg_config --bindir 2>/dev/null || echo /none)" /usr/lib/postgresql/*/bin \
        /opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin /usr/pgsql-*/bin; do
        [ -x "$programs/initdb" ] && [ -x "$programs/postgres" ] || continue
        [ "$(major "$("$programs/postgres" --version)")" -ge "$postgres_oldest" ] && return
    done
    return 1
}

have_redis() {
    local program
    program=$(command -v redis-server || command -v valkey-server) || return 1
    [ "$(major "$("$program" --version | grep -oE 'v=[0-9]+' || echo 0)")" -ge "$redis_oldest" ]
}

have_python() { python3 -c 'import ensurepip, venv' 2>/dev/null; }

wanted=${1:-}
missing=()
find_missing() {
    missing=()
    command -v cc >/dev/null || missing+=(gcc libc6-dev)
    have_postgres || missing+=(postgresql)
    have_redis || missing+=(redis-server)
    [ "$wanted" != python ] || have_python || missing+=(python3-venv)
    [ "$wanted" != compose ] || command -v docker-compose >/dev/null || missing+=(docker-compose)
    [ "$wanted" != promtool ] || command -v promtool >/dev/null || missing+=(prometheus)
}

# What it says matters only when it fails.
quietly() {
    local said
    said=$("$@" 2>&1) || { printf '%s\n' "$said" >&2; exit 1; }
}

# Packages that bring servers would start them: forbid that while they are installed.
install_with_apt() {
    local root=() policy=/usr/sbin/policy-rc.d
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || {
            echo "missing: ${missing[*]}. As root: apt-get install ${missing[*]}; $compose" >&2
            exit 1
        }
        root=(sudo)
    fi
    echo "installing with apt: ${missing[*]} (to build, to run private servers, to test; no system service stays enabled)"
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | "${root[@]}" tee "$policy" >/dev/null
        "${root[@]}" chmod 755 "$policy"
        # shellcheck disable=SC2064
        trap "${root[*]} rm -f $policy" EXIT
    fi
    quietly "${root[@]}" apt-get update
    quietly "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends "${missing[@]}"
    if [ -d /run/systemd/system ]; then
        for service in postgresql redis-server prometheus; do
            [[ " ${missing[*]} " != *" $service "* ]] || "${root[@]}" systemctl --quiet disable --now "$service" || true
        done
    fi
}

if ! command -v cargo >/dev/null; then
    echo "Rust is missing: install it from https://rustup.rs, then run this again; $compose" >&2
    exit 1
fi

find_missing
[ ${#missing[@]} -gt 0 ] || exit 0
if command -v apt-get >/dev/null; then
    install_with_apt
    find_missing
    [ ${#missing[@]} -gt 0 ] || exit 0
    echo "this system's packages are too old: still missing Postgres $postgres_oldest+ or Redis $redis_oldest+;" \
        "add their makers' repositories, $compose" >&2
    exit 1
fi
echo "missing: a C compiler, Postgres $postgres_oldest+ or Redis $redis_oldest+ (Homebrew: postgresql@17 redis;" \
    "Fedora: gcc postgresql-server valkey); $compose" >&2
exit 1
