# shellcheck shell=bash
# What a program must be to start on every login node: sourced by ci/release and by its test.

# The oldest C library it must start with: RHEL 8 and its rebuilds (their release notes: glibc 2.28).
newest_glibc_allowed=2.28
largest_size_bytes=$((40 * 1000 * 1000))
# glibc's own family, and libgcc_s, which every compiler's system has beside it.
libraries_allowed='^(libc\.so\.6|libm\.so\.6|libpthread\.so\.0|libdl\.so\.2|librt\.so\.1|libgcc_s\.so\.1|ld-linux-(x86-64\.so\.2|aarch64\.so\.1))$'

# The versions of glibc that the program asks for, as the loader checks them before it starts anything: `2.28`, and names
# without a number such as `ABI_DT_RELR`, which came with glibc 2.36.
glibc_versions() {
    readelf -V --wide "$1" 2>/dev/null | sed -nE 's/.*Name: GLIBC_([A-Za-z0-9_.]+) .*/\1/p' | sort -uV
}

needed_libraries() {
    readelf -d "$1" | sed -nE 's/.*\(NEEDED\).*\[(.*)\]/\1/p'
}

# check_binary FILE: prints what was measured; fails naming everything that is wrong.
check_binary() {
    local file="$1" newest unnumbered needed size foreign sections wrong=0
    newest="$(glibc_versions "$file" | grep -E '^[0-9]' | tail -n 1)"
    [ -n "$newest" ] || { printf '%s: not a program that names its C library\n' "$file" && return 1; }
    unnumbered="$(glibc_versions "$file" | grep -vE '^[0-9]' | tr '\n' ' ' || true)"
    needed="$(needed_libraries "$file")"
    size="$(stat -c %s "$file")"
    printf 'size     %d bytes\n' "$size"
    printf 'glibc    %s\n' "$newest"
    printf 'needs    %s\n' "$(printf '%s' "$needed" | tr '\n' ' ')"
    if [ "$(printf '%s\n' "$newest" "$newest_glibc_allowed" | sort -V | tail -n 1)" != "$newest_glibc_allowed" ]; then
        printf 'wrong: it needs glibc %s, allowed is %s; the symbols: %s\n' "$newest" "$newest_glibc_allowed" \
            "$(objdump -T "$file" | grep -F "GLIBC_$newest" | awk '{print $NF}' | head -n 5 | tr '\n' ' ')"
        wrong=1
    fi
    if [ -n "$unnumbered" ]; then
        printf 'wrong: it needs what only a newer glibc has: %s\n' "$unnumbered"
        wrong=1
    fi
    foreign="$(printf '%s\n' "$needed" | grep -vE "$libraries_allowed" | tr '\n' ' ' || true)"
    if [ -n "${foreign// /}" ]; then
        printf 'wrong: it needs %sbeyond the C library'\''s family\n' "$foreign"
        wrong=1
    fi
    if [ "$size" -ge "$largest_size_bytes" ]; then
        printf 'wrong: it has %d bytes, under %d are wanted\n' "$size" "$largest_size_bytes"
        wrong=1
    fi
    # Not in a pipe: a search that ends early kills readelf, and the pipe then counts as failed.
    sections="$(readelf -S "$file")"
    if grep -qE '\.symtab|\.debug_info' <<<"$sections"; then
        printf 'wrong: it is not stripped\n'
        wrong=1
    fi
    return "$wrong"
}
