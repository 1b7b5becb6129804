# What the scripts share that drive Rollcall with programs from PyPI; to be sourced.
#
# The programs live in a virtual environment of their own, .devstack/venv.
# shellcheck shell=bash

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$project/.devstack/venv
requirements=$project/scripts/scim-tools.requirements.txt

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

# Install the pinned programs once; a change of the pins installs them again.
install_tools() {
    mkdir -p "$project/.devstack"
    exec 9>"$project/.devstack/venv.lock"
    ! command -v flock >/dev/null || flock 9
    if ! cmp -s "$requirements" "$venv/installed"; then
        "$project/scripts/setup.sh" python >&2 || fail "a Python that makes virtual environments is missing"
        echo "installing SCIM tools into $venv" >&2
        rm -rf "$venv"
        python3 -m venv "$venv" >&2 || fail "python3 cannot make a virtual environment"
        "$venv/bin/pip" --quiet --disable-pip-version-check install --requirement "$requirements" >&2 ||
            fail "cannot install the SCIM tools from PyPI"
        cp "$requirements" "$venv/installed"
    fi
    exec 9>&-
}
