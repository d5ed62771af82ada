//! The parameters of a statistic: types and bounds as `catalogue::parameter` reads them.

use serde_json::{Value, json};

use crate::catalogue::Compiled;
use crate::config::{Kind, Last, Parameter, Scalar, Serve};

/// In the order of their names, the range last.
pub(super) fn of(stat: &Compiled) -> Vec<Value> {
    let own = stat.parameters.iter().map(|(name, parameter)| {
        let is_filter = stat.config.filter.contains(name);
        let mut described = json!({
            "name": name,
            "in": "query",
            "required": parameter.default.is_none() && !is_filter,
            "schema": schema(parameter),
        });
        if !parameter.title.is_empty() {
            described["description"] = json!(parameter.title.get("en"));
        } else if is_filter {
            described["description"] = json!("Rows with this value alone.");
        }
        described
    });
    own.chain(stat.config.last.iter().flat_map(range)).collect()
}

/// The language of a page.
pub(super) fn language(config: &Serve) -> Value {
    json!({
        "name": "lang",
        "in": "query",
        "description": "The language. Default: the one of the site's that Accept-Language prefers.",
        "schema": { "type": "string", "enum": config.languages },
    })
}

fn schema(parameter: &Parameter) -> Value {
    let mut schema = match parameter.kind {
        Kind::Integer => json!({ "type": "integer", "format": "int64" }),
        Kind::Boolean => json!({ "type": "boolean" }),
        Kind::Date => json!({ "type": "string", "format": "date" }),
        // The texts that a query knows are as many as it finds: they are not listed.
        Kind::Text => json!({ "type": "string" }),
    };
    let bounds = [("minimum", &parameter.min), ("maximum", &parameter.max)];
    match parameter.kind {
        Kind::Integer => {
            for (word, bound) in bounds {
                if let Some(bound) = bound {
                    schema[word] = value(bound);
                }
            }
        }
        // JSON Schema has no words for the first and the last day.
        Kind::Date => {
            if let (Some(min), Some(max)) = (&parameter.min, &parameter.max) {
                schema["description"] = json!(format!("From {min} to {max}."));
            }
        }
        Kind::Text if parameter.values_from.is_none() && !parameter.values.is_empty() => {
            schema["enum"] = json!(parameter.values);
        }
        Kind::Text | Kind::Boolean => {}
    }
    if let Some(default) = &parameter.default {
        schema["default"] = value(default);
    }
    schema
}

fn value(scalar: &Scalar) -> Value {
    match scalar {
        Scalar::Boolean(value) => json!(value),
        Scalar::Integer(value) => json!(value),
        Scalar::Text(value) => json!(value),
    }
}

fn range(last: &Last) -> [Value; 3] {
    let end = |name: &str, which: &str| {
        json!({
            "name": name,
            "in": "query",
            "description": format!(
                "The {which} bucket, as answers call it, such as 2025-01-31; not together with \
                 `{}`, and {} buckets at most.", last.name, last.max
            ),
            "schema": {
                "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}", "maxLength": 32,
            },
        })
    };
    let count = json!({
        "name": last.name,
        "in": "query",
        "description": "So many complete buckets, the last ones that there are.",
        "schema": {
            "type": "integer", "minimum": 1, "maximum": last.max, "default": last.default,
        },
    });
    [count, end("from", "first"), end("to", "last")]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The edition knows the values of a dimension: an empty list would allow none.
    #[test]
    fn filters_are_any_text() {
        let text = "name = \"s\"\ntitle = \"S\"\nrollup = \"r\"\nfilter = [\"kind\"]";
        let stat = Compiled::new(&toml::from_str(text).unwrap(), ".".as_ref(), "reports").unwrap();
        assert_eq!(of(&stat)[0]["schema"], json!({ "type": "string" }));
    }
}
