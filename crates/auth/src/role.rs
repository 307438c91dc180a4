//! Workspace roles and what each may do.

use serde::{Deserialize, Serialize};

/// Role of a member in one workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Owner,
    Admin,
    Editor,
    Normal,
    DatasetOperator,
}

/// One thing a member may be allowed to do. Reading what a role sees by being a member needs none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Name, logo and plan of the workspace.
    WorkspaceManage,
    /// Hand the workspace to another member.
    OwnerTransfer,
    /// Invite and remove members, change their roles.
    MemberManage,
    /// Provider and model credentials, default models.
    ModelManage,
    /// Look at the configured models.
    ModelView,
    /// Credentials of tools, plugins, data sources and extensions.
    CredentialManage,
    /// Install, upgrade and remove plugins.
    PluginManage,
    /// Create, edit, copy, import and delete apps.
    AppEdit,
    /// Make a version of an app live.
    AppPublish,
    /// Open an app in the Studio.
    AppView,
    /// Use an app without the Studio.
    AppUse,
    /// Keys of the Service API.
    ApiKeyManage,
    /// Delete keys of the Service API.
    ApiKeyDelete,
    /// Runs, conversations and statistics of apps.
    LogView,
    /// Labels.
    TagEdit,
    /// Knowledge bases and their documents.
    DatasetEdit,
    /// Upload files.
    FileUpload,
    /// The audit log.
    AuditView,
}

impl Permission {
    /// Every permission.
    pub const ALL: [Self; 18] = [
        Self::WorkspaceManage,
        Self::OwnerTransfer,
        Self::MemberManage,
        Self::ModelManage,
        Self::ModelView,
        Self::CredentialManage,
        Self::PluginManage,
        Self::AppEdit,
        Self::AppPublish,
        Self::AppView,
        Self::AppUse,
        Self::ApiKeyManage,
        Self::ApiKeyDelete,
        Self::LogView,
        Self::TagEdit,
        Self::DatasetEdit,
        Self::FileUpload,
        Self::AuditView,
    ];
}

impl Role {
    /// Every role, the most powerful first.
    pub const ALL: [Self; 5] = [Self::Owner, Self::Admin, Self::Editor, Self::Normal, Self::DatasetOperator];

    /// The wire name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Editor => "editor",
            Self::Normal => "normal",
            Self::DatasetOperator => "dataset_operator",
        }
    }

    /// Reads a wire name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// Owner or admin.
    #[must_use]
    pub const fn is_privileged(self) -> bool {
        matches!(self, Self::Owner | Self::Admin)
    }

    /// Owner, admin or editor.
    #[must_use]
    pub const fn is_editing(self) -> bool {
        matches!(self, Self::Owner | Self::Admin | Self::Editor)
    }

    /// Owner, admin, editor or knowledge operator.
    #[must_use]
    pub const fn is_dataset_editing(self) -> bool {
        matches!(self, Self::Owner | Self::Admin | Self::Editor | Self::DatasetOperator)
    }

    /// The role policy: one line for each permission.
    #[must_use]
    pub const fn allows(self, permission: Permission) -> bool {
        match permission {
            Permission::OwnerTransfer => matches!(self, Self::Owner),
            Permission::WorkspaceManage
            | Permission::MemberManage
            | Permission::ModelManage
            | Permission::CredentialManage
            | Permission::PluginManage
            | Permission::ApiKeyDelete
            | Permission::AuditView => self.is_privileged(),
            Permission::AppEdit
            | Permission::AppPublish
            | Permission::ApiKeyManage
            | Permission::LogView
            | Permission::TagEdit => self.is_editing(),
            Permission::DatasetEdit => self.is_dataset_editing(),
            Permission::AppView => !matches!(self, Self::DatasetOperator),
            Permission::ModelView | Permission::AppUse | Permission::FileUpload => true,
        }
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole policy, so that a change of one cell shows up in review.
    #[test]
    fn policy_table() {
        let expected = [
            (Permission::WorkspaceManage, "owner admin"),
            (Permission::OwnerTransfer, "owner"),
            (Permission::MemberManage, "owner admin"),
            (Permission::ModelManage, "owner admin"),
            (Permission::ModelView, "owner admin editor normal dataset_operator"),
            (Permission::CredentialManage, "owner admin"),
            (Permission::PluginManage, "owner admin"),
            (Permission::AppEdit, "owner admin editor"),
            (Permission::AppPublish, "owner admin editor"),
            (Permission::AppView, "owner admin editor normal"),
            (Permission::AppUse, "owner admin editor normal dataset_operator"),
            (Permission::ApiKeyManage, "owner admin editor"),
            (Permission::ApiKeyDelete, "owner admin"),
            (Permission::LogView, "owner admin editor"),
            (Permission::TagEdit, "owner admin editor"),
            (Permission::DatasetEdit, "owner admin editor dataset_operator"),
            (Permission::FileUpload, "owner admin editor normal dataset_operator"),
            (Permission::AuditView, "owner admin"),
        ];
        assert_eq!(expected.len(), Permission::ALL.len());
        for ((permission, roles), listed) in expected.into_iter().zip(Permission::ALL) {
            assert_eq!(permission, listed);
            let allowed: Vec<_> =
                Role::ALL.into_iter().filter(|role| role.allows(permission)).map(Role::as_str).collect();
            assert_eq!(allowed.join(" "), roles, "{permission:?}");
        }
    }

    #[test]
    fn names_round_trip() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        assert_eq!(Role::parse("Owner"), None);
    }
}
