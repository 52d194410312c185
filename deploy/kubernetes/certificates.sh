#!/bin/sh
# Makes the certificates of the webhook with openssl, in a folder:
#
#   certificates.sh FOLDER server ADDRESS...   tls.crt, tls.key: kubewitness', for these IP addresses and names
#   certificates.sh FOLDER client NAME         NAME.crt, NAME.key: an API server's, for certificate_name
#
# Both are signed by ca.crt, which is made first where it is not there. Its key,
# ca.key, signs whoever may send events: keep it, and keep it away from the cluster.
# Certificates last a year. Run it again, and put the new ones in place of the old:
# kubewitness notices by itself, an API server reads them when it starts.
set -eu

usage() {
	sed -n '2,5p' "$0" >&2
	exit 2
}

[ $# -ge 3 ] || usage
folder=$1 kind=$2
shift 2
umask 077
mkdir -p "$folder"
cd "$folder"
extensions=$(mktemp)
trap 'rm -f "$extensions"' EXIT

new_key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null; }

# sign FILE NAME makes FILE.key and FILE.crt with what stands in $extensions.
sign() {
	new_key "$1.key"
	openssl req -new -key "$1.key" -subj "/CN=$2" |
		openssl x509 -req -sha256 -days 365 -CA ca.crt -CAkey ca.key -set_serial "0x$(openssl rand -hex 16)" \
			-extfile "$extensions" -out "$1.crt" 2>/dev/null
	chmod 644 "$1.crt"
	echo "$folder/$1.crt: $2"
}

if [ ! -f ca.key ]; then
	new_key ca.key
	openssl req -x509 -new -key ca.key -sha256 -days 3650 -subj "/CN=kubewitness webhook" \
		-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign -out ca.crt
	chmod 644 ca.crt
fi

common="basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature"
case $kind in
server)
	names=
	for address; do
		case $address in
		*:* | [0-9]*.[0-9]*.[0-9]*.[0-9]*) names=$names,IP:$address ;;
		*) names=$names,DNS:$address ;;
		esac
	done
	printf '%s\nextendedKeyUsage=serverAuth\nsubjectAltName=%s\n' "$common" "${names#,}" >"$extensions"
	sign tls kubewitness
	;;
client)
	[ $# -eq 1 ] || usage
	printf '%s\nextendedKeyUsage=clientAuth\n' "$common" >"$extensions"
	sign "$1" "$1"
	;;
*) usage ;;
esac
