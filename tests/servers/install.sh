#!/usr/bin/env bash
# Puts the real servers of the test suite into .cache/servers/bin: Pebble (an ACME CA), BIND 9,
# OpenSSH's sshd and nginx; and the programs whose files are imported and that read exported ones:
# certbot, lego, keytool.
#
# Nothing is installed on the machine and root is not needed: Debian packages are downloaded with
# apt's own signature checks and unpacked below the cache. A server that already answers there is
# left alone, so a second run needs no network.
#
#   KMTUI_SKIP_SERVERS=1    do nothing; the tests that need a server are skipped, and say so
#   KMTUI_UNPACK_SERVERS=1  do not borrow the servers of this machine, always unpack our own
set -euo pipefail

readonly pebble_minimum=2.10
readonly pebble_mark=dns-persist-01 # a challenge type that 2.10 brought
readonly cache="$(cd "$(dirname "$0")/../.." && pwd)/.cache/servers"
readonly bin="$cache/bin"

say() { printf 'servers: %s\n' "$*" >&2; }

main() {
    if [[ ${KMTUI_SKIP_SERVERS:-} == 1 ]]; then
        say "skipped on purpose (KMTUI_SKIP_SERVERS=1)"
        return 0
    fi
    mkdir -p "$bin"
    scratch="$(mktemp -d)"
    trap 'rm -rf "$scratch"' EXIT

    local missing=0
    pebble_answers "$bin/pebble" || borrow_pebble || unpack_pebble || {
        say "no Pebble >= $pebble_minimum: put 'pebble' in PATH, or run this script where apt" \
            "reaches a Debian mirror"
        missing=1
    }
    named_answers "$bin/named" || borrow_named || unpack_named || install_named || {
        say "no BIND 9: install it (on Debian: apt-get install bind9), then run this script again"
        missing=1
    }
    sshd_answers || borrow_sshd || unpack_sshd || install_sshd || {
        say "no sshd: install it (on Debian: apt-get install openssh-server), then run this script" \
            "again"
        missing=1
    }
    nginx_answers || borrow_nginx || unpack_nginx || install_nginx || {
        say "no nginx: install it (on Debian: apt-get install nginx), then run this script again"
        missing=1
    }
    lego_answers || borrow_lego || unpack_lego || {
        say "no lego: install it (on Debian: apt-get install lego), then run this script again"
        missing=1
    }
    certbot_answers || borrow_certbot || unpack_certbot || {
        say "no certbot: install it (on Debian: apt-get install certbot), then run this script again"
        missing=1
    }
    keytool_answers || borrow_keytool || unpack_keytool || {
        say "no keytool: install it (on Debian: apt-get install default-jre-headless), then run" \
            "this script again"
        missing=1
    }
    return "$missing"
}

# --- Pebble ---------------------------------------------------------------------------------------

# Debian's build calls itself "dev", so age is judged by what arrived with the release we need.
pebble_answers() {
    [[ -x $1 ]] && "$1" -version >/dev/null 2>&1 && grep -qa "$pebble_mark" "$1"
}

borrow_pebble() {
    [[ ${KMTUI_UNPACK_SERVERS:-} != 1 ]] || return 1
    local found
    found="$(command -v pebble)" && pebble_answers "$found" && ln -sf "$found" "$bin/pebble"
}

# Debian stable ships an older Pebble without ARI and profiles; the one of sid needs only libc6.
unpack_pebble() {
    have_apt || return 1
    say "fetching Pebble from Debian sid"
    local mirror
    for mirror in $(mirrors); do
        rm -rf "$scratch/sid" && mkdir "$scratch/sid"
        printf 'deb [signed-by=%s] %s sid main\n' "$(archive_keyring)" "$mirror" \
            >"$scratch/sid/sources.list"
        private_apt sid update && private_apt sid download pebble || continue
        dpkg -x "$scratch"/sid/pebble_*.deb "$cache/pebble"
        ln -sf ../pebble/usr/bin/pebble "$bin/pebble"
        pebble_answers "$bin/pebble" && return
    done
    return 1
}

# The Debian mirrors this machine uses, as apt knows them.
mirrors() {
    machine_lists
    apt-get -o Dir::State::lists="$scratch/machine/lists" indextargets --format '$(REPO_URI)' \
        'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | sort -u
}

archive_keyring() {
    local path
    for path in /usr/share/keyrings/debian-archive-keyring.{pgp,gpg}; do
        [[ -r $path ]] && printf '%s' "$path" && return
    done
}

# --- BIND -----------------------------------------------------------------------------------------

named_answers() { [[ -x $1 ]] && "$1" -v 2>/dev/null | grep -q '^BIND 9\.'; }

# A copy, not a link: where AppArmor confines /usr/sbin/named it could not read a test's directory.
borrow_named() {
    [[ ${KMTUI_UNPACK_SERVERS:-} != 1 ]] || return 1
    local found
    found="$(PATH="$PATH:/usr/sbin:/usr/local/sbin" command -v named)" || return 1
    rm -f "$bin/named"
    cp "$found" "$bin/named" && named_answers "$bin/named"
}

unpack_named() {
    have_apt || return 1
    say "fetching BIND 9"
    unpack bind9 bind && wrap named bind/usr/sbin/named && named_answers "$bin/named"
}

install_named() {
    [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null || return 1
    say "installing bind9 with apt-get"
    quietly env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends bind9 &&
        borrow_named
}

# --- OpenSSH --------------------------------------------------------------------------------------

# Root's sshd separates privileges and needs the user that comes with the package.
sshd_answers() {
    [[ -x $bin/sftp-server && -x $bin/ssh-agent && -x $bin/sshd ]] || return 1
    [[ $(id -u) != 0 ]] || getent passwd sshd >/dev/null || return 1
    # Asked anything it does not know, it says its version and fails.
    { "$bin/sshd" -? 2>&1 || true; } | grep -q OpenSSH
}

borrow_sshd() {
    [[ ${KMTUI_UNPACK_SERVERS:-} != 1 ]] || return 1
    local found
    found="$(PATH="$PATH:/usr/sbin:/usr/local/sbin" command -v sshd)" || return 1
    ln -sf "$found" "$bin/sshd"
    borrow_sftp_server && borrow_agent && sshd_answers
}

borrow_agent() {
    local found
    found="$(command -v ssh-agent)" && ln -sf "$found" "$bin/ssh-agent"
}

borrow_sftp_server() {
    local found
    for found in /usr/lib/openssh /usr/libexec/openssh /usr/lib/ssh /usr/libexec; do
        [[ -x $found/sftp-server ]] && ln -sf "$found/sftp-server" "$bin/sftp-server" && return
    done
    return 1
}

unpack_sshd() {
    have_apt || return 1
    say "fetching OpenSSH"
    unpack openssh-server sshd && wrap sshd sshd/usr/sbin/sshd || return 1
    # Both come with packages that the machine may have already.
    wrap sftp-server sshd/usr/lib/openssh/sftp-server || borrow_sftp_server || return 1
    wrap ssh-agent sshd/usr/bin/ssh-agent || borrow_agent || return 1
    sshd_answers
}

install_sshd() {
    [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null || return 1
    say "installing openssh-server with apt-get"
    quietly env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        openssh-server && borrow_sshd
}

# --- nginx ----------------------------------------------------------------------------------------

nginx_answers() { [[ -x $bin/nginx ]] && "$bin/nginx" -V 2>&1 | grep -q with-http_ssl_module; }

borrow_nginx() {
    [[ ${KMTUI_UNPACK_SERVERS:-} != 1 ]] || return 1
    local found
    found="$(PATH="$PATH:/usr/sbin:/usr/local/sbin" command -v nginx)" || return 1
    ln -sf "$found" "$bin/nginx" && nginx_answers
}

unpack_nginx() {
    have_apt || return 1
    say "fetching nginx"
    unpack nginx nginx && wrap nginx nginx/usr/sbin/nginx && nginx_answers
}

install_nginx() {
    [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null || return 1
    say "installing nginx with apt-get"
    quietly env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends nginx &&
        borrow_nginx
}

# --- Other ACME clients, whose state is imported --------------------------------------------------

lego_answers() { [[ -x $bin/lego ]] && "$bin/lego" --version 2>/dev/null | grep -q '^lego version'; }

borrow_lego() { borrow lego && lego_answers; }

unpack_lego() {
    have_apt || return 1
    say "fetching lego"
    unpack lego lego && wrap lego lego/usr/bin/lego && lego_answers
}

certbot_answers() {
    [[ -x $bin/certbot ]] && "$bin/certbot" --version 2>/dev/null | grep -q '^certbot [1-9]'
}

borrow_certbot() { borrow certbot && certbot_answers; }

# Debian's certbot is Python: it runs with the interpreter it was built for, and its own modules.
unpack_certbot() {
    have_apt && [[ -x /usr/bin/python3 ]] || return 1
    say "fetching certbot"
    unpack certbot certbot || return 1
    rm -f "$bin/certbot"
    cat >"$bin/certbot" <<'WRAPPER'
#!/bin/sh
root="$(dirname "$0")/../certbot"
PYTHONPATH="$root/usr/lib/python3/dist-packages" exec /usr/bin/python3 "$root/usr/bin/certbot" "$@"
WRAPPER
    chmod +x "$bin/certbot"
    certbot_answers
}

# --- Java's keytool, which reads keystores --------------------------------------------------------

keytool_answers() { [[ -x $bin/keytool ]] && "$bin/keytool" -help 2>&1 | grep -q importkeystore; }

# Also where all else is unpacked: apt does not fetch beside a Java that is installed.
borrow_keytool() { KMTUI_UNPACK_SERVERS= borrow keytool && keytool_answers; }

unpack_keytool() {
    have_apt || return 1
    say "fetching a Java runtime for keytool"
    unpack default-jre-headless java || return 1
    local program link target
    program="$(cd "$cache" && ls -d java/usr/lib/jvm/*/bin/keytool | tail -n 1)" || return 1
    # Its configuration is linked to by absolute paths, which lead out of the cache.
    find "$cache/java" -lname '/*' -printf '%p %l\n' | while read -r link target; do
        [[ ! -e $cache/java$target ]] || ln -sfnr "$cache/java$target" "$link"
    done
    wrap keytool "$program" && keytool_answers
}

# borrow NAME: links bin/NAME to the program of this machine.
borrow() {
    [[ ${KMTUI_UNPACK_SERVERS:-} != 1 ]] || return 1
    local found
    found="$(command -v "$1")" && ln -sf "$found" "$bin/$1"
}

# --- apt, without touching the machine ------------------------------------------------------------

have_apt() { command -v apt-get >/dev/null && command -v dpkg >/dev/null; }

# Fresh package lists for the sources of this machine, whose own may be old or missing.
machine_lists() {
    [[ -d $scratch/machine ]] || private_apt machine update
}

# unpack PACKAGE FOLDER: downloads a package and what it needs beyond the packages this machine has,
# and unpacks it all below the cache.
unpack() {
    rm -f "$scratch"/machine/cache/archives/*.deb
    download_with_dependencies "$1" || return 1
    local package
    for package in "$scratch"/machine/cache/archives/*.deb; do
        dpkg -x "$package" "$cache/$2" || return 1
    done
}

# wrap NAME PROGRAM: makes bin/NAME run a program of the cache with the libraries unpacked beside it.
wrap() {
    local folder="${2%%/*}" libraries
    [[ -x $cache/$2 ]] || return 1
    libraries="$(cd "$cache/$folder" &&
        find usr -name '*.so*' -printf '$root/%h\n' | sort -u | paste -sd :)"
    rm -f "$bin/$1"
    cat >"$bin/$1" <<WRAPPER
#!/bin/sh
root="\$(dirname "\$0")/../$folder"
LD_LIBRARY_PATH="$libraries" exec "\$root/${2#*/}" "\$@"
WRAPPER
    chmod +x "$bin/$1"
}

# Downloads a package and what it lacks here; apt must not see those of its own source as installed.
download_with_dependencies() {
    local status="$scratch/status"
    machine_lists
    awk -v RS= -v ORS='\n\n' -v name="$1" '
        $0 !~ "(^|\n)Source: " name "[ \n]" && $0 !~ "(^|\n)Package: " name "\n"
    ' /var/lib/dpkg/status >"$status"
    private_apt machine -o Dir::State::status="$status" \
        --no-install-recommends --download-only --yes install "$1"
}

# private_apt NAME ARGUMENT...: apt-get with lists, cache and locks of its own below the scratch
# directory, and with its own sources where there is a file for them.
private_apt() {
    local home="$scratch/$1" sources=()
    shift
    mkdir -p "$home/lists/partial" "$home/cache/archives/partial"
    [[ -e $home/sources.list ]] && sources=(-o Dir::Etc::sourcelist="$home/sources.list"
        -o Dir::Etc::sourceparts=/dev/null)
    (cd "$home" && quietly apt-get -o Dir::State::lists="$home/lists" -o Dir::Cache="$home/cache" \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Acquire::Languages=none \
        ${sources[@]+"${sources[@]}"} "$@")
}

# Runs a command and shows what it printed only when it fails.
quietly() {
    "$@" >"$scratch/output" 2>&1 || {
        local code=$?
        tail -n 5 "$scratch/output" | sed 's/^/servers:   /' >&2
        return "$code"
    }
}

main "$@"
