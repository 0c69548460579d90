"""Who an AWS account is used as: keys, a profile, what the platform hands out, or a role.

Only the environment that was passed in counts, never this process's own: botocore's parts are put
together here instead of letting it look around by itself. `AwsLogin.open` imports it, reads files
and may ask a metadata service, so it belongs into a thread.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from kmtui.core.dns.api import CONNECT_SECONDS, READ_SECONDS
from kmtui.core.dns.provider import Secrets
from kmtui.core.dns.settings import read
from kmtui.core.errors import InvalidInput

if TYPE_CHECKING:
    from botocore.session import Session  # type: ignore[import-untyped]

Client: TypeAlias = Any
"""A boto3 client: made at run time, so no type describes it. Threads may share it."""

DEFAULT_REGION = "us-east-1"
"""Route 53 is one service for the world; the region tells China and GovCloud from the rest."""
ROLE_SESSION = "kmtui"
"""How an assumed role shows up in CloudTrail."""

_ACCESS_KEY = re.compile(r"\w{16,128}", re.ASCII)
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d+")
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+", re.ASCII)


class MfaWanted(Exception):
    """A profile asks for a one-time password, which an unattended program cannot give."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsLogin:
    """The credentials an operator chose; all empty: what the environment hands out."""

    access_key_id: str = ""
    secret_access_key: str = field(default="", repr=False)
    session_token: str = field(default="", repr=False)
    profile: str = ""
    role_arn: str = ""
    external_id: str = field(default="", repr=False)
    region: str = ""
    endpoint: str = ""
    """Instead of AWS's own addresses, for every service."""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def read(
        cls, settings: Mapping[str, str], secrets: Secrets, environment: Mapping[str, str]
    ) -> AwsLogin:
        """The login of an account's form. Raises InvalidInput naming the field."""
        login = cls(
            access_key_id=read("access_key_id", _access_key, _of(settings, "access_key_id")),
            secret_access_key=_secret(secrets, "secret_access_key"),
            session_token=_secret(secrets, "session_token"),
            profile=_of(settings, "profile"),
            role_arn=read("role_arn", _role, _of(settings, "role_arn")),
            external_id=_of(settings, "external_id"),
            region=read("region", _region, _of(settings, "region")),
            endpoint=_of(settings, "base_url").rstrip("/"),
            environment=environment,
        )
        login._require_whole()
        # Keys of the form are the whole login: no profile, role or region from elsewhere.
        return replace(login, environment=_without_login(environment)) if login._keys else login

    @property
    def _keys(self) -> bool:
        return bool(self.access_key_id and self.secret_access_key)

    def _require_whole(self) -> None:
        keys = self._keys
        for wrong, name, what in (
            (self.access_key_id and not keys, "secret_access_key", "belongs to access_key_id"),
            (self.secret_access_key and not keys, "access_key_id", "belongs to secret_access_key"),
            (self.session_token and not keys, "access_key_id", "belongs to session_token"),
            (self.external_id and not self.role_arn, "role_arn", "external_id is for a role"),
        ):
            if wrong:
                raise InvalidInput(f"{name} is missing: it {what}", field=name)
        if keys and self.profile:
            raise InvalidInput(
                "keys and a profile exclude each other",
                field="profile",
                hint="leave one of them empty",
            )

    def open(self) -> Callable[[str], Client]:
        """Makes the client of a service by its name.

        What it made may be shared by threads, it itself may not. Raises botocore's exceptions.
        """
        import boto3  # type: ignore[import-untyped]

        # At DEBUG they write down headers and answers: session tokens, keys of assumed roles.
        for library in ("botocore", "boto3", "urllib3"):
            logging.getLogger(library).setLevel(logging.INFO)
        core = self._session()
        if self._keys:
            core.set_credentials(
                self.access_key_id, self.secret_access_key, self.session_token or None
            )
        else:
            core.register_component("credential_provider", self._whatever_is_there(core))
        if self.role_arn:
            core = self._in_role(core)
        session = boto3.Session(botocore_session=core)
        return lambda service: session.client(service, endpoint_url=self.endpoint or None)

    def _session(self) -> Session:
        """A session that looks into no environment but ours."""
        import botocore.session  # type: ignore[import-untyped]
        from botocore.config import Config  # type: ignore[import-untyped]
        from botocore.configprovider import ConfigChainFactory  # type: ignore[import-untyped]

        core = botocore.session.Session(profile=self.profile or None)
        store = core.get_component("config_store")
        chains = ConfigChainFactory(core, environ=self.environment)
        for name, (in_file, in_environment, default, convert) in core.SESSION_VARIABLES.items():
            chain = chains.create_config_chain(name, in_environment, in_file, default, convert)
            store.set_config_provider(name, chain)
        home = self.environment.get("HOME", "")
        for name, file, variable in (
            ("config_file", "config", "AWS_CONFIG_FILE"),
            ("credentials_file", "credentials", "AWS_SHARED_CREDENTIALS_FILE"),
        ):
            if not self.environment.get(variable):
                path = str(Path(home, ".aws", file)) if home else os.devnull
                core.set_config_variable(name, path)
        region = self.region or self.environment.get("AWS_REGION")
        region = region or core.get_config_variable("region") or DEFAULT_REGION
        core.set_config_variable("region", region)
        core.set_default_client_config(
            Config(
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                # Waiting is ours: seen by the operator, ended by a deadline.
                retries={"mode": "standard", "total_max_attempts": 1},
                ignore_configured_endpoint_urls=True,
                user_agent_extra=ROLE_SESSION,
            )
        )
        return core

    def _whatever_is_there(self, core: Session) -> Any:
        """The default chain of the AWS tools, in their order."""
        from botocore import credentials
        from botocore.utils import (  # type: ignore[import-untyped]
            InstanceMetadataFetcher,
            resolve_imds_endpoint_mode,
        )

        environment, cache = self.environment, dict[str, Any]()
        profile = core.get_config_variable("profile") or "default"
        in_environment = credentials.EnvProvider(environ=environment)
        in_container = credentials.ContainerProvider(environ=environment)
        in_machine = credentials.InstanceMetadataProvider(
            InstanceMetadataFetcher(
                timeout=core.get_config_variable("metadata_service_timeout"),
                num_attempts=core.get_config_variable("metadata_service_num_attempts"),
                user_agent=core.user_agent(),
                env=environment,
                config={
                    "ec2_metadata_service_endpoint": core.get_config_variable(
                        "ec2_metadata_service_endpoint"
                    ),
                    "ec2_metadata_service_endpoint_mode": resolve_imds_endpoint_mode(core),
                    "ec2_metadata_v1_disabled": core.get_config_variable(
                        "ec2_metadata_v1_disabled"
                    ),
                },
            )
        )
        of_profiles = credentials.ProfileProviderBuilder(
            core, cache=cache, region_name=core.get_config_variable("region")
        )
        role_of_profile = credentials.AssumeRoleProvider(
            load_config=lambda: core.full_config,
            client_creator=self._clients_of(core),
            cache=cache,
            profile_name=profile,
            prompter=_refuse_mfa,
            credential_sourcer=credentials.CanonicalNameCredentialSourcer(
                [in_environment, in_container, in_machine]
            ),
            profile_provider_builder=of_profiles,
        )
        web_identity = credentials.AssumeRoleWithWebIdentityProvider(
            load_config=lambda: {"profiles": {"environment": _web_identity(environment)}},
            client_creator=self._clients_of(core),
            cache=cache,
            profile_name="environment",
            disable_env_vars=True,
        )
        # A profile that is named wins over the environment.
        unnamed = () if self.profile else (in_environment, web_identity)
        return credentials.CredentialResolver(
            [
                *unnamed[:1],
                role_of_profile,
                *unnamed[1:],
                *of_profiles.providers(profile_name=profile, disable_env_vars=True),
                in_container,
                in_machine,
            ]
        )

    def _in_role(self, source: Session) -> Session:
        """A session in the role, which renews its credentials before they expire."""
        from botocore import credentials
        from botocore.exceptions import NoCredentialsError  # type: ignore[import-untyped]

        found = source.get_credentials()
        if found is None:
            raise NoCredentialsError
        more = {"RoleSessionName": ROLE_SESSION}
        if self.external_id:
            more["ExternalId"] = self.external_id
        fetcher = credentials.AssumeRoleCredentialFetcher(
            client_creator=self._clients_of(source),
            source_credentials=found,
            role_arn=self.role_arn,
            extra_args=more,
        )

        class Role(credentials.CredentialProvider):  # type: ignore[misc]  # botocore is untyped
            METHOD = "assume-role"

            def load(self) -> Any:
                return credentials.DeferredRefreshableCredentials(
                    refresh_using=fetcher.fetch_credentials, method=self.METHOD
                )

        core = self._session()
        core.register_component("credential_provider", credentials.CredentialResolver([Role()]))
        return core

    def _clients_of(self, core: Session) -> Callable[..., Client]:
        def client(service: str, **more: Any) -> Client:
            return core.create_client(service, endpoint_url=self.endpoint or None, **more)

        return client


def _without_login(environment: Mapping[str, str]) -> dict[str, str]:
    """What an environment says beside who is signed in: which certificates to trust."""
    return {name: value for name, value in environment.items() if name == "AWS_CA_BUNDLE"}


def _web_identity(environment: Mapping[str, str]) -> dict[str, str]:
    """A token file that a platform put down (EKS, CI), in the words of a profile."""
    names = ("web_identity_token_file", "role_arn", "role_session_name")
    found = {name: environment.get(f"AWS_{name.upper()}", "") for name in names}
    return {name: value for name, value in found.items() if value}


def _refuse_mfa(_prompt: str) -> str:
    raise MfaWanted


def _of(settings: Mapping[str, str], name: str) -> str:
    return settings.get(name, "").strip()


def _secret(secrets: Secrets, name: str) -> str:
    value = secrets.get(name, "")
    try:
        text = (value.decode("ascii") if isinstance(value, bytes) else value).strip()
    except UnicodeDecodeError:
        text = "\N{REPLACEMENT CHARACTER}"
    if not text.isascii() or not text.isprintable() or " " in text:
        raise InvalidInput(f"{name} is not what AWS hands out", field=name, hint="paste it again")
    return text


def _access_key(text: str) -> str:
    if text and not _ACCESS_KEY.fullmatch(text):
        raise ValueError("this is not an access key id: AWS's have 20 letters and digits")
    return text


def _region(text: str) -> str:
    if text and not _REGION.fullmatch(text):
        raise ValueError(f"{text!r} is not an AWS region such as eu-central-1")
    return text


def _role(text: str) -> str:
    if text and not _ROLE.fullmatch(text):
        raise ValueError(f"{text!r} is not a role such as arn:aws:iam::123456789012:role/dns")
    return text
