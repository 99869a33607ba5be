# SPDX-License-Identifier: PostgreSQL
# The Test Anything Protocol for shell scripts. Source this file; end with `done_testing`.
tap_count=0
tap_failed=0

# ok TRUE_OR_FALSE_EXIT_STATUS NAME
ok() {
    tap_count=$((tap_count + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $tap_count - $2"
    else
        tap_failed=$((tap_failed + 1))
        echo "not ok $tap_count - $2"
    fi
}

# The beginning of a text, which may be a whole catalog.
one_line() {
    local beginning=${1:0:2000}
    printf '%s' "${beginning//$'\n'/ | }"
}

# is GOT EXPECTED NAME
is() {
    [ "$1" = "$2" ]
    ok $? "$3"
    [ "$1" = "$2" ] || printf '# got:      %s\n# expected: %s\n' "$(one_line "$1")" "$(one_line "$2")"
}

# like GOT EXTENDED_REGULAR_EXPRESSION NAME
like() {
    grep -qE -- "$2" <<<"$1"
    local found=$?
    ok $found "$3"
    [ $found -eq 0 ] || printf '# got:      %s\n# no match: %s\n' "$(one_line "$1")" "$2"
}

done_testing() {
    echo "1..$tap_count"
    [ "$tap_failed" -eq 0 ]
}

# catalog DATABASE: a digest of everything deployed there; ends the test when it cannot be read.
catalog() {
    local lines
    lines=$(psql -XAtq -v ON_ERROR_STOP=1 -d "$1" -f "$(dirname "${BASH_SOURCE[0]}")/catalog.sql") || {
        echo "Bail out! the catalog of $1 cannot be read"
        kill $$
    }
    sha256sum <<<"$lines" | cut -d' ' -f1
}
