#!/usr/bin/env bash
# Run every fuzz target (fuzz/) for an equal share of FUZZ_SECONDS. Ends at the first case that does
# not hold; keep that case in fuzz/corpus-kept, where a normal test replays it.
set -euo pipefail
cd "$(dirname "$0")/.."

VERSION=0.13.2
TARGETS=(body bulk filter patch path)
SECONDS_EACH=$((${FUZZ_SECONDS:-600} / ${#TARGETS[@]}))

tools=$PWD/fuzz/target/tools
export PATH=$tools/bin:$PATH
if ! cargo fuzz --version 2>/dev/null | grep -qF " $VERSION"; then
    cargo install cargo-fuzz --version "$VERSION" --locked --quiet --root "$tools"
fi

# Coverage needs unstable flags of a stable compiler. There is no unsafe code to sanitise.
export RUSTC_BOOTSTRAP=1 SQLX_OFFLINE=true
options=(--fuzz-dir fuzz --sanitizer none)
cargo fuzz build "${options[@]}"
for target in "${TARGETS[@]}"; do
    echo "== $target, $SECONDS_EACH s"
    mkdir -p "fuzz/corpus/$target"
    cargo fuzz run "${options[@]}" "$target" "fuzz/corpus/$target" "fuzz/corpus-kept/$target" -- \
        -dict=fuzz/scim.dict -max_total_time="$SECONDS_EACH" -timeout=5 -print_final_stats=1 -verbosity=0
done
