# What the scripts under bin/ share, to be sourced: help at once, steps that are counted, a failure that says which step and which line, and a
# sign of life while something takes long. Not a command.
# shellcheck shell=bash
set -Eeuo pipefail

script=$(basename "$0")
# tests/fresh/run is known as fresh.
if [[ $script == run ]]; then script=$(basename "$(dirname "$(realpath "$0")")"); fi
step=0
total=${total:-0}
step_name=
died=false

# The comment at the top of the script is its help.
print_help() { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; }
wants_help() { [[ " $* " == *" --help "* || " $* " == *" -h "* ]]; }

say() { step=$((step + 1)); step_name=$*; printf '\033[1m[%s %d/%d]\033[0m %s\n' "$script" "$step" "$total" "$*"; }
note() { printf '            %s\n' "$*"; }
die() { died=true; printf '%s: %s\n' "$script" "$*" >&2; exit 1; }

# Bash's own message for a command that fails under `set -e` is none at all. The trap is inherited by functions and subshells, so the lines
# read from the innermost command outwards.
trap 'failed_at "$?" "${BASH_SOURCE[0]}" "$LINENO" "$BASH_COMMAND"' ERR
failed_at() {
    local command=${4%%$'\n'*}
    printf '%s: line %d of %s ended with %d: %s\n' "$script" "$3" "${2##*/}" "$1" "${command:0:160}" >&2
}

# What is to be undone, the last first. A failing command of it must not become the exit status of the script.
cleanups=()
at_exit() { cleanups+=("$1"); }
trap 'leave "$?"' EXIT
leave() {
    trap - ERR EXIT
    local index
    for ((index = ${#cleanups[@]} - 1; index >= 0; index--)); do eval "${cleanups[index]}" || true; done
    if (($1 != 0 && $1 < 128)) && [[ -n $step_name ]]; then
        printf '%s: failed in step %d%s: %s\n' "$script" "$step" "$( ((total)) && printf ' of %d' "$total")" "$step_name" >&2
    elif (($1 != 0 && $1 < 128)) && ! $died; then
        printf '%s: failed\n' "$script" >&2
    fi
    exit "$1"
}

elapsed() { local seconds=$1; if ((seconds < 60)); then printf '%d s' "$seconds"; else printf '%d min %02d s' $((seconds / 60)) $((seconds % 60)); fi; }

# Runs a program that takes long and talks much: a line every 15 seconds says how long it has run and what it said last, and all it said is
# shown when it fails. It stays in the foreground, so that Ctrl-C reaches it.
patiently() {
    local log status ticker
    log=$(mktemp)
    (
        trap - ERR EXIT
        started=$SECONDS
        # The sleep must not hold the output open for whoever reads it to its end.
        while sleep 15 >/dev/null 2>&1 && kill -0 $$ 2>/dev/null; do
            last=$(tail -c 400 "$log" | tr '\r' '\n' | sed 's/\x1b\[[0-9;]*[A-Za-z]//g' | grep -v '^ *$' | tail -n 1)
            last=${last#"${last%%[! ]*}"}
            note "... $(elapsed $((SECONDS - started))): ${last:0:100}"
        done
    ) &
    ticker=$!
    status=0
    "$@" >"$log" 2>&1 || status=$?
    kill "$ticker" 2>/dev/null || true
    wait "$ticker" 2>/dev/null || true
    if ((status != 0)); then tail -n 60 "$log" >&2; fi
    rm -f "$log"
    return "$status"
}

# The major version of the newest Postgres server that the operating system has; nothing where there is none.
newest_server() {
    local program
    for program in /usr/lib/postgresql/*/bin/postgres; do
        if [[ -x $program ]]; then cut -d/ -f5 <<<"$program"; fi
    done | sort -n | tail -n 1
}

# npm ci, unless what is installed is what the lock file says.
install_node_packages() { # folder
    if ! cmp -s "$1/package-lock.json" "$1/node_modules/.parley-lock.json"; then
        note "npm ci in $1"
        patiently npm --prefix "$1" ci --no-fund --no-audit
        cp "$1/package-lock.json" "$1/node_modules/.parley-lock.json"
    fi
}
