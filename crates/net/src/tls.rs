//! TLS set-up: one crypto provider, one set of roots, loaded when the first https call is made.

use std::sync::{Arc, OnceLock};

use rustls::{
    ClientConfig, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, ServerName, UnixTime},
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

/// The configuration for calls of this kind; roots are loaded once.
pub fn client_config(https: bool, verify: Verify) -> Result<ClientConfig, NetError> {
    static VERIFIED: OnceLock<ClientConfig> = OnceLock::new();
    match (https, verify) {
        // Never used for a handshake, so it needs no roots.
        (false, _) => with_roots(RootCertStore::empty()),
        (true, Verify::No) => unverified(),
        (true, Verify::Yes) => {
            if let Some(config) = VERIFIED.get() {
                return Ok(config.clone());
            }
            let config = with_roots(roots())?;
            Ok(VERIFIED.get_or_init(|| config).clone())
        }
    }
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

fn with_roots(store: RootCertStore) -> Result<ClientConfig, NetError> {
    Ok(with_alpn(builder()?.with_root_certificates(store).with_no_client_auth()))
}

fn unverified() -> Result<ClientConfig, NetError> {
    let verifier = Arc::new(AcceptAny(ring::default_provider()));
    let config = builder()?.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    Ok(with_alpn(config))
}

fn with_alpn(mut config: ClientConfig) -> ClientConfig {
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
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
