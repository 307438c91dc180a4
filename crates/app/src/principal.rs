//! Who is calling, and what they may do.

use ox_types::{AccountId, AppId, EndUserId, TenantId};

use crate::{Error, Result};

pub use ox_auth::{Permission, Role};

/// The caller of a use case, made by the delivery layer from a session, key or passport.
#[derive(Clone, Debug)]
pub enum Principal {
    /// A workspace member in the console.
    Member { account_id: AccountId, tenant_id: TenantId, role: Role },
    /// An app key of the Service API.
    AppKey { tenant_id: TenantId, app_id: AppId },
    /// A visitor of a published app.
    Visitor { tenant_id: TenantId, app_id: AppId, end_user_id: EndUserId },
}

impl Principal {
    /// The workspace whose data this caller sees.
    #[must_use]
    pub const fn tenant_id(&self) -> TenantId {
        match self {
            Self::Member { tenant_id, .. } | Self::AppKey { tenant_id, .. } | Self::Visitor { tenant_id, .. } => {
                *tenant_id
            }
        }
    }

    /// The signed-in account.
    ///
    /// # Errors
    /// 403 for callers that are not workspace members.
    pub fn account_id(&self) -> Result<AccountId> {
        match self {
            Self::Member { account_id, .. } => Ok(*account_id),
            _ => Err(Error::forbidden("Only a signed-in member of the workspace can do this.")),
        }
    }

    /// Checks a permission of the member's role.
    ///
    /// # Errors
    /// 403 when the role does not have it.
    pub fn require(&self, permission: Permission) -> Result<()> {
        match self {
            Self::Member { role, .. } if role.allows(permission) => Ok(()),
            _ => Err(Error::forbidden(
                "You don't have the permission to access the requested resource. It is either read-protected or not \
                 readable by the server.",
            )),
        }
    }
}

/// What a route asks of its caller; one entry for every route (`api::access`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Public,
    /// Anybody, once set-up is finished.
    AfterSetup,
    /// A signed-in member, whatever the role.
    Member,
    /// A signed-in member whose role has this permission.
    MemberWith(Permission),
    /// An app key (`Authorization: Bearer app-…`).
    AppKey,
    /// The key of a workspace's knowledge (`Authorization: Bearer dataset-…`).
    DatasetKey,
    /// A key of the model gateway (`Authorization: Bearer sk-ox-…`).
    GatewayKey,
    /// A passport of a published app.
    Visitor,
    /// A signed URL.
    Signed,
}
