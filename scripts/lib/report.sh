# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: PostgreSQL
# Runs the steps and parts of scripts/test, counts and reports. Source this file.
#
# A step must succeed but counts nothing; a part calls `count PASSED FAILED`. Both run in a shell of
# their own under set -e, with all output in a log, which is shown when something failed. Whether the
# last one went well is in report_ok: "yes", or empty. Call both outside any condition (if, &&, ||, !),
# where the shell would ignore set -e in everything that they call.

report_begin() {
    report_logs=$saas_dir/test-logs
    rm -rf "$report_logs"
    mkdir -p "$report_logs"
    report_passed=0
    report_failed=0
    report_started=$SECONDS
}

# Called by parts: so many tests passed, so many failed.
count() {
    echo "$1 $2" >>"$report_logs/counts"
}

report_line() { # name, text, seconds
    [ ! -t 1 ] || printf '\r\033[K'
    printf '  %-16s %-34s %5d s\n' "$1" "$2" "$3"
}

# Runs function $2 as $1. Leaves its exit status in report_status, its log in $report_logs/$1.log.
report_run() {
    local started=$SECONDS
    [ ! -t 1 ] || printf '  %-16s …' "$1"
    : >"$report_logs/counts"
    set +e
    (
        set -e
        "$2"
    ) >"$report_logs/$1.log" 2>&1 </dev/null
    report_status=$?
    set -e
    report_seconds=$((SECONDS - started))
}

report_show_log() { # name, lines
    echo "  --- $1, the end of its output ---"
    tail -n "$2" "$report_logs/$1.log" | sed 's/^/  | /'
    echo "  ---"
}

step() { # name, function
    report_run "$1" "$2"
    report_ok=yes
    if [ "$report_status" -ne 0 ]; then
        report_ok=
        report_failed=$((report_failed + 1))
        report_line "$1" "FAILED" "$report_seconds"
        report_show_log "$1" 60
    else
        report_line "$1" "done" "$report_seconds"
    fi
}

run_part() { # name: runs part_<name>
    local passed failed text
    report_run "$1" "part_$1"
    passed=$(awk '{ n += $1 } END { print n + 0 }' "$report_logs/counts")
    failed=$(awk '{ n += $2 } END { print n + 0 }' "$report_logs/counts")
    # Stopped before or while counting, or without a single test: a failure as well.
    if [ "$report_status" -ne 0 ] && [ "$failed" -eq 0 ]; then
        failed=1
    elif [ $((passed + failed)) -eq 0 ]; then
        failed=1
        echo "no test ran" >>"$report_logs/$1.log"
    fi
    report_passed=$((report_passed + passed))
    report_failed=$((report_failed + failed))
    report_ok=yes
    text="$passed passed"
    if [ "$failed" -gt 0 ]; then
        report_ok=
        text="$text, $failed FAILED"
    fi
    report_line "$1" "$text" "$report_seconds"
    [ -n "$report_ok" ] || report_show_log "$1" 120
}

# The closing line, and the exit status of the run. Nothing may be printed after it.
report_end() {
    echo "  in $((SECONDS - report_started)) seconds; the full output is in $report_logs"
    echo "$report_passed passed, $report_failed failed"
    [ "$report_failed" -eq 0 ] && [ "$report_passed" -gt 0 ]
}
