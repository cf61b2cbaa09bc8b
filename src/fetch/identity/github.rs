//! The token of a GitHub Actions job, which Entra takes for an application that trusts the repository.

use async_trait::async_trait;
use azure_core::credentials::Secret;
use azure_core::error::ErrorKind;
use azure_core::http::ClientMethodOptions;
use azure_identity::ClientAssertion;

/// What Entra wants such tokens to be for.
const AUDIENCE: &str = "api://AzureADTokenExchange";

/// Asks GitHub for the job's token.
#[derive(Debug)]
pub(super) struct Actions {
    http: reqwest::Client,
    url: String,
    token: Secret,
}

impl Actions {
    pub(super) fn new(http: reqwest::Client, url: String, token: Secret) -> Actions {
        Actions { http, url, token }
    }
}

#[async_trait]
impl ClientAssertion for Actions {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        let failed = |why: String| azure_core::Error::with_message(ErrorKind::Credential, why);
        let separator = if self.url.contains('?') { '&' } else { '?' };
        let url = format!("{}{separator}audience={AUDIENCE}", self.url);
        let response = self.http.get(url).bearer_auth(self.token.secret()).send().await;
        let response = response
            .map_err(|error| failed(format!("GitHub cannot be asked: {}", super::super::http::chain(&error))))?;
        let status = response.status();
        if !status.is_success() {
            let why = format!("GitHub answers with status {status}: the job needs `permissions: id-token: write`");
            return Err(failed(why));
        }
        let answer: serde_json::Value =
            response.json().await.map_err(|_| failed("GitHub gives no JSON".to_string()))?;
        let token = answer.get("value").and_then(serde_json::Value::as_str);
        token.map(str::to_string).ok_or_else(|| failed("GitHub gives no token".to_string()))
    }
}
