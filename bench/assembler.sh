#!/bin/sh
# Fetches NVIDIA's assembler and disassembler, ptxas and nvdisasm, from Debian's package nvidia-cuda-toolkit (component non-free): 11.8 of bookworm, and
# 12.4 of trixie, which knows sm_90a. Needs apt and dpkg-deb, but neither root nor a GPU. Nothing is installed, and the configuration of the system's own
# apt is neither read nor changed: the programs lie in FOLDER/VERSION.
#
#   bench/assembler.sh [FOLDER]    FOLDER: $HIPIFAST_ASSEMBLER, or else hipifast/assembler in the user's cache folder, where the tests look for them
#
# Exit code: 0 when every version is there. What is there already is not fetched again.
set -u
cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}
folder=${1:-${HIPIFAST_ASSEMBLER:-$cache/hipifast/assembler}}

missing() {
    printf '%s\n' "assembler.sh: $*" >&2
    exit 1
}

# fetch VERSION SUITE: the programs of the package in a suite, which has to be of that version.
fetch() {
    [ -x "$folder/$1/ptxas" ] && [ -x "$folder/$1/nvdisasm" ] && return
    mkdir -p "$work/lists/partial" "$work/archives/partial" "$work/preferences.d" "$work/conf.d" "$work/unpacked" || missing "'$work' cannot be written."
    printf 'deb [arch=amd64 signed-by=%s] http://deb.debian.org/debian %s non-free\n' "$keys" "$2" >"$work/sources.list"
    : >"$work/status"
    cat >"$work/apt.conf" <<CONFIGURATION
Dir::Etc::SourceList "$work/sources.list";
Dir::Etc::SourceParts "-";
Dir::Etc::Preferences "-";
Dir::Etc::PreferencesParts "$work/preferences.d";
Dir::Etc::Parts "$work/conf.d";
Dir::State::Lists "$work/lists";
Dir::State::Status "$work/status";
Dir::Cache "$work";
APT::Architecture "amd64";
APT::Sandbox::User "";
Acquire::Retries "2";
Acquire::http::Timeout "30";
CONFIGURATION
    (cd "$work" && APT_CONFIG="$work/apt.conf" apt-get -qq update && APT_CONFIG="$work/apt.conf" apt-get -qq download nvidia-cuda-toolkit) \
        >"$work/log" 2>&1 || missing "nvidia-cuda-toolkit of $2 could not be fetched: $(grep -m 1 '^[EW]:' "$work/log")"
    package=$(find "$work" -maxdepth 1 -name "nvidia-cuda-toolkit_$1*.deb")
    [ -n "$package" ] || missing "$2 has no nvidia-cuda-toolkit of version $1."
    dpkg-deb --fsys-tarfile "$package" | tar -x -C "$work/unpacked" --wildcards '*/bin/ptxas' '*/bin/nvdisasm' \
        || missing "the package of $2 cannot be unpacked."
    mkdir "$work/$1" && find "$work/unpacked" -path '*/bin/*' -type f -exec mv {} "$work/$1/" \;
    "$work/$1/ptxas" --version >/dev/null && [ -x "$work/$1/nvdisasm" ] || missing "ptxas of $2 does not run here."
    # Another one may have put them there in the meantime.
    rm -rf "${folder:?}/$1"
    mv "$work/$1" "$folder/$1" || missing "'$folder' cannot be written."
    rm -rf "$work"/*
}

if [ ! -x "$folder/11.8/ptxas" ] || [ ! -x "$folder/12.4/ptxas" ]; then
    keys=/usr/share/keyrings/debian-archive-keyring.gpg
    for tool in apt-get dpkg-deb tar; do
        command -v "$tool" >/dev/null 2>&1 || missing "$tool was not found."
    done
    [ -r "$keys" ] || missing "Debian's keys, $keys, were not found."
    mkdir -p "$folder" || missing "'$folder' cannot be written."
    work=$(mktemp -d "$folder/fetch.XXXXXX") || missing "'$folder' cannot be written."
    trap 'rm -rf "$work"' EXIT
    trap 'exit 1' HUP INT TERM
fi
fetch 11.8 bookworm
fetch 12.4 trixie
printf '%s\n' "$folder"
