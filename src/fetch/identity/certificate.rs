//! An application that has a certificate: it signs who it is, by RS256.
//!
//! `azure_identity` has this behind OpenSSL; rustls, which carries the connections here, can sign as well.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use azure_core::error::ErrorKind;
use azure_core::http::ClientMethodOptions;
use azure_identity::ClientAssertion;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rustls::SignatureScheme;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::SigningKey;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::fetch::clock::Clock;

/// Seconds that a signature holds.
const HOLDS: u64 = 600;

/// A certificate and its key.
pub(super) struct Signed {
    key: Arc<dyn SigningKey>,
    chain: Vec<CertificateDer<'static>>,
    audience: String,
    client: String,
    send_chain: bool,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signed").field("client", &self.client).finish_non_exhaustive()
    }
}

impl Signed {
    /// Reads a PEM file with a certificate and its RSA key.
    pub(super) fn read(
        path: &str,
        audience: String,
        client: String,
        send_chain: bool,
        clock: Arc<dyn Clock>,
    ) -> Result<Signed, String> {
        let pem = std::fs::read(Path::new(path)).map_err(|error| format!("{path} cannot be read: {error}"))?;
        let remedy = "openssl pkcs12 -in CERTIFICATE -out CERTIFICATE.pem -nodes makes a file that is";
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok).collect();
        if chain.is_empty() {
            return Err(format!("{path} is no PEM file with a certificate; {remedy}"));
        }
        let key = PrivateKeyDer::from_pem_slice(&pem)
            .map_err(|_| format!("{path} holds no private key without a password; {remedy}"))?;
        let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key)
            .map_err(|_| format!("the key in {path} is of no kind that can sign"))?;
        if key.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256]).is_none() {
            return Err(format!("the key in {path} is no RSA key, which Entra wants"));
        }
        Ok(Signed { key, chain, audience, client, send_chain, clock })
    }

    fn header(&self) -> Value {
        let thumbprint = self.chain.first().map(|certificate| URL_SAFE_NO_PAD.encode(Sha256::digest(certificate)));
        let mut header = json!({"alg": "RS256", "typ": "JWT", "x5t#S256": thumbprint});
        if self.send_chain {
            header["x5c"] = self.chain.iter().map(|certificate| STANDARD.encode(certificate)).collect();
        }
        header
    }

    fn claims(&self) -> Value {
        let now = self.clock.unix_seconds();
        json!({
            "aud": self.audience, "iss": self.client, "sub": self.client,
            "jti": uuid::Uuid::new_v4().to_string(), "nbf": now.saturating_sub(60), "exp": now + HOLDS,
        })
    }

    /// Returns what is signed, with the signature.
    fn assertion(&self) -> Option<String> {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", encode(&self.header()), encode(&self.claims()));
        let signer = self.key.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256])?;
        let signature = signer.sign(text.as_bytes()).ok()?;
        Some(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

#[async_trait]
impl ClientAssertion for Signed {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        self.assertion().ok_or_else(|| {
            azure_core::Error::with_message(ErrorKind::Credential, "the certificate's key does not sign")
        })
    }
}
