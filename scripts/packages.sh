#!/bin/sh
# Installs system packages, as root on Debian and Ubuntu; elsewhere it does nothing, and what needs them says so
# itself. Repeating it is harmless and quick.
#   sh scripts/packages.sh engine|embedded|image|test
set -eu

[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || exit 0
PATH=$PATH:/usr/sbin:/sbin

engine() {
    command -v dockerd >/dev/null || echo docker.io # not beside a Docker from elsewhere
    command -v iptables >/dev/null || echo iptables
}

embedded() {
    command -v crun >/dev/null || echo crun
    command -v tini-static >/dev/null || echo tini
    command -v skopeo >/dev/null || echo skopeo
    command -v nft >/dev/null || echo nftables
    command -v ip >/dev/null || echo iproute2
    command -v newuidmap >/dev/null || echo uidmap       # for ordinary users
    command -v slirp4netns >/dev/null || echo slirp4netns # the same
    [ -e /usr/share/containers/seccomp.json ] || echo golang-github-containers-common
}

image() {
    dpkg -s busybox-static >/dev/null 2>&1 || echo busybox-static
}

network() {
    command -v ip >/dev/null || echo iproute2 # the tests' engine has a network namespace of its own
}

registry() {
    command -v docker-registry >/dev/null || echo docker-registry
    command -v htpasswd >/dev/null || echo apache2-utils
    command -v skopeo >/dev/null || echo skopeo
}

browser() {
    command -v chromium >/dev/null || echo chromium
}

monitoring() {
    command -v prometheus >/dev/null || echo prometheus
}

compose() {
    command -v docker-compose >/dev/null || echo docker-compose
}

database() {
    [ -n "$(find /usr/lib/postgresql -path '*/bin/postgres' 2>/dev/null)" ] || echo postgresql
}

case $1 in
engine) missing=$(engine) ;;
embedded) missing=$(embedded) ;;
image) missing=$(image) ;;
test) missing=$(engine && embedded && image && network && registry && browser && monitoring && compose && database) ;;
*)
    echo "usage: $0 engine|embedded|image|test" >&2
    exit 2
    ;;
esac

[ -n "$missing" ] || exit 0
echo "aiop: installing the packages" $missing
export DEBIAN_FRONTEND=noninteractive DEBCONF_NOWARNINGS=yes UCF_FORCE_CONFFOLD=1
apt-get update -qq
# Debian would set up a server on the usual port with it, which the tests have no use for.
cluster=/etc/postgresql-common/createcluster.conf
if [ -e "$cluster" ]; then
    cluster=
else
    mkdir -p "${cluster%/*}"
    echo 'create_main_cluster = false' >"$cluster"
fi
# shellcheck disable=SC2086 # a list of words
apt-get install -y -qq --no-install-recommends $missing >/dev/null
[ -z "$cluster" ] || rm "$cluster"
