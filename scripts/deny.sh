#!/usr/bin/env bash
# cargo deny, installed into the build folder where the machine has none.
# A debug build of it compiles in a fraction of the time and checks as well.
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.20.2
tools="${CARGO_TARGET_DIR:-target}/tools"

if ! cargo deny --version >/dev/null 2>&1; then
    PATH="$PWD/$tools/bin:$tools/bin:$PATH"
    if ! cargo deny --version >/dev/null 2>&1; then
        echo "cargo-deny is missing: installing $version into $tools"
        cargo install cargo-deny --quiet --locked --debug --version "$version" --root "$tools"
    fi
fi
exec cargo deny --locked "$@"
