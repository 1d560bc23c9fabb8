#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Keys, signatures, bundles: what assay attest makes is judged by OpenSSL and by Sigstore's own client.
. "$(dirname "$0")/lib.sh"

peer=$top/tests/peers/sigstore
data=$top/tests/data
cd "$work" || exit 1
ASSAY_PASSPHRASE='correct horse'
export ASSAY_PASSPHRASE

der_of() { sed '/-----/d' "$1" | base64 -d; }

# OpenSSH's fingerprint (RFC 4253 wire form), computed without Assay.
fingerprint() {
    case $1 in
    p256) printf '\0\0\0\023ecdsa-sha2-nistp256\0\0\0\010nistp256\0\0\0\101' && der_of "$2" | tail -c 65 ;;
    ed25519) printf '\0\0\0\013ssh-ed25519\0\0\0\040' && der_of "$2" | tail -c 32 ;;
    esac | openssl dgst -sha256 -binary | base64 | sed 's/^/SHA256:/; s/=$//'
}

# ---- keys
for type in p256 ed25519; do
    run "$assay" attest keygen -o $type.key --type $type
    exits 0 "keygen $type"
    id=$(sed -n 's/^key id //p' stdout)
    is "$type: the private key is for its owner alone" "$(stat -c %a $type.key)" 600
    is "$type: the public key is for all" "$(stat -c %a $type.key.pub)" 644
    is "$type: the key id is the OpenSSH fingerprint" "$id" "$(fingerprint $type $type.key.pub)"
    ok "$type: the private key is encrypted" grep -q '^-----BEGIN ENCRYPTED PRIVATE KEY-----$' $type.key
    openssl pkey -in $type.key -passin env:ASSAY_PASSPHRASE -pubout -out openssl.pub 2>openssl.err
    ok "$type: openssl reads the private key and derives the same public key" cmp openssl.pub $type.key.pub
    cp $type.key before
    run "$assay" attest keygen -o $type.key --type $type
    exits 2 "$type: an existing key is never overwritten"
    one_line "$type: said in one line"
    ok "$type: and is as it was" cmp before $type.key
done
run "$assay" attest keygen -o default.key
ok "P-256 is the default" sh -c 'openssl pkey -pubin -in default.key.pub -text -noout | grep -q prime256v1'
touch lone.key.pub
run "$assay" attest keygen -o lone.key
exits 2 "an existing public key is never overwritten either"
ok "no private key is left behind" test ! -e lone.key
run "$assay" attest keygen -o x.key --type rsa
exits 2 "an unknown type of key is a usage error"
run "$assay" attest keygen
exits 2 "keygen needs --output"
run "$assay" attest keygen -o no/such/directory/k
ok "an impossible place is an error" test "$code" -ne 0
one_line "said in one line"
run "$assay" attest --json keygen -o json.key
ok "keygen --json" jq -e '.key == "json.key" and .publicKey == "json.key.pub" and .type == "p256" and (.keyid | startswith("SHA256:"))' stdout

# ---- passphrases
printf 'from a file\nnot this line\n' >pass
run env -u ASSAY_PASSPHRASE "$assay" attest keygen -o file.key --passphrase-file pass
exits 0 "a passphrase from a file"
ok "it is the first line" openssl pkey -in file.key -passin 'pass:from a file' -noout
code=0
printf 'from stdin' | env -u ASSAY_PASSPHRASE "$assay" attest keygen -o stdin.key --passphrase-file - >stdout 2>stderr || code=$?
exits 0 "a passphrase from stdin"
ok "without its newline" openssl pkey -in stdin.key -passin 'pass:from stdin' -noout
: >empty
run "$assay" attest keygen -o e.key --passphrase-file empty
exits 2 "an empty passphrase is refused"
run "$assay" attest keygen -o e.key --passphrase-file missing
exits 5 "a missing passphrase file is an error"
head -c 2000 /dev/zero | tr '\0' x >long
run "$assay" attest keygen -o e.key --passphrase-file long
exits 2 "an endless passphrase is refused"
run setsid -w env -u ASSAY_PASSPHRASE "$assay" attest keygen -o e.key
exits 2 "no passphrase and no terminal is a usage error"
says 'no passphrase' "and says what to do"
ok "none of these left a key" test ! -e e.key

# The terminal: asked twice, no echo, and the echo back on afterwards, also after an interrupt.
cat >ask.py <<'EOF'
import os
import pty
import signal
import sys
import termios
import time

def talk(command, answers):
    pid, fd = pty.fork()
    if pid == 0:
        # A test that runs in the background inherits an ignored SIGINT; a person's shell does not.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.environ.pop("ASSAY_PASSPHRASE", None)
        os.execv(command[0], command)
    seen = b""
    for prompt, answer in answers:
        deadline = time.time() + 20
        while prompt not in seen and time.time() < deadline:
            try:
                seen += os.read(fd, 4096)
            except OSError:
                break
        if prompt not in seen:
            sys.exit(f"never asked {prompt!r}: {seen!r}")
        echo = termios.tcgetattr(fd)[3] & termios.ECHO
        if echo:
            sys.exit("the echo is on while asking")
        seen = b""
        os.write(fd, answer)
    tail = b""
    try:
        while True:
            part = os.read(fd, 4096)
            if not part:
                break
            tail += part
    except OSError:
        pass
    _, status = os.waitpid(pid, 0)
    echo = None
    try:
        echo = bool(termios.tcgetattr(fd)[3] & termios.ECHO)
    except termios.error:
        pass
    for _, answer in answers:
        if len(answer) > 1 and answer.strip() in tail:
            sys.exit("the passphrase was echoed")
    return status, echo

assay, what = sys.argv[1:3]
command = [assay, "attest", "keygen", "-o", what + ".key"]
if what == "typed":
    status, echo = talk(command, [(b"': ", b"typed in\n"), (b"again: ", b"typed in\n")])
    sys.exit(0 if os.waitstatus_to_exitcode(status) == 0 and echo is not False else f"status {status} echo {echo}")
if what == "mistyped":
    status, echo = talk(command, [(b"': ", b"typed in\n"), (b"again: ", b"typed on\n")])
    sys.exit(0 if os.waitstatus_to_exitcode(status) == 2 and echo is not False else f"status {status} echo {echo}")
if what == "interrupted":
    status, echo = talk(command, [(b"': ", b"\x03")])
    sys.exit(0 if os.waitstatus_to_exitcode(status) == -2 and echo is not False else f"status {status} echo {echo}")
EOF
for what in typed mistyped interrupted; do
    ok "the terminal: $what" python3 ask.py "$ASSAY_BIN/assay" $what
done
ok "a typed passphrase opens the key" openssl pkey -in typed.key -passin 'pass:typed in' -noout
ok "a mistyped one leaves no key" test ! -e mistyped.key -a ! -e interrupted.key

# ---- signing
printf 'the artifact\n' >artifact
digest=$(sha256sum artifact | cut -d' ' -f1)
cat >statement.json <<EOF
{ "_type": "https://in-toto.io/Statement/v1",
  "subject": [ { "name": "artifact", "digest": { "sha256": "$digest" } } ],
  "predicateType": "https://slsa.dev/provenance/v1",
  "predicate": {
    "buildDefinition": {
      "buildType": "https://assay.example/buildtypes/plan/v1",
      "externalParameters": { "recipe": { "name": "hello" } },
      "internalParameters": { "planDigest": "sha256:$digest" },
      "resolvedDependencies": [
        { "name": "kernel-deb", "digest": { "sha256": "$digest" }, "uri": "pkg:deb/debian/linux@6.1?arch=riscv64" },
        { "name": "busybox", "digest": { "sha256": "$digest" } } ] },
    "runDetails": { "builder": { "id": "https://assay.example/builder/assay-build/v1" },
      "byproducts": [ { "name": "step/rootfs", "digest": { "sha256": "$digest" } } ] } } }
EOF
for type in p256 ed25519; do
    id=$(fingerprint $type $type.key.pub)
    run "$assay" attest sign statement.json --key $type.key -o $type.json
    exits 0 "$type: sign"
    ok "$type: the bundle is a v0.3 bundle whose hint and keyid are the key id" jq -e --arg id "$id" '
        .mediaType == "application/vnd.dev.sigstore.bundle.v0.3+json" and .verificationMaterial.publicKey.hint == $id
        and (.dsseEnvelope.signatures | length) == 1 and .dsseEnvelope.signatures[0].keyid == $id' $type.json
    run "$assay" attest check $type.json --key $type.key.pub --artifact artifact
    exits 0 "$type: check"
    run "$assay" attest check --json $type.json -k $type.key.pub -a artifact
    ok "$type: check --json" jq -e --arg d "sha256:$digest" '.artifacts[0] == {artifact: "artifact", digest: $d, subject: "artifact"}' stdout
    run "$assay" attest export-statement $type.json
    ok "$type: what was signed are the bytes of the file" cmp stdout statement.json
    run "$assay" attest export-statement $type.json --key $type.key.pub
    ok "$type: the same after a check" cmp stdout statement.json

    # OpenSSL alone, over a PAE that printf made.
    jq -r .dsseEnvelope.signatures[0].sig $type.json | base64 -d >sig
    { printf 'DSSEv1 28 application/vnd.in-toto+json %d ' "$(wc -c <statement.json)" && cat statement.json; } >pae
    if [ $type = p256 ]; then
        ok "$type: openssl verifies the signature over the PAE" openssl dgst -sha256 -verify $type.key.pub -signature sig pae
    else
        ok "$type: openssl verifies the signature over the PAE" openssl pkeyutl -verify -pubin -inkey $type.key.pub -rawin -in pae -sigfile sig
    fi

    # Sigstore's own client.
    if [ -e "$peer/node_modules/.package-lock.json" ] && command -v node >/dev/null; then
        ok "$type: @sigstore/verify takes the bundle" node "$peer/verify.js" $type.json $type.key.pub "$id"
        jq -c '.dsseEnvelope.payload = ("{}" | @base64)' $type.json >other.json
        run node "$peer/verify.js" other.json $type.key.pub "$id"
        exits 1 "$type: @sigstore/verify rejects it over other bytes"
    else
        fail "$type: @sigstore/verify takes the bundle" "the peer is not installed: run make peers (needs nodejs and npm)"
    fi
done
"$assay" attest sign statement.json --key ed25519.key -o again.json >stdout
ok "an Ed25519 bundle has one form" cmp ed25519.json again.json
run "$assay" attest sign statement.json --key p256.key -o -
cp stdout piped.json
ok "a bundle to stdout" "$assay" attest check piped.json -k p256.key.pub
run "$assay" attest --json sign statement.json --key p256.key -o signed.json
ok "sign --json" jq -e --arg d "sha256:$(sha256sum statement.json | cut -d' ' -f1)" '.bundle == "signed.json" and .payloadDigest == $d' stdout

# Spellings of one bundle: Sigstore's client and Assay take and refuse the same ones, but for those that
# docs/formats/attestations.md lists with the reason.
explained() {
    case $1 in
    hint-null | hint-of-another | log-entry-whole) echo "refused accepted" ;;
    key-and-certificate | version-to-come | payload-list-of-bytes | member-twice) echo "accepted refused" ;;
    esac
}
if [ -e "$peer/node_modules/.package-lock.json" ] && command -v node >/dev/null; then
    mkdir mutants
    node "$peer/mutants.js" p256.json p256.key.pub "$(fingerprint p256 p256.key.pub)" mutants >theirs
    while read -r name verdict; do
        run "$assay" attest check "mutants/$name.json" -k p256.key.pub
        ours=refused
        [ "$code" = 0 ] && ours=accepted
        wanted=$(explained "$name")
        is "a spelling of the bundle: $name" "$verdict $ours" "${wanted:-$verdict $verdict}"
    done <theirs
    ok "there were accepted and refused ones" test "$(grep -c accepted theirs)" -gt 25 -a "$(grep -c refused theirs)" -gt 25
else
    fail "spellings of one bundle" "the peer is not installed: run make peers (needs nodejs and npm)"
fi

# ---- log entries and time stamps: not checked, and it is said
run "$assay" attest check p256.json -k p256.key.pub
prints '^log evidence: none$' "a bundle without log evidence"
jq -c '.verificationMaterial.tlogEntries = [{logId: {}, kindVersion: {}, inclusionProof: {checkpoint: {envelope: "forged"}}}]
    | .verificationMaterial.timestampVerificationData = {rfc3161Timestamps: [{signedTimestamp: "AAAA"}, {}]}' p256.json >logged.json
run "$assay" attest check logged.json -k p256.key.pub
exits 0 "a bundle with log evidence that is not checked"
prints '^log evidence: not checked \(log entries: 1, time stamps: 2\)$' "says so"
run "$assay" attest check logged.json -k p256.key.pub --json
ok "in JSON too" jq -e '.logEvidence == {status: "not checked", entries: 1, timestamps: 2}' stdout
run "$assay" attest show logged.json
prints '^  log evidence +not checked$' "and show does"
# What OpenSSL signed, in a bare envelope: DER, and no keyid.
openssl pkey -in p256.key -passin env:ASSAY_PASSPHRASE -out plain.pem
openssl dgst -sha256 -sign plain.pem -out sig pae
jq -n --rawfile p statement.json --arg s "$(base64 -w0 sig)" '{payload: ($p | @base64), payloadType: "application/vnd.in-toto+json", signatures: [{sig: $s}]}' >envelope.json
ok "a bare envelope that OpenSSL signed" "$assay" attest check envelope.json -k p256.key.pub -a artifact
jq '.payload |= (gsub("\\+"; "-") | gsub("/"; "_"))' envelope.json >urlsafe.json
ok "in URL-safe base64 too" "$assay" attest check urlsafe.json -k p256.key.pub -a artifact
ok "a summary that Google signed" "$assay" attest check "$data/attest/gke-gce-pre.bcid-vsa.jsonl" -k "$data/attest/gke-gce-pre.bcid-vsa.pub"

# A configuration of OpenSSL from the environment is of no account.
printf 'openssl_conf = x\n[x]\nproviders = p\n[p]\nnone = n\n[n]\nactivate = 1\nmodule = /nonexistent.so\n' >openssl.cnf
ok "OPENSSL_CONF does not matter" env OPENSSL_CONF="$work/openssl.cnf" OPENSSL_MODULES="$work" "$assay" attest check p256.json -k p256.key.pub

# ---- what must be refused
refused() { # CODE NAME COMMAND…
    wanted=$1 what=$2
    shift 2
    run "$@"
    exits "$wanted" "$what"
    one_line "$what: one line"
}
refused 3 "another key" "$assay" attest check p256.json -k default.key.pub
refused 3 "a key of another type" "$assay" attest check p256.json -k ed25519.key.pub
refused 3 "an artifact that is no subject" "$assay" attest check p256.json -k p256.key.pub -a statement.json
refused 5 "a missing artifact" "$assay" attest check p256.json -k p256.key.pub -a missing
jq -c '.dsseEnvelope.payload = (.dsseEnvelope.payload | @base64d | sub("hello"; "hellO") | @base64)' p256.json >bytes.json
refused 3 "a signature over other bytes" "$assay" attest check bytes.json -k p256.key.pub
run "$assay" attest export-statement bytes.json -k p256.key.pub
exits 3 "export-statement --key of other bytes"
ok "and prints none of them" test ! -s stdout
jq -c '.dsseEnvelope.payloadType = "application/vnd.in-toto.x+json"' p256.json >type.json
refused 3 "a signature over another payload type" "$assay" attest check type.json -k p256.key.pub
jq -c '.dsseEnvelope.signatures += .dsseEnvelope.signatures' p256.json >two.json
refused 5 "a bundle with two signatures" "$assay" attest check two.json -k p256.key.pub
jq -c '.dsseEnvelope.signatures = []' p256.json >none.json
refused 5 "a bundle with no signature" "$assay" attest check none.json -k p256.key.pub
head -c 500 p256.json >cut.json
refused 5 "a truncated bundle" "$assay" attest check cut.json -k p256.key.pub
sed 's/"payloadType"/"payload":"e30=","payloadType"/' p256.json >twice.json
refused 5 "a duplicate member" "$assay" attest check twice.json -k p256.key.pub
{ cat p256.json && echo '{}'; } >tail.json
refused 5 "something after the bundle" "$assay" attest check tail.json -k p256.key.pub
head -c 5000 /dev/zero | tr '\0' '[' >deep.json
refused 5 "nesting without end" "$assay" attest check deep.json -k p256.key.pub
refused 5 "a missing bundle" "$assay" attest check missing.json -k p256.key.pub
refused 5 "a missing key" "$assay" attest check p256.json -k missing.pub
refused 5 "a private key in place of the public one" "$assay" attest check p256.json -k p256.key
refused 2 "check without a key" "$assay" attest check p256.json
refused 2 "a wrong passphrase" env ASSAY_PASSPHRASE=wrong "$assay" attest sign statement.json -k p256.key -o w.json
refused 5 "a public key in place of the private one" "$assay" attest sign statement.json -k p256.key.pub -o w.json
refused 5 "an unencrypted key" "$assay" attest sign statement.json -k plain.pem -o w.json
refused 5 "a key file that asks for too much work" timeout "$patience" "$assay" attest sign statement.json -k "$data/keys/should-fail/scrypt-2e30.key" -o w.json
head -c 200 p256.key >cut.key
refused 5 "a truncated key" "$assay" attest sign statement.json -k cut.key -o w.json
echo '{"a":1}' >other.json
refused 5 "a document that is no statement" "$assay" attest sign other.json -k p256.key -o w.json
sed 's/"predicateType"/"subject":[],"predicateType"/' statement.json >dup.json
refused 5 "a statement with a duplicate member" "$assay" attest sign dup.json -k p256.key -o w.json
refused 2 "sign without --output" "$assay" attest sign statement.json -k p256.key
ok "none of these wrote a bundle" test ! -e w.json
mkdir ro && cp p256.json ro/out.json && cp ro/out.json kept.json
run "$assay" attest sign statement.json -k p256.key -o ro
ok "a directory in the way is an error" test "$code" -ne 0
is "nothing half-written is left" "$(ls -A ro)" out.json
printf 'DSSEv1 1 t 2 hi' >hi && openssl dgst -sha256 -sign plain.pem -out sig hi
jq -n --arg s "$(base64 -w0 sig)" '{payload: "aGk=", payloadType: "t", signatures: [{sig: $s}]}' >hi.json
refused 5 "a well signed payload that is no statement" "$assay" attest check hi.json -k p256.key.pub

# ---- keys that are weaker than their passphrase: used, and warned of
run "$assay" attest sign statement.json -k p256.key -o strong.json
is "a key as Assay makes it is not warned of" "$(cat stderr)" ""
cp p256.key open.key
for mode in 644 640 602; do
    chmod $mode open.key
    run "$assay" attest sign statement.json -k open.key -o open.json
    exits 0 "a key of mode $mode signs"
    one_line "$mode: one line"
    says "warning: others may read or change the private key 'open.key' \(mode 0$mode\)" "and is warned of"
done
weak() { # NAME PATTERN OPENSSL-OPTION…
    name=$1 pattern=$2
    shift 2
    openssl pkcs8 -topk8 -in plain.pem -passout env:ASSAY_PASSPHRASE -out weak.key "$@"
    chmod 600 weak.key
    run "$assay" attest sign statement.json -k weak.key -o weak.json
    exits 0 "$name: signs"
    if [ -n "$pattern" ]; then says "warning: .*cheap to guess.*$pattern" "$name: is warned of"; else is "$name: not warned of" "$(cat stderr)" ""; fi
}
weak "openssl's own PBKDF2" 'PBKDF2 with 2048 rounds' -v2 aes-256-cbc
weak "PBKDF2 just below the floor" 'PBKDF2 with 99999 rounds' -v2 aes-256-cbc -iter 99999
weak "PBKDF2 at the floor" '' -v2 aes-256-cbc -iter 100000
weak "openssl's own scrypt" '' -scrypt
weak "scrypt in a moment" 'scrypt with N=1024 and r=8' -scrypt -scrypt_N 1024
"$assay" log init weak-log --origin log.example.org >/dev/null
chmod 644 weak-log/key.pem
run "$assay" log append weak-log statement.json
exits 0 "a log's key that others may read appends"
says "warning: others may read or change the private key 'weak-log/key.pem'" "and is warned of"

# ---- show
run "$assay" attest show p256.json
exits 0 "show a bundle"
prints 'SLSA build provenance' "names the predicate"
prints "$digest" "names the subject's digest"
prints 'builder +https://assay.example/builder/assay-build/v1' "names the builder"
prints '2 inputs' "counts the inputs"
prints 'kernel-deb +sha256:.*pkg:deb/debian/linux@6.1\?arch=riscv64' "lists an input"
prints 'step/rootfs' "lists the steps' results"
prints 'nothing was checked' "does not pretend to have checked"
run "$assay" attest show statement.json
prints 'Unsigned statement' "a bare statement"
run "$assay" attest show "$data/attest/gke-gce-pre.bcid-vsa.jsonl"
prints 'passed' "a verification summary's result"
prints 'BCID_L1' "and its levels"
run "$assay" attest show --json p256.json
ok "show --json" jq -e --arg d "sha256:$digest" '.form == "bundle" and .statement.subjects[0].digest == $d
    and (.statement.provenance.inputs | length) == 2 and .statement.provenance.plan == $d' stdout
sed 's/kernel-deb/\\u001b[2J\\u202e/' statement.json >evil.json
run "$assay" attest show evil.json
ok "foreign text cannot repaint the terminal" sh -c '! LC_ALL=C grep -q "$(printf "\033")" stdout && ! grep -q "$(printf "\342\200\256")" stdout'
run "$assay" attest show artifact
exits 5 "show of something else"
one_line "said in one line"

done_testing
