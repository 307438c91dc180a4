use sea_orm::{DbErr, RuntimeErr, SqlErr};

/// Result of a database call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a database call failed, by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The row exists already.
    #[error("a row with these values exists already: {0}")]
    Conflict(String),
    /// The row to change is not there (any more).
    #[error("{0} not found")]
    NotFound(&'static str),
    /// Somebody else holds the database.
    #[error("the database is locked by another process; stop the other process that uses it, or try again")]
    Locked(#[source] DbErr),
    /// No space left.
    #[error("the disk that holds the database is full; free some space")]
    DiskFull(#[source] DbErr),
    /// The file or server cannot be written.
    #[error("the database is read-only; make its file and directory writable for this user")]
    ReadOnly(#[source] DbErr),
    /// All connections are in use for too long.
    #[error("no free database connection within {0} s; the server is overloaded")]
    Busy(u64),
    /// The database does not answer.
    #[error("the database cannot be reached: {0}")]
    Unavailable(String),
    /// It was written by a newer version of Oxidify.
    #[error(
        "the database was written by a newer version of Oxidify (it has the migration `{0}`, which this version does not know); start that version or restore a backup"
    )]
    Newer(String),
    /// A setting is wrong.
    #[error("{name}: {why}")]
    Config { name: String, why: String },
    /// The file is not a database, or damaged.
    #[error("the database file is damaged or not a database; restore a backup")]
    Damaged(#[source] DbErr),
    /// A bug, or something nobody foresaw.
    #[error("database error")]
    Internal(#[source] DbErr),
}

impl Error {
    pub(crate) fn config(name: &str, why: impl Into<String>) -> Self {
        Self::Config { name: name.to_owned(), why: why.into() }
    }

    /// Whether the same call may succeed a little later.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Locked(_) | Self::Busy(_) | Self::Unavailable(_))
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        if let Some(SqlErr::UniqueConstraintViolation(text)) = error.sql_err() {
            return Self::Conflict(text);
        }
        let sqlx_error = match &error {
            DbErr::Conn(RuntimeErr::SqlxError(e))
            | DbErr::Exec(RuntimeErr::SqlxError(e))
            | DbErr::Query(RuntimeErr::SqlxError(e)) => e.clone(),
            DbErr::ConnectionAcquire(sea_orm::ConnAcquireErr::Timeout) => return Self::Busy(ACQUIRE_SECONDS),
            DbErr::ConnectionAcquire(sea_orm::ConnAcquireErr::ConnectionClosed) => {
                return Self::Unavailable("the connection pool is closed".to_owned());
            }
            _ => return Self::Internal(error),
        };
        match &*sqlx_error {
            sqlx::Error::Database(cause) => match Class::of(cause.code().as_deref().unwrap_or_default()) {
                Class::Locked => Self::Locked(error),
                Class::DiskFull => Self::DiskFull(error),
                Class::ReadOnly => Self::ReadOnly(error),
                Class::Damaged => Self::Damaged(error),
                Class::Unavailable => Self::Unavailable(cause.message().to_owned()),
                Class::Other => Self::Internal(error),
            },
            sqlx::Error::PoolTimedOut => Self::Busy(ACQUIRE_SECONDS),
            sqlx::Error::Io(cause) => Self::Unavailable(cause.to_string()),
            sqlx::Error::Tls(cause) => Self::Unavailable(cause.to_string()),
            _ => Self::Internal(error),
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::from(DbErr::Conn(RuntimeErr::SqlxError(error.into())))
    }
}

/// How long a caller waits for a connection.
pub(crate) const ACQUIRE_SECONDS: u64 = 30;

#[derive(Debug, PartialEq, Eq)]
enum Class {
    Locked,
    DiskFull,
    ReadOnly,
    Damaged,
    Unavailable,
    Other,
}

impl Class {
    /// By SQLite's extended result code (a number) or PostgreSQL's SQLSTATE (five characters).
    fn of(code: &str) -> Self {
        if code.len() != 5 {
            let code = code.parse::<u32>().unwrap_or_default();
            // The index of the log has found no room to grow.
            if code == 4874 {
                return Self::DiskFull;
            }
            // The low byte is the primary code.
            return match code & 0xff {
                5 | 6 => Self::Locked,
                13 => Self::DiskFull,
                8 => Self::ReadOnly,
                11 | 26 => Self::Damaged,
                10 | 14 => Self::Unavailable,
                _ => Self::Other,
            };
        }
        match code {
            "55P03" | "40P01" | "40001" => Self::Locked,
            "53100" => Self::DiskFull,
            "25006" => Self::ReadOnly,
            "XX001" | "XX002" => Self::Damaged,
            "53300" | "57P01" | "57P02" | "57P03" | "28P01" | "28000" | "3D000" => Self::Unavailable,
            _ if code.starts_with("08") => Self::Unavailable,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_both_databases() {
        for (code, class) in [
            ("5", Class::Locked),
            ("517", Class::Locked),
            ("13", Class::DiskFull),
            ("1032", Class::ReadOnly),
            ("26", Class::Damaged),
            ("14", Class::Unavailable),
            ("778", Class::Unavailable),
            ("4874", Class::DiskFull),
            ("1", Class::Other),
            ("55P03", Class::Locked),
            ("53100", Class::DiskFull),
            ("25006", Class::ReadOnly),
            ("08006", Class::Unavailable),
            ("42601", Class::Other),
        ] {
            assert_eq!(Class::of(code), class, "{code}");
        }
    }
}
