"""The public contract of the commands, as data: what is here stays; more may be added."""

from __future__ import annotations

COMMANDS: dict[str, str] = {
    "demo": "--keep",
    "vault init": "--key-file",
    "vault status": "",
    "vault passwd": "",
    "vault add-key-file": "FILE",
    "vault remove-slot": "ID",
    "ca list": "",
    "ca show": "NAME",
    "ca check": "NAME",
    "ca add": "NAME --directory --ca-bundle --proxy --max-names --single-account --lifetime-days",
    "ca remove": "NAME",
    "account register": "NAME --ca --email --agree-tos --key-type --eab-kid --eab-hmac-file",
    "account add": "NAME --ca --key",
    "account list": "",
    "account show": "NAME",
    "account update": "NAME --email",
    "account export-key": "NAME --out",
    "account roll-key": "NAME",
    "account delete": "NAME --yes --key-out --discard-key",
    "account deactivate": "NAME --yes",
    "dns providers": "",
    "dns add": "NAME --provider --set --secret --zone",
    "dns list": "",
    "dns show": "NAME",
    "dns test": "NAME --name",
    "dns update": "NAME --set --secret --zone",
    "dns delete": "NAME --yes",
    "server add": "NAME --kind --webroot --listen --host --port --user --identity --password-file"
    " --host-key --known-hosts --sudo",
    "server list": "",
    "server show": "NAME",
    "server test": "NAME",
    "server update": "NAME --webroot --listen --host --port --user --host-key",
    "server delete": "NAME --yes",
    "mapping add": "PATTERN --dns --server --alias --webroot",
    "mapping list": "",
    "mapping delete": "PATTERN",
    "request new": "--domain --account --challenge --dns --server --key-type --profile --name"
    " --save --csr --no-wait --from --timeout",
    "request list": "--status",
    "request show": "ID",
    "request retry": "ID",
    "request cancel": "ID",
    "request log": "ID",
    "resume": "",
    "cert list": "--status --expires-within --filter --limit --all --saved --sort",
    "cert timeline": "--weeks",
    "filter list": "--list",
    "filter add": "NAME TEXT --list",
    "filter delete": "NAME --yes",
    "cert show": "CERT",
    "cert history": "CERT",
    "cert save": "CERT --version",
    "cert renew": "CERT --force --no-wait --timeout",
    "cert revoke": "CERT --version --reason --yes",
    "cert delete": "CERT --yes",
    "cert undelete": "CERT",
    "cert set": "CERT --auto-renew --auto-save --account --name",
    "cert reissue": "CERT --domain --key-type --account",
    "cert move": "CERT --account",
    "cert export": "CERT --version --format --out --password-file --with-key",
    "cert import": "PATH --dry-run",
    "cert deploy": "CERT --target --version",
    "cert rollback": "CERT --version",
    "target add": "CERT NAME --server --dir --layout --owner --mode --check --reload --verify",
    "target list": "CERT",
    "target delete": "CERT NAME --yes",
    "target verify": "CERT",
    "renew": "--due --dry-run --limit",
    "check": "--within",
    "activity": "--since --object --verify",
    "cleanup": "",
    "backup": "FILE",
    "restore": "FILE --verify",
    "systemd": "",
}
"""Commands with the arguments and options they have at least."""

GLOBAL = "--data --key-file --passphrase-file --passphrase-fd --read-only --json --log-file --debug"

SHAPES: dict[str, str] = {
    "account": "id name ca directory_url account_url status email key_type key_thumbprint"
    " created_at",
    "request": "id kind certificate names account status step created_at finished_at not_before"
    " order_url version error",
    "challenge": "identifier type status fqdn value detail servers",
    "certificate": "id name names account ca status current_version unsaved_version not_after"
    " days_left auto_renew auto_save renew_at last_request archived",
    "version": "id certificate number serial issuer subject names not_before not_after key_type"
    " sha256 spki_sha256 status issued_at saved_at revoked_at revocation_reason",
    "provider": "name title fields least_right docs",
    "ca": "name directory_url state",
    "dns_account": "id name provider settings secrets zones",
    "server": "id name kind settings secrets",
    "mapping": "id pattern challenge dns_account server alias webroot",
    "target": "id certificate name",
    "activity": "id at actor origin action object outcome detail",
    "filter": "name text sort",
    "test": "type name ok lines",
    "vault": "initialised locked slots",
}
"""What objects hold at least, by the name they go by; a list goes by its plural."""

EXIT_CODES = {0, 1, 2, 3, 4, 5, 6, 75, 129, 130, 143}
