//! Signed tokens: sessions of the console, their CSRF tokens, passports of published apps.

use std::time::Duration;

use chrono::Utc;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, errors::ErrorKind};
use ox_types::{AccountId, AppId, EndUserId};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Error, Result};

const CONSOLE: &str = "Console API Passport";
const WEB: &str = "Web API Passport";
/// Compat: the edition, as the compatible server writes it.
const ISSUER: &str = "SELF_HOSTED";

/// Signs with the present secret key and checks with it and the ones it replaced. Cheap to clone.
#[derive(Clone)]
pub struct Signer {
    signing: EncodingKey,
    checking: Vec<DecodingKey>,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").finish_non_exhaustive()
    }
}

/// Who a visitor of a published app is. Has no expiry: it ends with the app's code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passport {
    pub app_id: AppId,
    /// Code of the site when the passport was given; a new code ends it.
    pub app_code: String,
    pub end_user_id: EndUserId,
    /// The caller's own name for the visitor, when given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The sign-in behind it, where the app is not open to everybody.
    #[serde(flatten)]
    pub login: Option<PageLogin>,
}

/// The sign-in behind a passport. It ends with `exp`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageLogin {
    /// Who gave the passport; it is its `iss`.
    #[serde(skip)]
    pub site_id: Option<String>,
    pub user_id: AccountId,
    /// `internal`: by an account of ours.
    pub auth_type: String,
    /// `webapp`.
    pub token_source: String,
    /// Unix seconds.
    pub granted_at: i64,
    /// Unix seconds.
    pub exp: i64,
}

/// What a console token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    pub account: AccountId,
    /// Unix seconds.
    pub expires_at: i64,
}

#[derive(Serialize, Deserialize)]
struct AccessClaims {
    user_id: AccountId,
    exp: i64,
    iss: String,
    sub: String,
    /// Set on tokens of web apps, which are not accepted here.
    #[serde(default, skip_serializing)]
    token_source: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct CsrfClaims {
    sub: String,
    exp: i64,
}

#[derive(Serialize, Deserialize)]
struct PassportClaims {
    iss: String,
    sub: String,
    #[serde(flatten)]
    passport: Passport,
}

impl Signer {
    /// From the secret key and the ones it replaced.
    #[must_use]
    pub fn new(secret: &str, old: &[String]) -> Self {
        let secrets = std::iter::once(secret).chain(old.iter().map(String::as_str));
        Self {
            signing: EncodingKey::from_secret(secret.as_bytes()),
            checking: secrets.map(|secret| DecodingKey::from_secret(secret.as_bytes())).collect(),
        }
    }

    /// A token that opens the console for an account.
    ///
    /// # Errors
    /// When signing fails.
    pub fn access_token(&self, account: AccountId, life: Duration) -> Result<String> {
        let claims = AccessClaims {
            user_id: account,
            exp: expiry(life),
            iss: ISSUER.to_owned(),
            sub: CONSOLE.to_owned(),
            token_source: None,
        };
        self.sign(&claims)
    }

    /// The account of a console token.
    ///
    /// # Errors
    /// `ExpiredToken`, or `InvalidToken` for anything that is not a console token of ours.
    pub fn verify_access(&self, token: &str) -> Result<AccountId> {
        Ok(self.read_access(token)?.account)
    }

    /// The account of a console token, and when the token ends.
    ///
    /// # Errors
    /// As [`Self::verify_access`].
    pub fn read_access(&self, token: &str) -> Result<Access> {
        let claims: AccessClaims = self.check(token, &["exp"])?;
        if claims.sub != CONSOLE || claims.token_source.is_some() {
            return Err(Error::InvalidToken(None));
        }
        Ok(Access { account: claims.user_id, expires_at: claims.exp })
    }

    /// The token that scripts send back with every request.
    ///
    /// # Errors
    /// When signing fails.
    pub fn csrf_token(&self, account: AccountId, life: Duration) -> Result<String> {
        self.sign(&CsrfClaims { sub: account.to_string(), exp: expiry(life) })
    }

    /// Checks a CSRF token of an account.
    ///
    /// # Errors
    /// `ExpiredToken`, or `InvalidToken` when it is another account's or no CSRF token.
    pub fn verify_csrf(&self, token: &str, account: AccountId) -> Result<()> {
        let claims: CsrfClaims = self.check(token, &["exp", "sub"])?;
        if claims.sub == account.to_string() { Ok(()) } else { Err(Error::InvalidToken(None)) }
    }

    /// A passport of a published app.
    ///
    /// # Errors
    /// When signing fails.
    pub fn passport(&self, passport: &Passport) -> Result<String> {
        let site = passport.login.as_ref().and_then(|login| login.site_id.clone());
        let iss = site.unwrap_or_else(|| passport.app_id.to_string());
        self.sign(&PassportClaims { iss, sub: WEB.to_owned(), passport: passport.clone() })
    }

    /// The content of a passport. The caller compares the code with the site's present one.
    ///
    /// # Errors
    /// `InvalidToken` when it is not a passport of ours.
    pub fn verify_passport(&self, token: &str) -> Result<Passport> {
        let claims: PassportClaims = self.check(token, &["sub"])?;
        if claims.sub == WEB { Ok(claims.passport) } else { Err(Error::InvalidToken(None)) }
    }

    /// Signs other claims; add a `sub` of their own, so that no token passes for another kind.
    ///
    /// # Errors
    /// When signing fails.
    pub fn sign<C: Serialize>(&self, claims: &C) -> Result<String> {
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &self.signing)
            .map_err(|cause| Error::Crypto(cause.to_string()))
    }

    /// Checks signature and expiry (if there is one), and that the named claims are there.
    ///
    /// # Errors
    /// `ExpiredToken` or `InvalidToken`.
    pub fn check<C: DeserializeOwned>(&self, token: &str, required: &[&str]) -> Result<C> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_required_spec_claims(required);
        validation.leeway = 0;
        let mut failure = None;
        for key in &self.checking {
            match jsonwebtoken::decode::<C>(token, key, &validation) {
                Ok(data) => return Ok(data.claims),
                Err(cause) if matches!(cause.kind(), ErrorKind::ExpiredSignature) => return Err(Error::ExpiredToken),
                Err(cause) => failure = Some(cause),
            }
        }
        Err(Error::InvalidToken(failure))
    }
}

fn expiry(life: Duration) -> i64 {
    Utc::now().timestamp().saturating_add(i64::try_from(life.as_secs()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use serde_json::{Value, json};

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn claims(token: &str) -> Value {
        let middle = token.split('.').nth(1).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(middle).unwrap()).unwrap()
    }

    #[test]
    fn claims_are_the_documented_ones() {
        let signer = Signer::new("a secret of thirty-two characters", &[]);
        let account = AccountId::new();
        let access = claims(&signer.access_token(account, HOUR).unwrap());
        assert_eq!(access["user_id"], json!(account));
        assert_eq!((&access["iss"], &access["sub"]), (&json!("SELF_HOSTED"), &json!("Console API Passport")));
        assert_eq!(access.as_object().unwrap().len(), 4);
        assert_eq!(claims(&signer.csrf_token(account, HOUR).unwrap())["sub"], json!(account));

        let passport = Passport {
            app_id: AppId::new(),
            app_code: "code".into(),
            end_user_id: EndUserId::new(),
            session_id: None,
            login: None,
        };
        let token = signer.passport(&passport).unwrap();
        assert_eq!(
            claims(&token),
            json!({"iss": passport.app_id, "sub": "Web API Passport", "app_id": passport.app_id, "app_code": "code",
                   "end_user_id": passport.end_user_id})
        );
        assert_eq!(signer.verify_passport(&token).unwrap(), passport);

        let login = PageLogin {
            site_id: None,
            user_id: account,
            auth_type: "internal".into(),
            token_source: "webapp".into(),
            granted_at: 1,
            exp: expiry(HOUR),
        };
        let private = Passport { login: Some(login.clone()), ..passport.clone() };
        let token = signer.passport(&private).unwrap();
        assert_eq!(claims(&token)["user_id"], json!(account));
        assert_eq!(signer.verify_passport(&token).unwrap(), private);
        let over = Passport { login: Some(PageLogin { exp: 1_000, ..login }), ..passport };
        assert!(matches!(signer.verify_passport(&signer.passport(&over).unwrap()), Err(Error::ExpiredToken)));
        assert!(signer.verify_access(&token).is_err());
    }

    #[test]
    fn no_token_passes_for_another() {
        let signer = Signer::new("secret", &[]);
        let (account, other) = (AccountId::new(), AccountId::new());
        let access = signer.access_token(account, HOUR).unwrap();
        let csrf = signer.csrf_token(account, HOUR).unwrap();
        assert_eq!(signer.verify_access(&access).unwrap(), account);
        let read = signer.read_access(&access).unwrap();
        assert!(read.account == account && (expiry(HOUR) - read.expires_at) < 5);
        signer.verify_csrf(&csrf, account).unwrap();
        assert!(signer.verify_csrf(&csrf, other).is_err());
        assert!(signer.verify_csrf(&access, account).is_err());
        assert!(signer.verify_access(&csrf).is_err());
        assert!(signer.verify_passport(&access).is_err());
        let web =
            json!({"user_id": account, "exp": expiry(HOUR), "iss": "x", "sub": CONSOLE, "token_source": "webapp"});
        assert!(signer.verify_access(&signer.sign(&web).unwrap()).is_err());
        let unsigned =
            format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), access.split('.').nth(1).unwrap());
        for bad in ["", "a.b.c", &unsigned, &format!("{access}x")] {
            assert!(matches!(signer.verify_access(bad), Err(Error::InvalidToken(_))), "{bad}");
        }
    }

    #[test]
    fn expiry_and_rotation() {
        let old = Signer::new("old secret", &[]);
        let account = AccountId::new();
        let token = old.access_token(account, HOUR).unwrap();
        assert!(Signer::new("new secret", &[]).verify_access(&token).is_err());
        let rotated = Signer::new("new secret", &["old secret".to_owned()]);
        assert_eq!(rotated.verify_access(&token).unwrap(), account);
        let past = json!({"user_id": account, "exp": 1_000_000, "iss": "x", "sub": CONSOLE});
        assert!(matches!(rotated.verify_access(&rotated.sign(&past).unwrap()), Err(Error::ExpiredToken)));
    }
}
