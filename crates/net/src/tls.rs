//! TLS set-up: one crypto provider, one set of roots, loaded when the first https call is made.

use std::sync::{Arc, OnceLock};

use base64::{Engine, engine::general_purpose::STANDARD};
use rustls::{
    ClientConfig, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
};

use crate::NetError;

/// Makes ring the process's crypto provider. May be called any number of times.
pub fn install_crypto_provider() {
    // An error means that one is installed already.
    _ = ring::default_provider().install_default();
}

/// Whether certificates are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verify {
    Yes,
    /// For the callers whose users can switch it off (`ssl_verify`).
    No,
}

/// What the operator adds for the calls of HTTP nodes.
#[derive(Debug)]
pub struct Profile {
    roots: Vec<CertificateDer<'static>>,
    identity: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
}

impl Profile {
    /// Reads base64 of PEM: certificates to trust besides the usual ones, and a client's certificate with its key.
    ///
    /// # Errors
    /// Which of them cannot be read.
    pub fn read(roots: Option<&str>, certificate: Option<&str>, key: Option<&str>) -> Result<Self, String> {
        let pem = |text: &str, what: &str| {
            let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
            STANDARD.decode(plain).map_err(|_| format!("{what} is not base64"))
        };
        let certificates = |text: Option<&str>, what: &str| -> Result<Vec<CertificateDer<'static>>, String> {
            let Some(text) = text else { return Ok(Vec::new()) };
            let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem(text, what)?).collect();
            found.ok().filter(|list| !list.is_empty()).ok_or_else(|| format!("{what} holds no PEM certificate"))
        };
        let roots = certificates(roots, "SSL_CERT_DATA")?;
        let chain = certificates(certificate, "SSL_CLIENT_CERT_DATA")?;
        let identity = match (key, chain.is_empty()) {
            (None, true) => None,
            (Some(key), false) => {
                let key = pem(key, "SSL_CLIENT_KEY_DATA")?;
                let key = PrivateKeyDer::from_pem_slice(&key).map_err(|_| "SSL_CLIENT_KEY_DATA holds no PEM key")?;
                Some((chain, key))
            }
            _ => return Err("a client certificate needs both SSL_CLIENT_CERT_DATA and SSL_CLIENT_KEY_DATA".into()),
        };
        Ok(Self { roots, identity })
    }
}

/// The configuration for calls of this kind; the usual one is made once.
pub fn client_config(verify: Verify, profile: Option<&Profile>) -> Result<Arc<ClientConfig>, NetError> {
    static VERIFIED: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if profile.is_none() && verify == Verify::Yes {
        if let Some(config) = VERIFIED.get() {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(configured(verify, None)?);
        return Ok(Arc::clone(VERIFIED.get_or_init(|| config)));
    }
    Ok(Arc::new(configured(verify, profile)?))
}

fn configured(verify: Verify, profile: Option<&Profile>) -> Result<ClientConfig, NetError> {
    let builder = match verify {
        Verify::No => {
            builder()?.dangerous().with_custom_certificate_verifier(Arc::new(AcceptAny(ring::default_provider())))
        }
        Verify::Yes => {
            let mut store = roots();
            store.add_parsable_certificates(profile.map(|profile| profile.roots.clone()).unwrap_or_default());
            builder()?.with_root_certificates(store)
        }
    };
    let mut config = match profile.and_then(|profile| profile.identity.as_ref()) {
        Some((chain, key)) => builder
            .with_client_auth_cert(chain.clone(), key.clone_key())
            .map_err(|error| NetError::Setup(format!("the client certificate cannot be used: {error}")))?,
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// Mozilla's roots and those of the system (`SSL_CERT_FILE`, `SSL_CERT_DIR` are honoured).
fn roots() -> RootCertStore {
    let mut store = RootCertStore::empty();
    store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let system = rustls_native_certs::load_native_certs();
    for error in &system.errors {
        tracing::warn!(%error, "a system certificate could not be read");
    }
    store.add_parsable_certificates(system.certs);
    store
}

fn builder() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, NetError> {
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| NetError::Setup(error.to_string()))
}

#[derive(Debug)]
struct AcceptAny(CryptoProvider);

impl ServerCertVerifier for AcceptAny {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
