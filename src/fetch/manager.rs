//! Azure Resource Manager: lists, page by page, and single resources.

use std::collections::HashSet;

use reqwest::Method;
use serde_json::Value;

use super::cloud::Cloud;
use super::error::{About, Error, ErrorKind, Told};
use super::http::{Ask, Client, Patience, Reply};
use super::preflight::Who;
use super::records::Records;

/// Asks Resource Manager.
pub struct Manager {
    client: Client,
    url: String,
    scope: String,
}

impl Manager {
    /// Takes the cloud's Resource Manager.
    pub fn new(client: Client, cloud: &Cloud) -> Manager {
        let url = cloud.manager.trim_end_matches('/').to_string();
        Manager { client, url, scope: cloud.manager_scope.clone() }
    }

    /// Returns whom the requests are made for.
    pub fn identity(&self) -> String {
        self.client.identity()
    }

    /// Says who the token is for.
    pub(super) async fn who(&self) -> Result<Who, Error> {
        Ok(self.client.token(&self.scope).await?.map(|token| Who::read(&token)).unwrap_or_default())
    }

    /// Gets one resource; the path begins with `/` and holds the version.
    pub async fn get(&self, path: &str, about: &About) -> Result<Value, Error> {
        self.answer(Method::GET, format!("{}{path}", self.url), about).await
    }

    /// Lists all pages of a list. A record that moves from one page to the next meanwhile is listed once.
    ///
    /// # Errors
    /// What the service says, and where its pages go round in a circle or elsewhere.
    pub async fn list(&self, path: &str, about: &About) -> Result<Vec<Value>, Error> {
        self.gather(path, about, |_| String::new()).await?.read()
    }

    /// Lists all pages of what is asked for with POST.
    pub async fn list_by_post(&self, path: &str, about: &About) -> Result<Vec<Value>, Error> {
        self.pages(Method::POST, path, about, |_| String::new()).await?.read()
    }

    /// Lists all pages of a list that may be longer than memory, sorted by a key of each record.
    pub async fn gather(&self, path: &str, about: &About, key: fn(&Value) -> String) -> Result<Records, Error> {
        self.pages(Method::GET, path, about, key).await
    }

    /// Makes a list that holds nothing.
    pub(super) fn records(&self) -> Result<Records, Error> {
        Records::new(self.client.folder())
    }

    async fn pages(
        &self,
        method: Method,
        path: &str,
        about: &About,
        key: fn(&Value) -> String,
    ) -> Result<Records, Error> {
        let mut records = self.records()?;
        let (mut seen, mut url) = (HashSet::new(), format!("{}{path}", self.url));
        loop {
            if !seen.insert(url.clone()) {
                let message = format!("the pages of {} go round in a circle: the list has no end", about.what);
                return Err(Error::new(ErrorKind::Service, message).help("run the same command later"));
            }
            let page = self.answer(method.clone(), url, about).await?;
            let Some(values) = page.get("value").and_then(Value::as_array) else {
                return Err(Error::new(ErrorKind::Service, format!("{} gave no list", about.what)));
            };
            for value in values {
                let id = value.get("id").or_else(|| value.get("name")).and_then(Value::as_str).unwrap_or_default();
                records.push(id, key(value), value)?;
            }
            match page.get("nextLink").and_then(Value::as_str).filter(|link| !link.is_empty()) {
                None => {
                    records.sort();
                    return Ok(records);
                }
                Some(link) if self.is_mine(link) => url = link.to_string(),
                Some(link) => {
                    let host = url::Url::parse(link).ok().and_then(|url| url.host_str().map(str::to_string));
                    let host = host.unwrap_or_else(|| "nowhere".to_string());
                    let message =
                        format!("the next page of {} is said to be on {host}: a token is not sent there", about.what);
                    return Err(Error::new(ErrorKind::Service, message));
                }
            }
        }
    }

    /// Tells whether a link leads to where the first page was.
    fn is_mine(&self, link: &str) -> bool {
        let origin = |text: &str| url::Url::parse(text).ok().map(|url| url.origin());
        origin(link).is_some_and(|found| Some(found) == origin(&self.url))
    }

    /// Asks until there is JSON.
    async fn answer(&self, method: Method, url: String, about: &About) -> Result<Value, Error> {
        let body = (method == Method::POST).then(String::new);
        let ask = Ask { method, url, body, scope: &self.scope, about, splits: false };
        let mut patience = Patience::default();
        loop {
            let why = match self.client.ask(&ask, &mut patience).await? {
                Reply::Nothing => "nothing where something must be".to_string(),
                Reply::Body(body) => match serde_json::from_str::<Value>(&body.text()?) {
                    Ok(answer) if answer.get("error").is_none() => return Ok(answer),
                    Ok(answer) => format!("an answer that is not whole: {}", Told::read(&answer.to_string()).text()),
                    Err(error) => format!("an answer that cannot be read: {error}"),
                },
            };
            let error = Error::new(ErrorKind::Service, format!("{} gave {why}", about.what));
            self.client.wait(&mut patience, error, None).await?;
        }
    }
}
