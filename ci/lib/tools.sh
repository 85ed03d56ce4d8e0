# shellcheck shell=bash
# What the scripts of ci/ need besides a Rust toolchain, and how each gets it: packages by apt where the script runs as
# root, cargo's tools and Python's environments into the cache. Sourced, never run.
#
# Everything that is made here lies in $cache; nothing is written into the tree.

cache="${PAKT_CI_CACHE:-$HOME/.cache/pakt-ci}"
mkdir -p "$cache"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$cache/target}"
export PATH="$cache/tools/bin:$PATH"

# The versions the project is tested with; a newer one comes in by a change here.
# shellcheck disable=SC2034 # the scripts that source this file use them
{
    cargo_deny_version=0.20.2
    cargo_nextest_version=0.9.143
    cargo_zigbuild_version=0.24.1
}

# An error of the script's user or machine: said once, and the script ends.
die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# need_cargo: the one thing that cannot be made here, and all that building needs of Rust.
need_cargo() {
    command -v cargo >/dev/null || die "cargo is missing: install the Rust toolchain (rustup.rs)"
}

# need_rust: what the checks need beside it.
need_rust() {
    need_cargo
    cargo fmt --version >/dev/null 2>&1 || die "rustfmt is missing: rustup component add rustfmt"
    cargo clippy --version >/dev/null 2>&1 || die "clippy is missing: rustup component add clippy"
}

# need_packages COMMAND=PACKAGE...: every command is there afterwards, or the script has ended saying what to install.
need_packages() {
    local pair missing=()
    for pair in "$@"; do
        command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
    done
    [ "${#missing[@]}" -gt 0 ] || return 0
    [ "$(id -u)" -eq 0 ] || die "missing, install as root: apt-get install ${missing[*]}"
    command -v apt-get >/dev/null || die "missing, install with this system's package manager: ${missing[*]}"
    printf 'installing %s\n' "${missing[*]}" >&2
    {
        apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
    } >"$cache/apt.log" 2>&1 || die "apt-get could not install ${missing[*]}: see $cache/apt.log"
}

# need_native: Slurm's headers and library, and what reads the headers, for the helper that is linked with them.
need_native() {
    has_native && return 0
    [ "$(id -u)" -eq 0 ] || die "missing, install as root: apt-get install libslurm-dev libclang-dev"
    printf 'installing libslurm-dev libclang-dev\n' >&2
    {
        apt-get update -q &&
            DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends libslurm-dev libclang-dev
    } >"$cache/apt.log" 2>&1 || die "apt-get could not install libslurm-dev libclang-dev: see $cache/apt.log"
}

has_native() {
    [ -e /usr/include/slurm/slurmdb.h ] && compgen -G '/usr/lib/llvm-*/lib/libclang*.so*' >/dev/null
}

# One installation at a time, however many scripts ask.
with_lock() {
    (
        flock 9
        "$@"
    ) 9>"$cache/install.lock"
}

# need_cargo_tool NAME VERSION: cargo puts the finished program in place last, so a killed build leaves none behind. A
# program of another version, wherever it lies, does not count.
need_cargo_tool() {
    has_version "$1" "$2" || with_lock install_cargo_tool "$1" "$2"
}

# need_cmake: what builds HDF5, which is compiled in and wants CMake 3.26 or newer (the CMakeLists.txt of HDF5 2.2); Debian 12
# has 3.25. Where there is none it lies in the cache's folder of tools afterwards, which is in the PATH.
need_cmake() {
    ! has_cmake || return 0
    need_python_environment "$cache/venv-cmake" python3 'import cmake' 'cmake<4'
    mkdir -p "$cache/tools/bin"
    ln -sfn "$cache/venv-cmake/bin/cmake" "$cache/tools/bin/cmake"
    hash -r
    has_cmake || die "$cache/tools/bin/cmake does not run"
}

has_cmake() {
    local said
    said="$(cmake --version 2>/dev/null)" || return 1
    said="${said%%$'\n'*}"
    [ "$(printf '%s\n' 3.26 "${said##* }" | sort -V | head -n 1)" = 3.26 ]
}

# has_version NAME VERSION: whether the first such program in the PATH says that it is that version.
has_version() {
    local said
    # nextest wants to be called as cargo calls it.
    said="$("$1" --version 2>/dev/null || "$1" "${1#cargo-}" --version 2>/dev/null)" || return 1
    [[ " ${said%%$'\n'*} " == *" $2 "* ]]
}

install_cargo_tool() {
    ! has_version "$1" "$2" || return 0
    printf 'installing %s %s (once)\n' "$1" "$2" >&2
    CARGO_TARGET_DIR="$cache/tools-build" cargo install --quiet --locked --force --root "$cache/tools" --version "$2" "$1" \
        >"$cache/$1.log" 2>&1 || die "cargo could not install $1: see $cache/$1.log"
    rm -rf "$cache/tools-build"
}

# need_python_environment FOLDER PYTHON CHECK PACKAGE...: the folder holds the packages, and `python -c CHECK` works in it.
# An environment knows its own path, so it cannot be renamed into place; a mark written last says with what it is whole.
need_python_environment() {
    is_complete "$@" || with_lock install_python_environment "$@"
}

is_complete() {
    [ "$(cat "$1/complete" 2>/dev/null)" = "$*" ]
}

install_python_environment() {
    local folder="$1" python="$2" check="$3"
    shift 3
    ! is_complete "$folder" "$python" "$check" "$@" || return 0
    if ! { "$folder/bin/python" -c "$check" && "$folder/bin/python" -m pip check; } >/dev/null 2>&1; then
        "$python" -c 'import ensurepip' 2>/dev/null || need_packages ensurepip=python3-venv
        printf 'installing %s (once)\n' "$*" >&2
        rm -rf "${folder:?}"
        {
            "$python" -m venv "$folder" && "$folder/bin/python" -m pip install -q "$@" &&
                "$folder/bin/python" -c "$check"
        } >"$cache/${folder##*/}.log" 2>&1 || die "pip could not install $*: see $cache/${folder##*/}.log"
    fi
    printf '%s\n' "$folder $python $check $*" >"$folder/complete"
}

# The compiler for old glibc, first in PATH afterwards.
need_zig() {
    need_cargo_tool cargo-zigbuild "$cargo_zigbuild_version"
    need_python_environment "$cache/venv-zig" python3 'import ziglang' ziglang
    export PATH="$cache/venv-zig/bin:$PATH"
}

# Whether every user may go into the folder: each folder above it lets others through.
is_open_to_all() {
    local folder="$1"
    while [ "$folder" != / ]; do
        case "$(stat -c %A "$folder")" in
        *x | *t) folder="$(dirname "$folder")" ;;
        *) return 1 ;;
        esac
    done
}

# PyTorch and the LM Evaluation Harness for the tests that train and evaluate, which run as ordinary users of the lab: in the cache, unless that lies where other
# users cannot go (root's home), and by the system's own Python. Afterwards PAKT_CI_TORCH names the environment.
need_torch() {
    local folder="$cache" python=/usr/bin/python3
    if ! is_open_to_all "$cache"; then
        folder=/var/tmp/pakt-ci
        [ -d "$folder" ] || mkdir -m 0755 "$folder"
        [ -O "$folder" ] || die "$folder belongs to somebody else: set PAKT_CI_CACHE to a folder that every user may enter"
    fi
    [ -x "$python" ] || python=python3
    export PAKT_CI_TORCH="$folder/venv-models"
    need_python_environment "$PAKT_CI_TORCH" "$python" 'import lm_eval, numpy, tenacity, torch; torch.ones(2).sum().item()' \
        torch numpy lm_eval transformers accelerate tenacity
}

# A validator of RO-Crates, and the library whose releases before 0.15 bring the context of RO-Crate 1.1: tests ask no network.
# Afterwards PAKT_CI_ROCRATE names the environment.
need_rocrate() {
    export PAKT_CI_ROCRATE="$cache/venv-rocrate"
    need_python_environment "$PAKT_CI_ROCRATE" python3 'import rocrate, rocrate_validator.services' \
        roc-validator==0.13.0 rocrate==0.14.0
}

# Python's library for HDF5, which reads what Pakt wrote. Afterwards PAKT_CI_H5PY names the environment.
need_h5py() {
    export PAKT_CI_H5PY="$cache/venv-h5py"
    need_python_environment "$PAKT_CI_H5PY" python3 'import h5py' h5py
}
