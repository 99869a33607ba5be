# shellcheck shell=bash disable=SC2154,SC2034
# SPDX-License-Identifier: PostgreSQL
# How scripts/demo looks: colours and moving progress on a terminal only, plain lines anywhere else;
# signs beyond ASCII only where the locale has them. Source this file.

look_begin() {
    bold='' dim='' green='' red='' cyan='' plain=''
    look_moves=
    if [ -t 1 ] && [ "${TERM:-dumb}" != dumb ]; then
        look_moves=yes
        if [ -z "${NO_COLOR:-}" ]; then
            bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' cyan=$'\e[36m' plain=$'\e[0m'
        fi
    fi
    look_good='*' look_bad='!' look_full='#' look_empty='.' look_style=ascii
    case ${LC_ALL:-${LC_CTYPE:-${LANG:-}}} in
    *[Uu][Tt][Ff]*) look_good='✓' look_bad='✗' look_full='█' look_empty='░' look_style=unicode ;;
    esac
}

# For a trap on Ctrl-C: waits for the step that was under way, which heard it too, and leaves no log.
look_interrupted() { # what to say
    trap - INT TERM HUP
    [ -z "${look_pid:-}" ] || wait "$look_pid" || true
    [ -z "${look_log:-}" ] || rm -f "$look_log"
    printf '%s\n   %s\n' "${look_moves:+$'\n'}$plain" "$1"
    exit 130
}

title() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }

# A section: its number counts itself.
section() {
    look_section=$((${look_section:-0} + 1))
    printf '\n%s%s. %s%s\n' "$bold$cyan" "$look_section" "$1" "$plain"
}

# Text, filled to the width of the page; an argument that is empty is an empty line.
say() { printf "%s\n" "$*" | fold -s -w 92 | sed "s/ *\$//; s/^/   /"; }

good() { printf '   %s%s%s %s\n' "$green" "$look_good" "$plain" "$1"; }

# Runs a command with its output in a log; shows the log's end and stops the demo when it fails.
# Says how long it took, when that is worth saying.
working() { # what, command …
    local what=$1 started=$SECONDS log pid status=0 dots=0
    shift
    log=$(mktemp)
    look_log=$log
    if [ -n "$look_moves" ]; then
        "$@" >"$log" 2>&1 </dev/null &
        pid=$!
        look_pid=$pid
        while kill -0 "$pid" 2>/dev/null; do
            dots=$((dots % 12 + 1))
            printf '\r\e[K   %s %s%s' "$what" "${dim}" "$(repeat . $(((dots + 3) / 4)))$plain"
            sleep 0.05
        done
        wait "$pid" || status=$?
        look_pid=
        printf '\r\e[K'
    else
        # Not in a condition, so that set -e counts inside functions.
        set +e
        (
            set -e
            "$@"
        ) >"$log" 2>&1 </dev/null
        status=$?
        set -e
    fi
    if [ "$status" -ne 0 ]; then
        printf '   %s%s %s: failed%s\n' "$red" "$look_bad" "$what" "$plain"
        tail -n 30 "$log" | sed 's/^/     /'
        rm -f "$log"
        exit 1
    fi
    rm -f "$log"
    if [ $((SECONDS - started)) -gt 1 ]; then
        good "$what $dim$((SECONDS - started)) s$plain"
    else
        good "$what"
    fi
}

progress() { # done, of, text
    local width=40 filled
    filled=$((width * $1 / $2))
    if [ -n "$look_moves" ]; then
        printf '\r\e[K   %s%s%s%s %s' "$green" "$(repeat "$look_full" "$filled")" \
            "$plain$dim$(repeat "$look_empty" $((width - filled)))" "$plain" "$3"
        [ "$1" -lt "$2" ] || printf '\n'
    elif [ "$1" -eq "$2" ]; then
        printf '   %s\n' "$3"
    fi
}

repeat() { # sign, times
    local i line=
    for ((i = 0; i < $2; i += 1)); do line+=$1; done
    printf %s "$line"
}

# A statement and its result, as a person would see them in psql.
show() { # statement
    printf '%s\n' "$1" | sed "s/^/   $dim/; s/\$/$plain/"
    query_table "$1"
}

query_table() { # statement
    psql -X -q -v ON_ERROR_STOP=1 -P border=2 -P "linestyle=$look_style" -P footer=off -P null=- \
        -c "$1" | sed '/^$/d; s/^/   /'
}

# One value, unadorned.
value() { psql -X -q -A -t -v ON_ERROR_STOP=1 -c "$1"; }
