#!/bin/sh
# Runs ecc as the owner of the directory that is mounted, so that what it writes is theirs and not root's.
set -eu

run_as_owner() {
	uid=$(stat -c %u .)
	gid=$(stat -c %g .)
	[ "$uid" = 0 ] || exec setpriv --reuid="$uid" --regid="$gid" --clear-groups ecc "$@"
}

case "${1-}" in
# these load programs, which the owner may not
run | check) ;;
*) [ "$(id -u)" != 0 ] || run_as_owner "$@" ;;
esac
exec ecc "$@"
