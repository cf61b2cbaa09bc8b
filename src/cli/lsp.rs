//! `alertq lsp`: an editor's language server over standard input and output.
//!
//! Each feature has a file of its own, and works on a [`document::Document`]: queries, alone or in a rule.

mod completion;
mod definition;
mod diagnostics;
mod document;
mod hover;

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use lsp_server::{Connection, ErrorCode, Message, Notification, Request, Response};
use lsp_types::{
    CompletionOptions, DidChangeTextDocumentParams, DidCloseTextDocumentParams, DidOpenTextDocumentParams,
    DidSaveTextDocumentParams, HoverProviderCapability, OneOf, RenameOptions, SaveOptions, ServerCapabilities,
    TextDocumentSyncCapability, TextDocumentSyncKind, TextDocumentSyncOptions, TextDocumentSyncSaveOptions, TextEdit,
    WorkDoneProgressOptions,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::config::Config;
use super::declared::Declared;
use super::stop::Stop;
use super::surroundings::Given;
use super::{Global, Outcome, data, fmt};
use crate::bind;
use crate::catalog::Catalog;
use crate::lint::Levels;
use crate::rules::checks;
use document::Document;

/// Serves editors over standard input and output, by the Language Server Protocol.
///
/// Tells problems and lints as one types, completes tables, columns, functions and operators, explains what the cursor is
/// on, finds and renames what `let` declares, and lays texts out: in queries (.kql, .csl) and in the YAML of rules. Tables,
/// functions and watchlists come from alertq.toml and from the flags, as with `alertq check`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  alertq lsp\n  alertq lsp --functions parsers/\n\n\
                        Neovim:\n  vim.lsp.start({ name = 'alertq', cmd = { 'alertq', 'lsp' } })")]
pub(super) struct Arguments {
    /// Does nothing: clients that speak over standard input and output say so.
    #[arg(long, hide = true)]
    stdio: bool,
    #[command(flatten)]
    given: Given,
}

/// What the server knows.
struct Server<'a> {
    global: &'a Global,
    sources: data::Sources,
    declared: Declared,
    levels: (Levels, checks::Levels),
    connection: Connection,
    /// By URI.
    documents: BTreeMap<String, Open>,
    /// Documents whose problems must be told anew.
    changed: BTreeSet<String>,
}

/// A document that an editor shows.
struct Open {
    document: Document,
    version: i32,
    /// With those tables of the user's that the text named when it was opened or saved.
    catalog: Catalog,
}

/// Where the cursor is: what most requests have in common.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct At {
    text_document: lsp_types::TextDocumentIdentifier,
    #[serde(default)]
    position: lsp_types::Position,
    /// Of `rename`.
    #[serde(default)]
    new_name: String,
}

/// Why a request has no answer, for the user.
type Refusal = String;

pub(super) fn run(arguments: &Arguments, global: &Global) -> Result<Outcome, Stop> {
    let config = Config::load(global.config.as_deref())?;
    let sources = data::Sources::new(&arguments.given, &config)?;
    let declared = Declared::read(&config.schemas)?;
    let (connection, threads) = Connection::stdio();
    let capabilities = serde_json::to_value(capabilities()).map_err(Stop::failure)?;
    connection.initialize(capabilities).map_err(ended)?;
    let mut server = Server {
        global,
        sources,
        declared,
        levels: (config.lints, config.checks),
        connection,
        documents: BTreeMap::new(),
        changed: BTreeSet::new(),
    };
    server.serve()?;
    // The writer ends when nobody can send any more.
    drop(server);
    threads.join().map_err(Stop::failure)?;
    Ok(Outcome::Clean)
}

/// Says what standard input lacks: a person may have typed the command.
fn ended(error: lsp_server::ProtocolError) -> Stop {
    let stop = Stop::failure(format!("no editor is there: {error}"));
    stop.help("editors start this command themselves, and speak the Language Server Protocol over standard input")
}

fn capabilities() -> ServerCapabilities {
    ServerCapabilities {
        text_document_sync: Some(TextDocumentSyncCapability::Options(TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(TextDocumentSyncKind::FULL),
            save: Some(TextDocumentSyncSaveOptions::SaveOptions(SaveOptions::default())),
            ..TextDocumentSyncOptions::default()
        })),
        completion_provider: Some(CompletionOptions {
            trigger_characters: Some(vec!["|".into(), " ".into(), "(".into(), ",".into(), ".".into()]),
            ..CompletionOptions::default()
        }),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        definition_provider: Some(OneOf::Left(true)),
        references_provider: Some(OneOf::Left(true)),
        rename_provider: Some(OneOf::Right(RenameOptions {
            prepare_provider: Some(true),
            work_done_progress_options: WorkDoneProgressOptions::default(),
        })),
        document_formatting_provider: Some(OneOf::Left(true)),
        ..ServerCapabilities::default()
    }
}

impl Server<'_> {
    fn serve(&mut self) -> Result<(), Stop> {
        loop {
            // While messages wait, they come first: only the last state of a text is worth checking.
            let message = match self.connection.receiver.try_recv() {
                Ok(message) => message,
                Err(_) => {
                    self.tell_problems()?;
                    match self.connection.receiver.recv() {
                        Ok(message) => message,
                        Err(_) => return Ok(()),
                    }
                }
            };
            match message {
                Message::Request(request) => {
                    if self.connection.handle_shutdown(&request).map_err(Stop::failure)? {
                        return Ok(());
                    }
                    let response = self.answer(request);
                    self.send(Message::Response(response))?;
                }
                Message::Notification(notification) => self.take(notification),
                Message::Response(_) => {}
            }
        }
    }

    fn send(&self, message: Message) -> Result<(), Stop> {
        self.connection.sender.send(message).map_err(|_| Stop::ClosedPipe)
    }

    fn options(&self) -> bind::Options {
        bind::Options { now: self.global.clock(), tracing: bind::Tracing::Columns, ..bind::Options::default() }
    }

    fn take(&mut self, Notification { method, params }: Notification) {
        // What cannot be read is no message of this protocol; there is nobody to answer.
        match method.as_str() {
            "textDocument/didOpen" => {
                if let Ok(DidOpenTextDocumentParams { text_document: opened }) = serde_json::from_value(params) {
                    self.set(opened.uri.as_str(), opened.text, opened.version, true);
                }
            }
            "textDocument/didChange" => {
                if let Ok(DidChangeTextDocumentParams { text_document: changed, content_changes }) =
                    serde_json::from_value(params)
                    && let Some(change) = content_changes.into_iter().last()
                {
                    self.set(changed.uri.as_str(), change.text, changed.version, false);
                }
            }
            "textDocument/didSave" => {
                if let Ok(DidSaveTextDocumentParams { text_document: saved, .. }) = serde_json::from_value(params)
                    && let Some(open) = self.documents.remove(saved.uri.as_str())
                {
                    self.set(saved.uri.as_str(), open.document.text, open.version, true);
                }
            }
            "textDocument/didClose" => {
                if let Ok(DidCloseTextDocumentParams { text_document: closed }) = serde_json::from_value(params) {
                    self.documents.remove(closed.uri.as_str());
                    self.changed.insert(closed.uri.as_str().to_string());
                }
            }
            _ => {}
        }
    }

    /// Takes the text of a document, and looks for the tables that it names where it is `new`.
    fn set(&mut self, uri: &str, text: String, version: i32, new: bool) {
        let known = self.documents.remove(uri).filter(|_| !new).map(|open| open.catalog);
        let catalog = known.unwrap_or_else(|| match self.sources.open(&text) {
            Ok(opened) => opened.checked(&self.declared),
            // A file that cannot be read leaves its table out; the query says that it is missing.
            Err(_) => Catalog::standard(),
        });
        let document = Document::new(uri, text);
        self.documents.insert(uri.to_string(), Open { document, version, catalog });
        self.changed.insert(uri.to_string());
    }

    fn tell_problems(&mut self) -> Result<(), Stop> {
        for uri in std::mem::take(&mut self.changed) {
            let open = self.documents.get(&uri);
            let found = open.map(|open| diagnostics::diagnostics(&uri, open, &self.options(), &self.levels));
            let mut params = json!({"uri": uri, "diagnostics": found.unwrap_or_default()});
            if let Some(open) = open {
                params["version"] = json!(open.version);
            }
            let notification = Notification::new("textDocument/publishDiagnostics".into(), params);
            self.send(Message::Notification(notification))?;
        }
        Ok(())
    }

    fn answer(&self, Request { id, method, params }: Request) -> Response {
        let Ok(at) = serde_json::from_value::<At>(params) else {
            let message = format!("{method} is not understood");
            return Response::new_err(id, ErrorCode::InvalidParams as i32, message);
        };
        let uri = at.text_document.uri.as_str();
        let Some(open) = self.documents.get(uri) else {
            let message = format!("{uri} is not open");
            return Response::new_err(id, ErrorCode::InvalidParams as i32, message);
        };
        let found = match method.as_str() {
            "textDocument/completion" => Ok(json!(completion::complete(open, at.position, &self.options()))),
            "textDocument/hover" => Ok(json!(hover::hover(open, at.position, &self.options()))),
            "textDocument/definition" => Ok(definition::definition(uri, open, at.position, &self.options())),
            "textDocument/references" => Ok(definition::references(uri, open, at.position, &self.options())),
            "textDocument/prepareRename" => definition::prepare_rename(open, at.position, &self.options()),
            "textDocument/rename" => definition::rename(uri, open, at.position, &at.new_name, &self.options()),
            "textDocument/formatting" => Ok(formatting(&open.document)),
            _ => {
                let message = format!("{method} is not supported");
                return Response::new_err(id, ErrorCode::MethodNotFound as i32, message);
            }
        };
        match found {
            Ok(value) => Response::new_ok(id, value),
            Err(refusal) => Response::new_err(id, ErrorCode::RequestFailed as i32, refusal),
        }
    }
}

/// Returns what makes the layout of a text the canonical one; null where it has errors.
fn formatting(document: &Document) -> Value {
    let laid_out = if document.is_rule() { fmt::layout_rule(&document.text) } else { fmt::layout(&document.text) };
    match laid_out {
        Err(_) => Value::Null,
        Ok(text) if text == document.text => json!([]),
        Ok(text) => json!([TextEdit { range: document.whole(), new_text: text }]),
    }
}
