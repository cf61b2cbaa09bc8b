//! The query API of one workspace: `POST /v1/workspaces/{id}/query`.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use reqwest::Method;
use serde_json::{Value, json};

use super::cloud::Cloud;
use super::error::{About, Error, ErrorKind};
use super::http::{Ask, Body, Client, Patience, Reply};
use crate::source;

/// A workspace that can be asked.
pub struct Logs {
    client: Client,
    url: String,
    scope: String,
    about: About,
    /// Whether there ever was an answer with a table: a workspace that has had data has some.
    has_data: AtomicBool,
    /// Rows that the list of a count may have.
    most_counts: AtomicI64,
}

/// A small answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Value>>,
}

impl Rows {
    /// Returns a number of a row; the service writes numbers as they are, or as text.
    pub fn number(&self, row: usize, column: &str) -> Option<i64> {
        let place = self.columns.iter().position(|name| name == column)?;
        match self.rows.get(row)?.get(place)? {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// Returns a text of a row.
    pub fn text(&self, row: usize, column: &str) -> Option<&str> {
        let place = self.columns.iter().position(|name| name == column)?;
        self.rows.get(row)?.get(place)?.as_str()
    }
}

impl Logs {
    /// Takes a workspace by its id.
    ///
    /// # Errors
    /// Where the id cannot be one.
    pub fn new(client: Client, cloud: &Cloud, workspace: &str) -> Result<Logs, Error> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        if workspace.is_empty() || !workspace.chars().all(plain) {
            return Err(Error::new(ErrorKind::Unknown, format!("'{workspace}' is no id of a workspace")).help(UNKNOWN));
        }
        let about = About {
            what: format!("the workspace {workspace}"),
            role: "Log Analytics Reader",
            scope: "WORKSPACE_RESOURCE_ID".to_string(),
            unknown: UNKNOWN,
        };
        let url = format!("{}/v1/workspaces/{workspace}/query", cloud.logs.trim_end_matches('/'));
        Ok(Logs {
            client,
            url,
            scope: cloud.logs_scope.clone(),
            about,
            has_data: AtomicBool::new(false),
            most_counts: AtomicI64::new(MOST_COUNTS),
        })
    }

    /// Returns the client that asks.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Asks a query; None where the workspace has no data at all.
    pub async fn query(
        &self,
        query: &str,
        timespan: Option<&str>,
        splits: bool,
        patience: &mut Patience,
    ) -> Result<Option<Body>, Error> {
        let body = match timespan {
            Some(timespan) => json!({"query": query, "timespan": timespan}),
            None => json!({ "query": query }),
        };
        let ask = Ask {
            method: Method::POST,
            url: self.url.clone(),
            body: Some(body.to_string()),
            scope: &self.scope,
            about: &self.about,
            splits,
        };
        match self.client.ask(&ask, patience).await? {
            Reply::Body(body) => Ok(Some(body)),
            Reply::Nothing => Ok(None),
        }
    }

    /// Asks a query with a small answer, until it is whole.
    pub async fn rows(&self, query: &str) -> Result<Rows, Error> {
        /// An answer without anything is asked for again: it may be the way there that lost it.
        const SURE: u32 = 6;
        /// One that lacks rows so often will lack them the next time as well; a service under load cuts some by chance.
        const PARTIAL: u32 = 6;
        let (mut patience, mut nothing, mut partial) = (Patience::default(), 0, 0);
        loop {
            let Some(body) = self.query(query, None, false, &mut patience).await? else {
                nothing += 1;
                if self.has_data.load(Ordering::Relaxed) {
                    let message = format!("{} gave no table, and has given some before", self.about.what);
                    self.client.wait(&mut patience, Error::new(ErrorKind::Service, message), None).await?;
                } else if nothing == SURE {
                    return Ok(Rows::default());
                }
                continue;
            };
            match body.text().and_then(|text| self.read(&text)) {
                Ok(rows) => {
                    self.has_data.store(true, Ordering::Relaxed);
                    return Ok(rows);
                }
                Err(error) => {
                    partial += u32::from(error.kind == ErrorKind::TooLarge);
                    if partial == PARTIAL {
                        return Err(error);
                    }
                    self.client.wait(&mut patience, error, None).await?;
                }
            }
        }
    }

    /// Returns how many rows the list of a count may have, as far as it is known.
    pub(super) fn most_counts(&self) -> i64 {
        self.most_counts.load(Ordering::Relaxed)
    }

    /// Takes note that an answer of so many rows was too large; false where it cannot be any smaller.
    pub(super) fn counts_were_too_many(&self, rows: i64) -> bool {
        const LEAST: i64 = 2;
        self.most_counts.fetch_min((rows / 2).max(LEAST), Ordering::Relaxed);
        rows > LEAST
    }

    fn read(&self, text: &str) -> Result<Rows, Error> {
        let broken = |why: String| {
            Error::new(ErrorKind::Service, format!("{} gave an answer that cannot be read: {why}", self.about.what))
        };
        let answer: Value = serde_json::from_str(text).map_err(|error| broken(error.to_string()))?;
        // Warnings stand in the same place: they take no row away.
        if let Some(error) = answer.get("error").filter(|error| !error.is_null() && !source::only_warnings(error)) {
            let why = broken(format!("it is partial: {}", source::error_messages(error).join("; ")));
            return Err(Error { kind: ErrorKind::TooLarge, ..why }.help(CUT));
        }
        let table = answer.get("tables").and_then(|tables| tables.get(0)).ok_or_else(|| broken("no table".into()))?;
        let list = |key: &str| table.get(key).and_then(Value::as_array).ok_or_else(|| broken(format!("no {key}")));
        let name = |column: &Value| column.get("name").and_then(Value::as_str).unwrap_or_default().to_string();
        let rows = list("rows")?.iter().map(|row| row.as_array().cloned().unwrap_or_default());
        Ok(Rows { columns: list("columns")?.iter().map(name).collect(), rows: rows.collect() })
    }

    /// What requests are about.
    pub(super) fn about(&self) -> &About {
        &self.about
    }

    /// Where it is.
    pub(super) fn url(&self) -> &str {
        &self.url
    }
}

/// Parts of a window that are counted with one request, at most: their list is an answer too, with the same limits.
const MOST_COUNTS: i64 = 500;

const CUT: &str =
    "run the same command later: a service under load cuts answers, and a download goes on where it stopped";

const UNKNOWN: &str = "the id is the GUID that the portal calls 'Workspace ID', not the name: az monitor log-analytics \
                       workspace show -g GROUP -n NAME --query customerId";
