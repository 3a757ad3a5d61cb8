#!/bin/sh
# How the keys and certificates of the TLS scenarios were made: for a hundred years, but for one that has expired. Nobody else trusts them.
set -e
cd "$(dirname "$0")"
: > index.txt
echo 01 > serial
cat > ca.cnf <<'END'
[ca]
default_ca = any
[any]
database = index.txt
serial = serial
new_certs_dir = .
default_md = sha256
policy = any_policy
unique_subject = no
email_in_dn = no
[any_policy]
commonName = supplied
[req]
distinguished_name = name
[name]
END
from=20200101000000Z
# make NAME COMMON-NAME EXTENSIONS UNTIL [AUTHORITY], itself if none is said
make() {
  openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out "$1.key"
  openssl req -new -config ca.cnf -key "$1.key" -subj "/CN=$2" -out "$1.csr"
  printf '%b' "$3" > "$1.ext"
  if [ -n "$5" ]; then by="-cert $5.pem -keyfile $5.key"; else by="-selfsign -keyfile $1.key"; fi
  # shellcheck disable=SC2086
  openssl ca -batch -notext -config ca.cnf $by -in "$1.csr" -startdate $from -enddate "$4" -extfile "$1.ext" -out "$1.pem"
  rm "$1.csr" "$1.ext"
}
ends=21200101000000Z
own='basicConstraints=CA:FALSE\nsubjectAltName='
make authority authority 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n' $ends
make stranger stranger 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n' $ends
make localhost localhost "${own}DNS:localhost,IP:127.0.0.1\n" $ends authority
make example example "${own}DNS:example.org,DNS:*.example.org\n" $ends authority
make unknown localhost "${own}DNS:localhost\n" $ends stranger
make ann ann "${own}DNS:ann\n" $ends authority
make expired localhost "${own}DNS:localhost\n" 20210101000000Z authority
make own localhost 'basicConstraints=critical,CA:TRUE\nsubjectAltName=DNS:localhost\n' $ends
cat unknown.pem stranger.pem > chain.pem
rm -f ca.cnf index.txt* serial* ??.pem authority.key stranger.key
