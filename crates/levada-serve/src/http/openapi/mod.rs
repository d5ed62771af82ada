//! What is served, in the words of OpenAPI 3.1: made from the catalogue, so that it cannot say
//! anything else. The parts that are the same everywhere stand in `components.json`.

mod parameters;

use std::sync::OnceLock;

use serde_json::{Map, Value, json};

use super::{Format, Rendered};
use crate::catalogue::{Catalogue, Compiled};
use crate::config::{Brand, Page, Serve};

/// The document, and the response that it is, made when somebody asks for it first.
pub(crate) struct Description {
    document: Value,
    rendered: OnceLock<Rendered>,
}

/// Refusals of an address that has parameters.
const BAD: (u16, &str) = (400, "A parameter is missing, unknown, or out of its bounds.");
const NOTHING: (u16, &str) = (404, "Nothing is known of this name or value.");
const GONE: (u16, &str) = (410, "This edition is not held any more.");
const TOO_MANY: (u16, &str) = (429, "This client has caused too many queries.");
const AWAY: (u16, &str) = (503, "Too much waits, the database is away, or no edition is known.");

impl Description {
    pub(crate) fn new(catalogue: &Catalogue, config: &Serve, brand: &Brand) -> Self {
        let service = words(brand.service.get("en"), "Statistics");
        Self { document: document(catalogue, config, &service), rendered: OnceLock::new() }
    }

    /// The response to who asks for it.
    pub(crate) fn rendered(&self) -> Rendered {
        let make = || {
            let body = format!("{:#}\n", self.document).into_bytes();
            let tag = format!("openapi-{}", &blake3::hash(&body).to_hex()[..16]);
            Rendered::new(Format::Json.content_type(), "public, no-cache", &tag, body).kept()
        };
        self.rendered.get_or_init(make).clone()
    }
}

fn document(catalogue: &Catalogue, config: &Serve, service: &str) -> Value {
    let mut paths = Map::new();
    for stat in catalogue.stats.values() {
        add_statistic(&mut paths, stat, config);
    }
    for page in catalogue.pages.values() {
        paths.insert(format!("/pages/{}", page.name), of_page(page, config));
    }
    add_service(&mut paths, config);
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": service,
            "summary": "Statistics of complete editions, read-only.",
            "description": "Every answer says of which edition it is and how far it is complete. \
                Answers without an edition in their address are asked for again with \
                If-None-Match; those with one may be kept for ever.",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "paths": paths,
    });
    if !config.public_url.is_empty() {
        let url = config.public_url.trim_end_matches('/');
        document["servers"] = json!([{ "url": url }]);
    }
    let components: Result<Value, _> = serde_json::from_str(include_str!("components.json"));
    document["components"] = components.unwrap_or_default();
    document
}

fn add_statistic(paths: &mut Map<String, Value>, stat: &Compiled, config: &Serve) {
    let name = &stat.name;
    let own = parameters::of(stat);
    let refusals = [BAD, NOTHING, TOO_MANY, AWAY];
    for (suffix, format) in [("", None), (".json", Some(Format::Json)), (".csv", Some(Format::Csv))]
    {
        let with_language: Vec<Value> = match format {
            None => own.iter().cloned().chain([parameters::language(config)]).collect(),
            Some(_) => own.clone(),
        };
        let content = content_of(format.unwrap_or(Format::Html));
        let id = format!("{name}{}", suffix.replace('.', "_"));
        let mut operation = json!({
            "operationId": id,
            "summary": words(stat.config.title.get("en"), name),
            "tags": ["statistics"],
            "parameters": with_language,
            "responses": responses(&content, format.is_some(), &refusals),
        });
        if !stat.config.description.is_empty() {
            operation["description"] = json!(stat.config.description.get("en"));
        }
        paths.insert(format!("/stats/{name}{suffix}"), json!({ "get": operation }));
        let mut of_edition = operation;
        of_edition["operationId"] = json!(format!("{id}_of_edition"));
        of_edition["tags"] = json!(["editions"]);
        let edition = json!({ "$ref": "#/components/parameters/edition" });
        of_edition["parameters"] = with_language.into_iter().chain([edition]).collect();
        let refusals = [BAD, NOTHING, GONE, TOO_MANY, AWAY];
        of_edition["responses"] = responses(&content, format.is_some(), &refusals);
        let path = format!("/editions/{{edition}}/stats/{name}{suffix}");
        paths.insert(path, json!({ "get": of_edition }));
    }
}

fn of_page(page: &Page, config: &Serve) -> Value {
    let responses = responses(&content_of(Format::Html), false, &[BAD, NOTHING, TOO_MANY, AWAY]);
    json!({ "get": {
        "operationId": format!("page_{}", page.name),
        "summary": words(page.title.get("en"), &page.name),
        "tags": ["pages"],
        "parameters": [parameters::language(config)],
        "responses": responses,
    } })
}

fn words(title: &str, name: &str) -> String {
    if title.is_empty() { name.to_owned() } else { title.to_owned() }
}

/// The addresses that do not depend on the catalogue.
fn add_service(paths: &mut Map<String, Value>, config: &Serve) {
    let page = content_of(Format::Html);
    let json = json!({ "application/json": { "schema": { "type": "object" } } });
    let text = json!({ "text/plain": { "schema": { "type": "string" } } });
    let figures = json!({ "application/openmetrics-text": { "schema": { "type": "string" } } });
    let language = json!([parameters::language(config)]);
    let mut add = |path: &str, summary: &str, parameters: &Value, responses: Value| {
        let id = path.trim_matches('/').replace('.', "_");
        let operation = json!({
            "operationId": if id.is_empty() { "index" } else { &id },
            "summary": summary,
            "tags": ["service"],
            "parameters": parameters,
            "responses": responses,
        });
        paths.insert(path.to_owned(), json!({ "get": operation }));
    };
    let none = json!([]);
    add("/", "Pages and statistics", &language, responses(&page, false, &[BAD, AWAY]));
    add("/openapi.json", "This document", &none, responses(&json, false, &[BAD]));
    add("/healthz", "Whether the server is alive", &none, unkept(&text, &[BAD]));
    let summary = "Whether the edition is confirmed, and ordinary visits run no query";
    add("/readyz", summary, &none, unkept(&text, &[BAD, AWAY]));
    add("/metrics", "Figures for Prometheus", &none, unkept(&figures, &[BAD]));
}

fn content_of(format: Format) -> Value {
    match format {
        Format::Json => {
            json!({ "application/json": { "schema": { "$ref": "#/components/schemas/Answer" } } })
        }
        Format::Csv => json!({ "text/csv": { "schema": { "type": "string" } } }),
        Format::Html => json!({ "text/html": { "schema": { "type": "string" } } }),
    }
}

/// Of an address that is asked for again with its entity tag.
fn responses(content: &Value, is_answer: bool, refusals: &[(u16, &str)]) -> Value {
    let header = |name: &str| json!({ "$ref": format!("#/components/headers/{name}") });
    let mut headers = json!({ "ETag": header("etag"), "Cache-Control": header("cache-control") });
    let conditions = headers.clone();
    if is_answer {
        for (name, of) in [
            ("Link", "link"),
            ("Levada-Edition", "edition"),
            ("Levada-Version", "version"),
            ("Levada-State", "state"),
            ("Levada-Complete", "complete"),
            ("Levada-As-Of", "moment"),
            ("Levada-Published-At", "moment"),
            ("Levada-Computed-At", "moment"),
            ("Levada-Closed-Through", "moment"),
            ("Levada-Confirmed-At", "moment"),
            ("Levada-Range-From", "label"),
            ("Levada-Range-To", "label"),
            ("Levada-Missing", "missing"),
        ] {
            headers[name] = header(of);
        }
    }
    let mut responses = unkept(content, refusals);
    responses["200"]["headers"] = headers;
    responses["304"] =
        json!({ "description": "If-None-Match names what is known.", "headers": conditions });
    responses
}

/// Of an address that is always answered anew.
fn unkept(content: &Value, refusals: &[(u16, &str)]) -> Value {
    let mut responses = json!({ "200": { "description": "The answer.", "content": content } });
    let problem = json!({ "schema": { "$ref": "#/components/schemas/Problem" } });
    for (status, description) in refusals {
        let mut response = json!({
            "description": description,
            "content": { "application/problem+json": problem, "text/html": {} },
        });
        if matches!(status, 429 | 503) {
            response["headers"] =
                json!({ "Retry-After": { "$ref": "#/components/headers/retry-after" } });
        }
        responses[status.to_string()] = response;
    }
    responses
}
