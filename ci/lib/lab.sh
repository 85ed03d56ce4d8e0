# shellcheck shell=bash
# The lab of real servers (ci/lab), as the scripts use it. Sourced after tools.sh.

# The ordinary user of the lab that the scripts act as, and the name this user has on this machine.
lab_person=ada
lab_account="pakt-$lab_person"
lab_is_ours=no
lab_program=

# lab ARGUMENTS...: the program is built at the first call.
lab() {
    if [ -z "$lab_program" ]; then
        cargo build --quiet --locked -p lab || return
        lab_program="$CARGO_TARGET_DIR/debug/lab"
    fi
    "$lab_program" "$@"
}

# lab_up NAME...: the clusters, and postgres, run afterwards. A lab that was there before is somebody else's: it is used, and left running.
lab_up() {
    [ "$(id -u)" -eq 0 ] || die "the lab starts Slurm for several users and needs root"
    if [[ "$(lab status 2>/dev/null)" == "no lab at "* ]]; then lab_is_ours=yes; fi
    lab up "$@"
}

# lab_down: takes down what lab_up started; harmless when it started nothing.
lab_down() {
    [ "$lab_is_ours" = yes ] || return 0
    lab_is_ours=no
    lab down >/dev/null || printf '%s: the lab could not be taken down\n' "${0##*/}" >&2
}

# as_person CLUSTER FOLDER COMMAND...: as the lab's user, in the folder, with the cluster's Slurm.
as_person() {
    local cluster="$1" folder="$2"
    shift 2
    lab run "$cluster" --as "$lab_person" --directory "$folder" -- "$@"
}

# give_to_person PATH...: hands files of this script to the lab's user.
give_to_person() {
    chown -R "$lab_account:$lab_account" "$@"
}
