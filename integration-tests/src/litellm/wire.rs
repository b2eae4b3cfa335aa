//! LiteLLM's two keys in Redis, as a test reads and forges them. Written apart from the daemon's own code, so that one
//! misunderstanding cannot stand on both sides.

use serde_json::Value;

/// Holds the JSON string that names the pod which probes.
pub const LOCK_KEY: &str = "health_check_lock";
/// Holds the results: JSON inside a JSON string.
pub const RESULTS_KEY: &str = "health_check_results";

/// The object inside; none where the bytes are something else.
#[must_use]
pub fn decode(bytes: &[u8]) -> Option<Value> {
    let inner: String = serde_json::from_slice(bytes).ok()?;
    let value: Value = serde_json::from_str(&inner).ok()?;
    value.is_object().then_some(value)
}

/// The text that LiteLLM would write for this object, but for spaces.
#[must_use]
pub fn encode(value: &Value) -> String {
    Value::String(value.to_string()).to_string()
}
