# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: PostgreSQL
# The parts of scripts/test: each runs one test runner and passes on its counts. Source this file
# after server.sh and report.sh.

build_extension() {
    saas_copy_server
    saas_install WERROR=1
    make -s PG_CONFIG="$PG_CONFIG" test/native/pg_saas_test.so
}

start_server() {
    saas_stop
    rm -rf "$saas_data"
    saas_start fsync=off synchronous_commit=off full_page_writes=off max_connections=60 \
        shared_buffers=128MB
}

# A database with the extension and, unless told otherwise, the deployed schema package.
make_database() { # name
    export PGOPTIONS='-c client_min_messages=warning'
    dropdb --if-exists "$1"
    createdb "$1"
    psql -X -q -v ON_ERROR_STOP=1 -d "$1" -c 'CREATE EXTENSION pg_saas CASCADE'
    psql -X -q -v ON_ERROR_STOP=1 -d "$1" -o /dev/null -c 'SELECT * FROM saas.deploy()'
    unset PGOPTIONS
}

# Runs prove (or pg_prove) with these arguments and counts the tests in the TAP it shows. A file that
# died or whose plan does not fit is a failure as well, even if all its tests passed.
count_tap() { # command …
    local status=0 log passed failed
    log=$(mktemp -p "$report_logs")
    "$@" >"$log" 2>&1 || status=$?
    # What could not run here is no success.
    passed=$(grep -E '^ok [0-9]' "$log" | grep -vc '# SKIP' || true)
    failed=$(grep -E '^not ok [0-9]' "$log" | grep -vc '# TODO' || true)
    failed=$((failed + $(grep -cE '\(Wstat: .* Failed: 0\)$' "$log" || true)))
    [ "$status" -eq 0 ] || [ "$failed" -gt 0 ] || failed=1
    count "$passed" "$failed"
    # On failure the interesting lines: what is not ok, its diagnosis, the summary.
    if [ "$status" -eq 0 ]; then cat "$log"; else grep -vE '^ok( |$)|^1\.\.|^ok$' "$log" || true; fi
    rm -f "$log"
    return "$status"
}

part_checks() {
    local passed=0 failed=0 check
    for check in "scripts/check-exports pg_saas.so" scripts/check-layers scripts/check-meta \
        scripts/check-build; do
        if $check; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
    done
    count "$passed" "$failed"
}

# Configures and builds in $1; the other arguments go to CMake.
cmake_build() {
    local folder=$1
    shift
    cmake -S . -B "$folder" "$@" >"$folder.log" 2>&1 || {
        cat "$folder.log"
        return 1
    }
    cmake --build "$folder" -j"$(nproc)"
}

count_ctest() { # folder
    local status=0 log
    log=$(mktemp -p "$report_logs")
    ctest --test-dir "$1" -j"$(nproc)" --output-on-failure >"$log" 2>&1 || status=$?
    grep -vE '^ +Start +[0-9]+: | Passed +[0-9.]+ sec$' "$log"
    sed -nE 's/.*, ([0-9]+) tests failed out of ([0-9]+)$/\1 \2/p' "$log" |
        while read -r failed total; do count "$((total - failed))" "$failed"; done
    rm -f "$log"
    return "$status"
}

part_unit() {
    mkdir -p build
    cmake_build build/unit
    count_ctest build/unit
}

# With clang, AddressSanitizer and UndefinedBehaviorSanitizer: unit tests and fuzz targets share it.
build_sanitized() {
    mkdir -p build
    CC=clang-14 CXX=clang++-14 cmake_build build/fuzz -DSAAS_FUZZ=ON -DSAAS_SANITIZE=ON
}

part_unit_sanitized() {
    build_sanitized
    count_ctest build/fuzz
}

# Each target runs with its committed corpus, so many at once as there are processors.
part_fuzz() {
    local targets=() source name pids=() failed=0 passed=0 i
    build_sanitized
    for source in test/fuzz/*_fuzz.cpp; do
        targets+=("$(basename "$source" .cpp)")
    done
    for ((i = 0; i < ${#targets[@]}; i += 1)); do
        name=${targets[i]}
        run_fuzzer "$name" "$(fuzz_seconds "$name")" >"build/fuzz/$name.log" 2>&1 &
        pids+=($!)
        # The next pair starts when this one is through.
        if (((i + 1) % $(nproc) == 0 || i + 1 == ${#targets[@]})); then
            for pid in "${pids[@]}"; do
                if wait "$pid"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
            done
            pids=()
        fi
    done
    for name in "${targets[@]}"; do
        echo "== $name"
        tail -n 15 "build/fuzz/$name.log"
    done
    count "$passed" "$failed"
}

# What reads rules and models of strangers runs for a minute, the others for ten seconds.
fuzz_seconds() { # target
    case $1 in
    fraud_*) echo "${FUZZ_SECONDS:-60}" ;;
    *) echo "${FUZZ_SECONDS:-10}" ;;
    esac
}

# New inputs go to a folder of the build; what crashed stays there as an artifact.
run_fuzzer() { # target, seconds
    local folder=build/fuzz/found/$1 corpus=test/fuzz/corpus/${1%_fuzz} options=()
    mkdir -p "$folder"
    [ ! -d "$corpus" ] || options+=("$corpus")
    [ ! -f "$corpus.dict" ] || options+=("-dict=$corpus.dict")
    "build/fuzz/$1" -max_total_time="$2" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="build/fuzz/$1-" "$folder" "${options[@]}"
}

# pg_regress up to PostgreSQL 15 says "test NAME ... ok", later ones speak TAP.
count_regress() { # log
    count "$(grep -cE '^ok |\.\.\. +ok\b' "$1" || true)" \
        "$(grep -cE '^not ok |\.\.\. +FAILED|\(test process exited' "$1" || true)"
}

part_regress() {
    local status=0 log
    log=$(mktemp -p "$report_logs")
    rm -f regression.diffs
    # The server's user may not be allowed into this folder, so the library of test functions goes
    # where the server's own are.
    install -m 755 test/native/pg_saas_test.so "$("$PG_CONFIG" --pkglibdir)/"
    export SAAS_TEST_LIBRARY='$libdir/pg_saas_test'
    make -s PG_CONFIG="$PG_CONFIG" installcheck ISOLATION= >"$log" 2>&1 || status=$?
    cat "$log"
    count_regress "$log"
    rm -f "$log"
    [ ! -s regression.diffs ] || head -n 150 regression.diffs
    return "$status"
}

part_isolation() {
    local status=0 log specs
    log=$(mktemp -p "$report_logs")
    specs=$(sed 's/#.*//' test/isolation/schedule)
    make_database saas_isolation
    rm -f regression.diffs
    # shellcheck disable=SC2086
    "$(dirname "$("$PG_CONFIG" --pgxs)")/../test/isolation/pg_isolation_regress" \
        --inputdir=test/isolation --outputdir=. --bindir="$saas_bin" --use-existing \
        --dbname=saas_isolation $specs >"$log" 2>&1 || status=$?
    cat "$log"
    count_regress "$log"
    rm -f "$log"
    [ ! -s regression.diffs ] || head -n 150 regression.diffs
    return "$status"
}

part_pgtap() {
    make_database saas_pgtap
    psql -X -q -v ON_ERROR_STOP=1 -d saas_pgtap -c 'CREATE EXTENSION pgtap SCHEMA public'
    count_tap pg_prove -v -d saas_pgtap test/pgtap/*.sql
}

part_e2e() {
    make_database saas_e2e
    SAAS_LOG=$saas_log count_tap test/e2e/run saas_e2e
}

# Random statements of an ordinary user, in a database of their own.
part_sqlsmith() {
    make_database saas_sqlsmith
    psql -X -q -v ON_ERROR_STOP=1 -d saas_sqlsmith -o /dev/null -f test/sqlsmith/setup.sql
    export PGDATABASE=saas_sqlsmith SAAS_LOG=$saas_log
    count_tap prove -v --exec '' test/sqlsmith/sqlsmith_test.py
}
