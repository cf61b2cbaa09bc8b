//! Whom requests are made for: the identities that Azure's own tools look for, in their order.
//!
//! | choice | what it takes |
//! |---|---|
//! | environment | AZURE_TENANT_ID, AZURE_CLIENT_ID, and AZURE_CLIENT_SECRET or AZURE_CLIENT_CERTIFICATE_PATH |
//! | workload | AZURE_FEDERATED_TOKEN_FILE, as Kubernetes sets it |
//! | github | ACTIONS_ID_TOKEN_REQUEST_URL and _TOKEN, as GitHub Actions sets them |
//! | managed | the identity of the machine or service that this runs on |
//! | azure-cli | `az login` |
//! | azd | `azd auth login` |
//!
//! Tokens are got and kept by `azure_identity` where it has the credential. What is secret is never part of a message.

mod certificate;
mod github;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use azure_core::cloud::CustomConfiguration;
use azure_core::credentials::{Secret, TokenCredential};
use azure_core::http::{ClientOptions, ExponentialRetryOptions, RetryOptions};
use azure_identity::{
    AzureCliCredential, AzureDeveloperCliCredential, ClientAssertionCredential, ClientAssertionCredentialOptions,
    ClientSecretCredential, ClientSecretCredentialOptions, ManagedIdentityCredential, ManagedIdentityCredentialOptions,
    UserAssignedId, WorkloadIdentityCredential, WorkloadIdentityCredentialOptions,
};

use super::clock::Clock;
use super::cloud::Cloud;
use super::error::{Error, ErrorKind};
use super::http::{Tokens, Transport};

/// Which identity to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// The first that gives a token.
    Auto,
    Environment,
    Workload,
    GitHub,
    Managed,
    AzureCli,
    AzureDeveloperCli,
    /// No token at all: for `alertq serve` on this machine.
    Nobody,
}

impl Choice {
    /// All choices with the names that users type.
    pub const ALL: [(&'static str, Choice); 8] = [
        ("auto", Choice::Auto),
        ("environment", Choice::Environment),
        ("workload", Choice::Workload),
        ("github", Choice::GitHub),
        ("managed", Choice::Managed),
        ("azure-cli", Choice::AzureCli),
        ("azd", Choice::AzureDeveloperCli),
        ("none", Choice::Nobody),
    ];

    /// Finds a choice by its name.
    pub fn from_name(name: &str) -> Option<Choice> {
        Choice::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, choice)| choice)
    }

    /// Says which identities are tried, and in which order; `AZURE_TOKEN_CREDENTIALS` narrows it, as in Azure's SDKs.
    fn tried(self, variable: Variables) -> Vec<Choice> {
        let has = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
        if self != Choice::Auto {
            return vec![self];
        }
        let narrowed = variable("AZURE_TOKEN_CREDENTIALS").unwrap_or_default().to_lowercase();
        let (deployed, developer) = match narrowed.as_str() {
            "prod" => (true, false),
            "dev" => (false, true),
            _ => (true, true),
        };
        let named = match narrowed.as_str() {
            "environmentcredential" => Some(Choice::Environment),
            "workloadidentitycredential" => Some(Choice::Workload),
            "managedidentitycredential" => Some(Choice::Managed),
            "azureclicredential" => Some(Choice::AzureCli),
            "azuredeveloperclicredential" => Some(Choice::AzureDeveloperCli),
            _ => None,
        };
        if let Some(named) = named {
            return vec![named];
        }
        let application = has("AZURE_CLIENT_SECRET") || has("AZURE_CLIENT_CERTIFICATE_PATH");
        let service = has("IDENTITY_ENDPOINT") || has("MSI_ENDPOINT");
        let all = [
            (deployed && application, Choice::Environment),
            (deployed && has("AZURE_FEDERATED_TOKEN_FILE"), Choice::Workload),
            (deployed && has("ACTIONS_ID_TOKEN_REQUEST_URL") && has("AZURE_CLIENT_ID"), Choice::GitHub),
            (deployed && service, Choice::Managed),
            (developer, Choice::AzureCli),
            (developer, Choice::AzureDeveloperCli),
            // On a virtual machine nothing tells before one asks, and elsewhere nobody answers.
            (deployed && !service, Choice::Managed),
        ];
        all.into_iter().filter(|(is, _)| *is).map(|(_, choice)| choice).collect()
    }
}

/// Reads a variable of the environment.
pub type Variables<'a> = &'a (dyn Fn(&str) -> Option<String> + Send + Sync);

/// No token is sent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nobody;

#[async_trait]
impl Tokens for Nobody {
    async fn token(&self, _: &str) -> Result<Option<String>, Error> {
        Ok(None)
    }

    async fn forget(&self, _: &str) {}

    fn describe(&self) -> String {
        "nobody (--identity none)".to_string()
    }
}

/// An identity that gives tokens.
pub struct Identity {
    choices: Vec<Choice>,
    settings: Settings,
    clock: Arc<dyn Clock>,
    /// Who gave a token. One request asks for it, the others wait for what it gets.
    found: tokio::sync::Mutex<Option<Found>>,
    /// What messages call them.
    name: Mutex<Option<String>>,
}

/// The identity that gave a token. It is kept to: what is half done is not gone on with in another's name.
struct Found {
    choice: Choice,
    name: String,
    credential: Arc<dyn TokenCredential>,
    /// By scope. The library keeps tokens as well, but not those of the Azure CLI, which takes a second for each.
    tokens: HashMap<String, Held>,
}

/// A token, and until when it is used, in seconds since 1970.
struct Held {
    token: String,
    until: u64,
}

impl Found {
    /// Returns the token for a scope, if there is one that is still good.
    fn held(&self, scope: &str, now: u64) -> Option<String> {
        self.tokens.get(scope).filter(|held| now < held.until).map(|held| held.token.clone())
    }
}

/// Seconds before its end at which a token is not used any more.
const SPARE: u64 = 300;

/// What the environment says of identities.
#[derive(Clone)]
struct Settings {
    http: Transport,
    authority: String,
    tenant: Option<String>,
    client: Option<String>,
    secret: Option<String>,
    certificate: Option<String>,
    certificate_password: Option<String>,
    send_chain: bool,
    token_file: Option<String>,
    github_url: Option<String>,
    github_token: Option<String>,
}

/// How long a machine may take to say that it has an identity.
const PROBE: Duration = Duration::from_secs(5);

impl Identity {
    /// Makes an identity of what the environment says; `variable` reads it.
    pub fn new(
        choice: Choice,
        cloud: &Cloud,
        variable: Variables<'_>,
        http: Transport,
        clock: Arc<dyn Clock>,
    ) -> Identity {
        let get = |name: &str| variable(name).filter(|value| !value.is_empty());
        let settings = Settings {
            http,
            authority: get("AZURE_AUTHORITY_HOST").unwrap_or_else(|| cloud.authority.clone()),
            tenant: get("AZURE_TENANT_ID"),
            client: get("AZURE_CLIENT_ID"),
            secret: get("AZURE_CLIENT_SECRET"),
            certificate: get("AZURE_CLIENT_CERTIFICATE_PATH"),
            certificate_password: get("AZURE_CLIENT_CERTIFICATE_PASSWORD"),
            send_chain: get("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN").is_some_and(|value| value == "1" || value == "true"),
            token_file: get("AZURE_FEDERATED_TOKEN_FILE"),
            github_url: get("ACTIONS_ID_TOKEN_REQUEST_URL"),
            github_token: get("ACTIONS_ID_TOKEN_REQUEST_TOKEN"),
        };
        let choices = choice.tried(variable);
        Identity { choices, settings, clock, found: tokio::sync::Mutex::new(None), name: Mutex::new(None) }
    }

    /// Finds the first choice that gives a token.
    async fn find(&self, scope: &str) -> Result<(Found, String), Error> {
        let mut reasons = Vec::new();
        for choice in &self.choices {
            let (name, made) = self.settings.credential(*choice, &self.clock);
            let asked = match made {
                Ok(credential) => self.ask(*choice, &*credential, scope).await.map(|held| (credential, held)),
                Err(reason) => Err(self.settings.scrubbed(&reason)),
            };
            match asked {
                Ok((credential, held)) => {
                    let token = held.token.clone();
                    let tokens = HashMap::from([(scope.to_string(), held)]);
                    return Ok((Found { choice: *choice, name, credential, tokens }, token));
                }
                Err(reason) => reasons.push(format!("{name}: {reason}")),
            }
        }
        let all = reasons.iter().map(|reason| format!("\n  {reason}")).collect::<String>();
        Err(Error::new(ErrorKind::Identity, format!("no identity gives a token for {scope}:{all}")).help(
            "sign in with `az login`, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET; --identity \
             takes one and no other",
        ))
    }

    /// Asks one credential for a token.
    async fn ask(&self, choice: Choice, credential: &dyn TokenCredential, scope: &str) -> Result<Held, String> {
        let scopes = [scope];
        let token = credential.get_token(&scopes, None);
        let token = match choice {
            Choice::Managed if self.choices.len() > 1 => {
                let late = self.clock.sleep(PROBE);
                futures::pin_mut!(token, late);
                match futures::future::select(token, late).await {
                    futures::future::Either::Left((token, _)) => token,
                    futures::future::Either::Right(_) => return Err("this machine has no identity".to_string()),
                }
            }
            _ => token.await,
        };
        let token = token.map_err(|error| self.settings.scrubbed(&told(&error)))?;
        let end = u64::try_from(token.expires_on.unix_timestamp()).unwrap_or_default();
        // What has just been given has not expired: this machine's clock is ahead then, and the service says when it has.
        let until = end.saturating_sub(SPARE).max(self.clock.unix_seconds().saturating_add(SPARE));
        Ok(Held { token: token.token.secret().to_string(), until })
    }
}

/// Writes an error of the library with its causes, on one line and without the address of a page about it.
fn told(error: &azure_core::Error) -> String {
    let text = error.to_string();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("To troubleshoot"));
    let text = lines.collect::<Vec<_>>().join(" ");
    match std::iter::successors(std::error::Error::source(error), |cause| cause.source())
        .last()
        .map(ToString::to_string)
    {
        // The library leaves out what it failed for.
        Some(cause) if !text.contains(&cause) => format!("{text}: {cause}"),
        _ => text,
    }
}

#[async_trait]
impl Tokens for Identity {
    async fn token(&self, scope: &str) -> Result<Option<String>, Error> {
        let mut found = self.found.lock().await;
        let Some(known) = found.as_mut() else {
            let (new, token) = self.find(scope).await?;
            *self.name.lock().unwrap_or_else(PoisonError::into_inner) = Some(new.name.clone());
            *found = Some(new);
            return Ok(Some(token));
        };
        if let Some(token) = known.held(scope, self.clock.unix_seconds()) {
            return Ok(Some(token));
        }
        let held = self.ask(known.choice, &*known.credential, scope).await.map_err(|reason| {
            Error::new(ErrorKind::Identity, format!("{} gives no token: {reason}", known.name))
                .help("sign in again, or choose another identity with --identity")
        })?;
        let token = held.token.clone();
        known.tokens.insert(scope.to_string(), held);
        Ok(Some(token))
    }

    async fn forget(&self, token: &str) {
        let mut found = self.found.lock().await;
        let Some(known) = found.as_mut() else { return };
        let before = known.tokens.len();
        known.tokens.retain(|_, held| held.token != token);
        // Whoever came too late would throw away the one that another request just got.
        if known.tokens.len() < before
            && let (_, Ok(credential)) = self.settings.credential(known.choice, &self.clock)
        {
            // The library keeps tokens by heart: a new credential has none.
            known.credential = credential;
        }
    }

    fn describe(&self) -> String {
        let name = self.name.lock().unwrap_or_else(PoisonError::into_inner);
        name.clone().unwrap_or_else(|| "nobody yet".to_string())
    }
}

impl Settings {
    /// Makes a credential, and says how messages call it.
    fn credential(&self, choice: Choice, clock: &Arc<dyn Clock>) -> (String, Result<Arc<dyn TokenCredential>, String>) {
        let client = self.client.as_deref().unwrap_or("?");
        match choice {
            Choice::Auto | Choice::Nobody => ("no identity".to_string(), Err("none is to be used".to_string())),
            Choice::Environment if self.secret.is_some() => {
                (format!("the application {client} (AZURE_CLIENT_SECRET)"), self.client_secret())
            }
            Choice::Environment => {
                (format!("the application {client} (AZURE_CLIENT_CERTIFICATE_PATH)"), self.client_certificate(clock))
            }
            Choice::Workload => (format!("the workload identity {client}"), self.workload()),
            Choice::GitHub => (format!("the application {client} (GitHub Actions)"), self.github()),
            Choice::Managed => ("the managed identity of this machine".to_string(), self.managed()),
            Choice::AzureCli => ("the account of the Azure CLI".to_string(), made(AzureCliCredential::new(None))),
            Choice::AzureDeveloperCli => {
                ("the account of the Azure Developer CLI".to_string(), made(AzureDeveloperCliCredential::new(None)))
            }
        }
    }

    fn tenant_and_client(&self) -> Result<(String, String), String> {
        let tenant = self.tenant.clone().ok_or("AZURE_TENANT_ID is not set")?;
        let client = self.client.clone().ok_or("AZURE_CLIENT_ID is not set")?;
        Ok((tenant, client))
    }

    fn options(&self) -> ClientOptions {
        let mut cloud = CustomConfiguration::default();
        cloud.authority_host.clone_from(&self.authority);
        ClientOptions { cloud: Some(Arc::new(cloud.into())), ..through(&self.http.cloud) }
    }

    fn client_secret(&self) -> Result<Arc<dyn TokenCredential>, String> {
        let (tenant, client) = self.tenant_and_client()?;
        let secret = self.secret.clone().ok_or("AZURE_CLIENT_SECRET is not set")?;
        let options = ClientSecretCredentialOptions { client_options: self.options() };
        made(ClientSecretCredential::new(&tenant, client, Secret::new(secret), Some(options)))
    }

    fn client_certificate(&self, clock: &Arc<dyn Clock>) -> Result<Arc<dyn TokenCredential>, String> {
        let (tenant, client) = self.tenant_and_client()?;
        let path =
            self.certificate.as_ref().ok_or("neither AZURE_CLIENT_SECRET nor AZURE_CLIENT_CERTIFICATE_PATH is set")?;
        if self.certificate_password.is_some() {
            return Err("a certificate with a password is not read: write it as PEM without one, for example with \
                        openssl pkcs12 -in CERTIFICATE -out CERTIFICATE.pem -nodes"
                .to_string());
        }
        let audience = format!("{}/{tenant}/oauth2/v2.0/token", self.authority.trim_end_matches('/'));
        let assertion = certificate::Signed::read(path, audience, client.clone(), self.send_chain, clock.clone())?;
        made(ClientAssertionCredential::new(tenant, client, assertion, Some(self.assertion())))
    }

    fn assertion(&self) -> ClientAssertionCredentialOptions {
        ClientAssertionCredentialOptions { client_options: self.options() }
    }

    fn workload(&self) -> Result<Arc<dyn TokenCredential>, String> {
        let (tenant, client) = self.tenant_and_client()?;
        let file = self.token_file.as_ref().ok_or("AZURE_FEDERATED_TOKEN_FILE is not set")?;
        made(WorkloadIdentityCredential::new(Some(WorkloadIdentityCredentialOptions {
            credential_options: self.assertion(),
            client_id: Some(client),
            tenant_id: Some(tenant),
            token_file_path: Some(file.into()),
        })))
    }

    fn github(&self) -> Result<Arc<dyn TokenCredential>, String> {
        let (tenant, client) = self.tenant_and_client()?;
        let missing = "GitHub gives no token: the job needs `permissions: id-token: write`";
        let url = self.github_url.clone().ok_or(missing)?;
        let token = self.github_token.clone().ok_or(missing)?;
        let assertion = github::Actions::new(self.http.cloud.clone(), url, Secret::new(token));
        made(ClientAssertionCredential::new(tenant, client, assertion, Some(self.assertion())))
    }

    fn managed(&self) -> Result<Arc<dyn TokenCredential>, String> {
        made(ManagedIdentityCredential::new(Some(ManagedIdentityCredentialOptions {
            user_assigned_id: self.client.clone().map(UserAssignedId::ClientId),
            client_options: through(&self.http.machine),
        })))
    }

    /// Leaves what is secret out of a text.
    fn scrubbed(&self, text: &str) -> String {
        let secrets = [&self.secret, &self.certificate_password, &self.github_token];
        secrets.into_iter().flatten().fold(text.to_string(), |text, secret| text.replace(secret.as_str(), "***"))
    }
}

/// Sends the library's requests through a client of ours; six seconds of silence are enough for who waits for them.
fn through(client: &reqwest::Client) -> ClientOptions {
    ClientOptions {
        transport: Some(azure_core::http::Transport::new(Arc::new(client.clone()))),
        retry: RetryOptions::exponential(ExponentialRetryOptions { max_retries: 5, ..Default::default() }),
        ..ClientOptions::default()
    }
}

/// Takes a credential that the library made, or what it says.
fn made<C: TokenCredential + 'static>(
    credential: azure_core::Result<Arc<C>>,
) -> Result<Arc<dyn TokenCredential>, String> {
    match credential {
        Ok(credential) => Ok(credential),
        Err(error) => Err(told(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(pairs: &[(&str, &str)]) -> Vec<Choice> {
        let pairs: Vec<(String, String)> = pairs.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect();
        Choice::Auto.tried(&move |name| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()))
    }

    #[test]
    fn the_environment_says_who_is_tried() {
        use Choice::{AzureCli, AzureDeveloperCli, Environment, GitHub, Managed, Workload};
        assert_eq!(tried(&[]), [AzureCli, AzureDeveloperCli, Managed]);
        assert_eq!(tried(&[("AZURE_CLIENT_SECRET", "s")]), [Environment, AzureCli, AzureDeveloperCli, Managed]);
        assert_eq!(
            tried(&[("AZURE_CLIENT_SECRET", ""), ("AZURE_TOKEN_CREDENTIALS", "dev")]),
            [AzureCli, AzureDeveloperCli]
        );
        let all = [
            ("AZURE_FEDERATED_TOKEN_FILE", "f"),
            ("ACTIONS_ID_TOKEN_REQUEST_URL", "u"),
            ("AZURE_CLIENT_ID", "c"),
            ("IDENTITY_ENDPOINT", "e"),
            ("AZURE_TOKEN_CREDENTIALS", "prod"),
        ];
        assert_eq!(tried(&all), [Workload, GitHub, Managed]);
        assert_eq!(tried(&[("AZURE_TOKEN_CREDENTIALS", "AzureCliCredential")]), [AzureCli]);
    }

    #[test]
    fn every_choice_has_a_name() {
        for (name, choice) in Choice::ALL {
            assert_eq!(Choice::from_name(name), Some(choice));
        }
    }
}
