#!/usr/bin/env bash
# Installs what is missing to build and run Rollcall: a C compiler, Postgres and Redis.
# They are only programs to us: tools/devstack starts servers of its own.
# With the argument `python` also a Python that makes virtual environments, for scripts/scim-tools.sh;
# with `browser` that, curl, openssl and headless Chromium with its driver, which the tests use;
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

# `chromium` or Chrome itself, and the driver of the same version. Ubuntu's packages of that name
# install a snap, which containers cannot.
have_browser() {
    local program
    command -v chromedriver >/dev/null || return 1
    for program in chromium chromium-browser google-chrome "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"; do
        ! command -v "$program" >/dev/null || return 0
    done
    return 1
}

wanted=${1:-}
missing=()
find_missing() {
    missing=()
    command -v cc >/dev/null || missing+=(gcc libc6-dev)
    have_postgres || missing+=(postgresql)
    have_redis || missing+=(redis-server)
    [[ $wanted != python && $wanted != browser ]] || have_python || missing+=(python3-venv)
    [ "$wanted" != browser ] || have_browser || missing+=(chromium chromium-driver)
    [ "$wanted" != browser ] || command -v curl >/dev/null || missing+=(curl)
    [ "$wanted" != browser ] || command -v openssl >/dev/null || missing+=(openssl)
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
    echo "this system's packages are too old, or not what they say: still missing ${missing[*]}" \
        "(Postgres $postgres_oldest+, Redis $redis_oldest+); add their makers' repositories, $compose" >&2
    exit 1
fi
echo "missing, by Debian's names: ${missing[*]} (Homebrew: postgresql@17 redis chromedriver, and Chrome;" \
    "Fedora: gcc postgresql-server valkey chromium chromedriver); $compose" >&2
exit 1
