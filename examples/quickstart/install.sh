#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what Sluice needs to be built, tested and played on Debian 12, and nothing that starts a
# daemon: build packages come from apt, while the programs that are services elsewhere (HAProxy,
# Prometheus, lighttpd) and kubectl are unpacked into a folder and called by path.
# A second run finds everything in place and ends at once.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
tools=${SLUICE_TOOLS:-$root/build/tools}
log=$root/build/logs/install.log

build_packages=(
    g++ cmake ninja-build ccache mold pkg-config git ca-certificates
    libboost1.81-dev nlohmann-json3-dev libyaml-cpp-dev libcurl4-openssl-dev libgit2-dev
    libre2-dev libsqlite3-dev libssl-dev libsimdjson-dev libspdlog-dev libcli11-dev zlib1g-dev
    prometheus-cpp-dev libgtest-dev libbenchmark-dev
)
# What the unpacked programs link against.
runtime_packages=(
    libcrypt1 liblua5.3-0 libopentracing-c-wrapper0 libpcre2-8-0 libssl3 libsystemd0
    libnettle8 libxxhash0
)
# Unpacked, never installed: package and the file that shows it is there.
unpacked=(
    haproxy:usr/sbin/haproxy
    lighttpd:usr/sbin/lighttpd
    kubernetes-client:usr/bin/kubectl
)

say() { printf '%s\n' "$*"; }
die() {
    printf 'sluice: %s\n' "$*" >&2
    exit 1
}

require_debian_12() {
    local id='' version=''
    if [ -r /etc/os-release ]; then
        id=$(. /etc/os-release && printf '%s' "${ID:-}")
        version=$(. /etc/os-release && printf '%s' "${VERSION_ID:-}")
    fi
    if [ "$id" != debian ] || [ "$version" != 12 ]; then
        die "this needs Debian 12 (bookworm), and this system says it is '${id:-unknown} ${version:-}'."
    fi
}

missing_packages() {
    local wanted=("${build_packages[@]}" "${runtime_packages[@]}") have
    have=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "${wanted[@]}" 2>/dev/null |
        sed -n 's/^installed //p') || true
    comm -13 <(sort -u <<<"$have") <(printf '%s\n' "${wanted[@]}" | sort -u)
}

missing_tools() {
    local entry
    for entry in "${unpacked[@]}"; do
        [ -x "$tools/${entry#*:}" ] || printf '%s\n' "${entry%%:*}"
    done
}

# Prints nothing for root, "sudo" for others who may use it.
privilege() {
    if [ "$(id -u)" = 0 ]; then return; fi
    command -v sudo >/dev/null ||
        die "packages are missing (${1}) and you are neither root nor is sudo installed."
    if [ ! -t 0 ]; then
        sudo -n true 2>/dev/null ||
            die "packages are missing (${1}) and sudo asks for a password, but there is no terminal."
    fi
    printf 'sudo'
}

refreshed=no
refresh_lists() {
    [ "$refreshed" = no ] || return 0
    say "  apt-get update"
    refreshed=yes
    $1 apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=2 update >>"$log" 2>&1
}

apt_install() {
    local as=$1
    shift
    # policy-rc.d is not enough everywhere; none of these packages brings a daemon.
    $as env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 \
        -o Acquire::Retries=2 install -y --no-install-recommends "$@" >>"$log" 2>&1
}

install_packages() {
    local packages as
    mapfile -t packages < <(missing_packages)
    [ ${#packages[@]} -gt 0 ] || return 0
    as=$(privilege "${packages[*]}") || exit 1
    say "installing with apt: ${packages[*]}"
    if ! apt_install "$as" "${packages[@]}"; then
        refresh_lists "$as" ||
            die "apt-get update failed; is the network there? The end of $log says why."
        apt_install "$as" "${packages[@]}" ||
            die "apt could not install ${packages[*]}; is the network there? The end of $log says why."
    fi
    mapfile -t packages < <(missing_packages)
    [ ${#packages[@]} -eq 0 ] || die "apt said it is done, yet these are missing: ${packages[*]}."
}

download() {
    (cd "$1" && apt-get -o Acquire::Retries=2 download "$2" >>"$log" 2>&1)
}

unpack_tools() {
    local names name staging as
    mapfile -t names < <(missing_tools)
    [ ${#names[@]} -gt 0 ] || return 0
    say "unpacking into ${tools#"$root"/}: ${names[*]}"
    mkdir -p "$tools" 2>/dev/null || die "$tools cannot be made by $(id -un)."
    for name in "${names[@]}"; do
        staging=$(mktemp -d "$tools/.download.XXXXXX")
        if ! download "$staging" "$name"; then
            as=$(privilege "the list of packages, for $name") || exit 1
            refresh_lists "$as" && download "$staging" "$name" ||
                { rm -rf "$staging"; die "apt could not download $name; is the network there? The end of $log says why."; }
        fi
        dpkg -x "$staging"/*.deb "$tools" ||
            { rm -rf "$staging"; die "$name could not be unpacked into $tools; is the disk full?"; }
        rm -rf "$staging"
    done
    mapfile -t names < <(missing_tools)
    [ ${#names[@]} -eq 0 ] || die "these were unpacked, yet are not in $tools: ${names[*]}."
}

# apt with lists of its own for Debian 13, so that nothing of it can ever be installed. Needs no
# rights.
apt_of_debian_13() {
    local own=$1
    shift
    (cd "$own" && apt-get -q -o Acquire::Retries=2 -o Acquire::Languages=none \
        -o Dir::Etc::SourceList="$own/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::State::Lists="$own/lists" -o Dir::Cache="$own/cache" "$@" >>"$log" 2>&1)
}

prometheus_of_debian_13() {
    local own=$1 package
    mkdir -p "$own/lists/partial" "$own/cache/archives/partial"
    printf 'deb [signed-by=%s] http://deb.debian.org/debian trixie main\n' \
        /usr/share/keyrings/debian-archive-keyring.gpg >"$own/sources.list"
    apt_of_debian_13 "$own" update && apt_of_debian_13 "$own" download prometheus promtool || return 1
    for package in "$own"/*.deb; do dpkg -x "$package" "$own/root" || return 1; done
    # It may ask for a newer C library than ours one day: then what is there stays.
    "$own/root/usr/bin/prometheus" --version >>"$log" 2>&1 && cp -a "$own/root/." "$tools/"
}

# Debian 12 builds Prometheus without Kubernetes discovery, Debian 13 with it, and its program runs
# here. Where that cannot be had the older one must do, which finds pods by HTTP (decision 0001).
unpack_prometheus() {
    local staging known="$tools/prometheus-of-debian-13"
    [ ! -e "$known" ] || return 0
    say "unpacking into ${tools#"$root"/}: Debian 13's prometheus"
    mkdir -p "$tools" 2>/dev/null || die "$tools cannot be made by $(id -un)."
    staging=$(mktemp -d "$tools/.download.XXXXXX")
    if prometheus_of_debian_13 "$staging"; then
        touch "$known"
        rm -rf "$staging"
        return
    fi
    say "  it could not be had (the end of $log says why): Debian 12's has to do"
    rm -rf "$staging"
    unpacked+=(prometheus:usr/bin/prometheus)
}

require_debian_12
mkdir -p "$(dirname "$log")" 2>/dev/null || die "$root is not writable for $(id -un)."
{ : >>"$log"; } 2>/dev/null || die "$log is not writable for $(id -un)."
install_packages
unpack_prometheus
unpack_tools
