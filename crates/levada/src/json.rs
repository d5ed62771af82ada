//! The shape of `--json`: one object a line, its kind first.

use serde::Serialize;
use serde_json::{Value, json};

/// `{"type": kind, …}`: the fields of an object beside its type, anything else as `value`.
pub(crate) fn line<T: Serialize>(kind: &str, value: &T) -> String {
    let value = serde_json::to_value(value).unwrap_or(Value::Null);
    let mut object = json!({ "type": kind });
    match (value, object.as_object_mut()) {
        (Value::Object(fields), Some(object)) => object.extend(fields),
        (other, Some(object)) => {
            object.insert("value".to_owned(), other);
        }
        _ => {}
    }
    object.to_string()
}
