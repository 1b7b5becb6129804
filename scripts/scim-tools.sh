# What the scripts share that use programs from PyPI; to be sourced.
#
# The programs live in virtual environments of their own under .devstack: the client and the
# suites in `venv`, what cannot live beside them elsewhere.
# shellcheck shell=bash

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$project/.devstack/venv

fail() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

# Talk to SCIM_URL with SCIM_TOKEN; unset, both come from .devstack/env.
find_rollcall() {
    if [ -z "${SCIM_URL:-}" ] || [ -z "${SCIM_TOKEN:-}" ]; then
        [ -f "$project/.devstack/env" ] ||
            fail "nothing runs: no SCIM_URL and SCIM_TOKEN, and no .devstack/env (see \`make up\`)"
        # shellcheck source=/dev/null
        . "$project/.devstack/env"
    fi
}

# Install what a requirements file pins (the client and the suites, unless another is named) into
# a virtual environment (`venv`, unless another is named), once; a change of the pins installs again.
# Further arguments go to pip.
install_tools() {
    local requirements=${1:-$project/scripts/scim-tools.requirements.txt} into=${2:-$venv}
    shift $(($# < 2 ? $# : 2))
    mkdir -p "$project/.devstack"
    exec 9>"$into.lock"
    ! command -v flock >/dev/null || flock 9
    if ! cmp -s "$requirements" "$into/installed"; then
        "$project/scripts/setup.sh" python >&2 || fail "a Python that makes virtual environments is missing"
        echo "installing tools into $into" >&2
        rm -rf "$into"
        python3 -m venv "$into" >&2 || fail "python3 cannot make a virtual environment"
        "$into/bin/pip" --quiet --disable-pip-version-check install --requirement "$requirements" "$@" >&2 ||
            fail "cannot install the tools from PyPI"
        cp "$requirements" "$into/installed"
    fi
    exec 9>&-
}
