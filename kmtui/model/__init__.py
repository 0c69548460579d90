"""The words of kmtui as data: frozen rows and status words that cross layers.

Imports the standard library only. Times are timezone-aware UTC; durations are seconds; serials and
fingerprints are lower-case hex. A row never holds a secret: secrets live sealed in their own table.
"""

from kmtui.model.authorities import (
    Authority,
    Contact,
    Profile,
    RateLimit,
    Retirement,
)
from kmtui.model.certificates import (
    EXPIRING,
    KEPT,
    SHORT_LIVED,
    Certificate,
    Version,
    expiring_at,
    renewal_due_at,
)
from kmtui.model.deployment import (
    Deployment,
    Served,
    Target,
)
from kmtui.model.inventory import (
    Activity,
    ListQuery,
    SavedFilter,
    VaultSlot,
)
from kmtui.model.parties import (
    Account,
    DnsAccount,
    EndServer,
    Field,
    Mapping,
)
from kmtui.model.problems import (
    CheckLine,
    Problem,
    SubProblem,
)
from kmtui.model.renewal import (
    Alert,
    RenewalPlan,
    Verdict,
)
from kmtui.model.requests import (
    Challenge,
    ChallengeChoice,
    CleanupEntry,
    LogLine,
    Request,
    RequestSpec,
    ServerSight,
)
from kmtui.model.words import (
    ACCOUNT_KEYS,
    ACTIVE_STATUSES,
    ENDED_STATUSES,
    CertificateStatus,
    ChallengeType,
    KeyType,
    RequestKind,
    RequestStatus,
    RevocationReason,
    RevocationSigner,
    SaveMode,
    ServerKind,
    TargetLayout,
    TargetState,
    VersionStatus,
)

__all__ = [
    "ACCOUNT_KEYS",
    "ACTIVE_STATUSES",
    "ENDED_STATUSES",
    "EXPIRING",
    "KEPT",
    "SHORT_LIVED",
    "Account",
    "Activity",
    "Alert",
    "Authority",
    "Certificate",
    "CertificateStatus",
    "Challenge",
    "ChallengeChoice",
    "ChallengeType",
    "CheckLine",
    "CleanupEntry",
    "Contact",
    "Deployment",
    "DnsAccount",
    "EndServer",
    "Field",
    "KeyType",
    "ListQuery",
    "LogLine",
    "Mapping",
    "Problem",
    "Profile",
    "RateLimit",
    "RenewalPlan",
    "Request",
    "RequestKind",
    "RequestSpec",
    "RequestStatus",
    "Retirement",
    "RevocationReason",
    "RevocationSigner",
    "SaveMode",
    "SavedFilter",
    "Served",
    "ServerKind",
    "ServerSight",
    "SubProblem",
    "Target",
    "TargetLayout",
    "TargetState",
    "VaultSlot",
    "Verdict",
    "Version",
    "VersionStatus",
    "expiring_at",
    "renewal_due_at",
]
